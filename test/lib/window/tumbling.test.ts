import assert from "node:assert/strict";
import { test } from "node:test";
import { seriesRef } from "../../../lib/points/series.ts";
import { TumblingWindows } from "../../../lib/window/tumbling.ts";

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
