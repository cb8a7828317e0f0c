import { VigiaError } from "../points/error.ts";

const BASIC = ["mean", "min", "max", "sum", "count", "stddev", "first", "last"] as const;
const PERCENTILE = /^p(\d{1,2}(?:\.\d+)?|100)$/;

/** What a window says of its points: one of the named ones, or a percentile such as `p50`, `p95`, `p99.9`. */
export type AggregateName = (typeof BASIC)[number] | `p${number}`;

/** @throws VigiaError `bad-aggregate` */
export function checkAggregates(names: readonly string[], field = "aggregates"): AggregateName[] {
  if (names.length === 0) throw new VigiaError("bad-aggregate", { field, value: names, allowed: "at least one" });
  return [...new Set(names)].map((name) => {
    if ((BASIC as readonly string[]).includes(name) || PERCENTILE.test(name)) return name as AggregateName;
    throw new VigiaError("bad-aggregate", {
      field,
      value: name,
      allowed: `${BASIC.join(", ")}, or a percentile such as p95`,
    });
  });
}

export const isPercentile = (name: string): boolean => PERCENTILE.test(name);

/** Aggregates that are no longer in the unit of the values. */
export const isUnitless = (name: AggregateName): boolean => name === "count";

/** What has to be kept of each point to answer for some aggregates; the rest costs nothing. Count and sum always are. */
export interface Needs {
  /** `stddev` */
  moments: boolean;
  /** `min`, `max` */
  extremes: boolean;
  /** `first`, `last` */
  ends: boolean;
  /** Percentiles: all values. */
  values: boolean;
}

export function needsOf(names: readonly AggregateName[]): Needs {
  return {
    moments: names.includes("stddev"),
    extremes: names.includes("min") || names.includes("max"),
    ends: names.includes("first") || names.includes("last"),
    values: names.some(isPercentile),
  };
}

/** One window being filled, JSON-safe but for ±Infinity. Gaps (NaN) are counted apart and change no aggregate. */
export interface Accumulator {
  /** Start of the window, ms. */
  start: number;
  count: number;
  gaps: number;
  sum: number;
  /** What `sum` lost to rounding (Neumaier 1974): a mean stays right at an offset of 1e9. */
  lost: number;
  /**
   * Mean and sum of squared distances from it (Welford 1962), of the values less `origin`, the first of them: so that
   * `stddev` is right at any offset.
   */
  origin: number;
  mean: number;
  m2: number;
  min: number;
  max: number;
  firstTime: number;
  first: number;
  lastTime: number;
  last: number;
  values?: number[];
}

export function newAccumulator(start: number, keepValues: boolean): Accumulator {
  const made: Accumulator = {
    start,
    count: 0,
    gaps: 0,
    sum: 0,
    lost: 0,
    origin: 0,
    mean: 0,
    m2: 0,
    min: Infinity,
    max: -Infinity,
    firstTime: Infinity,
    first: 0,
    lastTime: -Infinity,
    last: 0,
  };
  if (keepValues) made.values = [];
  return made;
}

/** O(1). */
export function accumulate(into: Accumulator, time: number, value: number, needs: Needs): void {
  if (Number.isNaN(value)) {
    into.gaps++;
    return;
  }
  const n = ++into.count;
  const sum = into.sum + value;
  into.lost += Math.abs(into.sum) >= Math.abs(value) ? into.sum - sum + value : value - sum + into.sum;
  into.sum = sum;
  if (needs.moments) {
    if (n === 1) into.origin = value;
    const distance = value - into.origin;
    const delta = distance - into.mean;
    into.mean += delta / n;
    into.m2 += delta * (distance - into.mean);
  }
  if (needs.extremes) {
    if (value < into.min) into.min = value;
    if (value > into.max) into.max = value;
  }
  if (needs.ends) {
    // Of two values at one time the later told is the right one.
    if (time <= into.firstTime) {
      into.firstTime = time;
      into.first = value;
    }
    if (time >= into.lastTime) {
      into.lastTime = time;
      into.last = value;
    }
  }
  if (needs.values) into.values!.push(value);
}

/** Percentile by linear interpolation between the closest ranks (R type 7, the default of numpy and Excel). */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  const n = sorted.length;
  if (n === 0) return Number.NaN;
  const rank = ((n - 1) * p) / 100;
  const low = Math.floor(rank);
  const a = sorted[low]!;
  const b = sorted[Math.min(low + 1, n - 1)]!;
  const part = rank - low;
  if (a === b || part === 0) return a;
  // The second form is less exact, but infinite ends and a step that is too long for a double do not spoil it.
  return Number.isFinite(b - a) ? a + (b - a) * part : a * (1 - part) + b * part;
}

/** The asked aggregates, NaN where there is nothing to say (no value, or one value for `stddev`). */
export function conclude(from: Accumulator, names: readonly AggregateName[]): number[] {
  const { count } = from;
  const total = Number.isFinite(from.sum) ? from.sum + from.lost : from.sum;
  let sorted: Float64Array | undefined;
  return names.map((name) => {
    if (name === "count") return count;
    if (count === 0) return Number.NaN;
    switch (name) {
      case "sum":
        return total;
      case "mean":
        return total / count;
      case "min":
        return from.min;
      case "max":
        return from.max;
      case "first":
        return from.first;
      case "last":
        return from.last;
      case "stddev":
        return count > 1 ? Math.sqrt(from.m2 / (count - 1)) : Number.NaN;
      default:
        sorted ??= Float64Array.from(from.values ?? []).sort();
        return percentile(sorted, Number(name.slice(1)));
    }
  });
}
