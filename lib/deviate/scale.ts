import { type Block, SCALE } from "./layout.ts";

const LOW = SCALE;
const HIGH = SCALE + 1;
const FAST = SCALE + 2;
const SLOW = SCALE + 3;
const SPREAD = SCALE + 4;

const FAST_RATE = 0.2;
const SLOW_RATE = 1 / 5_000;
/** So many times what was ever usual is believed at once; more only when it comes again. */
const BELIEVED = 200;
const FIRST_CHANGE = 1e6;
const MOST = 1e100;

/** Slow mean, and the mean absolute deviation from it. */
export const level = ({ x }: Block): number => x[SLOW]!;
export const spread = ({ x }: Block): number => x[SPREAD]!;
/** Mean of the last few values against the slow mean, signed. */
export const levelDifference = ({ x }: Block): number => x[FAST]! - x[SLOW]!;
/** Lowest and highest of late: they forget with 5 000 points. */
export const lowest = ({ x }: Block): number => x[LOW]!;
export const highest = ({ x }: Block): number => x[HIGH]!;

export function startScale({ x }: Block, value: number): void {
  const first = Math.max(-MOST, Math.min(MOST, value));
  x[LOW] = first;
  x[HIGH] = first;
  x[FAST] = first;
  x[SLOW] = first;
}

/**
 * One value that is absurd (a sensor's 65535, 1e300) must not make the detector blind for weeks, so what is learned is
 * cut off at `BELIEVED` times the usual; when such values keep coming, that bound doubles with each.
 */
export function believable({ x }: Block, value: number): number {
  const slow = x[SLOW]!;
  const range = x[HIGH]! - x[LOW]!;
  const usual = Math.max(x[SPREAD]!, 0.01 * range);
  const most =
    usual === 0
      ? FIRST_CHANGE * Math.max(1, Math.abs(slow))
      : BELIEVED * Math.max(usual, 1e-4 * Math.abs(slow), Number.MIN_VALUE);
  return Math.max(-MOST, slow - most, Math.min(MOST, slow + most, value));
}

/** Takes a value in; returns the floor under which nothing is told apart: 1 % of the range, 1e-4 of the level. */
export function widen({ x }: Block, value: number): number {
  const slow = x[SLOW]!;
  let low = x[LOW]! - SLOW_RATE * (x[LOW]! - slow);
  let high = x[HIGH]! - SLOW_RATE * (x[HIGH]! - slow);
  if (value < low) low = value;
  if (value > high) high = value;
  x[LOW] = low;
  x[HIGH] = high;
  return Math.max(0.01 * (high - low), 1e-4 * Math.abs(slow), 1e-9);
}

/** The level against its own past: |mean of the last few - slow mean| over the usual distance. */
export function levelRatio({ x }: Block, value: number, floor: number): number {
  x[FAST] = x[FAST]! + FAST_RATE * (value - x[FAST]!);
  return Math.abs(x[FAST]! - x[SLOW]!) / Math.max(x[SPREAD]!, floor);
}

export function learnLevel({ x }: Block, value: number, n: number): void {
  const a = Math.max(1 / n, SLOW_RATE);
  const off = value - x[SLOW]!;
  x[SLOW] = x[SLOW]! + a * off;
  x[SPREAD] = x[SPREAD]! + a * (Math.abs(off) - x[SPREAD]!);
}
