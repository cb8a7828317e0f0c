import { decimals, POWERS } from "./decimals.ts";
import { packColumn, unpackColumn, type WordReader, type Words } from "./pack.ts";

/**
 * How values are written: a word with the kind, << 8 the exponent, << 16 whether there are gaps; then, with gaps, a bit a
 * row; then, as if each gap had the value before it,
 * decimals: a column of whole numbers, the number of odd values, their rows, each of them as 64 bits;
 * floats: a column of their 32 bits;
 * doubles: a column of their upper 32 bits, then the lower ones.
 */
const DECIMALS = 0;
const FLOATS = 1;
const DOUBLES = 2;
const GAPS = 1 << 16;

/** Whole numbers or few decimals where nearly all values are, else all bits. O(n). */
export function packValues(to: Words, values: Float64Array): void {
  const gaps = gapsOf(values);
  const filled = gaps ? fillGaps(values) : values;
  const found = decimals(filled);
  const kind = found ? DECIMALS | (found.exponent << 8) : areFloats(filled) ? FLOATS : DOUBLES;
  to.word(gaps ? kind | GAPS : kind);
  if (gaps) to.words(gaps);
  if (found) packDecimals(to, filled, found.exponent, found.odd);
  else if (kind === FLOATS) packColumn(to, Float64Array.from(new Int32Array(Float32Array.from(filled).buffer)));
  else packDoubles(to, filled);
}

/** A bit a row, set where there is no value; `undefined` when there are values everywhere. */
function gapsOf(values: Float64Array): Uint32Array | undefined {
  let gaps: Uint32Array | undefined;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (!Number.isNaN(value)) continue;
    gaps ??= new Uint32Array(Math.ceil(values.length / 32));
    gaps[row >>> 5]! |= 1 << (row & 31);
  }
  return gaps;
}

/** The value before each gap in its place; before all values, the first one. */
function fillGaps(values: Float64Array): Float64Array {
  const filled = values.slice();
  let before = filled.find((value) => !Number.isNaN(value)) ?? 0;
  for (let row = 0; row < filled.length; row++) {
    if (Number.isNaN(filled[row]!)) filled[row] = before;
    else before = filled[row]!;
  }
  return filled;
}

function areFloats(values: Float64Array): boolean {
  for (const value of values) if (Math.fround(value) !== value) return false;
  return true;
}

function packDecimals(to: Words, values: Float64Array, exponent: number, odd: readonly number[]): void {
  const power = POWERS[exponent]!;
  const numbers = new Float64Array(values.length);
  for (let row = 0; row < values.length; row++) numbers[row] = Math.round(values[row]! * power);
  // In the place of an odd value the number before it takes no bits; at the beginning, the first that follows.
  let start = 0;
  while (odd[start] === start) start++;
  numbers.fill(start < values.length ? numbers[start]! : 0, 0, start);
  for (const row of odd) if (row > 0) numbers[row] = numbers[row - 1]!;
  packColumn(to, numbers);
  to.word(odd.length);
  for (const row of odd) to.word(row);
  for (const row of odd) to.double(values[row]!);
}

function packDoubles(to: Words, values: Float64Array): void {
  const halves = new Uint32Array(values.slice().buffer);
  const n = values.length;
  const upper = new Float64Array(n);
  const lower = new Uint32Array(n);
  for (let row = 0; row < n; row++) {
    lower[row] = halves[2 * row]!;
    // Signed: numbers around zero then lie side by side.
    upper[row] = halves[2 * row + 1]! | 0;
  }
  packColumn(to, upper);
  to.words(lower);
}

/** Fills `values`. O(n) */
export function unpackValues(from: WordReader, values: Float64Array): void {
  const head = from.word();
  const gaps = head & GAPS ? from.words(Math.ceil(values.length / 32)) : undefined;
  const kind = head & 0xff;
  if (kind === DECIMALS) {
    unpackColumn(from, values, POWERS[(head >>> 8) & 0xff]);
    const odd = from.words(from.word());
    for (const row of odd) values[row] = from.double();
  } else {
    unpackColumn(from, values);
    if (kind === FLOATS) values.set(new Float32Array(Int32Array.from(values).buffer));
    else joinHalves(values, from.words(values.length));
  }
  if (gaps) openGaps(values, gaps);
}

function openGaps(values: Float64Array, gaps: Uint32Array): void {
  for (const [place, bits] of gaps.entries()) {
    for (let left = bits; left !== 0; left &= left - 1) values[32 * place + 31 - Math.clz32(left & -left)] = Number.NaN;
  }
}

/** `values` holds the upper halves as numbers. */
function joinHalves(values: Float64Array, lower: Uint32Array): void {
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  for (let row = 0; row < values.length; row++) {
    const upper = values[row]!;
    halves[2 * row] = lower[row]!;
    halves[2 * row + 1] = upper;
  }
}
