import assert from "node:assert/strict";
import { test } from "node:test";
import { seriesRef } from "../../../lib/points/series.ts";
import { policyFinder } from "../../../lib/store/policies.ts";
import type { StorePolicy } from "../../../lib/store/types.ts";
import { Bench, expireAll, flushAll, type Row, rowsOf, START, TINY } from "./fixtures.ts";

const A = seriesRef("plant/a");
const B = seriesRef("other/b");
const DAY = 86_400_000;

test("values are rounded to digits, also to none", (t) => {
  const values = [12.3456, -12.5, 0.004, -0.004, NaN, Infinity, 1e300, 2 ** 53 - 1];
  for (const [precision, rounded] of [
    [0, [12, -12, 0, 0, NaN, Infinity, 1e300, 2 ** 53 - 1]],
    [2, [12.35, -12.5, 0, 0, NaN, Infinity, 1e300, 2 ** 53 - 1]],
    [
      "float32",
      [12.345600128173828, -12.5, 0.004000000189989805, -0.004000000189989805, NaN, Infinity, Infinity, 2 ** 53],
    ],
  ] as const) {
    const bench = new Bench(t, TINY, [{ series: "plant/#", precision }]);
    const rows = values.map((value, n): Row => [A, START + n, value]);
    bench.commit(...rows, [B, START, 12.3456]);
    const written = [[B.key, START, 12.3456], ...rounded.map((value, n) => [A.key, START + n, value])];
    assert.deepEqual(bench.rows(), written);
    assert.deepEqual(rowsOf(bench.engine.reading.replay(0).frame).slice(0, -1), written.slice(1));
    bench.load(rows.map(([ref, time, value]) => [ref, time + 100, value]));
    bench.reopen();
    assert.deepEqual(
      bench.rows({ from: START + 100 }).map(([, , value]) => value),
      rounded,
    );
  }
});

test("times are rounded down, and of those that become one the last stays", (t) => {
  const bench = new Bench(t, TINY, [{ resolution: 1000 }]);
  bench.commit([A, START + 999, 1], [A, START + 1, 2], [A, START + 1000, 3], [A, -1, 4]);
  bench.commit([A, START + 500, 5]);
  assert.deepEqual(bench.rows(), [
    [A.key, -1000, 4],
    [A.key, START, 5],
    [A.key, START + 1000, 3],
  ]);
});

test("the first policy that fits counts", () => {
  const find = policyFinder([
    { series: "plant/a", keep: 5 },
    { series: "plant/#", keep: 7, precision: 1 },
  ]);
  assert.deepEqual(
    [A, seriesRef("plant/b"), B].map((ref) => find(ref).keep),
    [5, 7, Infinity],
  );
  assert.equal(find(A).value, undefined);
});

test("a policy that cannot be says so", () => {
  const wrong: [StorePolicy, string][] = [
    [{ keep: 0 }, "policies[1].keep"],
    [{ keep: NaN }, "policies[1].keep"],
    [{ precision: 10 }, "policies[1].precision"],
    [{ precision: 1.5 }, "policies[1].precision"],
    [{ precision: "float64" as never }, "policies[1].precision"],
    [{ resolution: 0 }, "policies[1].resolution"],
    [{ resolution: 1.5 }, "policies[1].resolution"],
    [{ rollups: { "1h": -1 } }, "policies[1].rollups.1h"],
  ];
  for (const [policy, field] of wrong) {
    assert.throws(() => policyFinder([{}, policy]), { name: "VigiaError", code: "bad-option", field });
  }
  assert.throws(() => policyFinder([{ series: "a/#/b" }]), { code: "bad-pattern", field: /policies\[0\]/ });
});

test("points go by whole days, and no day too early", (t) => {
  const bench = new Bench(t, TINY, [{ series: "plant/#", keep: 2 * DAY }]);
  bench.commit(
    ...[0, DAY - 1, DAY, 2 * DAY].flatMap((time): Row[] => [
      [A, START + time, 1],
      [B, START + time, 1],
    ]),
  );
  const left = () => bench.rows({ keys: [A.key] }).map(([, time]) => time - START);
  bench.clock.advance(3 * DAY - 1);
  expireAll(bench.engine);
  assert.deepEqual(left(), [0, DAY - 1, DAY, 2 * DAY]);
  bench.clock.advance(1);
  const before = bench.engine.reading.fingerprint({ keys: [A.key] });
  const other = bench.engine.reading.fingerprint({ keys: [B.key] });
  expireAll(bench.engine);
  assert.deepEqual(left(), [DAY, 2 * DAY]);
  assert.notEqual(bench.engine.reading.fingerprint({ keys: [A.key] }), before);
  assert.equal(bench.engine.reading.fingerprint({ keys: [B.key] }), other);
  assert.equal(bench.rows({ keys: [B.key] }).length, 4);
  bench.reopen();
  assert.deepEqual(left(), [DAY, 2 * DAY]);
});

test("what comes late for days that have gone joins their rollups, at once for who asks and for good at the next expiry", (t) => {
  const bench = new Bench(t, TINY, [{ keep: DAY, rollups: { "5m": 5 * DAY } }]);
  bench.commit(...Array.from({ length: 40 }, (_, n): Row => [A, START + n * 60_000 + 30_000, n]));
  bench.clock.advance(3 * DAY);
  expireAll(bench.engine);
  assert.deepEqual(bench.rows(), []);
  // Before the first, in the middle, behind the last.
  bench.commit([A, START, 100], [A, START + 20 * 60_000, -100], [A, START + 41 * 60_000, 7]);
  const query = {
    edges: [START, START + 300_000, START + DAY],
    aggregates: ["count", "min", "max", "first", "last"] as const,
  };
  const together = { count: [6, 37], min: [0, -100], max: [100, 39], first: [100, 5], last: [4, 7] };
  assert.deepEqual(bench.aggregate(query), together);
  flushAll(bench.engine);
  assert.deepEqual(bench.aggregate(query), together);
  expireAll(bench.engine);
  assert.deepEqual(bench.rows(), []);
  assert.deepEqual(bench.aggregate(query), together);
  // So late that their five minutes have gone too: only wider rollups take them, and hide nothing.
  bench.clock.advance(10 * DAY);
  expireAll(bench.engine);
  bench.commit([A, START + 60_000, 1]);
  const count = () => bench.aggregate({ edges: [START - 7, START + DAY], aggregates: ["count"] }).count;
  for (const _ of bench.engine.expire()) assert.deepEqual(count(), [44], "half done");
  assert.deepEqual(
    bench.sql("SELECT DISTINCT width FROM rollup ORDER BY width").map(({ width }) => width),
    [DAY / 24, DAY],
  );
  assert.deepEqual(count(), [44]);
});

test("rollups outlive long expiries that take many steps, and a reopen between", (t) => {
  const bench = new Bench(t, { chunkPoints: 1000 }, [{ keep: DAY }]);
  const n = 130_000;
  bench.load(Array.from({ length: n }, (_, row): Row => [A, START + row * 1000, row]));
  const query = {
    edges: [START, START + DAY, START + 2 * DAY],
    aggregates: ["count", "sum", "first", "last"] as const,
  };
  const before = bench.aggregate(query);
  bench.clock.advance(5 * DAY);
  const steps = bench.engine.expire();
  for (let step = 0; step < 2; step++) {
    assert.equal(steps.next().done, false);
    assert.deepEqual(bench.aggregate(query), before, "half done");
  }
  bench.reopen();
  expireAll(bench.engine);
  assert.deepEqual(bench.aggregate(query), before);
  assert.deepEqual(bench.rows(), []);
});
