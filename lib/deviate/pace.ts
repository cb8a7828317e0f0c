import { type Block, PACE } from "./layout.ts";

const COUNT = PACE;
const STEP = PACE + 1;
const LAST = PACE + 2;
const FIRST = PACE + 3;
const LATEST = PACE + 4;

const HOUR = 3_600_000;
const EARLY = 60;
const SLOW = 0.002;

/** Values so far. */
export const count = ({ x }: Block): number => x[COUNT]!;
/** Usual time between two points, ms, ≥ 1. */
export const step = ({ x }: Block): number => x[STEP]!;
/** Time of the point before, ms; the arrival's order, not the highest. */
export const lastTime = ({ x }: Block): number => x[LAST]!;
/** Time of the first point, ms. */
export const firstTime = ({ x }: Block): number => x[FIRST]!;
/** Highest time so far, ms. */
export const latestTime = ({ x }: Block): number => x[LATEST]!;

export function startPace({ x }: Block): void {
  x[STEP] = 300_000;
  x[LATEST] = Number.NEGATIVE_INFINITY;
}

/** Counts a point and learns how often they come; long silences and steps back do not spoil it. Returns the count. */
export function keepPace({ x }: Block, time: number): number {
  const n = x[COUNT]! + 1;
  x[COUNT] = n;
  if (n === 1) x[FIRST] = time;
  else {
    const between = Math.abs(time - x[LAST]!);
    if (between > 0) {
      const usual = x[STEP]!;
      const most = n < EARLY ? 24 * HOUR : 4 * usual;
      const a = n < EARLY ? 1 / (n - 1) : SLOW;
      x[STEP] = Math.max(1, usual + a * (Math.min(between, most) - usual));
    }
  }
  x[LAST] = time;
  if (time > x[LATEST]!) x[LATEST] = time;
  return n;
}
