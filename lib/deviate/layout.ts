/**
 * Where each part of the detector keeps its numbers. All of a series lies in one block of memory (few cache misses when
 * thousands of series take turns, and one thing to save): doubles first, then single-precision floats.
 */

/** Bins of a tail's histogram, and its other numbers. */
export const TAIL_BINS = 96;
const TAIL_NUMBERS = 6;
/** Bins of the highest scores. */
export const PEAK_COUNT = 20;
export const HOURS = 24;
export const WEEK_HOURS = 168;

let doubles = 0;
let floats = 0;
function take(n: number): number {
  doubles += n;
  return doubles - n;
}
function takeFloats(n: number): number {
  floats += n;
  return floats - n;
}

/** Offsets among the doubles. */
export const PACE = take(5);
export const COUNTER = take(4);
export const SCALE = take(5);
export const ENERGY = take(2);
export const EFFECT = take(4);
export const BAND = take(2);
export const STILL = take(8);
export const MEMORY = take(4);
export const WEEKLY_GAIN = take(3);
export const PEAKS = take(3);
export const ENERGY_TAIL = take(TAIL_NUMBERS);
export const LEVEL_TAIL = take(TAIL_NUMBERS);
export const HOUR_MEAN = take(HOURS);
export const HOUR_SPREAD = take(HOURS);
export const HOUR_COUNT = take(HOURS);
export const DOUBLES = doubles;

/** Offsets among the floats. */
export const ENERGY_BINS = takeFloats(TAIL_BINS);
export const LEVEL_BINS = takeFloats(TAIL_BINS);
export const PEAK_BINS = takeFloats(PEAK_COUNT);
export const WEEK_OFFSET = takeFloats(WEEK_HOURS);
export const WEEK_COUNT = takeFloats(WEEK_HOURS);
export const FLOATS = floats;

/** The numbers of one series: two views of one buffer. */
export interface Block {
  /** Doubles. */
  readonly x: Float64Array;
  /** Floats. */
  readonly f: Float32Array;
}

export function newBlock(buffer: ArrayBuffer = new ArrayBuffer(BLOCK_BYTES)): Block {
  return { x: new Float64Array(buffer, 0, DOUBLES), f: new Float32Array(buffer, DOUBLES * 8, FLOATS) };
}

export const BLOCK_BYTES = DOUBLES * 8 + FLOATS * 4;
