import { BAND, type Block } from "./layout.ts";

const UP = BAND;
const DOWN = BAND + 1;
/** So many points are meant to lie above the band, and as many below. */
const MISSED = 0.01;
const RATE = 0.1;
const LEAST = 0.05;
const MOST = 1_000;
/** 99 % of a Gaussian on each side, in mean absolute deviations. */
const FIRST = 2.9;

/** Half widths of the band, in usual residuals of this time of day. */
export const bandUp = ({ x }: Block): number => x[UP]!;
export const bandDown = ({ x }: Block): number => x[DOWN]!;

export function startBand({ x }: Block): void {
  x[UP] = FIRST;
  x[DOWN] = FIRST;
}

function follow(width: number, missed: boolean): number {
  const next = width * Math.exp(RATE * ((missed ? 1 : 0) - MISSED));
  return Math.min(MOST, Math.max(LEAST, next));
}

/**
 * Widens the side a value was outside of and narrows the other a little, so that in the long run 1 % lie above and 1 %
 * below whatever the distribution: adaptive conformal inference (Gibbs & Candès 2021, arXiv:2106.00170) on a log scale.
 */
export function followBand({ x }: Block, residual: number, unit: number): void {
  x[UP] = follow(x[UP]!, residual > x[UP]! * unit);
  x[DOWN] = follow(x[DOWN]!, -residual > x[DOWN]! * unit);
}
