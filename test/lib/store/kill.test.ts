import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Engine } from "../../../lib/store/engine.ts";
import { openStore } from "../../../lib/store/open.ts";
import { Dice, ManualClock, TINY } from "./fixtures.ts";
import { ingestFrame } from "./ingest-frame.ts";
import { tempFolder } from "./temp-folder.ts";

const CHILD = fileURLToPath(new URL("./ingest-child.ts", import.meta.url));
const KILLS = 8;

/** Starts the ingest and gives its lines; `kill` is as hard as it gets. */
function ingest(t: TestContext, file: string, first: number) {
  const child = spawn(process.execPath, [CHILD, file, String(first)], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  t.after(kill);
  return { lines: createInterface({ input: child.stdout }), kill };
}

test("kill -9 during ingest loses nothing that was acknowledged and doubles nothing", {
  timeout: 60_000,
}, async (t) => {
  const file = join(tempFolder(), "kpis.db");
  const dice = new Dice(7);
  const acknowledged = new Set<number>();
  let seqs: number[] = [];
  let first = 0;
  for (let round = 0; round < KILLS; round++) {
    const before = Math.max(0, ...seqs);
    seqs = [];
    const { lines, kill } = ingest(t, file, first);
    const enough = dice.int(1, 250);
    for await (const line of lines) {
      if (line === "open") continue;
      const [frame, seq] = line.split(" ").map(Number) as [number, number];
      acknowledged.add(frame);
      seqs.push(seq);
      // The kill comes while more is written; what was printed until then is read to its end.
      if (seqs.length === enough) void kill();
    }
    assert.ok(Math.min(...seqs) > before, "no sequence number comes twice");
    first = Math.max(...acknowledged) + 100;
  }

  const engine = new Engine(file, new ManualClock(Date.now()), TINY);
  const frame = engine.read({});
  engine.close();
  const found = new Map<string, number>();
  for (let row = 0; row < frame.length; row++) {
    const key = `${frame.ref(row).key} ${frame.times[row]}`;
    assert.ok(!found.has(key), `${key} is there twice`);
    found.set(key, frame.values[row]!);
  }
  for (const n of acknowledged) {
    for (const [{ key }, time, value] of ingestFrame(n)) assert.equal(found.get(`${key} ${time}`), value);
  }
  const db = new DatabaseSync(file, { readOnly: true });
  assert.deepEqual(db.prepare("PRAGMA integrity_check").all(), [{ __proto__: null, integrity_check: "ok" }]);
  assert.ok((db.prepare("SELECT count(*) AS n FROM chunk").get()!.n as number) > 0, "flushes took place");
  db.close();
  t.diagnostic(`${KILLS} kills, ${acknowledged.size} frames acknowledged`);
});

test("another process that writes the file keeps us out, and not a moment longer than it lives", {
  timeout: 60_000,
}, async (t) => {
  const file = join(tempFolder(), "kpis.db");
  const { lines, kill } = ingest(t, file, 0);
  await once(lines, "line");
  await assert.rejects(openStore({ file }), {
    name: "VigiaError",
    code: "store-locked",
    message: /kpis\.db.*another runtime/,
  });
  await kill();
  await (await openStore({ file })).close();
});

test("another process reads the file with SQLite alone while it is written, and what it sees fits together", {
  timeout: 60_000,
}, async (t) => {
  const file = join(tempFolder(), "kpis.db");
  const { lines } = ingest(t, file, 0);
  await once(lines, "line");
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  t.after(() => db.close());
  const rowsPerFrame = ingestFrame(0).length;
  let most = 0;
  for (let look = 0; look < 40; look++) {
    await once(lines, "line");
    db.exec("BEGIN");
    let points = Number(db.prepare("SELECT total(n) AS n FROM chunk").get()!.n);
    const flushed = new Map(
      db
        .prepare("SELECT sid, flushed FROM series")
        .all()
        .map((row) => [row.sid, row.flushed]),
    );
    for (const { seq, data } of db.prepare("SELECT seq, data FROM log").iterate()) {
      const bytes = data as Uint8Array;
      const n = bytes.byteLength / 20;
      const sids = new Uint32Array(bytes.buffer, bytes.byteOffset + 16 * n, n);
      points += sids.filter((sid) => (seq as number) > (flushed.get(sid) as number)).length;
    }
    db.exec("COMMIT");
    assert.equal(points % rowsPerFrame, 0, "whole frames only");
    assert.ok(points >= most);
    most = points;
  }
  assert.ok(most > 0);
});
