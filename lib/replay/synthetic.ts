import { VigiaError } from "../points/error.ts";
import { seriesFilter } from "../points/pattern.ts";
import { type SeriesRef, SeriesTable, type Tags } from "../points/series.ts";
import { gaussian, mix, mixText, uniform } from "./random.ts";
import type { Batch, Place, Recording, Tick } from "./recording.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** A Wednesday at 12:00, when the weekly season is highest. */
const MIDWEEK = Date.UTC(2025, 0, 1, 12);

/** How one KPI behaves. All amounts are in its own unit; what is not given is not there. */
export interface KpiConfig {
  series: string;
  tags?: Tags;
  unit?: string;
  /** Mean at `origin`. Default 0. */
  level?: number;
  /** Growth a day. */
  trend?: number;
  /** Half the way from the lowest to the highest hour of a day. */
  daily?: number;
  /** Hour (UTC) of the daily high. Default 14. */
  peak?: number;
  /** Half the way from the lowest (night to Sunday) to the highest (Wednesday) moment of a week. */
  weekly?: number;
  /** Factor of level and seasons on Saturday and Sunday (UTC). Default 1. */
  weekend?: number;
  /** Standard deviation of the noise. */
  noise?: number;
  /** How much of the noise stays from one step to the next: φ of an AR(1) process, from 0 to below 1. */
  memory?: number;
  min?: number;
  max?: number;
  /** Digits after the point. Default 3. */
  decimals?: number;
}

export const ANOMALY_KINDS = ["spike", "shift", "drift", "burst", "flatline"] as const;

/**
 * spike: up by `size` at once, then evenly back. shift: up by `size` all the time. drift: evenly up to `size`, then
 * back at once. burst: noise `size` times as large. flatline: the value stands still.
 */
export type AnomalyKind = (typeof ANOMALY_KINDS)[number];

/** Once from `at` on (ms), or once in each period `every` (ms), at a place that the seed chooses. */
export type Placement = { at: number; for: number } | { every: number; for: number };

export type Gap = Placement & {
  /** Which KPIs, as a pattern. Default: all. */
  series?: string;
};

export type Anomaly = Gap & {
  kind: AnomalyKind;
  /** In the KPI's unit (burst: a factor). Default: 6 times the noise, or what stands out otherwise; burst: 5. */
  size?: number;
};

/** An anomaly that has its time. */
export type Injected = Anomaly & { at: number };

export interface SyntheticConfig {
  seed: number;
  /** Between two points of a KPI, ms. The times are multiples of it. */
  step: number;
  kpis: readonly KpiConfig[];
  anomalies?: readonly Anomaly[];
  /** Stretches without points. */
  gaps?: readonly Gap[];
  /** Share of single points that are missing, from 0 to below 1. */
  missing?: number;
  /** When the trend is 0, ms. Default 2025-01-01. */
  origin?: number;
}

/** Noise of an AR(1) process is reckoned anew from this many steps before each block, so that any start is cheap. */
const BLOCK = 256;
const NEGLIGIBLE = 1e-6;
const MAX_WARM_UP = 2_000;
/** Values reckoned at once, at least one tick of them. */
const BATCH_VALUES = 4_096;
const BATCH_TICKS = 256;
/** How long an injected anomaly is remembered after its end, ms: a place before it may be played again. */
const REMEMBERED = WEEK;

function inRange(value: number, field: string, min: number, below: number): number {
  if (value >= min && value < below) return value;
  const allowed = below === Infinity ? `a number, at least ${min}` : `a number from ${min} to below ${below}`;
  throw new VigiaError("bad-setting", { field, value, allowed });
}

/** A placement that is asked about for one KPI. */
class Stretch {
  readonly #place: Placement;
  readonly #seed: number;

  constructor(place: Placement, seed: number, field: string) {
    inRange(place.for, `${field}.for`, 1, Infinity);
    if ("every" in place) inRange(place.every, `${field}.every`, place.for, Infinity);
    this.#place = place;
    this.#seed = seed;
  }

  /** Start of the stretch that `time` is in. O(1). */
  startAt(time: number): number | undefined {
    const place = this.#place;
    let start: number;
    if ("at" in place) start = place.at;
    else {
      const period = Math.floor(time / place.every);
      start = period * place.every + Math.floor(uniform(this.#seed, period) * (place.every - place.for));
    }
    return time >= start && time < start + place.for ? start : undefined;
  }
}

interface Disturbance {
  kind: AnomalyKind;
  size: number;
  for: number;
  stretch: Stretch;
}

/** One KPI as a function of time. */
class Kpi {
  readonly ref: SeriesRef;
  readonly #config: KpiConfig;
  readonly #step: number;
  readonly #origin: number;
  readonly #seed: number;
  readonly #missing: number;
  readonly #matches: (pattern: string | undefined) => boolean;
  readonly #gaps: readonly Stretch[];
  readonly #planned: readonly Disturbance[];
  #disturbances: readonly Disturbance[];
  readonly #warmUp: number;
  #block = Number.NaN;
  #noise = new Float64Array(BLOCK);
  #frozen: { start: number; value: number } | undefined;

  constructor(config: KpiConfig, all: SyntheticConfig, table: SeriesTable, field: string) {
    this.ref = table.ref(config.series, config.tags, config.unit, field);
    this.#config = config;
    this.#step = all.step;
    this.#origin = all.origin ?? Date.UTC(2025, 0, 1);
    // From the name, so that a KPI more or less changes nothing for the others.
    this.#seed = mixText(mix(all.seed, 0), this.ref.key);
    this.#missing = inRange(all.missing ?? 0, "missing", 0, 1);
    this.#matches = (pattern) => pattern === undefined || seriesFilter({ series: pattern })(this.ref);
    inRange(config.noise ?? 0, `${field}.noise`, 0, Infinity);
    const memory = inRange(config.memory ?? 0, `${field}.memory`, 0, 1);
    this.#warmUp = memory === 0 ? 0 : Math.min(MAX_WARM_UP, Math.ceil(Math.log(NEGLIGIBLE) / Math.log(memory)));
    this.#gaps = (all.gaps ?? [])
      .filter((gap) => this.#matches(gap.series))
      .map((gap, at) => new Stretch(gap, mix(this.#seed, 1_000 + at), `gaps[${at}]`));
    this.#planned = this.#plan(all.anomalies ?? []);
    this.#disturbances = this.#planned;
  }

  /** Beside the planned ones, instead of those injected before. */
  inject(anomalies: readonly Anomaly[]): void {
    this.#disturbances = [...this.#planned, ...this.#plan(anomalies)];
    this.#frozen = undefined;
  }

  #plan(anomalies: readonly Anomaly[]): Disturbance[] {
    const { noise = 0, daily = 0, level = 0 } = this.#config;
    const scale = noise || Math.abs(daily) / 3 || Math.abs(level) / 20 || 1;
    return anomalies.flatMap((anomaly, at) => {
      const { kind, size = kind === "burst" ? 5 : 6 * scale } = anomaly;
      const stretch = new Stretch(anomaly, mix(this.#seed, 2_000 + at), `anomalies[${at}]`);
      return this.#matches(anomaly.series) ? [{ kind, size, for: anomaly.for, stretch }] : [];
    });
  }

  /** `undefined`: a gap. */
  at(step: number): number | undefined {
    const time = step * this.#step;
    if (this.#missing > 0 && uniform(mix(this.#seed, 1), step) < this.#missing) return undefined;
    if (this.#gaps.some((gap) => gap.startAt(time) !== undefined)) return undefined;
    const flat = this.#disturbances.find(
      ({ kind, stretch }) => kind === "flatline" && stretch.startAt(time) !== undefined,
    );
    if (!flat) return this.#moving(step);
    const start = Math.floor(flat.stretch.startAt(time)! / this.#step);
    if (this.#frozen?.start !== start) this.#frozen = { start, value: this.#moving(start) };
    return this.#frozen.value;
  }

  #moving(step: number): number {
    const time = step * this.#step;
    const { noise = 0, min = -Infinity, max = Infinity, decimals = 3 } = this.#config;
    let added = 0;
    let factor = 1;
    for (const { kind, size, for: length, stretch } of this.#disturbances) {
      const start = stretch.startAt(time);
      if (start === undefined) continue;
      const done = (time - start) / length;
      if (kind === "shift") added += size;
      else if (kind === "spike") added += size * (1 - done);
      else if (kind === "drift") added += size * done;
      else if (kind === "burst") factor *= size;
    }
    const value = this.#expected(time) + (noise > 0 ? noise * factor * this.#noiseAt(step) : 0) + added;
    // Rounding also hides the last bit, in which machines may differ.
    const unit = 10 ** decimals;
    return Math.min(max, Math.max(min, Math.round(value * unit) / unit));
  }

  #expected(time: number): number {
    const { level = 0, trend = 0, daily = 0, peak = 14, weekly = 0, weekend = 1 } = this.#config;
    let value = level + (trend * (time - this.#origin)) / DAY;
    if (daily !== 0) value += daily * Math.cos((2 * Math.PI * (time - peak * HOUR)) / DAY);
    if (weekly !== 0) value += weekly * Math.cos((2 * Math.PI * (time - MIDWEEK)) / WEEK);
    // 1970-01-01 was a Thursday.
    return (Math.floor(time / DAY) + 3) % 7 >= 5 ? value * weekend : value;
  }

  /** Standard deviation 1. */
  #noiseAt(step: number): number {
    if (this.#warmUp === 0) return gaussian(this.#seed, step);
    const block = Math.floor(step / BLOCK);
    if (block !== this.#block) {
      const memory = this.#config.memory!;
      const fresh = Math.sqrt(1 - memory * memory);
      let noise = 0;
      for (let at = block * BLOCK - this.#warmUp; at < (block + 1) * BLOCK; at++) {
        noise = memory * noise + fresh * gaussian(this.#seed, at);
        if (at >= block * BLOCK) this.#noise[at - block * BLOCK] = noise;
      }
      this.#block = block;
    }
    return this.#noise[step - block * BLOCK]!;
  }
}

/**
 * KPIs that were never measured: level, trend, seasons, noise, anomalies and gaps, the same for the same seed at any
 * time and on any machine. A function of the configuration and the time, without an end and without a past to reckon.
 * Cost a point: O(anomalies), and with `memory` up to 2256 random numbers for each 256 points.
 */
export class Synthetic implements Recording {
  readonly live = true;
  readonly #step: number;
  readonly #kpis: readonly Kpi[];
  readonly #batch: number;
  #injected: readonly Injected[] = [];

  /** @throws VigiaError `bad-setting` and those of `SeriesTable.ref` */
  constructor(config: SyntheticConfig, table: SeriesTable = new SeriesTable()) {
    this.#step = inRange(config.step, "step", 1, Infinity);
    this.#kpis = config.kpis.map((kpi, at) => new Kpi(kpi, config, table, `kpis[${at}]`));
    this.#batch = Math.max(1, Math.min(BATCH_TICKS, Math.floor(BATCH_VALUES / Math.max(1, this.#kpis.length))));
  }

  /** Anomalies that came at run time, to be injected again after a restart. */
  get injected(): readonly Injected[] {
    return this.#injected;
  }

  /** In ticks that are read from now on, these are there, too. @throws VigiaError `bad-setting`, `bad-pattern` */
  inject(anomalies: readonly Injected[]): void {
    const newest = Math.max(...anomalies.map(({ at }) => at));
    const injected = [...this.#injected.filter((old) => old.at + old.for > newest - REMEMBERED), ...anomalies];
    for (const kpi of this.#kpis) kpi.inject(injected);
    this.#injected = injected;
  }

  /** All KPIs at the step that `time` is in. */
  tick(time: number): Tick {
    const step = Math.floor(time / this.#step);
    const refs: SeriesRef[] = [];
    const values: number[] = [];
    for (const kpi of this.#kpis) {
      const value = kpi.at(step);
      if (value === undefined) continue;
      refs.push(kpi.ref);
      values.push(value);
    }
    return { time: step * this.#step, refs, values };
  }

  /** `place.at` is a number of steps. */
  async *read(place: Place = { at: 0, skip: 0 }): AsyncGenerator<Batch> {
    for (let at = place.at; ; at += this.#batch) {
      const ticks = Array.from({ length: this.#batch }, (_, i) => this.tick((at + i) * this.#step));
      yield { at, ticks };
    }
  }

  async find(time: number): Promise<Place> {
    return { at: Math.ceil(time / this.#step), skip: 0 };
  }

  async bounds(): Promise<{ first: number; last: number }> {
    return { first: -Infinity, last: Infinity };
  }
}
