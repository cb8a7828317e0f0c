import { VigiaError } from "./error.ts";

/** 1971: anything before is seconds taken for milliseconds. */
const EARLIEST = Date.UTC(1971, 0, 1);
/** A device clock may run ahead by a day before its points are refused. */
export const DEFAULT_AHEAD = 86_400_000;

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const NUMERIC = /^-?\d+(?:\.\d+)?$/;

function parseIso(text: string): number {
  const match = ISO.exec(text);
  if (!match) return Number.NaN;
  const [, date, time = "00:00", zone = "Z"] = match;
  // Without a zone it is UTC: the machine's own zone would make the same text mean two times on two gateways.
  const offset = zone.toUpperCase() === "Z" ? "Z" : `${zone.slice(0, 3)}:${zone.slice(3).replace(":", "") || "00"}`;
  // Date.parse reads at most milliseconds; more digits are cut.
  const seconds = time.replace(",", ".").replace(/(\.\d{3})\d+/, "$1");
  // Date.parse takes the 30th of February for the 2nd of March.
  const [year, month, day] = date!.split("-").map(Number) as [number, number, number];
  if (day > 28 && day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return Number.NaN;
  return Date.parse(`${date}T${seconds}${offset}`);
}

function hint(ms: number): string {
  const abs = Math.abs(ms);
  if (abs < 1e10) return "; it looks like seconds: multiply by 1000";
  if (abs >= 1e17) return "; it looks like nanoseconds: divide by 1e6";
  if (abs >= 1e14) return "; it looks like microseconds: divide by 1000";
  return "";
}

/** Also of a Date of another realm (a function node); NaN of what only says that it is one. */
function timeOf(date: unknown): number {
  try {
    return Date.prototype.getTime.call(date);
  } catch {
    return Number.NaN;
  }
}

/** @throws VigiaError `implausible-time`: never a guess at the unit. */
export function checkTime(ms: number, latest: number, field: string, value: unknown = ms): void {
  if (ms >= EARLIEST && ms <= latest) return;
  throw new VigiaError("implausible-time", {
    field,
    value,
    allowed: `milliseconds since 1970 from 1971-01-01 to ${new Date(latest).toISOString()}${hint(ms)}`,
  });
}

/**
 * Milliseconds since epoch of a number (ms), a Date or an ISO 8601 text (UTC when it names no zone), in whole ms:
 * numbers are rounded, more digits of a text are cut.
 * @throws VigiaError `bad-time` when it is no time, `implausible-time` when it is out of range.
 */
export function readTime(value: unknown, latest: number, field: string): number {
  let ms: number;
  if (typeof value === "number") ms = value;
  else if (Object.prototype.toString.call(value) === "[object Date]") ms = timeOf(value);
  else if (typeof value === "string") {
    const text = value.trim();
    ms = NUMERIC.test(text) ? Number(text) : parseIso(text);
  } else ms = Number.NaN;
  if (!Number.isFinite(ms)) {
    throw new VigiaError("bad-time", {
      field,
      value,
      allowed: 'milliseconds since 1970, a Date or an ISO 8601 text such as "2026-03-01T12:00:00Z"',
    });
  }
  ms = Math.round(ms);
  checkTime(ms, latest, field, value);
  return ms;
}
