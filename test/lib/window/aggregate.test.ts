import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type AggregateName,
  accumulate,
  checkAggregates,
  conclude,
  isUnitless,
  needsOf,
  newAccumulator,
  percentile,
} from "../../../lib/window/aggregate.ts";

function aggregate(values: readonly number[], names: readonly AggregateName[], times?: readonly number[]): number[] {
  const needs = needsOf(names);
  const window = newAccumulator(0, needs.values);
  for (const [i, value] of values.entries()) accumulate(window, times?.[i] ?? i, value, needs);
  return conclude(window, names);
}

const one = (values: readonly number[], name: AggregateName) => aggregate(values, [name])[0]!;

function near(actual: number, expected: number, relative = 1e-14): void {
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual} is not ${expected}`);
}

const SAMPLE = [15, 20, 35, 40, 50, 3.5, -7.25, 20, 1e-3, 8];

// numpy 2.4.6, with x = np.array([15,20,35,40,50,3.5,-7.25,20,1e-3,8]):
// x.sum(), x.mean(), x.std(ddof=1), np.percentile(x, p), and y.mean(), y.std(ddof=1) of the eighths further down.
const NUMPY = {
  sum: 184.251,
  mean: 18.4251,
  stddev: 18.511166002352923,
  percentiles: {
    p0: -7.25,
    p1: -6.59741,
    p5: -3.98705,
    p25: 4.625,
    "p33.3": 7.9864999999999995,
    p50: 17.5,
    p75: 31.25,
    p90: 41.0,
    p95: 45.499999999999986,
    p99: 49.1,
    "p99.9": 49.91000000000001,
    p100: 50.0,
  },
  eighths: { mean: 10.140625, stddev: 5.0464085089582 },
};

test("golden: a sample as numpy sees it", () => {
  const names: AggregateName[] = ["count", "sum", "mean", "stddev", "min", "max", "first", "last"];
  const [count, sum, mean, stddev, ...rest] = aggregate(SAMPLE, names);
  assert.equal(count, 10);
  near(sum!, NUMPY.sum);
  near(mean!, NUMPY.mean);
  near(stddev!, NUMPY.stddev);
  assert.deepEqual(rest, [-7.25, 50, 15, 8]);
  const percentiles = Object.keys(NUMPY.percentiles) as AggregateName[];
  const found = aggregate(SAMPLE, percentiles);
  for (const [i, name] of percentiles.entries()) near(found[i]!, NUMPY.percentiles[name as "p50"], 1e-13);
});

test("stddev and mean are right at any offset", () => {
  // Exact in doubles at all of these offsets: whole eighths.
  const values = [4, 7, 13, 16, 4.125, 7.5, 13.625, 15.875];
  const [mean, stddev] = [NUMPY.eighths.mean, NUMPY.eighths.stddev];
  for (const offset of [0, 1e6, 1e9, -1e9, 1e12, 1e15, -1e15]) {
    const moved = values.map((value) => offset + value);
    near(one(moved, "stddev"), stddev, 1e-13);
    near(one(moved, "mean"), offset + mean, 2e-16);
  }
  // Many of them: errors must not add up.
  const many = Array.from({ length: 100_000 }, (_, i) => 1e15 + (values[i % 8] ?? 0));
  near(one(many, "stddev"), stddev * Math.sqrt((7 / 8) * (100_000 / 99_999)), 1e-10);
  near(one(many, "mean"), 1e15 + mean, 2e-16);
});

test("stddev does not depend on the offset, by law", () => {
  const eighths = fc.array(
    fc.integer({ min: -4000, max: 4000 }).map((n) => n / 8),
    { minLength: 2, maxLength: 50 },
  );
  fc.assert(
    fc.property(eighths, fc.constantFrom(1e9, -1e12, 5e14), (values, offset) => {
      const expected = one(values, "stddev");
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const twoPass = Math.sqrt(squares / (values.length - 1));
      assert.ok(Math.abs(expected - twoPass) <= 1e-12 * (1 + twoPass));
      assert.equal(
        one(
          values.map((value) => value + offset),
          "stddev",
        ),
        expected,
      );
    }),
  );
});

test("sum keeps what rounding would lose (Neumaier's own example, and a million tenths)", () => {
  assert.equal(one([1, 1e100, 1, -1e100], "sum"), 2);
  assert.equal(one([1e16, 1, 1, 1, -1e16], "sum"), 3);
  assert.equal(
    one(
      Array.from({ length: 1_000_000 }, () => 0.1),
      "sum",
    ),
    100_000,
  );
  assert.equal(
    one(
      Array.from({ length: 10 }, () => 0.1),
      "mean",
    ),
    0.1,
  );
});

test("percentiles: by rank where there is one, in between where there is none, whatever the order", () => {
  assert.equal(one([7], "p99"), 7);
  assert.equal(one([3, 1, 2], "p50"), 2);
  assert.equal(one([4, 1, 3, 2], "p50"), 2.5);
  assert.equal(one([10, 9, 100], "p100"), 100, "not in the order of texts");
  assert.ok(Number.isNaN(percentile([], 50)));
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 30 }), (values) => {
      const [p0, p20, p50, p80, p100, min, max] = aggregate(values, ["p0", "p20", "p50", "p80", "p100", "min", "max"]);
      assert.equal(p0! + 0, min! + 0);
      assert.equal(p100! + 0, max! + 0);
      // Only between two infinite ends there is nothing to say.
      const known = [p0!, p20!, p50!, p80!, p100!].filter((value) => !Number.isNaN(value));
      if (min! > -Infinity || max! < Infinity) assert.equal(known.length, 5);
      for (let i = 1; i < known.length; i++) {
        const slack = 1e-12 * Math.max(Math.abs(known[i - 1]!), Math.abs(known[i]!));
        assert.ok(known[i]! >= known[i - 1]! - (Number.isFinite(slack) ? slack : 0), `${known}`);
      }
    }),
    { numRuns: 500 },
  );
});

test("infinities: what can be said is said, the rest is a gap and never an exception", () => {
  const names: AggregateName[] = [
    "count",
    "sum",
    "mean",
    "min",
    "max",
    "first",
    "last",
    "p0",
    "p50",
    "p75",
    "p100",
    "stddev",
  ];
  const gap = Number.NaN;
  assert.deepEqual(aggregate([1, 2, Infinity], names), [
    3,
    Infinity,
    Infinity,
    1,
    Infinity,
    1,
    Infinity,
    1,
    2,
    Infinity,
    Infinity,
    gap,
  ]);
  assert.deepEqual(aggregate([-Infinity, 5, 6], names), [
    3,
    -Infinity,
    -Infinity,
    -Infinity,
    6,
    -Infinity,
    6,
    -Infinity,
    5,
    5.5,
    6,
    gap,
  ]);
  assert.deepEqual(aggregate([-Infinity, Infinity], ["sum", "mean", "p50", "p0", "p100"]), [
    gap,
    gap,
    gap,
    -Infinity,
    Infinity,
  ]);
  assert.deepEqual(aggregate([-Infinity, 4], ["p25"]), [-Infinity]);
  assert.equal(one([-1.7e308, 1.7e308], "p50"), 0, "a step that is too long for a double");
});

test("gaps change no aggregate; a window of gaps alone is a gap, with a count of 0", () => {
  const names: AggregateName[] = ["mean", "stddev", "min", "max", "sum", "first", "last", "p50", "count"];
  fc.assert(
    fc.property(fc.array(fc.option(fc.double({ noNaN: true }), { nil: Number.NaN }), { maxLength: 20 }), (values) => {
      const kept = values.map((value, time) => ({ value, time })).filter(({ value }) => !Number.isNaN(value));
      assert.deepEqual(
        aggregate(values, names),
        aggregate(
          kept.map(({ value }) => value),
          names,
          kept.map(({ time }) => time),
        ),
      );
    }),
  );
  assert.deepEqual(aggregate([Number.NaN, Number.NaN], names), [...Array(8).fill(Number.NaN), 0]);
  assert.ok(Number.isNaN(one([5], "stddev")), "one value spreads not at all");
  assert.equal(one([5, 5], "stddev"), 0);
});

test("first and last go by time, not by arrival; of two at one time the later told counts", () => {
  assert.deepEqual(aggregate([1, 2, 3], ["first", "last"], [20, 30, 10]), [3, 2]);
  assert.deepEqual(aggregate([1, 2], ["first", "last"], [10, 10]), [2, 2]);
  assert.deepEqual(aggregate([Number.NaN, 2], ["first", "last"], [10, 20]), [2, 2]);
});

test("the aggregates that are there, and no others", () => {
  const all = ["mean", "min", "max", "sum", "count", "stddev", "first", "last", "p0", "p5", "p99.9", "p100"];
  assert.deepEqual(checkAggregates(all), all);
  assert.deepEqual(checkAggregates(["mean", "p50", "mean"]), ["mean", "p50"]);
  for (const bad of ["avg", "p", "p101", "p1000", "p-5", "p5.", "Mean", "", "constructor"]) {
    assert.throws(() => checkAggregates([bad]), { code: "bad-aggregate", field: "aggregates", value: bad });
  }
  assert.throws(() => checkAggregates([]), {
    code: "bad-aggregate",
    message: "aggregates is []; allowed: at least one",
  });
  assert.deepEqual(checkAggregates(all).filter(isUnitless), ["count"]);
});
