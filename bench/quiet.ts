// How quiet the deviation detector is with its defaults: alerts a series and week on the rows of DIR (windows.json and
// data/) that lie in no labelled window, and on the series of the folder `forecast` beside it. Then: which faults of a
// replayed plant, network and shop it tells with the same defaults, and when.
//
//   npm run bench -- quiet --data DIR [--forecast DIR] [--falseAlarms N] [--seriesList]
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Deviations } from "../lib/deviate/deviation.ts";
import { formatDuration } from "../lib/points/duration.ts";
import { type SeriesRef, seriesRef } from "../lib/points/series.ts";
import { PRESET_NAMES, syntheticConfig } from "../lib/replay/presets.ts";
import { type AnomalyKind, Synthetic, type SyntheticConfig } from "../lib/replay/synthetic.ts";

const WEEK = 604_800_000;
const { values: args } = parseArgs({
  options: {
    data: { type: "string" },
    forecast: { type: "string" },
    falseAlarms: { type: "string" },
    seriesList: { type: "boolean" },
  },
});
if (!args.data) {
  console.error("npm run bench -- quiet --data DIR [--forecast DIR] [--falseAlarms N] [--seriesList]");
  process.exit(2);
}

interface Series {
  ref: SeriesRef;
  times: number[];
  values: number[];
  labelled: (time: number) => boolean;
}

const utc = (text: string) =>
  Date.parse(
    `${text
      .trim()
      .replace(" ", "T")
      .replace(/\.\d+$/, "")}Z`,
  );

function read(file: string, name: string, spans: readonly (readonly [string, string])[]): Series {
  const times: number[] = [];
  const values: number[] = [];
  for (const line of readFileSync(file, "utf8").trim().split(/\r?\n/).slice(1)) {
    const [time = "", value = ""] = line.split(",");
    times.push(utc(time));
    values.push(value === "" ? Number.NaN : Number(value));
  }
  const windows = spans.map(([from, to]) => [utc(from), utc(to)] as const);
  return {
    ref: seriesRef(name),
    times,
    values,
    labelled: (time) => windows.some(([from, to]) => time >= from && time <= to),
  };
}

const spans = JSON.parse(readFileSync(join(args.data, "windows.json"), "utf8")) as Record<string, [string, string][]>;
const nab = Object.entries(spans).map(([file, list]) => read(join(args.data!, "data", file), file, list));
const folder = args.forecast ?? join(dirname(args.data), "forecast");
const forecast = existsSync(folder)
  ? globSync("*.csv", { cwd: folder })
      .sort()
      .map((file) => read(join(folder, file), basename(file, ".csv"), []))
  : [];

/** Weeks of a series outside the labelled windows. */
function weeks({ times, labelled }: Series): number {
  const outside = times.filter((time) => !labelled(time)).length;
  return ((times.at(-1)! - times[0]!) / WEEK) * (outside / times.length);
}

/** Runs these series as those of one node, all starting in the same week; returns the alerts of each. */
function run(all: readonly Series[], list?: Map<Series, string[]>): Map<Series, number> {
  let now = 0;
  const options = args.falseAlarms === undefined ? {} : { falseAlarms: Number(args.falseAlarms) };
  const node = new Deviations({ clock: { now: () => now, after: () => () => {} }, ...options });
  const base = Math.max(...all.map(({ times }) => times[0]!));
  const rows = all.flatMap((series) => {
    const moved = Math.floor((base - series.times[0]!) / WEEK) * WEEK;
    return series.times.map((time, row) => ({ series, row, time: time + moved }));
  });
  rows.sort((a, b) => a.time - b.time);
  const alerts = new Map<Series, number>();
  for (const { series, row, time } of rows) {
    now = time;
    const found = node.add(series.ref, time, series.values[row]!);
    if (!found.alert || series.labelled(series.times[row]!)) continue;
    alerts.set(series, (alerts.get(series) ?? 0) + 1);
    const line = `${new Date(series.times[row]!).toISOString()} ${found.score.toFixed(1)} ${found.reason}`;
    list?.set(series, [...(list.get(series) ?? []), line]);
  }
  return alerts;
}

const digits = (n: number) => Number(n.toPrecision(3));
const report = (set: string, all: readonly Series[], together: boolean, told?: Map<Series, string[]>) => {
  const runs = together ? [run(all, told)] : all.map((series) => run([series]));
  let alerts = 0;
  let worst = 0;
  for (const counted of runs) {
    for (const [series, n] of counted) {
      alerts += n;
      worst = Math.max(worst, n / Math.max(1, weeks(series)));
    }
  }
  const total = all.reduce((sum, series) => sum + weeks(series), 0);
  const aSeries = alerts / total;
  console.log(
    JSON.stringify({
      bench: "quiet",
      set,
      as: together ? "series of one node" : "a node each",
      series: all.length,
      seriesWeeks: digits(total),
      alerts,
      perSeriesWeek: digits(aSeries),
      worstSeriesPerWeek: digits(worst),
      ...(together ? { perNodeWeek: digits(aSeries * all.length) } : {}),
    }),
  );
};

const told = args.seriesList ? new Map<Series, string[]>() : undefined;
report("nab", nab, false);
report("nab", nab, true);
if (forecast.length > 0) {
  report("forecast", forecast, false);
  report("forecast", forecast, true);
  report("all", [...nab, ...forecast], true, told);
}
if (told) for (const [{ ref }, lines] of told) console.log([ref.series, ...lines].join("\n  "));

const HOUR = 3_600_000;
const ORIGIN = Date.UTC(2025, 0, 6);
const FAULTS: readonly (readonly [name: string, kind: AnomalyKind | "season", hours: number])[] = [
  ["spike", "spike", 2],
  ["step", "shift", 12],
  ["drift", "drift", 24],
  ["freeze", "flatline", 6],
  ["burst", "burst", 6],
  ["season change", "season", 48],
];

/** The KPIs of all presets, a point each five minutes; learned for some weeks, then each kind of fault in each KPI. */
function faults(weeks: number): void {
  // A Tuesday morning.
  const at = ORIGIN + weeks * WEEK + 34 * HOUR;
  const step = 300_000;
  const configs = PRESET_NAMES.map((kpis) =>
    syntheticConfig({ kpis, series: "", copies: 1, seed: 7, step, origin: ORIGIN }),
  );
  const config = (peak: number): SyntheticConfig => ({
    ...configs[0]!,
    kpis: configs.flatMap(({ kpis }) => kpis).map((kpi) => ({ ...kpi, peak: (kpi.peak ?? 14) + peak })),
  });
  let now = 0;
  const node = () => new Deviations({ clock: { now: () => now, after: () => () => {} } });
  const teacher = node();
  const quiet = new Synthetic(config(0));
  let falseAlarms = 0;
  const play = (to: Deviations, recording: Synthetic, from: number, until: number, told: (ref: SeriesRef) => void) => {
    for (now = from; now < until; now += step) {
      const { refs, values } = recording.tick(now);
      for (const [i, ref] of refs.entries()) if (to.add(ref, now, values[i]!).alert) told(ref);
    }
  };
  play(teacher, quiet, ORIGIN, at, () => falseAlarms++);
  teacher.beforeSave();
  const learned = JSON.stringify(teacher.state.snapshot());
  for (const [name, kind, hours] of FAULTS) {
    const student = node();
    student.state.restore(JSON.parse(learned));
    student.afterRestore();
    const recording = new Synthetic(config(kind === "season" ? 8 : 0));
    if (kind !== "season") recording.inject([{ kind, at, for: hours * HOUR }]);
    const delays = new Map<string, number>();
    play(student, recording, at, at + hours * HOUR, (ref) => {
      if (!delays.has(ref.key)) delays.set(ref.key, now - at);
    });
    // A KPI without a daily rhythm has none that could change.
    const kpis = config(0).kpis.filter(({ daily }) => kind !== "season" || (daily ?? 0) > 0).length;
    const sorted = [...delays.values()].sort((a, b) => a - b);
    console.log(
      JSON.stringify({
        bench: "quiet",
        fault: name,
        afterWeeks: weeks,
        kpis,
        told: sorted.length,
        medianDelay: sorted.length > 0 ? formatDuration(sorted[sorted.length >> 1]!) : null,
        longestDelay: sorted.length > 0 ? formatDuration(sorted.at(-1)!) : null,
      }),
    );
  }
  console.log(
    JSON.stringify({
      bench: "quiet",
      fault: "none",
      weeks: Number((weeks + 34 / 168).toFixed(1)),
      alerts: falseAlarms,
    }),
  );
}

faults(4);
faults(8);
