import type { Tags } from "../points/series.ts";
import { normalizeTags } from "../points/series.ts";

/** What `vigia-alarm` tells of an alarm, as far as it was there and made sense. */
export interface AlarmEvent {
  /** `start`, `severity`, `end`, `nodata`, `data-back`, or another word. */
  event: string;
  /** Of this one event. */
  id?: string;
  /** Of the alarm: all its events have the same. */
  key?: string;
  alarm?: string;
  series?: string;
  tags?: Tags;
  unit?: string;
  severity?: string;
  previous?: string;
  state?: string;
  /** `null`: a gap. */
  value?: number | null;
  expected?: number;
  lower?: number;
  upper?: number;
  limit?: number;
  worst?: number;
  reason?: string;
  /** Milliseconds since epoch. */
  time?: number;
  since?: number;
  /** ms */
  duration?: number;
  zone?: string;
}

const TEXTS = ["id", "key", "alarm", "series", "unit", "severity", "previous", "state", "reason", "zone"] as const;
const NUMBERS = ["expected", "lower", "upper", "limit", "worst"] as const;
const TIMES = ["time", "since", "duration"] as const;
/** What a `Date` can hold, ms. */
const LAST_TIME = 8.64e15;

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

export function textIn(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

export function numberIn(value: unknown): number | undefined {
  // Minus zero is zero: JSON does not keep it.
  return typeof value === "number" && !Number.isNaN(value) ? value + 0 : undefined;
}

/** Also a `Date`. */
export function timeIn(value: unknown): number | undefined {
  const ms = Object.prototype.toString.call(value) === "[object Date]" ? Number(value) : value;
  return typeof ms === "number" && Math.abs(ms) <= LAST_TIME ? ms + 0 : undefined;
}

export function tagsIn(value: unknown): Tags | undefined {
  try {
    return normalizeTags(value, "tags");
  } catch {
    // What cannot be read must not keep an alarm from being told.
    return undefined;
  }
}

/** Keeps of `source` what `read` makes sense of. */
function pick<Name extends string, T>(source: Fields, names: readonly Name[], read: (value: unknown) => T | undefined) {
  const found: Partial<Record<Name, T>> = {};
  for (const name of names) {
    const value = read(source[name]);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** An alarm event, or `undefined` when it is none. What is missing or makes no sense is left out. */
export function readEvent(payload: unknown): AlarmEvent | undefined {
  if (!isFields(payload)) return undefined;
  const event = textIn(payload.event);
  if (event === undefined) return undefined;
  const read: AlarmEvent = {
    event,
    ...pick(payload, TEXTS, textIn),
    ...pick(payload, NUMBERS, numberIn),
    ...pick(payload, TIMES, timeIn),
  };
  if (read.alarm === undefined && read.series === undefined && read.key === undefined) return undefined;
  const tags = tagsIn(payload.tags);
  if (tags) read.tags = tags;
  const value = payload.value === null ? null : numberIn(payload.value);
  if (value !== undefined) read.value = value;
  return read;
}
