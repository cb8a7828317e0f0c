import { VigiaError } from "../points/error.ts";
import { ANOMALY_KINDS, type Anomaly, type KpiConfig, type SyntheticConfig } from "./synthetic.ts";

const DAY = 86_400_000;

interface Preset {
  /** Start of the series names. */
  series: string;
  kpis: readonly KpiConfig[];
  /** They name one of its KPIs each. */
  anomalies?: readonly (Anomaly & { series: string })[];
}

/** KPIs that look like those of real places. */
const PRESETS = {
  plant: {
    series: "plant/compressor",
    kpis: [
      { series: "temperature", unit: "°C", level: 72, daily: 5, weekend: 0.93, noise: 0.6, memory: 0.9, decimals: 2 },
      { series: "pressure", unit: "bar", level: 7.2, daily: 0.25, noise: 0.05, memory: 0.7 },
      { series: "vibration", unit: "mm/s", level: 2.8, daily: 0.4, weekend: 0.8, noise: 0.2, min: 0 },
      {
        series: "power",
        unit: "kW",
        level: 45,
        daily: 18,
        weekend: 0.45,
        noise: 1.5,
        memory: 0.5,
        min: 0,
        decimals: 2,
      },
      { series: "filter", unit: "mbar", level: 120, noise: 1.5, memory: 0.5, decimals: 1 },
    ],
    // The filter clogs and is changed every month.
    anomalies: [{ kind: "drift", series: "filter", every: 30 * DAY, for: 30 * DAY, size: 80 }],
  },
  network: {
    series: "network/uplink",
    kpis: [
      {
        series: "traffic",
        unit: "Mbit/s",
        level: 420,
        daily: 260,
        peak: 20,
        weekend: 1.15,
        noise: 20,
        memory: 0.6,
        min: 0,
        decimals: 1,
      },
      {
        series: "sessions",
        level: 1_800,
        daily: 1_100,
        peak: 19,
        weekend: 1.1,
        noise: 40,
        memory: 0.8,
        min: 0,
        decimals: 0,
      },
      { series: "latency", unit: "ms", level: 18, daily: 4, peak: 20, noise: 1.2, memory: 0.4, min: 1, decimals: 2 },
      { series: "loss", unit: "%", level: 0.15, daily: 0.08, peak: 20, noise: 0.04, min: 0, max: 100 },
      {
        series: "cpu",
        unit: "%",
        level: 38,
        daily: 16,
        peak: 20,
        noise: 2.5,
        memory: 0.6,
        min: 0,
        max: 100,
        decimals: 1,
      },
    ],
  },
  shop: {
    series: "shop",
    kpis: [
      {
        series: "requests",
        unit: "1/s",
        level: 85,
        daily: 55,
        peak: 18,
        weekly: 8,
        weekend: 1.3,
        noise: 5,
        memory: 0.5,
        min: 0,
        decimals: 1,
      },
      {
        series: "response-time",
        unit: "ms",
        level: 140,
        daily: 35,
        peak: 18,
        noise: 9,
        memory: 0.3,
        min: 5,
        decimals: 1,
      },
      { series: "errors", unit: "%", level: 0.6, noise: 0.12, min: 0, max: 100 },
      { series: "orders", unit: "1/min", level: 14, daily: 9, peak: 18, weekend: 1.4, noise: 1.5, min: 0, decimals: 1 },
    ],
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof PRESETS;

export const PRESET_NAMES = ["plant", "network", "shop"] as const satisfies readonly PresetName[];

export interface SyntheticSettings {
  kpis: PresetName | readonly KpiConfig[];
  /** Start of the series names; empty: that of the preset. */
  series: string;
  /** So many of each KPI, told apart by the tag `instance`. */
  copies: number;
  seed: number;
  /** ms */
  step: number;
  /** Each KPI has an anomaly about once in this time, all kinds in turn, ms; absent: none. */
  anomalies?: number | undefined;
  /** Each KPI falls silent about once in this time, ms; absent: never. */
  gaps?: number | undefined;
  origin: number;
}

/** What the settings of a form mean. */
export function syntheticConfig(settings: SyntheticSettings): SyntheticConfig {
  const { copies, seed, step, anomalies, gaps, origin } = settings;
  const preset: Preset =
    typeof settings.kpis === "string" ? PRESETS[settings.kpis] : { series: "", kpis: settings.kpis };
  const base = settings.series || preset.series;
  const kpis = preset.kpis.flatMap((kpi) => {
    const named = { ...kpi, series: base === "" ? kpi.series : `${base}/${kpi.series}` };
    if (copies === 1) return [named];
    return Array.from({ length: copies }, (_, i) => ({ ...named, tags: { ...kpi.tags, instance: String(i + 1) } }));
  });
  const planned = (preset.anomalies ?? []).map((anomaly) => ({ ...anomaly, series: `${base}/${anomaly.series}` }));
  return {
    seed,
    step,
    kpis,
    origin,
    anomalies: [...planned, ...(anomalies === undefined ? [] : someAnomalies(anomalies, step))],
    gaps: gaps === undefined ? [] : [{ every: Math.max(gaps, step), for: Math.max(step, gaps / 40) }],
  };
}

function someAnomalies(about: number, step: number): Anomaly[] {
  const every = Math.max(about, step) * ANOMALY_KINDS.length;
  return ANOMALY_KINDS.map((kind) => ({ kind, every, for: Math.max(step, kind === "spike" ? about / 50 : about / 8) }));
}

const NUMBERS = ["level", "trend", "daily", "peak", "weekly", "weekend", "noise", "memory", "min", "max", "decimals"];

/** KPIs as a user writes them: a JSON array, or the text of one. @throws VigiaError `bad-setting` */
export function readKpis(raw: unknown, field: string): KpiConfig[] {
  const complain = (name: string, value: unknown, allowed: string) =>
    new VigiaError("bad-setting", { field: name, value, allowed });
  let list = raw;
  if (typeof raw === "string") {
    try {
      list = JSON.parse(raw);
    } catch {
      throw complain(field, raw, 'JSON such as [{"series":"temperature","level":20,"daily":5,"noise":1}]');
    }
  }
  if (!Array.isArray(list) || list.length === 0) throw complain(field, list, "an array of at least one KPI");
  list.forEach((kpi: unknown, at) => {
    if (typeof kpi !== "object" || kpi === null) throw complain(`${field}[${at}]`, kpi, "an object with `series`");
    for (const [name, value] of Object.entries(kpi)) {
      if (name === "series" || name === "tags" || name === "unit") continue;
      if (!NUMBERS.includes(name)) throw complain(`${field}[${at}]`, name, `series, tags, unit, ${NUMBERS.join(", ")}`);
      if (!Number.isFinite(value)) throw complain(`${field}[${at}].${name}`, value, "a number");
    }
  });
  return list as KpiConfig[];
}
