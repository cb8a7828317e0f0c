import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { gaussian, uniform } from "../../../lib/replay/random.ts";
import { type Anomaly, Synthetic, type SyntheticConfig } from "../../../lib/replay/synthetic.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A Monday. */
const START = Date.UTC(2026, 2, 2);

type Kpi = SyntheticConfig["kpis"][number];

const one = (kpi: Omit<Kpi, "series">, more: Partial<SyntheticConfig> = {}) =>
  new Synthetic({ seed: 7, step: MINUTE, kpis: [{ series: "k", ...kpi }], ...more });

const valueAt = (synthetic: Synthetic, time: number) => synthetic.tick(time).values[0];

function valuesOf(synthetic: Synthetic, from: number, count: number, step = MINUTE): number[] {
  return Array.from({ length: count }, (_, i) => valueAt(synthetic, from + i * step)).filter((v) => v !== undefined);
}

const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const deviation = (values: readonly number[]) => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));

test("golden: these points never change", () => {
  const synthetic = new Synthetic({
    seed: 42,
    step: MINUTE,
    kpis: [
      { series: "a", level: 50, trend: 0.5, daily: 10, weekly: 3, weekend: 0.5, noise: 2, memory: 0.8 },
      { series: "b", tags: { site: "x" }, level: 5, noise: 1, decimals: 1 },
    ],
    anomalies: [{ kind: "spike", every: HOUR, for: 5 * MINUTE, size: 30 }],
  });
  const rows = [0, 1, 2, 1_000, 500_000].map((i) => synthetic.tick(START + i * MINUTE).values);
  assert.deepEqual(rows, GOLDEN);
});

test("level, trend, peaks, weekend", () => {
  const day = (n: number, hour: number) => START + n * DAY + hour * HOUR;
  assert.equal(valueAt(one({ level: 20 }), START), 20);
  assert.equal(valueAt(one({ level: 20, trend: 2 }, { origin: START }), day(3, 12)), 27);
  assert.equal(valueAt(one({ level: 20, daily: 5 }), day(0, 14)), 25);
  assert.equal(valueAt(one({ level: 20, daily: 5 }), day(0, 2)), 15);
  assert.equal(valueAt(one({ level: 20, daily: 5, peak: 3 }), day(0, 3)), 25);
  assert.equal(valueAt(one({ level: 20, weekly: 4 }), day(2, 12)), 24, "Wednesday noon");
  const office = one({ level: 20, weekend: 0.25 });
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6].map((n) => valueAt(office, day(n, 23))),
    [20, 20, 20, 20, 20, 5, 5],
  );
  assert.deepEqual(
    [valueAt(one({ level: 120, max: 100 }), START), valueAt(one({ level: -3, min: 0 }), START)],
    [100, 0],
  );
  assert.equal(valueAt(one({ level: 1.23456, decimals: 2 }), START), 1.23);
});

test("noise: normal with its deviation; with memory neighbours are alike", () => {
  for (const memory of [0, 0.9]) {
    const values = valuesOf(one({ level: 100, noise: 3, memory }), START, 20_000);
    assert.ok(Math.abs(mean(values) - 100) < 0.4, `mean ${mean(values)}`);
    assert.ok(Math.abs(deviation(values) - 3) < 0.2, `deviation ${deviation(values)}`);
    const centre = mean(values);
    const lagged = mean(values.slice(1).map((v, i) => (v - centre) * (values[i]! - centre))) / deviation(values) ** 2;
    assert.ok(Math.abs(lagged - memory) < 0.03, `autocorrelation ${lagged}`);
  }
  const normal = Array.from({ length: 50_000 }, (_, i) => gaussian(3, i));
  assert.ok(Math.abs(normal.filter((z) => Math.abs(z) < 1).length / 50_000 - 0.6827) < 0.01);
  assert.ok(Math.abs(mean(normal.map((z) => z ** 4)) - 3) < 0.15);
  assert.ok(Math.abs(mean(Array.from({ length: 50_000 }, (_, i) => uniform(9, i))) - 0.5) < 0.01);
});

const during = (anomaly: Partial<Anomaly> & Pick<Anomaly, "kind">) =>
  ({ at: START + 10 * MINUTE, for: 10 * MINUTE, ...anomaly }) as Anomaly;

test("spike, shift, drift: shape and size, gone after their length", () => {
  const flat = (anomaly: Anomaly) => valuesOf(one({ level: 100 }, { anomalies: [anomaly] }), START + 9 * MINUTE, 12);
  assert.deepEqual(flat(during({ kind: "shift", size: 30 })), [100, ...Array(10).fill(130), 100]);
  assert.deepEqual(
    flat(during({ kind: "spike", size: 30 })),
    [100, 130, 127, 124, 121, 118, 115, 112, 109, 106, 103, 100],
  );
  assert.deepEqual(
    flat(during({ kind: "drift", size: 30 })),
    [100, 100, 103, 106, 109, 112, 115, 118, 121, 124, 127, 100],
  );
});

test("burst: as much more noise as it says; flatline: the value of its start", () => {
  const anomalies = [{ kind: "burst", at: START, for: 5_000 * MINUTE, size: 4 } as const];
  const burst = valuesOf(one({ noise: 1 }, { anomalies }), START, 10_000);
  assert.ok(Math.abs(deviation(burst.slice(0, 5_000)) / deviation(burst.slice(5_000)) - 4) < 0.2);

  const kpi = { level: 10, noise: 1, memory: 0.5 };
  const still = valuesOf(one(kpi, { anomalies: [during({ kind: "flatline", for: 600 * MINUTE })] }), START, 700);
  const free = valuesOf(one(kpi), START, 700);
  assert.deepEqual(still.slice(0, 10), free.slice(0, 10));
  assert.deepEqual(new Set(still.slice(10, 610)), new Set([free[10]]));
  assert.deepEqual(still.slice(610), free.slice(610));
});

test("without a size an anomaly stands out; with a pattern it strikes only those KPIs", () => {
  const synthetic = new Synthetic({
    seed: 1,
    step: MINUTE,
    kpis: [
      { series: "a/x", level: 10, noise: 0.5 },
      { series: "b/x", level: 10, noise: 0.5 },
    ],
  });
  const before = synthetic.tick(START).values;
  synthetic.inject([{ kind: "shift", at: START, for: MINUTE, series: "a/#" }]);
  const after = synthetic.tick(START).values;
  assert.equal(Math.round((after[0]! - before[0]!) * 1_000), 3_000);
  assert.equal(after[1], before[1]);
  assert.equal(synthetic.injected.length, 1);
  synthetic.inject([{ kind: "shift", at: START + 30 * DAY, for: MINUTE }]);
  assert.equal(synthetic.injected.length, 1, "old ones are forgotten");
});

test("once in each period: as long as it says, at places that differ, the same for the same seed", () => {
  const place = { every: DAY, for: HOUR };
  const synthetic = one({ level: 0 }, { anomalies: [{ kind: "shift", size: 1, ...place }] });
  const starts = new Set<number>();
  for (let day = 0; day < 20; day++) {
    const values = valuesOf(synthetic, START + day * DAY, 1_440);
    assert.ok(Math.abs(values.reduce((sum, v) => sum + v, 0) - 60) <= 1);
    starts.add(values.indexOf(1));
  }
  assert.ok(starts.size > 15);
});

test("gaps: no points for their length; missing: that share of them", () => {
  const gaps = one({ level: 1 }, { gaps: [{ every: DAY, for: HOUR }] });
  assert.ok(Math.abs(valuesOf(gaps, START, 1_440).length - 1_380) <= 1);
  const missing = valuesOf(one({ level: 1 }, { missing: 0.1 }), START, 20_000).length;
  assert.ok(Math.abs(missing / 20_000 - 0.9) < 0.01);
});

test("law: a function of the time: any order, any start, and other KPIs, give the same points", () => {
  const kpi: Kpi = { series: "k", level: 5, daily: 2, noise: 1, memory: 0.95 };
  const more: Partial<SyntheticConfig> = {
    anomalies: [
      { kind: "flatline", every: 6 * HOUR, for: HOUR },
      { kind: "drift", every: 5 * HOUR, for: HOUR },
    ],
    gaps: [{ every: 7 * HOUR, for: HOUR }],
    missing: 0.05,
  };
  const straight = valuesAndTimes(new Synthetic({ seed: 3, step: MINUTE, kpis: [kpi], ...more }), 3_000);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_999 }), { minLength: 1, maxLength: 30 }), (order) => {
      const other = new Synthetic({ seed: 3, step: MINUTE, kpis: [{ series: "first", noise: 1 }, kpi], ...more });
      for (const i of order) {
        const tick = other.tick(START + i * MINUTE);
        const row = tick.refs.findIndex((ref) => ref.series === "k");
        assert.equal(tick.values[row], straight[i]);
      }
    }),
    { numRuns: 30 },
  );
});

function valuesAndTimes(synthetic: Synthetic, count: number) {
  return Array.from({ length: count }, (_, i) => synthetic.tick(START + i * MINUTE).values[0]);
}

test("read: batches of steps from a place on; find: the step at or after a time", async () => {
  const synthetic = one({ level: 1 });
  const place = await synthetic.find(START + 1);
  assert.equal(place.at, START / MINUTE + 1);
  for await (const { at, ticks } of synthetic.read(place)) {
    assert.equal(at, place.at);
    assert.equal(ticks[0]!.time, START + MINUTE);
    break;
  }
});

test("what makes no sense is refused by name", () => {
  const bad: [Partial<SyntheticConfig>, Partial<Kpi>, string][] = [
    [{ step: 0 }, {}, "step"],
    [{ missing: 1 }, {}, "missing"],
    [{}, { noise: -1 }, "kpis[0].noise"],
    [{}, { memory: 1 }, "kpis[0].memory"],
    [{ anomalies: [{ kind: "spike", at: 0, for: 0 }] }, {}, "anomalies[0].for"],
    [{ gaps: [{ every: 5, for: 6 }] }, {}, "gaps[0].every"],
  ];
  for (const [more, kpi, field] of bad) assert.throws(() => one(kpi, more), { code: "bad-setting", field });
});

const GOLDEN = [
  [253.791, 5.8],
  [254.663, 6.7],
  [253.638, 5],
  [270.231, 26.9],
  [426.936, 3.8],
];
