import { type Block, EFFECT } from "./layout.ts";

const SHIFT = EFFECT;
const SPREAD = EFFECT + 1;
const NOW = EFFECT + 2;
const ONSET = EFFECT + 3;

const SHIFT_RATE = 0.03;
const NOW_RATE = 0.2;

/** Mean absolute residual in the long run. */
export const residualSpread = ({ x }: Block): number => x[SPREAD]!;
/** Mean residual of the last few points, signed. */
export const residualNow = ({ x }: Block): number => x[NOW]!;
/** Since when the series has been away from what was expected on the same side, ms. */
export const onset = ({ x }: Block): number => x[ONSET]!;

/** Sustained shift: |mean residual of about 33 points| over the usual residual. Also keeps the onset. */
export function shiftRatio({ x }: Block, residual: number, floor: number, time: number): number {
  x[SHIFT] = x[SHIFT]! + SHIFT_RATE * (residual - x[SHIFT]!);
  const before = x[NOW]!;
  const now = before + NOW_RATE * (residual - before);
  x[NOW] = now;
  const quiet = 0.5 * x[SPREAD]!;
  if (Math.abs(before) <= quiet || before > 0 !== now > 0) x[ONSET] = time;
  return Math.abs(x[SHIFT]!) / Math.max(x[SPREAD]!, floor);
}

export function learnSpread({ x }: Block, residual: number, slow: number): void {
  x[SPREAD] = x[SPREAD]! + slow * (Math.abs(residual) - x[SPREAD]!);
}

/** The usual residual becomes `ratio` times what it was. */
export function rescaleEffect({ x }: Block, ratio: number): void {
  x[SHIFT] = x[SHIFT]! * ratio;
  x[SPREAD] = x[SPREAD]! * ratio;
  x[NOW] = x[NOW]! * ratio;
}

/** Noise does this all the time: below all of these there is nothing to tell, however rare it is. */
export function isNegligible(energy: number, level: number, shift: number, distance: number): boolean {
  return energy < 0.7 && level < 1.2 && shift < 0.5 && distance < 4.5;
}
