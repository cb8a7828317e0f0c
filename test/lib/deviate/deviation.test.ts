import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newOutcome, SeriesDetector } from "../../../lib/deviate/detector.ts";
import { type Deviation, type DeviationOptions, Deviations } from "../../../lib/deviate/deviation.ts";
import { VigiaError } from "../../../lib/points/error.ts";
import { FrameBuilder } from "../../../lib/points/frame.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { ZoneClock } from "../../../lib/points/zone.ts";
import { DAY, daily, gaussians, HandClock, HOUR, MONDAY, STEP, uniforms } from "./series.ts";

const WEEK = 7 * DAY;
const motor = seriesRef("plant/motor/temperature", undefined, "°C");

interface Bench {
  node: Deviations;
  clock: HandClock;
  add(time: number, value: number): Deviation;
  /** The clock goes with the points. */
  play(from: number, until: number, valueAt: (time: number) => number): { time: number; deviation: Deviation }[];
}

function bench(options: Partial<DeviationOptions> = {}): Bench {
  const clock = new HandClock();
  const node = new Deviations({ clock, ...options });
  const add = (time: number, value: number) => {
    clock.time = time;
    return node.add(motor, time, value);
  };
  return {
    node,
    clock,
    add,
    play(from, until, valueAt) {
      const alerts: { time: number; deviation: Deviation }[] = [];
      for (let time = from; time < until; time += STEP) {
        const deviation = add(time, valueAt(time));
        assert.ok(Number.isFinite(deviation.score) && deviation.score >= 0);
        assert.ok(deviation.p >= 0 && deviation.p <= 1);
        if (deviation.alert) alerts.push({ time, deviation });
      }
      return alerts;
    },
  };
}

const LEARNED = MONDAY + 4 * WEEK;
function learned(options: Partial<DeviationOptions> = {}, valueAt = daily(1)): Bench & { valueAt: typeof valueAt } {
  const made = bench(options);
  const alerts = made.play(MONDAY, LEARNED, valueAt);
  assert.ok(alerts.length <= 8, `${alerts.length} alerts in four weeks of nothing`);
  return { ...made, valueAt };
}

test("a step is told within the hour, once, with what, where and how long", () => {
  const { play, valueAt } = learned();
  const at = LEARNED + 9 * HOUR;
  assert.deepEqual(play(LEARNED, at, valueAt), []);
  const alerts = play(at, at + 4 * HOUR, (time) => valueAt(time) + 12);
  assert.ok(alerts.length >= 1 && alerts.length <= 2, `${alerts.length} alerts`);
  const { time, deviation } = alerts[0]!;
  assert.ok(time - at <= HOUR, `${(time - at) / 60_000} min`);
  assert.equal(deviation.direction, "above");
  assert.match(deviation.reason, /^1[0-4](\.\d)? °C above what it has been at (nine|ten)/);
  assert.ok(deviation.p < 1e-3);
  assert.ok(Math.abs(deviation.expected! - 45) < 8);
});

test("the reason names the weekday once the week has a rhythm", () => {
  const noise = gaussians(2);
  // Sundays are off.
  const valueAt = (time: number) => 20 + (new Date(time).getUTCDay() === 0 ? 0 : 10) + 0.5 * noise();
  const { play } = bench();
  play(MONDAY, MONDAY + 5 * WEEK, valueAt);
  const sunday = MONDAY + 5 * WEEK + 6 * DAY;
  assert.deepEqual(play(sunday - 6 * DAY, sunday + 9 * HOUR, valueAt), [], "a Sunday is no surprise any more");
  const alerts = play(sunday + 9 * HOUR, sunday + 10 * HOUR, (time) => valueAt(time) + 8);
  assert.ok(alerts.length > 0);
  assert.match(alerts[0]!.deviation.reason, /°C above what Sundays at nine have been/);
  assert.ok(Math.abs(alerts[0]!.deviation.expected! - 20) < 2);
});

test("hours are those of the zone", () => {
  const { play, valueAt } = learned({ zone: "Asia/Tokyo" });
  const alerts = play(LEARNED, LEARNED + HOUR, (time) => valueAt(time) + 15);
  assert.match(alerts[0]!.deviation.reason, /at nine/);
});

test("spike, drift, burst, freeze and a shifted day are told", () => {
  const noise = gaussians(21);
  let stuck = 0;
  const stand = (value: number) => {
    stuck = value;
    return value;
  };
  const faults: Record<string, [hours: number, fault: (value: number, since: number) => number, way: RegExp]> = {
    spike: [1, (value, since) => value + (since < 3 * STEP ? -25 : 0), /below/],
    drift: [24, (value, since) => value + (20 * since) / DAY, /above/],
    burst: [12, (value) => value + 8 * noise(), /above|below|unsteady/],
    freeze: [3, (value, since) => (since === 0 ? stand(value) : stuck), /still/],
    season: [24, (_, since) => 50 + 10 * Math.cos((2 * Math.PI * (since / HOUR - 4)) / 24) + noise(), /above|below/],
  };
  for (const [name, [hours, fault, way]] of Object.entries(faults)) {
    const { play, valueAt } = learned();
    const alerts = play(LEARNED, LEARNED + hours * HOUR, (time) => fault(valueAt(time), time - LEARNED));
    assert.ok(alerts.length > 0, name);
    assert.match(alerts[0]!.deviation.direction!, way, name);
    assert.ok(alerts[0]!.deviation.reason.length > 10, name);
  }
});

test("98 % of the points lie in the band", () => {
  const { add, valueAt } = learned();
  let outside = 0;
  const n = (2 * WEEK) / STEP;
  for (let i = 0; i < n; i++) {
    const value = valueAt(LEARNED + i * STEP);
    const { lower, upper, expected } = add(LEARNED + i * STEP, value);
    assert.ok(lower! < expected! && expected! < upper!);
    if (value < lower! || value > upper!) outside++;
  }
  assert.ok(outside / n > 0.01 && outside / n < 0.03, `${outside / n}`);
});

test("gaps are neither judged nor learned", () => {
  const { node, add, valueAt } = learned();
  const before = JSON.stringify(node.state.export());
  for (let i = 0; i < 500; i++) {
    const { score, alert, p, expected } = add(LEARNED + i * STEP, Number.NaN);
    assert.deepEqual([score, alert, p], [0, false, 1]);
    assert.ok(Math.abs(expected! - 50) < 12);
  }
  assert.equal(JSON.stringify(node.state.export()), before);
  const first = bench().add(MONDAY, Number.NaN);
  assert.deepEqual([first.expected, first.lower, first.upper, first.warming], [null, null, null, true]);
  assert.equal(add(LEARNED + 501 * STEP, valueAt(LEARNED + 501 * STEP)).alert, false, "a long gap is no deviation");
});

test("a month of history says nothing, and is learned", () => {
  const { node, clock } = bench();
  const valueAt = daily(3);
  clock.time = MONDAY + 40 * DAY;
  for (let time = MONDAY; time < MONDAY + 30 * DAY; time += STEP) {
    const broken = time > MONDAY + 20 * DAY && time < MONDAY + 20.5 * DAY;
    assert.equal(node.add(motor, time, valueAt(time) + (broken ? 60 : 0)).alert, false);
  }
  const { expected } = node.add(motor, MONDAY + 30 * DAY + 14 * HOUR, 60);
  assert.ok(Math.abs(expected! - 60) < 3, `${expected}`);
});

test("nothing is told while a series warms up, and it says so", () => {
  const { node, add, play, valueAt } = { ...bench(), valueAt: daily(4) };
  assert.equal(add(MONDAY - STEP, 50).warming, true);
  const alerts = play(MONDAY, MONDAY + DAY - 2 * STEP, (time) => valueAt(time) + (time > MONDAY + 12 * HOUR ? 500 : 0));
  assert.deepEqual(alerts, []);
  assert.equal(node.warming().series, 1);
  assert.ok(node.warming().least > 0.9);
  assert.equal(add(MONDAY + DAY, 50).warming, undefined);
  assert.deepEqual(node.warming(), { series: 0, least: 1 });
});

test("direction and smallest effect are kept to", () => {
  const count = (options: Partial<DeviationOptions>, added: number) => {
    const { play, valueAt } = learned(options);
    return play(LEARNED, LEARNED + 6 * HOUR, (time) => valueAt(time) + added).length;
  };
  assert.ok(count({ direction: "above" }, 15) > 0);
  assert.equal(count({ direction: "above" }, -15), 0);
  assert.ok(count({ direction: "below" }, -15) > 0);
  assert.equal(count({ least: 25 }, 15), 0);
  assert.ok(count({ least: 10 }, 15) > 0);
  assert.equal(count({ leastRelative: 0.9 }, 15), 0);
  assert.ok(count({ leastRelative: 0.1 }, 15) > 0);
});

test("the hold-off is a time; a fault that goes on is not told at every point", () => {
  const times = (holdOff: number) => {
    const { play, valueAt } = learned({ holdOff });
    return play(LEARNED, LEARNED + DAY, (time) => valueAt(time) + 30).map(({ time }) => time);
  };
  const long = times(6 * HOUR);
  for (let i = 1; i < long.length; i++) assert.ok(long[i]! - long[i - 1]! >= 6 * HOUR);
  const short = times(0);
  for (let i = 1; i < short.length; i++) assert.ok(short[i]! - short[i - 1]! >= 12 * STEP, "never under twelve points");
  assert.ok(short.length <= 4);
});

test("infinite values are told and not learned", () => {
  const { node, add } = learned();
  const before = node.add(motor, LEARNED - STEP, Number.NaN).expected;
  const found = add(LEARNED, Infinity);
  assert.deepEqual([found.alert, found.direction, found.reason], [true, "above", "is infinite"]);
  assert.ok(Number.isFinite(found.score));
  assert.equal(add(LEARNED + STEP, -Infinity).alert, false, "within the hold-off");
  assert.ok(Math.abs(add(LEARNED + 2 * STEP, 41).expected! - before!) < 2);
});

test("one absurd value is told and does not blind the detector", () => {
  for (const absurd of [1e300, -1e300, Number.MAX_VALUE, 65_535, -999]) {
    const { add, play, valueAt } = learned();
    const found = add(LEARNED, absurd);
    assert.equal(found.alert, true, `${absurd}: ${found.score}`);
    assert.match(found.reason, absurd > 0 ? /above/ : /below/);
    const quiet = play(LEARNED + STEP, LEARNED + 5 * DAY, valueAt);
    assert.ok(quiet.length <= 2, `${absurd}: ${quiet.map(({ deviation }) => deviation.reason)}`);
    const { lower, upper } = add(LEARNED + 5 * DAY, 40);
    assert.ok(lower! > 20 && upper! < 60, `${absurd}: ${lower} ${upper}`);
    assert.ok(play(LEARNED + 5 * DAY + STEP, LEARNED + 6 * DAY, (time) => valueAt(time) + 20).length > 0, `${absurd}`);
  }
});

test("a constant says nothing until it changes", () => {
  const { add, play } = bench();
  assert.deepEqual(
    play(MONDAY, LEARNED, () => 7),
    [],
  );
  const { expected, lower, upper } = add(LEARNED, 7);
  assert.deepEqual([expected, lower, upper], [7, 7, 7]);
  const alerts = play(LEARNED + STEP, LEARNED + 2 * HOUR, () => 8);
  assert.ok(alerts.length >= 1);
  assert.match(alerts[0]!.deviation.reason, /^1 °C above/);
  const zero = bench();
  assert.deepEqual(
    zero.play(MONDAY, LEARNED, () => 0),
    [],
  );
});

test("a counter that starts anew is no deviation", () => {
  const { play } = bench();
  const noise = uniforms(5);
  let total = 0;
  const reset = LEARNED + 3 * HOUR;
  const alerts = play(MONDAY, LEARNED + WEEK, (time) => {
    total = time === reset ? 0 : total + Math.floor(10 * noise());
    return total;
  });
  assert.ok(alerts.length <= 3, `${alerts.length} alerts`);
  assert.ok(!alerts.some(({ time }) => time >= reset && time < reset + 6 * HOUR));
});

test("one point, two points, the same time again", () => {
  const { node, add } = bench();
  assert.equal(add(MONDAY, 5).expected, null);
  const second = add(MONDAY + STEP, 500);
  assert.deepEqual([second.expected, second.score, second.alert], [5, 0, false]);
  const before = JSON.stringify(node.state.export());
  add(MONDAY + STEP, 9_999);
  assert.equal(JSON.stringify(node.state.export()), before, "a second value of one time is not learned");
});

test("irregular times, silences and steps back are borne", () => {
  const { add } = bench();
  const next = uniforms(6);
  const valueAt = daily(6);
  let alerts = 0;
  let time = MONDAY;
  for (let i = 0; i < 12_000; i++) {
    time += next() < 0.001 ? 10 * HOUR * next() : -Math.log(next()) * STEP;
    if (next() < 0.002) time -= HOUR;
    if (add(time, valueAt(time)).alert) alerts++;
  }
  assert.ok(alerts <= 6, `${alerts}`);
});

test("no input whatever makes a result that is not a number", () => {
  const anything = fc.record({
    time: fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: MONDAY, max: MONDAY + 1e6 })),
    value: fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }), fc.constantFrom(1e300, -1e300, 0, -0, 5e-324)),
  });
  fc.assert(
    fc.property(fc.array(anything, { minLength: 100, maxLength: 600, size: "max" }), (points) => {
      const { add } = bench({ warmUp: 0 });
      for (const { time, value } of points) {
        const { score, p, expected, lower, upper } = add(time, value);
        assert.ok(Number.isFinite(score) && p >= 0 && p <= 1);
        for (const part of [expected, lower, upper]) assert.ok(part === null || Number.isFinite(part));
        if (expected !== null && lower !== null && upper !== null) assert.ok(lower <= expected && expected <= upper);
      }
    }),
    { numRuns: 60 },
  );
});

test("saved and loaded anywhere, the rest comes out the same", () => {
  const valueAt = daily(7);
  const values = Array.from({ length: 3_000 }, (_, i) => valueAt(MONDAY + i * STEP) + (i > 2_800 ? 9 : 0));
  const run = (cuts: readonly number[]) => {
    const clock = new HandClock();
    let node = new Deviations({ clock, warmUp: 0, falseAlarms: 20 });
    return values.map((value, i) => {
      if (cuts.includes(i)) {
        node.beforeSave();
        const saved = JSON.parse(JSON.stringify(node.state.snapshot()));
        node = new Deviations({ clock, warmUp: 0, falseAlarms: 20 });
        node.state.restore(saved);
        assert.ok(node.afterRestore());
      }
      clock.time = MONDAY + i * STEP;
      return node.add(motor, clock.time, value);
    });
  };
  const whole = run([]);
  assert.ok(whole.some(({ alert }) => alert));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_999 }), { maxLength: 4 }), (cuts) => {
      assert.deepEqual(run(cuts), whole);
    }),
    { numRuns: 25 },
  );
});

test("state of another version or size is refused, of another zone dropped", () => {
  const settings = {
    zone: new ZoneClock(),
    holdOff: 0,
    direction: "both",
    least: 0,
    leastRelative: 0,
    warmUp: 0,
  } as const;
  const detector = new SeriesDetector(settings);
  detector.push(MONDAY, 1, { rare: 0, fixed: undefined }, true, newOutcome());
  const saved = detector.save();
  assert.deepEqual(SeriesDetector.load(JSON.parse(JSON.stringify(saved)), settings).save(), saved);
  for (const bad of [{ ...saved, version: 99 }, { ...saved, block: "AAAA" }, {}, null]) {
    assert.throws(
      () => SeriesDetector.load(bad as never, settings),
      (error) => error instanceof VigiaError && error.code === "bad-state",
    );
  }
  const { node, add } = bench({ zone: "Europe/Madrid" });
  add(MONDAY, 1);
  node.beforeSave();
  const other = bench().node;
  other.state.restore(node.state.snapshot());
  assert.equal(other.afterRestore(), false);
  assert.equal(other.state.size, 0);
});

test("how far a series has come, for what is read from the store again", () => {
  const { node } = bench();
  node.add(motor, MONDAY, 1, 17);
  assert.deepEqual(node.progress(motor.key), { seq: 17, latest: MONDAY });
  assert.equal(node.progress("other"), undefined);
  const plain = bench();
  plain.add(MONDAY, 1);
  assert.deepEqual(plain.node.progress(motor.key), { seq: 0, latest: MONDAY });
});

test("a frame gives what its points give", () => {
  const clock = new HandClock();
  const [one, all] = [new Deviations({ clock, warmUp: 0 }), new Deviations({ clock, warmUp: 0 })];
  const refs = ["a", "b", "c"].map((name) => seriesRef(name, undefined, "kW"));
  const valueAt = daily(9);
  const builder = new FrameBuilder();
  for (let i = 0; i < 3_000; i++) {
    const value = i % 50 === 0 ? Number.NaN : valueAt(MONDAY + i * STEP) + (i > 2_900 ? 40 : 0);
    builder.add(refs[i % 3]!, MONDAY + i * STEP, value);
  }
  const frame = builder.take();
  const heard: number[] = [];
  const { columns, error } = all.addFrame(frame, "deviation", (row, { alert, reason }) => {
    assert.ok(alert && reason.includes("kW"));
    heard.push(row);
  });
  assert.equal(error, undefined);
  const out = frame.with(columns);
  for (let row = 0; row < frame.length; row++) {
    const single = one.add(frame.ref(row), frame.times[row]!, frame.values[row]!);
    const point = out.point(row) as unknown as Record<string, number | null>;
    assert.equal(point["deviation.score"], single.score);
    assert.equal(point["deviation.expected"], single.expected);
    assert.equal(point["deviation.alert"], Number(single.alert));
    assert.equal(single.alert, heard.includes(row));
  }
  assert.ok(heard.length > 0);
});

test("more series than allowed are an error, idle ones make room", () => {
  const { node } = bench({ maxSeries: 2 });
  node.add(seriesRef("a"), MONDAY, 1);
  node.add(seriesRef("b"), MONDAY, 1);
  assert.throws(
    () => node.add(seriesRef("c"), MONDAY, 1),
    (error) => error instanceof VigiaError && error.code === "too-many-series",
  );
  node.add(seriesRef("b"), MONDAY + 5 * WEEK, 1);
  node.add(seriesRef("c"), MONDAY + 5 * WEEK, 1);
  assert.equal(node.state.peek("a"), undefined);
});

test("the alarms a user tolerates are shared: more series or fewer alarms, higher thresholds", () => {
  const thresholdOf = (series: number, falseAlarms: number) => {
    const clock = new HandClock();
    const node = new Deviations({ clock, falseAlarms });
    const refs = Array.from({ length: series }, (_, i) => seriesRef(`kpi-${i}`));
    const valueAt = daily(10);
    for (let i = 0; i < 300; i++) for (const ref of refs) node.add(ref, MONDAY + i * STEP, valueAt(MONDAY + i * STEP));
    return node.threshold(refs[0]!)!;
  };
  assert.ok(thresholdOf(20, 2) > thresholdOf(2, 2));
  assert.ok(thresholdOf(5, 0.5) > thresholdOf(5, 2));
  assert.equal(thresholdOf(10, 2), thresholdOf(5, 1));
});

test("a node is as quiet as its user wishes", () => {
  const perWeek = (falseAlarms: number) => {
    const clock = new HandClock();
    const node = new Deviations({ clock, falseAlarms });
    const noise = gaussians(11);
    const next = uniforms(12);
    let walk = 0;
    const kinds: [ReturnType<typeof seriesRef>, (time: number) => number][] = [
      [seriesRef("gaussian"), () => noise()],
      [seriesRef("lognormal"), () => Math.exp(noise())],
      [seriesRef("daily"), daily(13)],
      [
        seriesRef("wandering"),
        () => {
          walk = 0.95 * walk + noise();
          return walk;
        },
      ],
      [seriesRef("pareto"), () => next() ** (-1 / 3)],
      [seriesRef("counts"), () => Math.floor(-2 * Math.log(next()))],
    ];
    let alerts = 0;
    for (let time = MONDAY; time < MONDAY + 12 * WEEK; time += STEP) {
      clock.time = time;
      for (const [ref, valueAt] of kinds) if (node.add(ref, time, valueAt(time)).alert) alerts++;
    }
    return alerts / 12;
  };
  for (const falseAlarms of [0.5, 2, 6]) {
    const measured = perWeek(falseAlarms);
    assert.ok(measured <= 1.5 * falseAlarms, `${falseAlarms} wished, ${measured} measured`);
    assert.ok(measured >= 0.15 * falseAlarms, `${falseAlarms} wished, ${measured} measured`);
  }
});

test("settings that make no sense are refused by name", () => {
  const clock = new HandClock();
  const bad: [Partial<DeviationOptions>, string][] = [
    [{ falseAlarms: 0 }, "falseAlarms"],
    [{ falseAlarms: Number.NaN }, "falseAlarms"],
    [{ holdOff: -1 }, "holdOff"],
    [{ least: -1 }, "least"],
    [{ leastRelative: Infinity }, "leastRelative"],
    [{ liveWithin: -1 }, "liveWithin"],
    [{ warmUp: -1 }, "warmUp"],
    [{ direction: "sideways" as never }, "direction"],
    [{ zone: "Nowhere" }, "zone"],
  ];
  for (const [options, field] of bad) {
    assert.throws(
      () => new Deviations({ clock, ...options }),
      (error) => error instanceof VigiaError && error.field === field,
      field,
    );
  }
});
