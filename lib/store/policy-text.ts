import { parseDuration } from "../points/duration.ts";
import { VigiaError } from "../points/error.ts";
import { type SeriesFilter, seriesFilter } from "../points/pattern.ts";

/** How some series are kept; the first policy that fits a series counts. */
export interface StorePolicy extends SeriesFilter {
  /** Points stay this long, ms, and at most a day more. Default: for good. */
  keep?: number;
  /** When they go, their aggregates stay so long, ms, by the width of the buckets. Default: for good. */
  rollups?: { "5m"?: number; "1h"?: number; "1d"?: number };
  /** Digits after the point, or `float32` (7 digits). Default: nothing is rounded. */
  precision?: number | "float32";
  /** Times are rounded down to a multiple of this, ms. Default 1. */
  resolution?: number;
}

/** The fields of a policy in the order of the table. */
export const POLICY_FIELDS = ["series", "tags", "keep", "5m", "1h", "1d", "precision", "resolution"] as const;
export type PolicyField = (typeof POLICY_FIELDS)[number];

/** A policy as people write it: texts only, what is left out is absent. */
export type PolicyText = Partial<Record<PolicyField, string>>;

/** What a field is called in an error: `policies[0].keep`. */
export type Namer = (field: PolicyField) => string;

const ROLLUPS = ["5m", "1h", "1d"] as const;
const YEARS = /^(\d{1,3})y$/;
const DAY = 86_400_000;
const MOST_DIGITS = 9;

/** Trimmed, without what is empty; fields that policies do not have are left out. */
export function tidyPolicy(raw: Readonly<Record<string, unknown>>): PolicyText {
  const tidy: PolicyText = {};
  for (const field of POLICY_FIELDS) {
    const text = String(raw[field] ?? "").trim();
    if (text !== "") tidy[field] = text;
  }
  return tidy;
}

/** A duration that may also be years, the longest ones. @throws VigiaError `bad-duration` */
function stay(text: string, field: string, min: number): number {
  const years = YEARS.exec(text);
  const ms = years ? Number(years[1]) * 366 * DAY : undefined;
  return ms !== undefined && ms >= min ? ms : parseDuration(text, field, { min, also: 'or years: "5y"' });
}

const listOf = (text: string, separators: RegExp) =>
  text
    .split(separators)
    .map((item) => item.trim())
    .filter((item) => item !== "");

function tagsOf(text: string, field: string): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const item of listOf(text, /[;,\n]/)) {
    const [, name, value] = /^([^=]+?)\s*=\s*(.+)$/.exec(item) ?? [];
    if (name === undefined || value === undefined) {
      const allowed = "name=value, with ; between several; * as value: the tag exists";
      throw new VigiaError("bad-policy", { field, value: text, allowed });
    }
    tags[name] = value;
  }
  return tags;
}

function precisionOf(text: string, field: string): StorePolicy["precision"] {
  if (text === "exact") return undefined;
  if (text === "float32") return text;
  if (/^\d$/.test(text)) return Number(text);
  const allowed = `exact, float32 or digits after the point, 0 to ${MOST_DIGITS}`;
  throw new VigiaError("bad-policy", { field, value: text, allowed });
}

/** @throws VigiaError `bad-policy`, `bad-duration`, `bad-pattern` naming the field */
export function parsePolicy(text: PolicyText, name: Namer): StorePolicy {
  const policy: StorePolicy = {};
  const series = listOf(text.series ?? "", /[,\n]/);
  if (series.length > 0) policy.series = series;
  seriesFilter(policy, name("series"));
  if (text.tags !== undefined) policy.tags = tagsOf(text.tags, name("tags"));
  if (text.keep !== undefined) policy.keep = stay(text.keep, name("keep"), 1);
  const rollups: NonNullable<StorePolicy["rollups"]> = {};
  for (const width of ROLLUPS) {
    const stays = text[width];
    if (stays === undefined) continue;
    if (text.keep === undefined) {
      // Aggregates are made when points go.
      const allowed = "nothing, as long as points are kept for good";
      throw new VigiaError("bad-policy", { field: name(width), value: stays, allowed });
    }
    rollups[width] = stay(stays, name(width), 0);
  }
  if (Object.keys(rollups).length > 0) policy.rollups = rollups;
  const precision = precisionOf(text.precision ?? "exact", name("precision"));
  if (precision !== undefined) policy.precision = precision;
  if (text.resolution !== undefined) policy.resolution = parseDuration(text.resolution, name("resolution"));
  return policy;
}
