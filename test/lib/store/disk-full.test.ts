import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { seriesRef } from "../../../lib/points/series.ts";
import { Engine } from "../../../lib/store/engine.ts";
import { openStore } from "../../../lib/store/open.ts";
import type { Store, StoreHealth } from "../../../lib/store/types.ts";
import {
  checkWhole,
  expireAll,
  flushAll,
  frameOf,
  logRows,
  ManualClock,
  type Row,
  rowsOf,
  START,
  sameRows,
  TINY,
} from "./fixtures.ts";
import { tempFolder } from "./temp-folder.ts";

const REFS = Array.from({ length: 20 }, (_, n) => seriesRef(`plant/${n}`));

/** A small disk of its own; `undefined`, with a line that says so, where this cannot be. */
function smallDisk(t: TestContext): string | undefined {
  const folder = join(tempFolder(), "disk");
  mkdirSync(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], { stdio: "pipe" });
  } catch (thrown) {
    if (process.env.CI) throw thrown;
    t.skip("a tmpfs cannot be mounted here: needs root");
    return undefined;
  }
  t.after(() => execFileSync("umount", ["-l", folder]));
  return folder;
}

/** Takes all room that is left; gives how to give it back. */
function fill(folder: string): () => void {
  const filler = join(folder, "filler");
  const file = openSync(filler, "w");
  try {
    for (let size = 65_536; size >= 1; ) {
      try {
        if (writeSync(file, Buffer.alloc(size)) < size) size = 1;
      } catch {
        size >>= 1;
      }
    }
  } finally {
    closeSync(file);
  }
  return () => rmSync(filler);
}

function healthy(store: Store, wanted: (health: StoreHealth) => boolean): Promise<StoreHealth> {
  return new Promise((resolve) => {
    const look = (health: StoreHealth) => {
      if (!wanted(health)) return;
      stop();
      resolve(health);
    };
    const stop = store.watch(look);
    look(store.health);
  });
}

const batch = (n: number): Row[] => REFS.map((ref, slot) => [ref, START + n * 1000, n + slot / 100]);
/** Behind the others. */
const LOADED = Array.from({ length: 200 }).flatMap((_, n) => batch(2000 + n));
const sorted = (rows: Row[]): Row[] =>
  rows.toSorted(([a, s], [b, u]) => (a.key === b.key ? s - u : a.key < b.key ? -1 : 1));

test("a full disk: health says so, nothing is lost or doubled, and it recovers by itself", {
  timeout: 60_000,
}, async (t) => {
  const folder = smallDisk(t);
  if (folder === undefined) return;
  const file = join(folder, "kpis.db");
  const options = { file, commitEvery: 5, commitPoints: 100, maxWaiting: 3000, tuning: { ...TINY, chunkPoints: 50 } };
  let store = await openStore(options);
  t.after(() => store.close());
  let n = 0;
  for (; n < 50; n++) await store.append(frameOf(batch(n)));

  const free = fill(folder);
  const waiting: Promise<unknown>[] = [];
  while (store.health.state === "open") {
    // Some still find room in the write-ahead log.
    await Promise.race([
      healthy(store, ({ state }) => state === "failing"),
      waiting[waiting.push(store.append(frameOf(batch(n++)))) - 1],
    ]);
  }
  assert.equal(store.health.code, "store-disk-full");
  assert.match(store.health.reason, /disk full.*kpis\.db/);

  const before = (await store.stats()).seq;
  const late = Array.from({ length: 30 }, () => store.append(frameOf(batch(n++))));
  assert.ok((await store.read({})).length >= 50 * REFS.length, "reading goes on");
  await assert.rejects(store.append(frameOf(Array.from({ length: 200 }).flatMap((_, i) => batch(i)))), {
    code: "store-full",
    message: /at most 3000.*disk full/,
  });

  free();
  await Promise.all([...waiting, ...late]);
  assert.deepEqual(await healthy(store, ({ state }) => state === "open"), { state: "open" });
  assert.ok((await store.stats()).seq > before);
  const all = rowsOf(frameOf(sorted(Array.from({ length: n }).flatMap((_, i) => batch(i)))));
  sameRows(rowsOf(await store.read({})), all);
  await store.close();
  store = await openStore(options);
  sameRows(rowsOf(await store.read({})), all);
});

test("a flush that meets a full disk leaves everything as it was", (t) => {
  const folder = smallDisk(t);
  if (folder === undefined) return;
  const file = join(folder, "kpis.db");
  const open = () => new Engine(file, new ManualClock(), { chunkPoints: 500, sliceSeries: 3 });
  let engine = open();
  t.after(() => engine.close());
  const rows = Array.from({ length: 1000 }).flatMap((_, i) => batch(i));
  for (let n = 0; n < 10; n++) engine.commit([logRows(engine, frameOf(rows.slice(n * 2000, n * 2000 + 2000)))]);
  const all = rowsOf(frameOf(sorted(rows)));

  const free = fill(folder);
  for (let again = 0; again < 3; again++) {
    assert.throws(() => flushAll(engine), { name: "VigiaError", code: "store-disk-full" });
    sameRows(rowsOf(engine.reading.read({})), all);
  }
  free();
  flushAll(engine);
  sameRows(rowsOf(engine.reading.read({})), all);
  assert.deepEqual(new Set(engine.reading.list({}).map(({ count }) => count)), new Set([1000]));
  engine.close();
  engine = open();
  sameRows(rowsOf(engine.reading.read({})), all);
});

for (const [what, run, done] of [
  ["a delete", (engine) => engine.delete({ from: START + 100_000 }), (left) => left === 100 * REFS.length],
  ["a snapshot", (engine) => engine.snapshot("now"), (left) => left === 1000 * REFS.length],
  [
    "a load",
    (engine) => engine.load(logRows(engine, frameOf(LOADED))),
    (left) => left === 1000 * REFS.length + LOADED.length,
  ],
  ["an expiry", (engine) => expireAll(engine), (left) => left === 0],
] as [string, (engine: Engine) => unknown, (left: number) => boolean][]) {
  test(`${what} that meets a full disk changes nothing, or some series as a whole, and is done once there is room`, (t) => {
    const folder = smallDisk(t);
    if (folder === undefined) return;
    const file = join(folder, "kpis.db");
    const clock = new ManualClock();
    const policies = what === "an expiry" ? [{ keep: 86_400_000 }] : [];
    const open = () => new Engine(file, clock, { chunkPoints: 500 }, policies);
    let engine = open();
    t.after(() => engine.close());
    const rows = Array.from({ length: 1000 }).flatMap((_, i) => batch(i));
    engine.load(logRows(engine, frameOf(rows.slice(0, 12_000))));
    for (let n = 12_000; n < rows.length; n += 2000) engine.commit([logRows(engine, frameOf(rows.slice(n, n + 2000)))]);
    clock.advance(5 * 86_400_000);
    const counts = () => {
      const edges = [START - 86_400_000, START + 1e12];
      const frame = engine.reading.aggregate({ edges, aggregates: ["count", "sum", "last"] });
      return ["count", "sum", "last"].map((name) => [...frame.columns[name]!]);
    };
    const all = rowsOf(engine.reading.read({}));
    const before = counts();

    const free = fill(folder);
    for (let again = 0; again < 3; again++) {
      assert.throws(() => run(engine), { name: "VigiaError", code: "store-disk-full", message: /disk full.*kpis\.db/ });
      assert.deepEqual(counts(), before, "also half done, rollups stand for what has gone");
      if (what !== "an expiry") sameRows(rowsOf(engine.reading.read({})), all);
      assert.deepEqual(engine.reading.snapshots.list(), []);
    }
    engine.close();
    engine = open();
    assert.deepEqual(counts(), before);
    free();
    run(engine);
    assert.ok(done(engine.reading.read({}).length));
    engine.close();
    engine = open();
    assert.ok(done(engine.reading.read({}).length));
    checkWhole(file);
  });
}

test("a backup or a restore that meets a full disk says so, leaves no half file, and the store goes on", {
  timeout: 60_000,
}, async (t) => {
  const folder = smallDisk(t);
  if (folder === undefined) return;
  const file = join(folder, "kpis.db");
  const store = await openStore({ file, commitEvery: 1 });
  t.after(() => store.close());
  const rows = Array.from({ length: 8000 }).flatMap((_, i) => batch(i));
  await store.load(frameOf(rows));
  const [copy, outside] = [join(folder, "copy.db"), join(tempFolder(), "copy.db")];
  await store.backup(copy);
  const size = statSync(copy).size;
  await store.backup(outside);
  await store.append(frameOf(batch(8000)));

  const free = fill(folder);
  for (let again = 0; again < 2; again++) {
    await assert.rejects(store.backup(copy), { name: "VigiaError", code: "store-disk-full", message: /copy\.db/ });
    await assert.rejects(store.restore(outside), { name: "VigiaError", code: "store-disk-full", message: /kpis\.db/ });
    assert.deepEqual(
      readdirSync(folder).filter((name) => /making|restor/.test(name)),
      [],
    );
    assert.equal(statSync(copy).size, size, "the earlier copy stays");
    assert.equal((await store.read({})).length, 8001 * REFS.length);
  }
  free();
  await store.backup(copy);
  checkWhole(copy);
  await store.restore(outside);
  assert.equal((await store.read({})).length, 8000 * REFS.length);
});

test("a folder on a read-only disk is unwritable", async (t) => {
  const folder = smallDisk(t);
  if (folder === undefined) return;
  const file = join(folder, "kpis.db");
  await (await openStore({ file })).close();
  execFileSync("mount", ["-o", "remount,ro", folder]);
  for (const name of ["kpis.db", "new.db", "deep/new.db"]) {
    await assert.rejects(openStore({ file: join(folder, name) }), {
      name: "VigiaError",
      code: "store-unwritable",
      message: /must be writable/,
    });
  }
});
