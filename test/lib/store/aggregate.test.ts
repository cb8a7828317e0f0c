import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { seriesRef } from "../../../lib/points/series.ts";
import type { Aggregate } from "../../../lib/store/buckets.ts";
import { openStore } from "../../../lib/store/open.ts";
import { Bench, Dice, expireAll, flushAll, frameOf, plainAggregate, type Row, START, sameNumber } from "./fixtures.ts";
import { tempFolder } from "./temp-folder.ts";

const A = seriesRef("plant/a", undefined, "°C");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ALL: readonly Aggregate[] = ["count", "min", "max", "sum", "mean", "first", "last"];

test("buckets of unequal length: each begins at its edge and ends before the next", (t) => {
  const bench = new Bench(t);
  bench.commit(...[0, 1, 9, 10, 99, 100, 101].map((time): Row => [A, time, time]));
  const edges = [1, 10, 11, 50, 100];
  const expected = {
    count: [2, 1, 0, 1],
    min: [1, 10, NaN, 99],
    max: [9, 10, NaN, 99],
    sum: [10, 10, NaN, 99],
    mean: [5, 10, NaN, 99],
    first: [1, 10, NaN, 99],
    last: [9, 10, NaN, 99],
  };
  assert.deepEqual(bench.aggregate({ edges, aggregates: ALL }), expected);
  flushAll(bench.engine);
  assert.deepEqual(bench.aggregate({ edges, aggregates: ALL }), expected);
  const frame = bench.engine.reading.aggregate({ edges, aggregates: ["last", "count"] });
  assert.deepEqual([...frame.times], [1, 10, 11, 50]);
  assert.deepEqual([...frame.values], expected.last, "the first one asked for");
  assert.deepEqual(frame.ref(3), A);
});

test("percentiles are those of NumPy, and 0 alone is one too", (t) => {
  const bench = new Bench(t);
  bench.commit(...[3.5, 1, 4, NaN, 1.5, 9, 2.6, 5, 35.25].map((value, n): Row => [A, START + n, value]));
  // numpy.percentile([3.5, 1, 4, 1.5, 9, 2.6, 5, 35.25], …)
  const numpy = { p0: 1, "p12.5": 1.4375, p50: 3.75, p95: 26.0625, "p99.9": 35.06625, p100: 35.25 };
  for (const [name, value] of Object.entries(numpy)) {
    const [found] = bench.aggregate({ edges: [START, START + 10], aggregates: [name as Aggregate] })[name]!;
    sameNumber(found!, value, name);
  }
});

test("infinities count, a sum of both signs is none", (t) => {
  const bench = new Bench(t);
  for (const [n, values] of [
    [1, Infinity],
    [-Infinity, 2],
    [Infinity, -Infinity],
    [Infinity, Infinity],
  ].entries()) {
    bench.commit(...values.map((value, at): Row => [A, 10 * n + at, value]));
  }
  const query = { edges: [0, 10, 20, 30, 40], aggregates: [...ALL, "p50"] as const };
  const expected = {
    count: [2, 2, 2, 2],
    min: [1, -Infinity, -Infinity, Infinity],
    max: [Infinity, 2, Infinity, Infinity],
    sum: [Infinity, -Infinity, NaN, Infinity],
    mean: [Infinity, -Infinity, NaN, Infinity],
    first: [1, -Infinity, Infinity, Infinity],
    last: [Infinity, 2, -Infinity, Infinity],
    p50: [Infinity, -Infinity, NaN, Infinity],
  };
  assert.deepEqual(bench.aggregate(query), expected);
  flushAll(bench.engine);
  assert.deepEqual(bench.aggregate(query), expected);
  const { p50: _, ...plain } = expected;
  assert.deepEqual(bench.aggregate({ ...query, aggregates: ALL }), plain);
});

test("what summaries of chunks say is what their points say", (t) => {
  const bench = new Bench(t, { chunkPoints: 50 });
  const dice = new Dice(3);
  const refs = Array.from({ length: 40 }, (_, n) => seriesRef(`plant/${n}`));
  const rows = (n: number): Row[] =>
    Array.from({ length: n }, () => [
      dice.pick(refs),
      START + dice.int(0, 5000),
      dice.next() < 0.1 ? dice.pick([NaN, Infinity, -0]) : dice.int(-999, 999) / 10,
    ]);
  bench.load(rows(20_000));
  bench.commit(...rows(300));
  for (let look = 0; look < 30; look++) {
    const cuts = Array.from({ length: dice.int(0, 12) }, () => START + dice.int(0, 5000));
    const edges = [...new Set([START + dice.int(-100, 2000), ...cuts, START + dice.int(3000, 5100)])].sort(
      (a, b) => a - b,
    );
    const aggregates: Aggregate[] = dice.pick([ALL.slice(0, 5), [...ALL], ["p5", "p95", "mean"]]);
    const keys = refs.filter(() => dice.next() < 0.3).map(({ key }) => key);
    const frame = bench.engine.reading.aggregate({ edges, aggregates, keys });
    assert.equal(frame.length, keys.length * (edges.length - 1));
    for (let row = 0; row < frame.length; row++) {
      const to = edges[edges.indexOf(frame.times[row]!) + 1]! - 1;
      const { values } = bench.engine.reading.read({ keys: [frame.ref(row).key], from: frame.times[row]!, to });
      for (const name of aggregates) {
        sameNumber(frame.columns[name]![row]!, plainAggregate(name, [...values]), `${name} of row ${row}`);
      }
    }
  }
});

test("the days on which Madrid changes its clocks have 23 and 25 hours, also in rollups", (t) => {
  const utc = (month: number, day: number, hour: number) => Date.UTC(2026, month - 1, day, hour);
  // Midnights there: UTC+1 in winter, UTC+2 in summer.
  for (const [edges, hours] of [
    [
      [utc(3, 27, 23), utc(3, 28, 23), utc(3, 29, 22), utc(3, 30, 22)],
      [24, 23, 24],
    ],
    [
      [utc(10, 23, 22), utc(10, 24, 22), utc(10, 25, 23), utc(10, 26, 23)],
      [24, 25, 24],
    ],
  ] as const) {
    const bench = new Bench(t, { chunkPoints: 100 }, [{ keep: DAY }]);
    const points = (edges[3] - edges[0]) / 60_000 + 200;
    const minute = (n: number) => edges[0] - 100 * 60_000 + n * 60_000;
    bench.load(Array.from({ length: points }, (_, n): Row => [A, minute(n), minute(n)]));
    const aggregates = ["count", "first", "last", "mean"] as const;
    const before = bench.aggregate({ edges, aggregates });
    assert.deepEqual(
      before.count,
      hours.map((n) => n * 60),
    );
    assert.deepEqual(before.first, edges.slice(0, 3));
    // The first two days and some of the third have gone; the next time all.
    for (const now of [edges[2] + DAY + 3 * HOUR, edges[3] + 3 * DAY]) {
      bench.clock.advance(now - bench.clock.now());
      expireAll(bench.engine);
      assert.deepEqual(bench.aggregate({ edges, aggregates }), before);
    }
    assert.deepEqual(bench.rows(), []);
  }
});

test("rollups of days, hours and five minutes never count a point twice", (t) => {
  const keep = { keep: DAY, rollups: { "5m": 4 * DAY, "1h": 8 * DAY } };
  const bench = new Bench(t, { chunkPoints: 64 }, [keep]);
  // It begins in the middle of a day, of an hour, and of five minutes.
  const first = START + 14 * HOUR + 27 * 60_000 + 1;
  const rows = Array.from({ length: 12 * 24 * 30 }, (_, n): Row => [A, first + n * 120_000, 1]);
  bench.load(rows);
  const total = (edges: number[]) => bench.aggregate({ edges, aggregates: ["count"] }).count!.reduce((a, b) => a + b);
  const range = (step: number) => Array.from({ length: (14 * DAY) / step + 1 }, (_, n) => START + n * step);
  for (let day = 0; day < 14; day++) {
    bench.clock.advance(DAY);
    expireAll(bench.engine);
    for (const step of [5 * 60_000, HOUR, 6 * HOUR, DAY, 2 * DAY]) assert.equal(total(range(step)), rows.length);
    assert.equal(total([START - 7, START + 14 * DAY]), rows.length);
  }
});

test("a day that has no rollup of its own is put together from hours", (t) => {
  const bench = new Bench(t, { chunkPoints: 64 }, [{ keep: DAY, rollups: { "1d": 0, "5m": 0 } }]);
  bench.load(Array.from({ length: 48 }, (_, n): Row => [A, START + n * HOUR, n]));
  bench.clock.advance(5 * DAY);
  expireAll(bench.engine);
  assert.deepEqual(bench.aggregate({ edges: [START, START + DAY, START + 2 * DAY], aggregates: ["count", "last"] }), {
    count: [24, 24],
    last: [23, 47],
  });
});

test("questions that make no sense say what is wrong", (t) => {
  const bench = new Bench(t);
  const ask = (edges: number[], aggregates: unknown) => () =>
    bench.engine.reading.aggregate({ edges, aggregates } as never);
  for (const edges of [[], [1], [1, 1], [2, 1], [0, 0.5], [0, NaN], [0, Infinity]]) {
    assert.throws(ask(edges, ["mean"]), { code: "bad-query", field: "edges" });
  }
  for (const wrong of [undefined, [], ["median"], ["p101"], ["p"], ["p-1"], [7]]) {
    assert.throws(ask([0, 1], wrong), { code: "bad-query", field: "aggregates" });
  }
  bench.commit([A, 0, 1]);
  assert.throws(
    ask(
      Array.from({ length: 5_000_002 }, (_, n) => n),
      ["mean"],
    ),
    { code: "bad-query", allowed: /fewer/ },
  );
});

test("an answer comes through the worker as it is", async (t) => {
  const store = await openStore({ file: join(tempFolder(), "kpis.db"), commitEvery: 1 });
  t.after(() => store.close());
  await store.append(
    frameOf([
      [A, START, 1],
      [A, START + 5, 3],
    ]),
  );
  const frame = await store.aggregate({ edges: [START, START + 10, START + 20], aggregates: ["mean", "count"] });
  assert.deepEqual(frame.ref(0), A);
  assert.deepEqual(
    [[...frame.times], [...frame.values]],
    [
      [START, START + 10],
      [2, NaN],
    ],
  );
  assert.deepEqual([...frame.columns.count!], [2, 0]);
});
