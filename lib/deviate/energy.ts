import { type Block, ENERGY } from "./layout.ts";

const RECENT = ENERGY;
const LONG = ENERGY + 1;
const RECENT_RATE = 0.03;

/** Root mean square of the residual of late, and in the long run. */
export const recentSwing = ({ x }: Block): number => Math.sqrt(x[RECENT]!);
export const usualSwing = ({ x }: Block): number => Math.sqrt(x[LONG]!);

/** ln of the residual's energy (mean square) of late, about 33 points, over that in the long run; at least 0. */
export function energyRatio({ x }: Block, residual: number, floor: number, slow: number): number {
  const square = residual * residual;
  x[RECENT] = x[RECENT]! + RECENT_RATE * (square - x[RECENT]!);
  x[LONG] = x[LONG]! + slow * (square - x[LONG]!);
  const least = (0.1 * floor) ** 2;
  return Math.max(0, Math.log((x[RECENT]! + least) / (x[LONG]! + least)));
}

/** The usual residual becomes `ratio` times what it was. */
export function rescaleEnergy({ x }: Block, ratio: number): void {
  x[RECENT] = x[RECENT]! * ratio * ratio;
  x[LONG] = x[LONG]! * ratio * ratio;
}
