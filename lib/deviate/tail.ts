import { type Block, TAIL_BINS } from "./layout.ts";

/** The bins lie evenly over ln 1e-4 … ln 1e4. */
const LOW = Math.log(1e-4);
const PER_UNIT = TAIL_BINS / (Math.log(1e4) - LOW);
/** The tail is the top 2 %. */
const TAIL_SHARE = 0.02;
/** A tail of exponent 6 with the weight of 8 exceedances is believed before there is any. */
const PRIOR_ALPHA = 6;
const PRIOR_WEIGHT = 8;
/** What was seen 8 000 points ago counts half. */
const GROWTH = 2 ** (1 / 8_000);
const REFIT_MASK = 15;
const FIT_EACH_UNTIL = 200;
const RESCALE_AT = 1e12;

const N = 0;
const INC = 1;
const PUSHED = 2;
const EDGE = 3;
const ALPHA = 4;
const AT_EDGE = 5;

/** -ln p never grows past this: what is beyond all experience is not told apart any more. */
export const TAIL_CAP = 8;

/** Sets a tail up, or makes it forget. */
export function startTail({ x, f }: Block, at: number, bins: number): void {
  f.fill(0, bins, bins + TAIL_BINS);
  x[at + N] = 0;
  x[at + PUSHED] = 0;
  x[at + INC] = 1;
  x[at + EDGE] = LOW;
  x[at + ALPHA] = PRIOR_ALPHA;
  x[at + AT_EDGE] = -Math.log(TAIL_SHARE);
}

function fit({ x, f }: Block, at: number, bins: number): void {
  const inc = x[at + INC]!;
  const total = x[at + N]!;
  const enough = TAIL_SHARE * total;
  let inTail = 0;
  let first = TAIL_BINS - 1;
  for (; first > 0; first--) {
    inTail += f[bins + first]!;
    if (inTail >= enough) break;
  }
  let excess = 0;
  for (let bin = first; bin < TAIL_BINS; bin++) excess += f[bins + bin]! * (bin + 0.5 - first);
  excess /= PER_UNIT;
  x[at + ALPHA] = (inTail / inc + PRIOR_WEIGHT) / (excess / inc + PRIOR_WEIGHT / PRIOR_ALPHA);
  x[at + EDGE] = LOW + first / PER_UNIT;
  x[at + AT_EDGE] = -Math.log(inTail / total);
}

/**
 * How surprising `value` (≥ 0) is among what this tail has seen before: -ln of the chance to exceed it, 0 for what is
 * not in the top 2 %, at most `TAIL_CAP`. Then takes it in. A forgetting histogram of ln value with a Pareto tail above
 * its 98 % quantile; the tail's exponent is Hill's estimator (1975, "A simple general approach to inference about the
 * tail of a distribution"), shrunk to a prior. O(1) amortised: a fit of O(bins) every 16th time.
 */
export function surprise(block: Block, at: number, bins: number, value: number): number {
  const { x, f } = block;
  const ln = Math.log(Math.max(value, 1e-4));
  let found = 0;
  if (x[at + N]! > 0) {
    const pushed = x[at + PUSHED]!;
    if ((pushed & REFIT_MASK) === 0 || pushed < FIT_EACH_UNTIL) fit(block, at, bins);
    x[at + PUSHED] = pushed < 0x4000_0000 ? pushed + 1 : FIT_EACH_UNTIL + 1;
    const edge = x[at + EDGE]!;
    if (ln > edge) found = x[at + AT_EDGE]! + x[at + ALPHA]! * (ln - edge);
  }
  const inc = x[at + INC]!;
  const bin = Math.min(TAIL_BINS - 1, Math.max(0, Math.floor((ln - LOW) * PER_UNIT)));
  f[bins + bin] = f[bins + bin]! + inc;
  x[at + N] = x[at + N]! + inc;
  x[at + INC] = inc * GROWTH;
  if (inc > RESCALE_AT) {
    for (let i = 0; i < TAIL_BINS; i++) f[bins + i] = f[bins + i]! / inc;
    x[at + N] = x[at + N]! / inc;
    x[at + INC] = GROWTH;
  }
  return Math.min(found, TAIL_CAP);
}
