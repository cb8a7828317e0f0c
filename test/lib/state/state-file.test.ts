import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { VigiaError } from "../../../lib/points/error.ts";
import { StateDatabase } from "../../../lib/state/database.ts";
import type { Changes } from "../../../lib/state/keyed-state.ts";
import { StateFile } from "../../../lib/state/state-file.ts";
import { ManualClock, record, tempFile } from "./helpers.ts";

const CHILD = fileURLToPath(new URL("./save-child.ts", import.meta.url));
const DAY = 86_400_000;
const T = Date.UTC(2026, 0, 1);

const changes = (more: Partial<Changes>): Changes => ({ version: 1, put: [], drop: [], ...more });

test("what was saved is loaded, node by node, also after the file was closed", () => {
  const path = tempFile("not/yet/there/state.db");
  const first = new StateFile(path);
  assert.equal(first.load("a"), undefined);
  const rich = { series: "ü/😀", tags: { site: "x" }, unit: "°C", data: [1, null, { deep: ["Infinity"] }] };
  first.save(
    "a",
    changes({
      cursor: 5,
      shared: { late: 2 },
      put: [
        ["k", rich],
        ["__proto__", record(1)],
      ],
    }),
    T,
  );
  first.save("b", changes({ put: [["k", record(9)]] }), T);
  first.close(T);
  const second = new StateFile(path);
  const a = second.load("a")!;
  assert.deepEqual(
    { ...a, records: Object.entries(a.records) },
    {
      version: 1,
      cursor: 5,
      shared: { late: 2 },
      records: [
        ["__proto__", record(1)],
        ["k", rich],
      ],
    },
  );
  assert.deepEqual(second.load("b"), { version: 1, records: { k: record(9) } });
  second.close(T);
});

test("a save puts, replaces and drops; what it does not name stays", () => {
  const file = new StateFile(tempFile());
  file.save(
    "a",
    changes({
      cursor: 1,
      put: [
        ["x", record(1)],
        ["y", record(2)],
        ["z", record(3)],
      ],
    }),
    T,
  );
  file.save("a", changes({ version: 2, put: [["y", record(7)]], drop: ["z", "never there"] }), T);
  assert.deepEqual(file.load("a"), { version: 2, records: { x: record(1), y: record(7) } });
  file.forget("a");
  assert.equal(file.load("a"), undefined);
  file.close(T);
});

test("a save is whole or not at all", () => {
  const file = new StateFile(tempFile());
  file.save("a", changes({ cursor: 1, put: [["x", record(1)]] }), T);
  const loop: { self?: unknown } = {};
  loop.self = loop;
  const bad = changes({
    cursor: 2,
    put: [
      ["x", record(2)],
      ["y", record(loop as never)],
    ],
  });
  assert.throws(() => file.save("a", bad, T), TypeError);
  assert.deepEqual(file.load("a"), { version: 1, cursor: 1, records: { x: record(1) } });
  file.close(T);
});

test("a node that is gone for 90 days is forgotten; one that only had nothing to say is not", () => {
  const path = tempFile();
  const first = new StateFile(path);
  for (const node of ["gone", "silent", "paused"]) first.save(node, changes({ put: [["x", record(1)]] }), T);
  first.close(T);
  const second = new StateFile(path);
  assert.ok(second.load("silent"));
  second.close(T + 80 * DAY);
  const third = new StateFile(path);
  assert.ok(third.load("silent"));
  assert.ok(third.load("paused"), "nothing is forgotten before it could be asked for");
  third.close(T + 300 * DAY);
  const last = new StateFile(path);
  assert.deepEqual(
    ["gone", "silent", "paused"].map((node) => last.load(node) !== undefined),
    [false, true, true],
  );
  last.close(T + 300 * DAY);
  const db = new DatabaseSync(path);
  assert.equal(db.prepare("SELECT count(*) AS n FROM record").get()!.n, 2);
  db.close();
});

test("a file of a newer release, and one that is no database, is an error and stays as it is", () => {
  const path = tempFile();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 99");
  db.close();
  assert.throws(() => new StateFile(path), { code: "bad-state", value: 99, allowed: "up to 1" });
  const text = tempFile();
  writeFileSync(text, "this is no database, however long one looks at it".repeat(100));
  assert.throws(() => new StateFile(text), /not a database/);
});

/** A process that saves; its lines are the saves that are on disk. */
function saver(path: string, ...args: string[]) {
  const child = spawn(process.execPath, [CHILD, path, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  return { child, lines: createInterface({ input: child.stdout }), exited };
}

test("kill -9 in the middle of saves leaves the last complete save", { timeout: 30_000 }, async () => {
  const path = tempFile();
  let told = 0;
  for (const after of [1, 7, 20]) {
    const { child, lines, exited } = saver(path, "node");
    let n = 0;
    for await (const line of lines) {
      told = Number(line);
      if (++n === after) child.kill("SIGKILL");
    }
    await exited;
    const file = new StateFile(path);
    const { cursor, shared, records } = file.load("node")!;
    file.close(T);
    assert.ok(cursor! >= told, `save ${told} was on disk`);
    assert.ok(cursor! <= told + 1, "and at most the one after it, which could not be told any more");
    assert.equal(shared, cursor);
    assert.equal(Object.keys(records).length, 40);
    for (const { data } of Object.values(records))
      assert.equal((data as { n: number }).n, cursor, "no save is half there");
  }
});

test("two processes save to one file, each its own node, and read each other whole", { timeout: 30_000 }, async () => {
  const path = tempFile();
  const file = new StateFile(path);
  const savers = ["a", "b"].map((node) => saver(path, node, "15"));
  let looks = 0;
  for await (const _ of savers[0]!.lines) {
    for (const node of ["a", "b"]) {
      const state = file.load(node);
      if (!state) continue;
      looks++;
      for (const { data } of Object.values(state.records)) assert.equal((data as { n: number }).n, state.cursor);
    }
    file.save("mine", changes({ put: [["x", record(looks)]] }), T);
  }
  assert.deepEqual(await Promise.all(savers.map(async ({ exited }) => (await exited)[0])), [0, 0]);
  assert.ok(looks >= 15);
  assert.deepEqual([file.load("a")?.cursor, file.load("b")?.cursor], [15, 15]);
  assert.deepEqual(file.load("mine")?.records, { x: record(looks) });
  file.close(T);
});

test("StateDatabase: the same behind a thread of its own", async () => {
  const path = tempFile();
  const clock = new ManualClock();
  const first = new StateDatabase(path, clock);
  assert.equal(await first.load("a"), undefined);
  await Promise.all([
    first.save("a", changes({ cursor: 1, put: [["x", record(1)]] })),
    first.save("a", changes({ cursor: 2, put: [["y", record(2)]] })),
    first.save("b", changes({ put: [["x", record(3)]] })),
  ]);
  await first.forget("b");
  await first.close();
  const second = new StateDatabase(path, clock);
  assert.deepEqual(await second.load("a"), { version: 1, cursor: 2, records: { x: record(1), y: record(2) } });
  assert.equal(await second.load("b"), undefined);
  await second.close();
  await assert.rejects(second.load("a"), VigiaError);
});

test("StateDatabase: a folder that cannot be had is an answer to each request, and no dead thread", async () => {
  const path = tempFile();
  mkdirSync(path);
  const database = new StateDatabase(path, new ManualClock());
  await assert.rejects(database.load("a"), VigiaError);
  await assert.rejects(database.save("a", changes({})), VigiaError);
  await database.close();
  assert.ok(existsSync(path));
});
