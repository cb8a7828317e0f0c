// CPU of the alarm's state machine in Frames of 1 000 points, in a loop without Node-RED: quiet series with a limit and a
// deviation alert each, with and without watching for silence; and the same when every tenth series fires and recovers.
import { Alarms } from "../lib/alarm/alarms.ts";
import { parseRules } from "../lib/alarm/rule.ts";
import { type Frame, FrameBuilder } from "../lib/points/frame.ts";
import { SeriesTable } from "../lib/points/series.ts";
import { cpu, median, print, round } from "./support/runtime.ts";

const SERIES = 10_000;
const ROWS = 1_000;
const FRAMES = 200;
const RUNS = 7;
const STEP = 10_000;
const T = Date.UTC(2026, 0, 1);

const table = new SeriesTable();
const refs = Array.from({ length: SERIES }, (_, i) => table.ref(`plant/line-${i % 10}/sensor-${i}`));
const RULES = [
  { when: "above", limit: "80", deadband: "2", severity: "major" },
  { when: "alert", severity: "warning" },
];
const column = (value: number) => new Float64Array(ROWS).fill(value);
const annotation = {
  "deviation.score": column(0),
  "deviation.expected": column(50),
  "deviation.lower": column(40),
  "deviation.upper": column(60),
  "deviation.alert": column(0),
};

/** Microseconds a point. `hot`: each tenth series is above its limit every other time. */
async function microseconds(noData: "off" | "learned", hot: boolean): Promise<{ us: number; bytes: number }> {
  let now = T;
  let tick = 0;
  globalThis.gc?.();
  const before = process.memoryUsage();
  const alarms = new Alarms({
    clock: { now: () => now, after: () => () => {} },
    alarm: "bench",
    rules: parseRules(RULES),
    noData,
  });
  alarms.resume();
  const frame = (): Frame => {
    const builder = new FrameBuilder(ROWS);
    for (let row = 0; row < ROWS; row++, tick++) {
      const series = tick % SERIES;
      const round = Math.floor(tick / SERIES);
      now = T + round * STEP;
      builder.add(refs[series]!, now, hot && series % 10 === 0 && round % 2 === 1 ? 90 : 50);
    }
    return builder.take().with(annotation);
  };
  const frames = () => Array.from({ length: FRAMES }, frame);
  const take = (some: readonly Frame[]) => {
    for (const one of some) {
      alarms.addFrame(one, "alarm", "deviation");
      alarms.confirm(alarms.take(alarms.made));
    }
  };
  take(frames());
  globalThis.gc?.();
  const after = process.memoryUsage();
  const bytes = (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / SERIES;
  const runs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const some = frames();
    runs.push((await cpu(() => take(some))) / (FRAMES * ROWS));
  }
  return { us: median(runs), bytes };
}

const quiet = await microseconds("off", false);
const silence = await microseconds("learned", false);
const firing = await microseconds("off", true);
print({
  bench: "alarm",
  series: SERIES,
  usPerPointQuiet: round(quiet.us),
  usPerPointNoData: round(silence.us),
  usPerPointTenthFires: round(firing.us),
  promiseQuiet: 1,
  bytesPerSeries: Math.round(quiet.bytes),
});
