import { VigiaError } from "../points/error.ts";
import { seriesFilter } from "../points/pattern.ts";
import type { SeriesRef } from "../points/series.ts";
import { WIDTHS } from "./rollups.ts";
import type { StorePolicy } from "./types.ts";

/** What a policy means for one series. */
export interface Policy {
  /** Points stay this long, ms. */
  keep: number;
  /** How long rollups stay, ms, as `WIDTHS`. */
  rollups: readonly number[];
  /** Rounds a value. */
  value: ((value: number) => number) | undefined;
  /** Times are multiples of this, ms. */
  resolution: number;
}

const WIDTH_NAMES = ["5m", "1h", "1d"] as const;
const FOR_GOOD: Policy = { keep: Infinity, rollups: WIDTHS.map(() => Infinity), value: undefined, resolution: 1 };
const MOST_DIGITS = 9;

function positive(value: number, field: string, least: number): number {
  if (typeof value === "number" && value >= least) return value;
  throw new VigiaError("bad-option", { field, value, allowed: `a number of milliseconds, at least ${least}` });
}

/** Times are whole. */
function whole(value: number, field: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new VigiaError("bad-option", { field, value, allowed: "a whole number of milliseconds, at least 1" });
}

function rounding(precision: StorePolicy["precision"], field: string): Policy["value"] {
  if (precision === undefined) return undefined;
  if (precision === "float32") return Math.fround;
  if (!Number.isInteger(precision) || precision < 0 || precision > MOST_DIGITS) {
    const allowed = `"float32" or digits after the point, 0 to ${MOST_DIGITS}`;
    throw new VigiaError("bad-option", { field, value: precision, allowed });
  }
  const power = 10 ** precision;
  // A value too large to have such digits stays as it is. -0, which has none for the codec, becomes 0.
  return (value) => (Math.abs(value) < 2 ** 53 / power ? Math.round(value * power) / power + 0 : value);
}

function compile({ keep, rollups, precision, resolution }: StorePolicy, field: string): Policy {
  return {
    keep: keep === undefined ? Infinity : positive(keep, `${field}.keep`, 1),
    rollups: WIDTH_NAMES.map((name) => {
      const stays = rollups?.[name];
      return stays === undefined ? Infinity : positive(stays, `${field}.rollups.${name}`, 0);
    }),
    value: rounding(precision, `${field}.precision`),
    resolution: resolution === undefined ? 1 : whole(resolution, `${field}.resolution`),
  };
}

/** Gives each series the policy that counts. @throws VigiaError `bad-option`, `bad-pattern` */
export function policyFinder(policies: readonly StorePolicy[] = []): (ref: SeriesRef) => Policy {
  const compiled = policies.map((policy, n) => {
    const field = `policies[${n}]`;
    return { fits: seriesFilter(policy, `${field}.series`), policy: compile(policy, field) };
  });
  return (ref) => compiled.find(({ fits }) => fits(ref))?.policy ?? FOR_GOOD;
}
