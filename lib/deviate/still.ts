import { type Block, STILL } from "./layout.ts";

const VALUE = STILL;
const RUN = STILL + 1;
const SINCE = STILL + 2;
/** Share of points that repeat the one before. */
const REPEATS = STILL + 3;
/** Longest time and most points it stood still before. */
const LONGEST = STILL + 4;
const MOST_POINTS = STILL + 5;
/** Values it rested at before: there it may. */
const REST = STILL + 6;
const OTHER_REST = STILL + 7;

const ENOUGH = 12;
const LONGER = 3;
const REPEAT_RATE = 1 / 2_000;
const CAP = 16;
/** A long run is forgotten by half in 7 000 points, so that one fault does not hide the next for ever. */
const FADE = 1 - 1 / 10_000;

export function startStill({ x }: Block): void {
  x[VALUE] = Number.NaN;
  x[REST] = Number.NaN;
  x[OTHER_REST] = Number.NaN;
}

export const stillSince = ({ x }: Block): number => x[SINCE]!;
export const longestStill = ({ x }: Block): number => x[LONGEST]!;

/**
 * A series that hardly ever repeats a value and now does is frozen: -ln of the chance of such a run (0 … 16). A run that
 * is no three times as long as an earlier one, or at a value it rested at before, at its lowest or at its highest (a
 * machine that is off, a full tank), is no surprise.
 */
export function stillness({ x }: Block, value: number, time: number, n: number, low: number, high: number): number {
  const same = value === x[VALUE];
  x[MOST_POINTS] = x[MOST_POINTS]! * FADE;
  x[LONGEST] = x[LONGEST]! * FADE;
  x[REPEATS] = x[REPEATS]! + Math.max(1 / n, REPEAT_RATE) * ((same ? 1 : 0) - x[REPEATS]!);
  if (!same) {
    const run = x[RUN]!;
    if (run >= ENOUGH) {
      if (x[VALUE] !== x[REST]) {
        x[OTHER_REST] = x[REST]!;
        x[REST] = x[VALUE]!;
      }
    }
    if (run > x[MOST_POINTS]!) x[MOST_POINTS] = run;
    const stood = Math.abs(time - x[SINCE]!);
    if (run > 1 && stood > x[LONGEST]!) x[LONGEST] = stood;
    x[VALUE] = value;
    x[RUN] = 1;
    x[SINCE] = time;
    return 0;
  }
  const run = x[RUN]! + 1;
  x[RUN] = run;
  if (run < ENOUGH || run < LONGER * x[MOST_POINTS]!) return 0;
  if (value === x[REST] || value === x[OTHER_REST] || value <= low || value >= high) return 0;
  // The run itself is in the share: leave it out.
  const known = n * REPEAT_RATE < 1 ? 1 - run / n : (1 - REPEAT_RATE) ** run;
  if (known < 0.1) return 0;
  const before = Math.max(0, x[REPEATS]! - 1 + known) / known + 1 / Math.min(n, 1 / REPEAT_RATE);
  return before >= 1 ? 0 : Math.min(CAP, -Math.log(before) * (run - 1));
}
