import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeChunk, encodeChunk } from "../../../lib/store/chunk-codec.ts";
import type { Samples } from "../../../lib/store/samples.ts";
import { summaryOf } from "../../../lib/store/summary.ts";
import { Dice, START } from "./fixtures.ts";

const RUNS = 1000;
// Long lists.
fc.configureGlobal({ baseSize: "large" });

/** Header, words of the columns, and a byte for the width of each 128 numbers, of which there are at most four columns. */
const mostBytes = (n: number) => 16 * n + 80 + 4 * Math.ceil(n / 128 + 4);

function sameChunk({ times, values }: Samples): Uint8Array {
  const bytes = encodeChunk({ times, values });
  const back = decodeChunk(bytes);
  assert.deepEqual([back.times.length, back.values.length], [times.length, values.length]);
  for (let row = 0; row < times.length; row++) {
    if (back.times[row] !== times[row]) assert.fail(`time ${row}: ${times[row]} came back as ${back.times[row]}`);
    if (!Object.is(back.values[row], values[row])) {
      assert.fail(`value ${row}: ${values[row]} came back as ${back.values[row]}`);
    }
  }
  assert.ok(bytes.length <= mostBytes(times.length), `${bytes.length} bytes for ${times.length} rows`);
  return bytes;
}

const ascending = (times: number[]) => Float64Array.from(new Set(times)).sort();
const runningSum = (first: number, steps: number[]) => {
  let at = first;
  return [at, ...steps.map((step) => (at += step))];
};

const anyTime = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer({ min: START - 1e9, max: START + 1e9 }),
  fc.constantFrom(2 ** 50, 2 ** 50 + 1, -(2 ** 50), -(2 ** 50) - 1, 2 ** 32, -(2 ** 31), Number.MAX_SAFE_INTEGER),
);
const clockTimes = fc
  .record({
    first: fc.integer({ min: -1e12, max: 2e12 }),
    every: fc.constantFrom(1, 7, 250, 1000, 10_000, 60_000, 3_600_000, 86_400_000),
    jitters: fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 600 }),
    gaps: fc.array(fc.nat(600), { maxLength: 4 }),
    jittered: fc.boolean(),
  })
  .map(({ first, every, jitters, gaps, jittered }) => {
    let at = first;
    return ascending(
      jitters.map((jitter, row) => {
        at += every * (gaps.includes(row) ? 5000 : 1);
        return at + (jittered ? jitter : 0);
      }),
    );
  });
const anyTimes = fc.oneof(
  fc.array(anyTime, { minLength: 1, maxLength: 300 }).map(ascending),
  clockTimes,
  fc
    .tuple(anyTime, fc.array(fc.integer({ min: 1, max: 2 ** 45 }), { maxLength: 200 }))
    .map(([first, steps]) => ascending(runningSum(first, steps).filter(Number.isSafeInteger)))
    .filter((times) => times.length > 0),
);

const oddValue = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 5e-324, -5e-324, 2.2e-308, 1e300, -1e300, Number.MAX_VALUE, 0.1 + 0.2),
);
const hugeInteger = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -50, max: 50 }).map((n) => 2 ** 50 + n),
  fc.integer({ min: -50, max: 0 }).map((n) => 2 ** 53 + n),
  fc.integer({ min: -50, max: 50 }).map((n) => -(2 ** 50) + n),
);
const decimal = fc
  .integer({ min: 0, max: 9 })
  .chain((digits) => fc.oneof(fc.integer({ min: -1e6, max: 1e6 }), fc.maxSafeInteger()).map((n) => n / 10 ** digits));
const counter = fc
  .tuple(
    fc.nat(),
    fc.array(
      fc.oneof(
        fc.nat(1000),
        fc.nat(2 ** 30).map((n) => n * 64),
      ),
      { maxLength: 400 },
    ),
  )
  .map(([first, steps]) => runningSum(first, steps));
const list = <T>(each: fc.Arbitrary<T>) => fc.array(each, { minLength: 1, maxLength: 400 });
const anyValues = fc.oneof(
  counter,
  list(decimal),
  fc.integer({ min: 0, max: 9 }).chain((digits) => list(fc.integer().map((n) => n / 10 ** digits))),
  list(fc.float()),
  list(fc.double()),
  list(hugeInteger),
  list(oddValue),
  list(fc.constantFrom(1, NaN)),
  list(fc.constant(-0)),
  // Large ones with no digits, then small ones with many.
  fc
    .tuple(list(fc.integer({ min: 0, max: 2 ** 49 })), list(fc.integer({ min: 0, max: 1e9 })))
    .map(([large, small]) => [...large.slice(0, 20), ...small.map((n) => n / 1e9)]),
  // Few odd ones among many plain ones.
  fc
    .tuple(
      fc.array(fc.integer({ min: -1e5, max: 1e5 }), { minLength: 200, maxLength: 600 }),
      fc.array(fc.tuple(fc.nat(), oddValue), { maxLength: 8 }),
    )
    .map(([plain, odd]) => {
      const values = plain.map((n) => n / 100);
      for (const [place, value] of odd) values[place % values.length] = value;
      return values;
    }),
);

test("any ascending times and any values come back bit for bit, in hardly more room than raw", () => {
  fc.assert(
    fc.property(anyTimes, anyValues, (times, values) => {
      sameChunk({ times, values: Float64Array.from(times, (_, row) => values[row % values.length]!) });
    }),
    { numRuns: RUNS },
  );
});

test("odd values at the ends and in runs come back", () => {
  for (const odd of [NaN, Infinity, -0, 1e300]) {
    for (const places of [[0], [0, 1, 2], [499], [0, 499], [100, 101, 102]]) {
      const values = Float64Array.from({ length: 500 }, (_, row) => (places.includes(row) ? odd : 20 + (row % 7) / 10));
      sameChunk({ times: values.map((_, row) => START + row * 1000), values });
    }
  }
});

test("chunks of any length come back: around blocks of 128, and far beyond the usual one", () => {
  const dice = new Dice(1);
  for (const n of [1, 2, 3, 31, 32, 33, 127, 128, 129, 256, 257, 4000, 4096, 5000, 8191, 16_383, 20_000, 50_000]) {
    const times = Float64Array.from({ length: n }, (_, row) => START + row * 1000 + dice.int(-400, 400));
    for (const value of [() => dice.next(), () => dice.int(0, 999) / 10, () => Math.fround(dice.next()), () => NaN]) {
      sameChunk({ times, values: Float64Array.from({ length: n }, value) });
    }
    sameChunk({ times: times.map((time) => time * 500), values: times });
  }
});

test("bytes at any place of a buffer are read", () => {
  const chunk = { times: Float64Array.of(1, 2, 3), values: Float64Array.of(0.5, NaN, -7) };
  const bytes = encodeChunk(chunk);
  for (let shift = 0; shift < 8; shift++) {
    const around = new Uint8Array(bytes.length + 16).fill(0xff);
    around.set(bytes, shift);
    assert.deepEqual(decodeChunk(around.subarray(shift, shift + bytes.length)), chunk);
  }
  assert.throws(() => decodeChunk(Uint8Array.of(9, 0, 0, 0)), { code: "store-corrupt", field: "chunk codec" });
});

/** A walk with steps of a normal distribution, about `spread` wide. */
function walk(dice: Dice, n: number, first: number, spread: number): Float64Array {
  let at = first;
  return Float64Array.from({ length: n }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - dice.next())) * Math.cos(2 * Math.PI * dice.next());
    at += normal * spread;
    return at;
  });
}

test("each kind of data has the size that is promised, bytes a point", (t) => {
  const n = 4000;
  const dice = new Dice(5);
  const grid = Float64Array.from({ length: n }, (_, row) => START + row * 10_000);
  const jitter = grid.map((time) => Math.round(time + walk(dice, 1, 0, 30)[0]!));
  const digits = (places: number) => (value: number) => Math.round(value * 10 ** places) / 10 ** places;
  const gauge = walk(dice, n, 50, 0.5).map(digits(1));
  const noise = walk(dice, n, 50, 1);
  const few = gauge.map((value, row) => (row % 50 === 0 ? NaN : value));
  const counted = walk(dice, n, 0, 1).map((_, row) => row * 40_000 + dice.int(0, 30_000));
  for (const [name, times, values, most] of [
    ["constant on the grid", grid, new Float64Array(n).fill(21.5), 0.1],
    ["status 0/1 on the grid", grid, Float64Array.from({ length: n }, () => Number(dice.next() < 0.1)), 0.2],
    ["gauge of one decimal on the grid", grid, gauge, 0.9],
    ["the same with jitter of 30 ms", jitter, gauge, 2],
    ["the same with 2 % gaps", grid, few, 1.2],
    ["slow temperature of two decimals", grid, walk(dice, n, 20, 0.02).map(digits(2)), 0.9],
    ["counter on the grid", grid, counted, 2.3],
    ["float32 widened", grid, noise.map(Math.fround), 3.6],
    ["all bits of doubles", grid, noise, 7],
  ] as const) {
    const size = sameChunk({ times, values }).length / n;
    t.diagnostic(`${name}: ${size.toFixed(2)}`);
    assert.ok(size <= most, `${name}: ${size} B a point, promised ${most}`);
  }
});

test("a summary is that of the values, gaps apart", () => {
  fc.assert(
    fc.property(fc.array(oddValue, { maxLength: 50 }), (values) => {
      const filled = values.filter((value) => !Number.isNaN(value));
      const sum = filled.reduce((total, value) => total + value, 0);
      const none = filled.length === 0;
      const { filled: count, low, high, total } = summaryOf(Float64Array.from(values));
      assert.equal(count, filled.length);
      assert.ok(none ? low === null && high === null : low === Math.min(...filled) && high === Math.max(...filled));
      assert.ok(none || Number.isNaN(sum) ? total === null : total === sum);
    }),
  );
});
