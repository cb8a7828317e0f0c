import { VigiaError } from "../points/error.ts";

/** What one unit of a numeric time is. */
export type Precision = "ns" | "us" | "ms" | "s";

/** Decimal places of one unit below a millisecond. */
export const PLACES: Readonly<Record<Precision, number>> = { ns: 6, us: 3, ms: 0, s: -3 };

/**
 * Milliseconds of the digits in `text`, which count `precision` units; NaN when there are others than digits. Rounded
 * rightly also where a double cannot hold the nanoseconds.
 */
export function millisecondsOf(text: string, precision: Precision, from = 0, to = text.length): number {
  const places = PLACES[precision];
  const cut = to - Math.max(0, places);
  let whole = 0;
  let part = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    if (i < cut) whole = whole * 10 + digit;
    else part = part * 10 + digit;
  }
  if (from === to) return Number.NaN;
  return places > 0 ? whole + Math.round(part / 10 ** places) : whole * 10 ** -places;
}

const DIGITS: readonly (readonly [Precision, number])[] = [
  ["s", 10],
  ["ms", 13],
  ["us", 16],
  ["ns", 19],
];

/** A time that does not fit its precision: says which one it would fit, but never takes it. */
export function implausible(digits: string, precision: Precision, field: string): VigiaError {
  const fits = DIGITS.find(([, n]) => n === digits.length)?.[0];
  const hint = fits !== undefined && fits !== precision ? `; it has the length of ${fits}: set the precision` : "";
  return new VigiaError("implausible-time", {
    field,
    value: digits,
    allowed: `a time from 1971 to tomorrow in ${precision} since 1970${hint}`,
  });
}

export function checkPrecision(precision: unknown): asserts precision is Precision | undefined {
  if (precision !== undefined && !Object.hasOwn(PLACES, String(precision))) {
    throw new VigiaError("bad-config", {
      field: "precision",
      value: precision,
      allowed: Object.keys(PLACES).join(", "),
    });
  }
}
