import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Frame, FrameBuilder } from "../../../lib/points/frame.ts";
import { type SeriesRef, seriesRef } from "../../../lib/points/series.ts";
import type { Snapshot } from "../../../lib/state/keyed-state.ts";
import { type Emit, TumblingWindows } from "../../../lib/window/tumbling.ts";
import { applied } from "../state/helpers.ts";

const a = seriesRef("a");
const b = seriesRef("b");
const MINUTE = 60_000;
const T = Date.UTC(2026, 0, 1);

function collect(windows: TumblingWindows) {
  const out: [string, number, number][] = [];
  const emit = (ref: { series: string }, time: number, value: number) => out.push([ref.series, time - T, value]);
  return { out, add: (ref: typeof a, time: number, value: number) => windows.add(ref, T + time, value, emit) };
}

test("a window closes when its series passes its end", () => {
  const { out, add } = collect(new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["mean", "stddev"] }));
  for (const [i, value] of [4, 7, 13, 16].entries()) add(a, i * 1000, 1e9 + value);
  add(a, MINUTE, 0);
  assert.equal(out[0]![2], 1e9 + 10);
  assert.ok(Math.abs(out[1]![2] - Math.sqrt(30)) < 1e-6);
});

test("a silent series is closed by the stream, a series that is a week behind is neither late nor cut", () => {
  const { out, add } = collect(new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["count"] }));
  add(a, 0, 1);
  const week = -7 * 24 * 60 * MINUTE;
  assert.ok(add(b, week, 1));
  assert.ok(add(b, week + 1000, 1));
  add(b, week + MINUTE, 1);
  assert.deepEqual(out, [["b", week, 2]]);
  add(seriesRef("c"), 10 * MINUTE, 1);
  assert.deepEqual(out.slice(1), [
    ["a", 0, 1],
    ["b", week + MINUTE, 1],
  ]);
});

test("a late point is told apart, and a snapshot carries open windows on", () => {
  const first = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["sum"] });
  const { add } = collect(first);
  add(a, 0, 1);
  add(a, MINUTE, 2);
  assert.equal(add(a, 1000, 5), false);
  assert.equal(first.late, 1);
  first.beforeSave();
  const second = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["sum"] });
  second.state.restore(JSON.parse(JSON.stringify(first.state.snapshot())));
  second.afterRestore();
  const rest = collect(second);
  rest.add(a, MINUTE + 1, 3);
  rest.add(a, 2 * MINUTE, 0);
  assert.deepEqual(rest.out, [["a", MINUTE, 5]]);
});

/** One result as text, so that results can be compared as sets. */
type Results = string[];
const into =
  (out: Results): Emit =>
  (ref, time, value) =>
    out.push(`${ref.key} ${time - T} ${value}`);

type Row = [ref: SeriesRef, time: number, value: number];

const REFS = [seriesRef("a"), seriesRef("b", { site: "x" }), seriesRef("7"), seriesRef("__proto__")];
const NAMES = ["count", "sum", "mean", "stddev", "min", "max", "first", "last", "p50"] as const;

const valueArb = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -50, max: 50 }) },
  { weight: 1, arbitrary: fc.constantFrom(0.1, 1e9, Infinity, -Infinity, Number.NaN) },
);
/** Small windows and times that often meet their edges. */
const settingsArb = fc.record({
  every: fc.constantFrom(100, 160, 1000),
  lateness: fc.constantFrom(0, 0, 7, 100, 450),
  aggregates: fc.constant(NAMES),
  stamp: fc.constantFrom("start" as const, "end" as const),
});
/** Any order: back, forth, at once. */
const rowsArb = fc
  .array(
    fc.tuple(fc.constantFrom(...REFS), fc.integer({ min: -400, max: 400 }), fc.constantFrom(0, 1, 1, 3), valueArb),
    {
      maxLength: 80,
    },
  )
  .map((steps) => {
    let now = T;
    return steps.map(([ref, jitter, pace, value]): Row => {
      now += pace * 40;
      return [ref, now + jitter, value];
    });
  });

function frameOf(rows: readonly Row[]): Frame {
  const builder = new FrameBuilder();
  for (const row of rows) builder.add(...row);
  return builder.take();
}

test("the counts add up to the points that came in, less the late ones and the gaps", () => {
  fc.assert(
    fc.property(settingsArb, rowsArb, (settings, rows) => {
      const windows = new TumblingWindows({ ...settings, aggregates: ["count"] });
      let counted = 0;
      const seen = new Set<string>();
      const emit: Emit = (ref, time, value) => {
        counted += value;
        const id = `${ref.key} ${time}`;
        assert.ok(!seen.has(id), "a window is told once");
        seen.add(id);
      };
      let expected = 0;
      let late = 0;
      for (const [ref, time, value] of rows) {
        const taken = windows.add(ref, time, value, emit);
        if (!taken) late++;
        else if (!Number.isNaN(value)) expected++;
      }
      windows.flush(emit);
      assert.equal(counted, expected);
      assert.equal(windows.late, late);
      assert.equal(windows.openWindows, 0);
    }),
    { numRuns: 300 },
  );
});

test("a window is told with exactly the points that were not late, as a simple sum by hand says", () => {
  fc.assert(
    fc.property(settingsArb, rowsArb, ({ every, lateness }, rows) => {
      const windows = new TumblingWindows({ every, lateness, aggregates: ["count", "last"], stamp: "start" });
      const out: Results = [];
      const byHand = new Map<string, { count: number; at: number; last: number }>();
      for (const [ref, time, value] of rows) {
        if (!windows.add(ref, time, value, into(out))) continue;
        const start = Math.floor(time / every) * every - T;
        const key = `${ref.key} ${start}`;
        const own = byHand.get(key) ?? { count: 0, at: -Infinity, last: Number.NaN };
        byHand.set(key, own);
        if (Number.isNaN(value)) continue;
        own.count++;
        if (time >= own.at) Object.assign(own, { at: time, last: value });
      }
      windows.flush(into(out));
      const told = out.map((line) => line.split(" ").slice(-2).join(" ")).sort();
      const expected = [...byHand].flatMap(([key, { count, last }]) => {
        const start = key.split(" ").at(-1);
        return [`${start} ${count}`, `${start} ${last}`];
      });
      assert.deepEqual(told, expected.sort());
    }),
    { numRuns: 300 },
  );
});

test("nothing within the lateness of its series is late, nothing whose window is over for it is taken", () => {
  fc.assert(
    fc.property(settingsArb, fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 60 }), (settings, times) => {
      const windows = new TumblingWindows(settings);
      let latest = -Infinity;
      for (const time of times) {
        const over = Math.floor((T + time) / settings.every + 1) * settings.every + settings.lateness - T;
        assert.equal(
          windows.add(a, T + time, 1, () => {}),
          over > latest,
        );
        latest = Math.max(latest, time);
      }
    }),
  );
});

test("the same points give the same results in any batches, and whenever it is saved", () => {
  fc.assert(
    fc.property(settingsArb, rowsArb, fc.infiniteStream(fc.nat(12)), (settings, rows, dice) => {
      const single = new TumblingWindows(settings);
      const expected: Results = [];
      const late: Row[] = [];
      for (const row of rows) if (!single.add(...row, into(expected))) late.push(row);
      single.flush(into(expected));

      const batched = new TumblingWindows(settings);
      let file: Snapshot | undefined;
      const save = () => {
        batched.beforeSave();
        file = applied(file, JSON.parse(JSON.stringify(batched.state.changes())));
      };
      const out: Results = [];
      const lateOut: Row[] = [];
      for (let rest = rows; rest.length > 0; ) {
        const n = 1 + (dice.next().value as number);
        const frame = frameOf(rest.slice(0, n));
        rest = rest.slice(n);
        const error = batched.addFrame(frame, into(out), 0, (row) => {
          lateOut.push([frame.ref(row), frame.times[row]!, frame.values[row]!]);
        });
        assert.equal(error, undefined);
        save();
      }
      batched.flush(into(out));
      save();
      assert.deepEqual(file, JSON.parse(JSON.stringify(batched.state.snapshot())), "what was saved in pieces is all");
      assert.deepEqual(out, expected);
      assert.deepEqual(lateOut, late);
    }),
    { numRuns: 200 },
  );
});

test("a snapshot at any place changes no result", () => {
  fc.assert(
    fc.property(settingsArb, rowsArb, fc.array(fc.nat(80), { minLength: 1, maxLength: 4 }), (settings, rows, cuts) => {
      const whole = new TumblingWindows(settings);
      let cut = new TumblingWindows(settings);
      const expected: Results = [];
      const out: Results = [];
      for (const [i, row] of rows.entries()) {
        if (cuts.includes(i)) {
          cut.beforeSave();
          const saved = JSON.stringify(cut.state.snapshot());
          cut = new TumblingWindows(settings);
          cut.state.restore(JSON.parse(saved));
          assert.ok(cut.afterRestore());
        }
        assert.equal(cut.add(...row, into(out)), whole.add(...row, into(expected)), "late or not");
        // Series of one sweep come in the order of the file.
        assert.deepEqual([...out].sort(), [...expected].sort());
      }
      whole.flush(into(expected));
      cut.flush(into(out));
      assert.deepEqual(out.sort(), expected.sort());
      assert.equal(cut.late, whole.late);
    }),
    { numRuns: 500 },
  );
});

test("a snapshot changes nothing for a series that the stream is about to close", () => {
  // `c` moves on, so that the look at the stream that was planned for it is for nobody when it comes; `d` is over then,
  // but not by a whole step.
  const [c, d, e] = ["c", "d", "e"].map((name) => seriesRef(name)) as [SeriesRef, SeriesRef, SeriesRef];
  const rows = [
    [e, 1650],
    [c, 200],
    [e, 1700],
    [d, 180],
    [e, 1750],
    [c, 200],
    [e, 3150],
    [d, 190],
  ] as const;
  const run = (cut: number) => {
    const options = { every: 1600, lateness: 0, aggregates: ["count"] as const };
    let windows = new TumblingWindows(options);
    const out: Results = [];
    for (const [i, [ref, time]] of rows.entries()) {
      if (i === cut) {
        windows.beforeSave();
        const saved = JSON.stringify(windows.state.snapshot());
        windows = new TumblingWindows(options);
        windows.state.restore(JSON.parse(saved));
        windows.afterRestore();
      }
      windows.add(ref, T + time, 1, into(out));
    }
    windows.flush(into(out));
    return { out: out.sort(), late: windows.late };
  };
  const whole = run(-1);
  assert.equal(whole.late, 0);
  for (let cut = 0; cut < rows.length; cut++) assert.deepEqual(run(cut), whole);
});

test("how series are interleaved changes no result, as long as none is further behind than the lateness", () => {
  const stepsArb = fc.array(fc.tuple(fc.nat(300), valueArb), { maxLength: 30 });
  fc.assert(
    fc.property(
      settingsArb,
      fc.tuple(stepsArb, stepsArb, stepsArb),
      fc.array(fc.nat(100), { minLength: 6, maxLength: 6 }),
      (settings, walks, delays) => {
        const lateness = Math.max(...delays) + 1;
        const results = [delays.slice(0, 3), delays.slice(3)].map((delay) => {
          const arriving = walks.flatMap((steps, n) => {
            let time = T;
            return steps.map(([pace, value]) => {
              time += pace;
              return { at: time + delay[n]!, row: [REFS[n]!, time, value] as Row };
            });
          });
          const windows = new TumblingWindows({ ...settings, lateness });
          const out: Results = [];
          for (const { row } of arriving.sort((x, y) => x.at - y.at)) assert.ok(windows.add(...row, into(out)));
          windows.flush(into(out));
          return out.sort();
        });
        assert.deepEqual(results[1], results[0]);
      },
    ),
    { numRuns: 200 },
  );
});

test("a straggler whose window was never opened is late, and makes no window of its own", () => {
  const { out, add } = collect(new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["count"] }));
  add(a, 10 * MINUTE, 1);
  for (const late of [5 * MINUTE, 5 * MINUTE + 1, 9 * MINUTE]) assert.equal(add(a, late, 1), false);
  assert.deepEqual(out, []);
  add(a, 11 * MINUTE, 1);
  assert.deepEqual(out, [["a", 10 * MINUTE, 1]]);
});

test("windows wait for stragglers, several at once, and close in the order of time", () => {
  const { out, add } = collect(new TumblingWindows({ every: MINUTE, lateness: 2 * MINUTE, aggregates: ["sum"] }));
  for (const [minute, value] of [
    [2, 1],
    [0, 2],
    [1, 4],
    [0.5, 8],
    [2.9, 16],
  ] as const) {
    assert.ok(add(a, minute * MINUTE, value));
  }
  add(a, 5 * MINUTE, 0);
  assert.deepEqual(out, [
    ["a", 0, 10],
    ["a", MINUTE, 4],
    ["a", 2 * MINUTE, 17],
  ]);
});

test("a window of gaps is a gap, and its count is 0", () => {
  const windows = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["mean", "count"] });
  const { out, add } = collect(windows);
  add(a, 0, Number.NaN);
  add(a, MINUTE, 5);
  add(a, 2 * MINUTE, Number.NaN);
  windows.flush((ref, time, value) => out.push([ref.series, time - T, value]));
  assert.deepEqual(out, [
    ["a", 0, Number.NaN],
    ["a", 0, 0],
    ["a", MINUTE, 5],
    ["a", MINUTE, 1],
    ["a", 2 * MINUTE, Number.NaN],
    ["a", 2 * MINUTE, 0],
  ]);
});

test("infinite values survive a snapshot in all of their aggregates", () => {
  const options = { every: MINUTE, lateness: 0, aggregates: ["min", "max", "last", "p100"] as const };
  const first = new TumblingWindows(options);
  first.add(a, T, Infinity, () => {});
  first.add(b, T, -Infinity, () => {});
  first.beforeSave();
  const second = new TumblingWindows(options);
  second.state.restore(JSON.parse(JSON.stringify(first.state.snapshot())));
  second.afterRestore();
  const { out } = collect(second);
  second.flush((ref, time, value) => out.push([ref.series, time - T, value]));
  assert.deepEqual(
    out.map(([, , value]) => value),
    [...Array(4).fill(Infinity), ...Array(4).fill(-Infinity)],
  );
});

test("results say what they are, at either end of their window, in the unit of their points", () => {
  const source = seriesRef("a", { site: "x" }, "°C");
  for (const [stamp, at] of [
    ["start", 0],
    ["end", MINUTE],
  ] as const) {
    const told: [SeriesRef, number, number][] = [];
    const windows = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["mean", "count"], stamp });
    windows.add(source, T + 5, 3, () => {});
    windows.flush((...result) => told.push(result));
    assert.deepEqual(told, [
      [seriesRef("a", { site: "x", agg: "mean", window: "1m" }, "°C"), T + at, 3],
      [seriesRef("a", { site: "x", agg: "count", window: "1m" }), T + at, 1],
    ]);
  }
});

test("windows of windows: results of different series never become one", () => {
  const hour = new TumblingWindows({ every: 60 * MINUTE, lateness: 0, aggregates: ["mean", "max"] });
  const sources = [
    undefined,
    { agg: "mean", window: "1m" },
    { agg: "max", window: "1m" },
    { agg: "max", window: "5m" },
    { window: "left" },
    { window: "right" },
  ];
  for (const tags of sources) hour.add(seriesRef("a", tags), T, 1, () => {});
  const told: SeriesRef[] = [];
  hour.flush((ref) => told.push(ref));
  assert.equal(new Set(told.map(({ key }) => key)).size, 2 * sources.length);
  assert.deepEqual(
    told.slice(2, 6).map(({ tags }) => tags),
    ["mean(mean 1m)", "max(mean 1m)", "mean(max 1m)", "max(max 1m)"].map((agg) => ({ agg, window: "1h" })),
  );
});

test("a window whose output is wired back to it says so, and takes the rest of the frame", () => {
  const windows = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["mean"] });
  const own = seriesRef("a", { agg: "mean", window: "1m" });
  const expected = { code: "window-loop", message: /^series a is .*wired back/ };
  assert.throws(() => windows.add(own, T, 1, () => {}), expected);
  const frame = frameOf([
    [own, T, 1],
    [a, T, 2],
    [own, T + 1, 3],
  ]);
  const error = windows.addFrame(
    frame,
    () => {},
    0,
    () => assert.fail(),
  );
  assert.equal(error?.code, "window-loop");
  assert.equal(windows.state.size, 1);
  windows.add(seriesRef("a", { agg: "mean", window: "5m" }), T, 1, () => {});
});

test("windows are UTC: where a gateway's clocks change twice a year, no window is longer or shorter", () => {
  const zone = process.env.TZ;
  try {
    for (const [name, change] of [
      ["Europe/Madrid", Date.UTC(2025, 2, 30, 1)],
      ["America/New_York", Date.UTC(2025, 10, 2, 6)],
    ] as const) {
      process.env.TZ = name;
      const windows = new TumblingWindows({ every: 24 * 60 * MINUTE, lateness: 0, aggregates: ["count"] });
      const told: [number, number][] = [];
      const emit: Emit = (_ref, time, value) => told.push([time, value]);
      const midnight = Math.floor(change / 86_400_000) * 86_400_000;
      for (let hour = -24; hour < 48; hour++) windows.add(a, midnight + hour * 60 * MINUTE, 1, emit);
      windows.flush(emit);
      assert.deepEqual(told, [
        [midnight - 86_400_000, 24],
        [midnight, 24],
        [midnight + 86_400_000, 24],
      ]);
    }
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

test("10 000 series at once, and not one more", () => {
  const windows = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["sum"] });
  const refs = Array.from({ length: 10_000 }, (_, n) => seriesRef(`s${n}`));
  let sum = 0;
  let results = 0;
  const emit: Emit = (_ref, _time, value) => {
    sum += value;
    results++;
  };
  for (const minute of [0, 1, 2]) {
    for (const [n, ref] of refs.entries()) windows.add(ref, T + minute * MINUTE, n, emit);
  }
  assert.equal(results, 20_000);
  assert.equal(sum, 10_000 * 9_999);
  const error = windows.addFrame(frameOf([[seriesRef("more"), T + 2 * MINUTE, 1]]), emit, 0, () => assert.fail());
  assert.equal(error?.code, "too-many-series");
  // One series that goes on closes the others; then they are idle and make room.
  windows.add(refs[0]!, T + 10 * MINUTE, 0, emit);
  assert.equal(results, 30_000);
  assert.ok(windows.add(seriesRef("more"), T + 10 * MINUTE, 1, emit));
  assert.equal(windows.state.size, 9_001);
});

test("other settings than those of the snapshot: half-filled windows are dropped, the stream's clock stays", () => {
  const first = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["sum", "max"] });
  first.add(a, T, 1, () => {});
  first.beforeSave();
  const saved = JSON.stringify(first.state.snapshot());
  for (const [settings, same] of [
    [{ every: MINUTE, lateness: 0, aggregates: ["max", "sum"] as const }, true],
    [{ every: MINUTE, lateness: 5, aggregates: ["sum", "max"] as const }, true],
    [{ every: 2 * MINUTE, lateness: 0, aggregates: ["sum", "max"] as const }, false],
    [{ every: MINUTE, lateness: 0, aggregates: ["mean"] as const }, false],
  ] as const) {
    const second = new TumblingWindows(settings);
    second.state.restore(JSON.parse(saved));
    assert.equal(second.afterRestore(), same);
    assert.equal(second.openWindows, same ? 1 : 0);
  }
});

test("a saved window of before there were origins is carried on", () => {
  const windows = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["stddev", "mean"] });
  for (const value of [4, 7]) windows.add(a, T, value, () => {});
  windows.beforeSave();
  const snapshot = JSON.parse(JSON.stringify(windows.state.snapshot()));
  const { numbers } = snapshot.records.a.data.open[0];
  const origin = numbers.pop();
  numbers[3] += origin;
  const second = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["stddev", "mean"] });
  second.state.restore(snapshot);
  second.afterRestore();
  for (const value of [13, 16]) second.add(a, T, value, () => {});
  const out: number[] = [];
  second.flush((_ref, _time, value) => out.push(value));
  assert.deepEqual(out, [Math.sqrt(30), 10]);
});

test("a reset forgets series, and what comes after starts anew", () => {
  const windows = new TumblingWindows({ every: MINUTE, lateness: 0, aggregates: ["sum"] });
  const { out, add } = collect(windows);
  add(a, 0, 1);
  add(b, 0, 2);
  assert.equal(windows.reset([a.key]), 1);
  add(a, 1, 4);
  add(a, MINUTE, 0);
  assert.deepEqual(out, [
    ["a", 0, 4],
    ["b", 0, 2],
  ]);
  assert.equal(windows.reset(), 2);
  assert.equal(windows.openWindows, 0);
});
