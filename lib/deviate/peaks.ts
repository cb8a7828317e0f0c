import { type Block, PEAK_BINS, PEAK_COUNT, PEAKS } from "./layout.ts";

const POINTS = PEAKS;
const MAX = PEAKS + 1;
const QUANTILE = PEAKS + 2;

/** Of each so many points the highest score is booked. */
const STRETCH = 256;
/** The quantile is the one that a tenth of the stretches exceed: up to that many may hold real faults. */
const EXCEEDED = 0.1;
/** What was seen 60 stretches ago counts half. */
const KEPT = 2 ** (-1 / 60);
/** Five stretches of a series that is neither calm nor wild are believed before there are any. */
const PRIOR: readonly (readonly [bin: number, weight: number])[] = [
  [4, 1.5],
  [6, 1.5],
  [8, 1],
  [10, 1],
];
/** Above the quantile scores thin out by e for each so much. */
const SLOPE = 1.2;

export const LEAST_THRESHOLD = 4;
export const MOST_THRESHOLD = 18;

/** The score that the highest of 256 points exceeds one time in ten. */
export const peakQuantile = ({ x }: Block): number => x[QUANTILE]!;

function fit({ x, f }: Block): void {
  let total = 0;
  for (let bin = 0; bin < PEAK_COUNT; bin++) total += f[PEAK_BINS + bin]!;
  const wanted = EXCEEDED * total;
  let above = 0;
  for (let bin = PEAK_COUNT - 1; bin >= 0; bin--) {
    const here = f[PEAK_BINS + bin]!;
    if (above + here >= wanted) {
      x[QUANTILE] = bin + 1 - (wanted - above) / here;
      return;
    }
    above += here;
  }
}

/** Sets the peaks up, or makes them forget. */
export function startPeaks(block: Block): void {
  block.f.fill(0, PEAK_BINS, PEAK_BINS + PEAK_COUNT);
  for (const [bin, weight] of PRIOR) block.f[PEAK_BINS + bin] = weight;
  fit(block);
}

/** Books the score of one point. O(1) amortised: O(bins) every 256th time. */
export function bookPeak(block: Block, score: number): void {
  const { x, f } = block;
  if (score > x[MAX]!) x[MAX] = score;
  const points = x[POINTS]! + 1;
  if (points < STRETCH) {
    x[POINTS] = points;
    return;
  }
  for (let bin = 0; bin < PEAK_COUNT; bin++) f[PEAK_BINS + bin] = f[PEAK_BINS + bin]! * KEPT;
  const bin = PEAK_BINS + Math.min(PEAK_COUNT - 1, Math.floor(x[MAX]!));
  f[bin] = f[bin]! + 1;
  x[MAX] = 0;
  x[POINTS] = 0;
  fit(block);
}

/**
 * How rare an alert must be, for `threshold`: ln of how much rarer than the exceedance of the quantile.
 * `alerts` and `points` are in the same time.
 */
export function rarity(alerts: number, points: number): number {
  return points > 0 ? Math.log((EXCEEDED / STRETCH / alerts) * points) : 0;
}

/** The score that this series exceeds so rarely (see `rarity`) where nothing happens, from 4 to 18. */
export function thresholdOf(block: Block, rare: number): number {
  return Math.min(MOST_THRESHOLD, Math.max(LEAST_THRESHOLD, peakQuantile(block) + SLOPE * rare));
}

/** Chance that a point of this series scores so high where nothing happens. */
export function chanceOf(block: Block, score: number): number {
  return score > 0 ? Math.min(1, (EXCEEDED / STRETCH) * Math.exp(-(score - peakQuantile(block)) / SLOPE)) : 1;
}
