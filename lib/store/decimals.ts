import { LARGEST } from "./pack.ts";

/** Powers of ten that a double holds exactly, as many as values of sensors have digits after the point. */
export const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] as const;

/** Values that are no such decimals are kept apart, when they are not more than one in so many. */
const ODD_ONE_IN = 32;

export interface Decimals {
  /** All values but the odd ones are whole numbers divided by `POWERS[exponent]`, exactly. */
  exponent: number;
  /** Rows of the odd values: gaps, infinities, -0, numbers with more digits. */
  odd: number[];
}

function isWhole(value: number, power: number): boolean {
  const scaled = Math.round(value * power);
  return scaled / power === value && scaled <= LARGEST && scaled >= -LARGEST && (scaled !== 0 || 1 / value > 0);
}

/** The digits that a value needs; `POWERS.length` when they are too many. The search begins at what is usual here. */
function digitsOf(value: number, usual: number): number {
  let digits = usual;
  while (digits < POWERS.length && !isWhole(value, POWERS[digits]!)) digits++;
  if (digits > usual) return digits;
  while (digits > 0 && isWhole(value, POWERS[digits - 1]!)) digits--;
  return digits;
}

/** Rows that are looked at first. */
const TELLING = 64;

/** How to write values as whole numbers; `undefined` when too many have no few digits. O(n), early out for noise. */
export function decimals(values: Float64Array): Decimals | undefined {
  const most = Math.floor(values.length / ODD_ONE_IN);
  const step = Math.ceil(values.length / TELLING);
  const some = Float64Array.from({ length: Math.ceil(values.length / step) }, (_, n) => values[n * step]!);
  // What some need, nearly all need mostly; else all are asked.
  return (
    among(values, exponentOf(some, Math.floor(some.length / ODD_ONE_IN)), most) ??
    among(values, exponentOf(values, most), most)
  );
}

/** The digits that all but a few values need; `undefined` when they are too many. */
function exponentOf(values: Float64Array, most: number): number | undefined {
  const counts = new Uint32Array(POWERS.length + 1);
  let usual = 0;
  for (const value of values) {
    const digits = digitsOf(value, usual);
    counts[digits]!++;
    if (counts[POWERS.length]! > most) return undefined;
    if (digits < POWERS.length) usual = digits;
  }
  let exponent = POWERS.length - 1;
  let left = counts[POWERS.length]!;
  while (exponent > 0 && left + counts[exponent]! <= most) left += counts[exponent--]!;
  return exponent;
}

/** `undefined` when there are more than `most` odd ones. A value of few digits may be one, too large with many. */
function among(values: Float64Array, exponent: number | undefined, most: number): Decimals | undefined {
  if (exponent === undefined) return undefined;
  const power = POWERS[exponent]!;
  const odd: number[] = [];
  for (let row = 0; row < values.length; row++) {
    if (isWhole(values[row]!, power)) continue;
    if (odd.length === most) return undefined;
    odd.push(row);
  }
  return { exponent, odd };
}
