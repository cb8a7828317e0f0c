import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { seriesRef } from "../../../lib/points/series.ts";
import { sqliteWarning } from "../../../lib/store/database.ts";
import { Engine } from "../../../lib/store/engine.ts";
import { Bench, flushAll, frameOf, ManualClock, type Row, rowsOf, START, TINY } from "./fixtures.ts";
import { tempFolder } from "./temp-folder.ts";

const A = seriesRef("plant/a", { site: "madrid" }, "°C");
const B = seriesRef("plant/b");

test("sequence numbers are never used again, also when the log is empty and the file was closed", (t) => {
  const bench = new Bench(t);
  for (let n = 1; n <= 3; n++) assert.equal(bench.commit([A, START + n, n]), n);
  bench.clock.advance(TINY.keepLogFor + 1);
  flushAll(bench.engine);
  assert.deepEqual(bench.sql("SELECT count(*) AS n FROM log"), [{ __proto__: null, n: 0 }]);
  bench.reopen();
  assert.equal(bench.engine.seq, 3);
  assert.equal(bench.commit([A, START + 4, 4]), 4);
});

test("a cursor tells whether commits are missing", (t) => {
  const bench = new Bench(t);
  for (let n = 1; n <= 6; n++) {
    bench.commit([A, START + n, n], [B, START + n, -n]);
    bench.clock.advance(1000);
  }
  assert.deepEqual(bench.engine.reading.replay(6), {
    ...bench.engine.reading.replay(6),
    frame: frameOf([]),
    cursor: 6,
    more: false,
    complete: true,
  });

  const page = bench.engine.reading.replay(2, 4);
  assert.deepEqual([page.cursor, page.more, page.complete], [4, true, true]);
  assert.deepEqual(
    rowsOf(page.frame),
    [3, 4].flatMap((n) => [
      [A.key, START + n, n],
      [B.key, START + n, -n],
    ]),
  );
  assert.equal(bench.engine.reading.replay(0, 1).frame.length, 2, "a commit is never taken apart");

  flushAll(bench.engine);
  assert.equal(bench.engine.reading.replay(0).complete, true, "a flush alone takes nothing away");
  bench.clock.advance(TINY.keepLogFor - 3000);
  flushAll(bench.engine);
  assert.deepEqual([bench.engine.reading.replay(2).complete, bench.engine.reading.replay(3).complete], [false, true]);
  bench.reopen();
  assert.deepEqual([bench.engine.reading.replay(2).complete, bench.engine.reading.replay(3).complete], [false, true]);
  assert.equal(bench.engine.reading.replay(0).frame.length, 6);

  const foreign = bench.engine.reading.replay(99);
  assert.deepEqual([foreign.frame.length, foreign.cursor, foreign.more, foreign.complete], [0, 6, false, false]);
  assert.throws(() => bench.engine.reading.replay(-1), { code: "bad-query", field: "cursor" });
});

test("commits past the limit of points go, but never before their flush", (t) => {
  const bench = new Bench(t);
  const row = (n: number): Row => [A, START + n, n];
  for (let n = 0; n < 30; n++) bench.commit(...Array.from({ length: 10 }, (_, i) => row(10 * n + i)));
  assert.equal(bench.engine.reading.replay(0, 1000).frame.length, 300);
  flushAll(bench.engine);
  const left = bench.engine.reading.replay(0, 1000);
  assert.equal(left.complete, false);
  assert.equal(left.frame.length, TINY.keepLogPoints);
  assert.equal(bench.engine.reading.read({}).length, 300);
});

test("another unit replaces the known one, none does not", (t) => {
  const bench = new Bench(t);
  const unit = () => bench.engine.reading.list({ series: "plant/a" })[0]!.unit;
  bench.commit([A, START, 1]);
  assert.equal(unit(), "°C");
  bench.commit([seriesRef("plant/a", { site: "madrid" }, "K"), START + 1, 2]);
  assert.equal(unit(), "K");
  bench.commit([seriesRef("plant/a", { site: "madrid" }), START + 2, 3]);
  bench.reopen();
  assert.equal(unit(), "K");
  assert.equal(bench.engine.reading.read({}).ref(0).unit, "K");
});

test("only chunks that late points reach into are written anew", (t) => {
  const bench = new Bench(t, { chunkPoints: 10 });
  bench.commit(...Array.from({ length: 100 }, (_, n): Row => [A, START + n * 10, n]));
  flushAll(bench.engine);
  const ids = () => bench.sql("SELECT id, n FROM chunk ORDER BY t0");
  const before = ids();
  assert.equal(before.length, 10);
  // One into the third chunk, one into the last, one new at the end.
  bench.commit([A, START + 205, 1], [A, START + 990, 2], [A, START + 1000, 3]);
  flushAll(bench.engine);
  const known = new Set(before.map(({ id }) => id));
  const kept = ids().filter(({ id }) => known.has(id));
  assert.equal(kept.length, 8);
  assert.deepEqual(
    ids().map(({ n }) => n),
    [10, 10, 6, 5, 10, 10, 10, 10, 10, 10, 10, 1].map((n) => n),
  );
  assert.equal(bench.engine.reading.read({}).length, 102);
});

test("many small flushes make long chunks", (t) => {
  const bench = new Bench(t, { chunkPoints: 64 });
  for (let n = 0; n < 256; n++) {
    bench.commit([A, START + n, n]);
    flushAll(bench.engine);
  }
  const chunks = bench.sql("SELECT n FROM chunk ORDER BY t0").map(({ n }) => n);
  assert.ok(chunks.length <= 4 + Math.log2(64), chunks.join());
  assert.equal(bench.engine.reading.read({}).length, 256);
});

test("thin keeps first, smallest, largest, last and first gap of a full bucket, and all of a nearly empty one", (t) => {
  const bench = new Bench(t);
  const values = [5, 3, 9, Number.NaN, 4, Number.NaN, 6, 7];
  bench.commit(...values.map((value, n): Row => [A, START + n, value]));
  bench.commit([A, START + 50, 1], [A, START + 60, 2], [A, START + 99, 3]);
  flushAll(bench.engine);
  const frame = bench.engine.reading.thin({ from: START, to: START + 99, buckets: 2 });
  assert.deepEqual(
    rowsOf(frame).map(([, time, value]) => [time - START, value]),
    [
      [0, 5],
      [1, 3],
      [2, 9],
      [3, Number.NaN],
      [7, 7],
      [50, 1],
      [60, 2],
      [99, 3],
    ],
  );
  assert.equal(bench.engine.reading.thin({ from: START + 5, to: START + 5, buckets: 3 }).length, 1);
  for (const wrong of [
    { from: START, buckets: 1 },
    { from: 0, to: 1, buckets: 0 },
  ]) {
    assert.throws(() => bench.engine.reading.thin(wrong), { code: "bad-query" });
  }
});

test("series are chosen by pattern, tags and keys", (t) => {
  const bench = new Bench(t);
  bench.commit([A, START, 1], [B, START, 2]);
  const names = (choice: object) => bench.engine.reading.last(choice).dictionary.map(({ series }) => series);
  assert.deepEqual(names({}), ["plant/a", "plant/b"]);
  assert.deepEqual(names({ series: "plant/+", tags: { site: "*" } }), ["plant/a"]);
  assert.deepEqual(names({ keys: [B.key, B.key, "plant/none"] }), ["plant/b"]);
  assert.deepEqual(names({ keys: [] }), []);
  assert.throws(() => names({ series: "plant/#/a" }), { code: "bad-pattern" });
  for (const wrong of [{ limit: 0 }, { limit: 1.5 }, { from: Number.NaN }, { take: "middle" as "oldest" }]) {
    assert.throws(() => bench.engine.reading.read(wrong), { code: "bad-query" });
  }
});

test("a file that is no store of ours is refused and left alone", () => {
  const folder = tempFolder();
  const open = (name: string) => () => new Engine(join(folder, name), new ManualClock());

  writeFileSync(join(folder, "text.db"), "no database at all, ".repeat(500));
  assert.throws(open("text.db"), { name: "VigiaError", code: "store-corrupt" });

  const foreign = new DatabaseSync(join(folder, "foreign.db"));
  foreign.exec("CREATE TABLE photos (id)");
  foreign.close();
  assert.throws(open("foreign.db"), { code: "store-corrupt", message: /another program/ });

  open("newer.db")().close();
  const newer = new DatabaseSync(join(folder, "newer.db"));
  newer.exec("UPDATE meta SET value = 3 WHERE key = 'format'");
  newer.close();
  assert.throws(open("newer.db"), { code: "store-version", message: /format 3.*up to 2/ });

  // What a kill right after creation leaves.
  writeFileSync(join(folder, "empty.db"), "");
  open("empty.db")().close();
});

test("a version of SQLite that can damage files is warned of", () => {
  for (const safe of ["3.51.3", "3.51.10", "3.53.4", "4.0.0"]) assert.equal(sqliteWarning(safe), undefined, safe);
  for (const unsafe of ["3.51.2", "3.46.0", "2.9.9"])
    assert.match(String(sqliteWarning(unsafe)), /update Node/, unsafe);
});
