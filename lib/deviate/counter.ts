import { type Block, COUNTER } from "./layout.ts";

const BASE = COUNTER;
const BEFORE = COUNTER + 1;
/** Points since the value last fell, and how many of them rose. */
const RUN = COUNTER + 2;
const RISES = COUNTER + 3;

const ENOUGH = 60;

/** What was added to the values because the counter behind them started anew. */
export const counterBase = ({ x }: Block): number => x[BASE]!;

/**
 * A value that has only ever risen and then falls to less than half is a counter that was reset: it goes on from where
 * it was (as Prometheus' `increase` does). Everything else comes back as it is.
 */
export function unwrap({ x }: Block, value: number): number {
  const before = x[BEFORE]!;
  if (value < before) {
    const counted = x[RUN]! >= ENOUGH && x[RISES]! > x[RUN]! / 2;
    if (counted && value >= 0 && value < before / 2) x[BASE] = x[BASE]! + before;
    else {
      x[RUN] = 0;
      x[RISES] = 0;
      x[BASE] = 0;
    }
  } else {
    x[RUN] = x[RUN]! + 1;
    if (value > before) x[RISES] = x[RISES]! + 1;
  }
  x[BEFORE] = value;
  return value + x[BASE]!;
}
