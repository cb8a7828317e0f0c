import { type Block, MEMORY } from "./layout.ts";

/** How much an alert raises the bar for a long time, and for a short one. */
const LONG = MEMORY;
const SHORT = MEMORY + 1;
const LAST = MEMORY + 2;
const SINCE = MEMORY + 3;

const LONG_FADE = 2 ** (-1 / 4_000);
const LONG_WEIGHT = 0.8;
const SHORT_RISE = 8;
/** In points: the hold-off is never shorter, and the soft one fades no faster. */
const LEAST_POINTS = 12;
const LEAST_FADE_POINTS = 24;
/** The soft hold-off halves in so many hold-offs. */
const SOFT = 4;

export function startMemory({ x }: Block): void {
  x[LAST] = Number.NEGATIVE_INFINITY;
  x[SINCE] = Number.POSITIVE_INFINITY;
}

/**
 * One more point, `passed` ms after the one before: alarms fade. The long memory halves in 4 000 points; the short one
 * in four hold-offs, but not in less than 24 points.
 */
export function fade({ x }: Block, passed: number, holdOff: number): void {
  if (x[SINCE] === Number.POSITIVE_INFINITY) return;
  x[SINCE] = x[SINCE]! + 1;
  x[LONG] = x[LONG]! * LONG_FADE;
  const halves = holdOff > 0 ? passed / (SOFT * holdOff) : 1;
  x[SHORT] = x[SHORT]! * 2 ** -Math.min(halves, 1 / LEAST_FADE_POINTS);
}

/** May a series tell again: `holdOff` ms and twelve points after it did. */
export const mayTell = ({ x }: Block, time: number, holdOff: number): boolean =>
  x[SINCE]! >= LEAST_POINTS && Math.abs(time - x[LAST]!) >= holdOff;

/** What is added to the threshold because of the alerts before. */
export const raisedBy = ({ x }: Block): number => LONG_WEIGHT * x[LONG]! + x[SHORT]!;

export function remember({ x }: Block, time: number, above: number): void {
  x[LAST] = time;
  x[SINCE] = 0;
  x[LONG] = x[LONG]! + 1 + 0.2 * Math.min(10, Math.max(0, above));
  x[SHORT] = x[SHORT]! + SHORT_RISE;
}
