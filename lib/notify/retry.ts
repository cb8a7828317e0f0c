const FIRST = 500;
const FACTOR = 1.5;
const LONGEST = 60_000;
/** Part of a delay that is left to chance, so that gateways which failed together do not come back together. */
const JITTER = 0.5;

/**
 * How long to wait after so many failures in a row, ms: 0.5 s, half as long again each time, at most 60 s; of that the
 * last half by chance.
 * @param random 0 … 1
 */
export function retryDelay(failures: number, random: number): number {
  const delay = Math.min(LONGEST, FIRST * FACTOR ** Math.min(failures - 1, 100));
  return Math.round(delay * (1 - JITTER * random));
}
