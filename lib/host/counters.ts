/** Growing counters of one instance (a disk, an interface), by name. */
export type Counters<Name extends string> = Readonly<Record<Name, number>>;

/**
 * Rates of counters that only grow, between this reading and the last.
 *
 * No rate, rather than a wrong one, when there is no earlier reading of the instance, when any of its counters went
 * back (wrapped, reset, another device of the same name), and when no time passed; in that last case the earlier
 * reading stays the base. Instances that vanish are forgotten. Memory: two numbers a counter.
 */
export class Rates<Name extends string> {
  #at = Number.NaN;
  #last: ReadonlyMap<string, Counters<Name>> = new Map();

  /** Change a second of each instance; `at` is a monotonic time in ms. O(counters). */
  update(at: number, reading: ReadonlyMap<string, Counters<Name>>): Map<string, Record<Name, number>> {
    const rates = new Map<string, Record<Name, number>>();
    const seconds = (at - this.#at) / 1_000;
    if (seconds <= 0) return rates;
    for (const [instance, counters] of reading) {
      const last = this.#last.get(instance);
      if (!last) continue;
      const rate = {} as Record<Name, number>;
      let wentBack = false;
      for (const name of Object.keys(counters) as Name[]) {
        rate[name] = (counters[name] - last[name]) / seconds;
        wentBack ||= rate[name] < 0;
      }
      if (!wentBack) rates.set(instance, rate);
    }
    this.#at = at;
    this.#last = reading;
    return rates;
  }
}
