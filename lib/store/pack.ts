/** Columns of whole numbers in few bits: what a line through them leaves, in blocks of 128 that have one width each. */

const BLOCK = 128;
/** Whole numbers beyond this are not packed: what is reckoned with them (here) would not be exact. */
export const LARGEST = 2 ** 50;
const INT32 = 2 ** 31;
const UINT32 = 2 ** 32;

/** Numbers that are written one after the other, little-endian 32-bit words; grows as it must. */
export class Words {
  #words = new Uint32Array(1 << 14);
  #bytes = new Uint8Array(this.#words.buffer);
  #view = new DataView(this.#words.buffer);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written, and a word of zeros, so that readers may look one word ahead. */
  take(): Uint8Array {
    this.#grow(0);
    return this.#bytes.slice(0, 4 * (this.#length + 1));
  }

  double(value: number): void {
    const at = this.#grow(2);
    this.#view.setFloat64(4 * at, value, true);
  }

  // Growing makes a new array: first the place, then the array.
  word(value: number): void {
    const at = this.#grow(1);
    this.#words[at] = value;
  }

  words(values: Uint32Array): void {
    const at = this.#grow(values.length);
    this.#words.set(values, at);
  }

  /** Widths of the blocks, a byte each, then their bits. */
  pack(numbers: Uint32Array): void {
    const n = numbers.length;
    const blocks = Math.ceil(n / BLOCK);
    const widths = 4 * this.#grow(Math.ceil(blocks / 4));
    for (let block = 0; block < blocks; block++) {
      const start = block * BLOCK;
      const end = Math.min(n, start + BLOCK);
      const width = widthOf(numbers, start, end);
      const at = this.#grow(Math.ceil(((end - start) * width) / 32));
      this.#bytes[widths + block] = width;
      if (width > 0) this.#packBlock(numbers, start, end, width, at);
    }
  }

  #packBlock(numbers: Uint32Array, start: number, end: number, width: number, at: number): void {
    const words = this.#words;
    let bit = 0;
    for (let row = start; row < end; row++) {
      const number = numbers[row]!;
      const word = at + (bit >>> 5);
      const shift = bit & 31;
      words[word]! |= number << shift;
      if (shift + width > 32) words[word + 1]! |= number >>> (32 - shift);
      bit += width;
    }
  }

  /** Room for so many words, zeroed; gives where they begin. */
  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    // One more than asked for: a block may look at the word behind its last.
    if (this.#length + 1 > this.#words.length) {
      const words = new Uint32Array(2 * (this.#length + 1));
      words.set(this.#words.subarray(0, at));
      this.#words = words;
      this.#bytes = new Uint8Array(words.buffer);
      this.#view = new DataView(words.buffer);
    }
    this.#words.fill(0, at, this.#length + 1);
    return at;
  }
}

function widthOf(numbers: Uint32Array, start: number, end: number): number {
  let all = 0;
  for (let row = start; row < end; row++) all |= numbers[row]!;
  return 32 - Math.clz32(all);
}

function bitsOf(numbers: Uint32Array): number {
  let bits = 0;
  for (let start = 0; start < numbers.length; start += BLOCK) {
    const end = Math.min(numbers.length, start + BLOCK);
    bits += 8 + (end - start) * widthOf(numbers, start, end);
  }
  return bits;
}

/** What a line left of a column: positive and negative in turn (0, -1, 1, -2, …), so that small ones have few bits. */
interface Rest {
  kind: number;
  base: number;
  step: number;
  low: Uint32Array;
  /** What does not go into 32 bits; seldom there. */
  high: Uint32Array | undefined;
  bits: number;
}

/** Each number against a line from the first one. */
const LINE = 0;
/** Each number against the one before. */
const STEPS = 1;
const WIDE = 2;

const scratch = { rest: new Float64Array(0), low: new Uint32Array(0), other: new Uint32Array(0) };

function room(n: number): void {
  if (scratch.rest.length >= n) return;
  scratch.rest = new Float64Array(n);
  scratch.low = new Uint32Array(n);
  scratch.other = new Uint32Array(n);
}

/** `rest` holds what is left. */
function restOf(kind: number, base: number, step: number, n: number, low: Uint32Array): Rest {
  const { rest } = scratch;
  let wide = false;
  for (let row = 0; row < n; row++) {
    const x = rest[row]!;
    if (x >= INT32 || x < -INT32) wide = true;
    low[row] = (x << 1) ^ (x >> 31);
  }
  if (!wide) return { kind, base, step, low, high: undefined, bits: bitsOf(low) };
  const high = new Uint32Array(n);
  for (let row = 0; row < n; row++) {
    const x = rest[row]!;
    const folded = x >= 0 ? 2 * x : -2 * x - 1;
    high[row] = Math.floor(folded / UINT32);
    low[row] = folded - high[row]! * UINT32;
  }
  return { kind: kind | WIDE, base, step, low, high, bits: bitsOf(low) + bitsOf(high) };
}

function againstLine(numbers: Float64Array, base: number, step: number): Rest {
  const n = numbers.length;
  const { rest, low } = scratch;
  for (let row = 0; row < n; row++) rest[row] = numbers[row]! - (base + row * step);
  return restOf(LINE, base, step, n, low.subarray(0, n));
}

function againstOneBefore(numbers: Float64Array, step: number): Rest {
  const n = numbers.length;
  const { rest, other } = scratch;
  let before = numbers[0]! - step;
  for (let row = 0; row < n; row++) {
    rest[row] = numbers[row]! - before - step;
    before = numbers[row]!;
  }
  return restOf(STEPS, numbers[0]!, step, n, other.subarray(0, n));
}

function middle(numbers: Float64Array): number {
  let low = numbers[0]!;
  let high = low;
  for (const number of numbers) {
    if (number < low) low = number;
    if (number > high) high = number;
  }
  // Rounded up: of two numbers the smaller one is then -1, which takes one bit, and the larger one would take two.
  return Math.ceil((low + high) / 2);
}

/**
 * Writes whole numbers, none beyond `LARGEST`, at least one. `step`: how far they are from each other where they are a
 * clock's; 0 (default) when they are not. O(n).
 */
export function packColumn(to: Words, numbers: Float64Array, step = 0): void {
  const n = numbers.length;
  room(n);
  const first = numbers[0]!;
  const slope = n > 1 ? Math.round((numbers[n - 1]! - first) / (n - 1)) : 0;
  const line =
    Math.abs(step) * n > LARGEST || step === 0
      ? againstLine(numbers, middle(numbers), 0)
      : againstLine(numbers, first, step);
  const steps = againstOneBefore(numbers, step === 0 ? slope : step);
  const best = line.bits <= steps.bits ? line : steps;
  to.word(best.kind);
  to.double(best.base);
  to.double(best.step);
  to.pack(best.low);
  if (best.high) to.pack(best.high);
}

/** Reads what `Words` wrote, from its beginning on. */
export class WordReader {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  /** `bytes` must begin at a multiple of four. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  double(): number {
    this.#at += 2;
    return this.#view.getFloat64(4 * (this.#at - 2), true);
  }

  word(): number {
    return this.#words[this.#at++]!;
  }

  words(n: number): Uint32Array {
    this.#at += n;
    return this.#words.subarray(this.#at - n, this.#at);
  }

  /** Into the beginning of `out`. */
  unpack(n: number, out: Uint32Array): void {
    const words = this.#words;
    const widths = 4 * this.#at;
    this.#at += Math.ceil(Math.ceil(n / BLOCK) / 4);
    for (let start = 0, block = 0; start < n; start += BLOCK, block++) {
      const end = Math.min(n, start + BLOCK);
      const width = this.#bytes[widths + block]!;
      if (width === 0) {
        out.fill(0, start, end);
        continue;
      }
      const mask = width === 32 ? 0xffffffff : (1 << width) - 1;
      const at = this.#at;
      let bit = 0;
      for (let row = start; row < end; row++) {
        const word = at + (bit >>> 5);
        const shift = bit & 31;
        // Twice: a shift by 32 would be none.
        out[row] = ((words[word]! >>> shift) | ((words[word + 1]! << 1) << (31 - shift))) & mask;
        bit += width;
      }
      this.#at += Math.ceil(((end - start) * width) / 32);
    }
  }
}

/** Reads a column of `out.length` numbers, each divided by `divisor`. O(n). */
export function unpackColumn(from: WordReader, out: Float64Array, divisor = 1): void {
  const n = out.length;
  room(n);
  const kind = from.word();
  const base = from.double();
  const step = from.double();
  const { low } = scratch;
  from.unpack(n, low);
  if (kind & WIDE) {
    from.unpack(n, scratch.other);
    unfoldWide(n);
    sum(out, scratch.rest, kind, base, step, divisor);
  } else if ((kind & STEPS) === 0) {
    for (let row = 0; row < n; row++) {
      const folded = low[row]!;
      out[row] = base + row * step + ((folded >>> 1) ^ -(folded & 1));
    }
    divide(out, divisor);
  } else {
    let number = base - step;
    for (let row = 0; row < n; row++) {
      const folded = low[row]!;
      number += step + ((folded >>> 1) ^ -(folded & 1));
      out[row] = number;
    }
    divide(out, divisor);
  }
}

function divide(out: Float64Array, divisor: number): void {
  if (divisor === 1) return;
  for (let row = 0; row < out.length; row++) out[row] = out[row]! / divisor;
}

function unfoldWide(n: number): void {
  const { low, other, rest } = scratch;
  for (let row = 0; row < n; row++) {
    const folded = other[row]! * UINT32 + low[row]!;
    rest[row] = folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
  }
}

function sum(out: Float64Array, rest: Float64Array, kind: number, base: number, step: number, divisor: number): void {
  let number = base - step;
  for (let row = 0; row < out.length; row++) {
    if (kind & STEPS) number += step + rest[row]!;
    else number = base + row * step + rest[row]!;
    out[row] = number;
  }
  divide(out, divisor);
}
