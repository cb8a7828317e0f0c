import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Frame } from "../../../lib/points/frame.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { StoreClient } from "../../../lib/store/client.ts";
import { openStore } from "../../../lib/store/open.ts";
import type { StoreHealth } from "../../../lib/store/types.ts";
import { frameOf, type Row, rowsOf, START, TINY } from "./fixtures.ts";
import { tempFolder } from "./temp-folder.ts";

const A = seriesRef("plant/a", { site: "madrid" }, "°C");
const row = (n: number): Row => [A, START + n, n];
const rows = (n: number, from = 0): Frame => frameOf(Array.from({ length: n }, (_, i) => row(from + i)));

test("the folder is made, and what was appended is there after a reopen", async () => {
  const file = join(tempFolder(), "deep", "down", "kpis.db");
  const store = await openStore({ file });
  const waiting = [store.append(rows(3)), store.append(rows(2, 3))];
  // Nothing was awaited: close commits it.
  await store.close();
  await store.close();
  assert.deepEqual(await Promise.all(waiting), [
    { seq: 1, points: 3 },
    { seq: 1, points: 2 },
  ]);
  const again = await openStore({ file });
  assert.deepEqual(rowsOf(await again.read({})), rowsOf(rows(5)));
  const stats = await again.stats();
  assert.deepEqual(
    { ...stats, bytes: 0, sqlite: "" },
    { file, bytes: 0, series: 1, points: 5, waiting: 0, seq: 1, commits: 0, sqlite: "", warnings: [] },
  );
  assert.ok(stats.bytes > 4096);
  await again.close();
});

test("frames come back with one SeriesRef a series, and ours stay whole", async (t) => {
  const store = await openStore({ file: join(tempFolder(), "kpis.db"), commitEvery: 1 });
  t.after(() => store.close());
  const frame = rows(3);
  await store.append(frame);
  assert.deepEqual([frame.times.length, frame.values[2]], [3, 2]);
  const [one, two] = [await store.read({}), await store.last({})];
  assert.equal(one.ref(0), two.ref(0));
  assert.deepEqual(one.ref(0), A);
  assert.ok(Object.isFrozen(one.ref(0)));
  await store.append(frameOf([[seriesRef("plant/a", { site: "madrid" }, "K"), START + 9, 9]]));
  assert.equal((await store.read({})).ref(0).unit, "K");
  // The first ref again: the last one told wins.
  await store.append(frameOf([row(10)]));
  assert.equal((await store.list({}))[0]!.unit, "°C");
  assert.deepEqual(rowsOf((await store.replay(1, 1)).frame), [[A.key, START + 9, 9]]);
});

test("frames larger than a batch, and empty ones", async (t) => {
  const store = await openStore({ file: join(tempFolder(), "kpis.db"), commitEvery: 1 });
  t.after(() => store.close());
  const [small, large, empty] = await Promise.all([10, 5000, 0].map((n, i) => store.append(rows(n, i * 10))));
  assert.deepEqual([small!.points, large!.points, empty], [10, 5000, { seq: 0, points: 0 }]);
  assert.equal((await store.read({})).length, 5010);
  assert.equal((await store.append(rows(0))).seq, large!.seq);
});

test("past the queue's limit points are refused with the numbers", async (t) => {
  const store = await openStore({ file: join(tempFolder(), "kpis.db"), maxWaiting: 100, commitEvery: 5 });
  t.after(() => store.close());
  const first = store.append(rows(80));
  await assert.rejects(store.append(rows(21)), { code: "store-full", message: /21 more points: 80 of at most 100/ });
  assert.equal((await store.stats()).waiting, 80);
  await first;
  await store.append(rows(100));
});

test("what would break a file is refused", async (t) => {
  const store = await openStore({ file: join(tempFolder(), "kpis.db"), commitEvery: 1 });
  t.after(() => store.close());
  for (const time of [Number.NaN, Infinity, START + 0.5]) {
    await assert.rejects(store.append(frameOf([[A, time, 1]])), { name: "VigiaError", code: "bad-time" });
  }
  const lost = new Frame([A], Uint32Array.of(1), Float64Array.of(START), Float64Array.of(1));
  await assert.rejects(store.append(lost), { code: "bad-frame" });
  await assert.rejects(store.read({ series: "a/#/b" }), { code: "bad-pattern", field: "series", value: "a/#/b" });
  await assert.rejects(store.read({ limit: 0 }), { code: "bad-query", allowed: "a whole number of at least 1" });
  await store.append(rows(1));
  assert.equal((await store.read({})).length, 1);
});

test("a file has one writer, also within a process", async () => {
  const file = join(tempFolder(), "kpis.db");
  const store = await openStore({ file });
  await assert.rejects(openStore({ file }), { code: "store-locked", message: new RegExp(file) });
  await store.close();
  await (await openStore({ file })).close();
});

test("what cannot be opened says why", async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, "text"), "plain text, ".repeat(1000));
  mkdirSync(join(folder, "folder.db"));
  await assert.rejects(openStore({ file: join(folder, "text") }), { name: "VigiaError", code: "store-corrupt" });
  await assert.rejects(openStore({ file: join(folder, "text", "kpis.db") }), { code: "store-unwritable" });
  await assert.rejects(openStore({ file: join(folder, "folder.db") }), { code: "store-unwritable" });
  await assert.rejects(openStore({ file: "" }), { code: "bad-option", field: "file" });
  await assert.rejects(openStore({ file: join(folder, "a.db"), commitPoints: 0 }), { code: "bad-option" });
});

test("after close everything is refused", async () => {
  const store = await openStore({ file: join(tempFolder(), "kpis.db") });
  await store.close();
  for (const ask of [() => store.append(rows(1)), () => store.read({}), () => store.stats(), () => store.replay(0)]) {
    await assert.rejects(ask(), { name: "VigiaError", code: "store-closed" });
  }
});

test("a big flush lets commits and reads have their turn", async (t) => {
  const series = Array.from({ length: 300 }, (_, n) => seriesRef(`plant/${n}`));
  const file = join(tempFolder(), "kpis.db");
  const store = await openStore({
    file,
    commitPoints: 1,
    tuning: { headPoints: 3000, headPerSeries: 0, sliceSeries: 1 },
  });
  t.after(() => store.close());
  const round = (n: number) => frameOf(series.map((ref) => [ref, START + n, n]));
  for (let n = 0; n < 9; n++) await store.append(round(n));
  const db = new DatabaseSync(file, { readOnly: true });
  t.after(() => db.close());
  const unflushed = () => db.prepare("SELECT count(*) AS n FROM series WHERE flushed = 0").get()!.n as number;
  // With this one a flush of 300 transactions is due.
  await store.append(round(9));
  await Promise.all([store.append(round(10)), store.read({ keys: ["plant/7"] })]);
  assert.ok(unflushed() > 0, "both were answered before its end");
  while (unflushed() > 0) await store.stats();
  assert.equal((await store.read({})).length, 3300);
});

test("a dead worker rejects what waits, and says so", async () => {
  const options = { file: join(tempFolder(), "kpis.db"), tuning: TINY };
  const worker = new Worker(new URL("../../../lib/store/worker.ts", import.meta.url));
  const store = await new StoreClient(worker, options).open();
  const seen: StoreHealth[] = [];
  const stop = store.watch((health) => seen.push(health));
  await store.append(rows(3));
  const waiting = assert.rejects(store.append(rows(3, 3)), { name: "VigiaError", code: "worker-died" });
  // Nobody looks at this one.
  store.append(rows(3, 6));
  await worker.terminate();
  await waiting;
  assert.equal(seen.length, 1);
  assert.deepEqual(seen[0], store.health);
  assert.ok(store.health.state === "failing" && store.health.code === "worker-died");
  await assert.rejects(store.read({}), { code: "worker-died" });
  await assert.rejects(store.append(rows(1)), { code: "worker-died" });
  stop();
  await store.close();
  const again = await openStore(options);
  assert.deepEqual(rowsOf(await again.read({})), rowsOf(rows(3)));
  await again.close();
});

test("a load comes after what was appended before it and before what is appended after it, and in no replay", async (t) => {
  const store = await openStore({ file: join(tempFolder(), "kpis.db") });
  t.after(() => store.close());
  const value = (n: number) =>
    frameOf([
      [A, START, n],
      [A, START + n, n],
    ]);
  const done = await Promise.all([
    store.append(value(1)),
    store.load(value(2)),
    store.load(rows(0)),
    store.append(value(3)),
  ]);
  assert.deepEqual(
    done.map(({ seq }) => seq),
    [1, 2, 0, 3],
  );
  assert.deepEqual(
    rowsOf(await store.read({})).map(([, , one]) => one),
    [3, 1, 2, 3],
  );
  const { frame, cursor, complete } = await store.replay(0);
  assert.deepEqual([[...frame.values], cursor, complete], [[1, 1, 3, 3], 3, true]);
  await assert.rejects(store.load(frameOf([[A, 0.5, 1]])), { code: "bad-time" });
  await assert.rejects(store.load(frameOf([[A, 9e15, 1]])), { code: "bad-time" });
});
