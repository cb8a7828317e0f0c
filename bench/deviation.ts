// The deviation detector on labelled series, by the rules of the Numenta Anomaly Benchmark v1.1 (Lavin & Ahmad 2015,
// arXiv:1510.03336): one threshold, one set of parameters, no look-ahead. DIR holds windows.json and data/.
//
//   npm run bench -- deviation --data DIR [--out FILE.json] [--threshold T] [--cv]
//
// FILE.json: one score a row for every file, in the file's order; rows that do not alert are below the threshold, as the
// hold-off and the memory of alerts are part of the detector. --cv: for each category the threshold that is best on all
// others, and the mean over seven starts (the first 0, 1.5, … 9 % of each file left out, which stay in the count).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Deviations } from "../lib/deviate/deviation.ts";
import { BLOCK_BYTES } from "../lib/deviate/layout.ts";
import { seriesRef } from "../lib/points/series.ts";
import { cpu, median, print } from "./support/runtime.ts";

/** Chosen by cross-validation on the public part; see `--cv`. */
const THRESHOLD = 7;

const { values: args } = parseArgs({
  options: {
    data: { type: "string" },
    out: { type: "string" },
    threshold: { type: "string" },
    cv: { type: "boolean" },
  },
});
if (!args.data) {
  console.error("npm run bench -- deviation --data DIR [--out FILE.json] [--threshold T] [--cv]");
  process.exit(2);
}
const threshold = args.threshold === undefined ? THRESHOLD : Number(args.threshold);

interface Labelled {
  file: string;
  category: string;
  times: Float64Array;
  values: Float64Array;
  /** Windows as first and last row. */
  windows: [number, number][];
}

const utc = (text: string) =>
  Date.parse(
    `${text
      .trim()
      .replace(" ", "T")
      .replace(/\.\d+$/, "")}Z`,
  );
const spans = JSON.parse(readFileSync(join(args.data, "windows.json"), "utf8")) as Record<string, [string, string][]>;
const files: Labelled[] = Object.entries(spans).map(([file, windows]) => {
  const lines = readFileSync(join(args.data!, "data", file), "utf8")
    .trim()
    .split(/\r?\n/)
    .slice(1);
  const rows = lines.map((line) => line.split(","));
  const times = Float64Array.from(rows, ([time]) => utc(time!));
  return {
    file,
    category: file.split("/")[0]!,
    times,
    values: Float64Array.from(rows, ([, value]) => (value === "" ? Number.NaN : Number(value))),
    windows: windows.map(([from, to]) => [times.indexOf(utc(from)), times.indexOf(utc(to))]),
  };
});

/** Runs one file as a node of its own from row `from` on. The clock of a replay is that of its points. */
function scoresOf({ file, times, values }: Labelled, at: number, from = 0): Float64Array {
  let now = 0;
  const clock = { now: () => now, after: () => () => {} };
  // The benchmark's own probation is the warm-up.
  const node = new Deviations({ clock, threshold: at, warmUp: 0 });
  const ref = seriesRef(file);
  const scores = new Float64Array(times.length);
  for (let row = from; row < times.length; row++) {
    now = times[row]!;
    const { alert, score } = node.add(ref, now, values[row]!);
    scores[row] = alert ? score : 0;
  }
  return scores;
}

const PROFILES = {
  standard: { missed: 1, wrong: 0.11 },
  lowFP: { missed: 1, wrong: 0.22 },
  lowFN: { missed: 2, wrong: 0.11 },
};
type Profile = keyof typeof PROFILES;
const sigmoid = (y: number) => 2 / (1 + Math.exp(5 * y)) - 1;

interface Tally {
  windows: number;
  hit: number;
  gain: number;
  falseAlarms: number;
  cost: number;
}

function tally({ times, windows }: Labelled, scores: Float64Array, at: number): Tally {
  const probation = Math.min(Math.floor(0.15 * times.length), 750);
  const best = new Map<number, number>();
  let falseAlarms = 0;
  let cost = 0;
  for (let row = probation; row < times.length; row++) {
    if (!(scores[row]! >= at)) continue;
    const inside = windows.findIndex(([from, to]) => row >= from && row <= to);
    if (inside >= 0) {
      const [from, to] = windows[inside]!;
      const gain = sigmoid(-(to - row + 1) / (to - from + 1)) / sigmoid(-1);
      best.set(inside, Math.max(gain, best.get(inside) ?? -1));
      continue;
    }
    falseAlarms++;
    const before = windows.filter(([, to]) => to < row).at(-1);
    const distance = before ? (row - before[1]) / (before[1] - before[0]) : Infinity;
    cost += distance > 3 ? -1 : sigmoid(distance);
  }
  let gain = 0;
  for (const one of best.values()) gain += one;
  return { windows: windows.length, hit: best.size, gain, falseAlarms, cost };
}

function scored(tallies: readonly Tally[]): Record<Profile | "hit" | "windows" | "falseAlarms", number> {
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  const [windows, hit] = [sum((t) => t.windows), sum((t) => t.hit)];
  const score = ({ missed, wrong }: { missed: number; wrong: number }) =>
    (100 * (sum((t) => t.gain) + missed * hit + wrong * sum((t) => t.cost))) / (windows * (1 + missed));
  return {
    standard: score(PROFILES.standard),
    lowFP: score(PROFILES.lowFP),
    lowFN: score(PROFILES.lowFN),
    hit,
    windows,
    falseAlarms: sum((t) => t.falseAlarms),
  };
}

const short = (numbers: object) =>
  Object.fromEntries(Object.entries(numbers).map(([name, n]) => [name, Number((n as number).toFixed(2))]));

const scores = files.map((file) => scoresOf(file, threshold));
if (args.out) {
  const out = Object.fromEntries(files.map(({ file }, i) => [file, [...scores[i]!]]));
  writeFileSync(args.out, JSON.stringify(out));
}
const tallies = files.map((file, i) => tally(file, scores[i]!, threshold));

/** A plain daily rhythm with noise: what a series costs does not depend on its values. */
const sample = (i: number) => 20 + 5 * Math.sin(i / 45.8) + ((i * 7_919) % 101) / 50;
const T = Date.UTC(2026, 0, 1);

async function microseconds(series: number, points: number): Promise<{ us: number; bytes: number }> {
  let now = T;
  const refs = Array.from({ length: series }, (_, i) => seriesRef(`plant/sensor-${i}`));
  globalThis.gc?.();
  const before = process.memoryUsage();
  const node = new Deviations({ clock: { now: () => now, after: () => () => {} } });
  let i = 0;
  const go = (n: number) => {
    for (let left = n; left > 0; left--, i++) {
      const tick = Math.floor(i / series);
      now = T + tick * 300_000;
      node.add(refs[i % series]!, now, sample(tick + (i % series)));
    }
  };
  go(Math.max(series * 150, 200_000));
  globalThis.gc?.();
  const after = process.memoryUsage();
  const bytes = (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / series;
  const runs: number[] = [];
  for (let run = 0; run < 7; run++) runs.push((await cpu(() => go(points))) / points);
  return { us: median(runs), bytes };
}

const warm = await microseconds(1, 300_000);
const cold = await microseconds(5_000, 300_000);
print({
  bench: "deviation",
  threshold,
  ...short(scored(tallies)),
  noAnomalyAlerts: tallies.reduce(
    (sum, { falseAlarms }, i) => sum + (files[i]!.category === "artificialNoAnomaly" ? falseAlarms : 0),
    0,
  ),
  usPerPointWarm: Number(warm.us.toFixed(2)),
  usPerPoint5000: Number(cold.us.toFixed(2)),
  bytesPerSeries: Math.round(cold.bytes),
  bytesOfState: BLOCK_BYTES,
});

if (args.cv) {
  const starts = [0, 0.015, 0.03, 0.045, 0.06, 0.075, 0.09];
  const thresholds = Array.from({ length: 17 }, (_, i) => 4 + i / 4);
  if (!thresholds.includes(threshold)) thresholds.push(threshold);
  // [threshold][start][file]
  const all = thresholds.map((at) =>
    starts.map((part) =>
      files.map((file) => tally(file, scoresOf(file, at, Math.floor(part * file.times.length)), at)),
    ),
  );
  const mean = (of: readonly ReturnType<typeof scored>[]) =>
    short(
      Object.fromEntries(
        Object.keys(of[0]!).map((name) => [name, of.reduce((sum, one) => sum + one[name as Profile], 0) / of.length]),
      ),
    );
  const fixed = all[thresholds.indexOf(threshold)]!;
  print({ bench: "deviation", mean: "seven starts", threshold, ...mean(fixed.map(scored)) });
  const categories = [...new Set(files.map(({ category }) => category))];
  const chosen = categories.map((category) => {
    const others = all.map((byStart) =>
      byStart.reduce((sum, one) => sum + scored(one.filter((_, i) => files[i]!.category !== category)).standard, 0),
    );
    return others.indexOf(Math.max(...others));
  });
  const crossed = starts.map((_, start) =>
    scored(files.map(({ category }, i) => all[chosen[categories.indexOf(category)]!]![start]![i]!)),
  );
  print({
    bench: "deviation",
    mean: "seven starts, each category with the threshold of the others",
    thresholds: Object.fromEntries(categories.map((category, i) => [category, thresholds[chosen[i]!]])),
    ...mean(crossed),
    firstStart: short(crossed[0]!),
  });
  for (const category of categories) {
    const only = fixed.map((one) => scored(one.filter((_, i) => files[i]!.category === category)));
    if (only[0]!.windows > 0) print({ bench: "deviation", category, threshold, ...mean(only) });
  }
}
