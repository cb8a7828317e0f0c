import type { Samples } from "../store/samples.ts";

/** Rows that a new ring holds; they are granted whatever the budget says. */
const FIRST = 64;

export interface RingLimits {
  /** Most points of one series. Default 4096: more than an hour at one a second. */
  perSeries: number;
  /** Most points of all series together, beyond the first 64 of each. 24 bytes a point. Default 500 000. */
  total: number;
}

/** What the rings of a feed may still grow by, points. */
export interface RingBudget {
  readonly perSeries: number;
  left: number;
}

/**
 * The newest points of one series in the order of their arrival, each with its number in the feed. It starts small and
 * doubles while the shared budget lasts; then the oldest makes room for the newest. O(1) a point.
 */
export class Ring {
  #times = new Float64Array(FIRST);
  #values = new Float64Array(FIRST);
  #numbers = new Float64Array(FIRST);
  #start = 0;
  #length = 0;
  readonly #budget: RingBudget;
  /** Number of the newest point that was overwritten; 0: none. */
  #dropped = 0;
  #lastTime = -Infinity;
  #lastValue = Number.NaN;

  constructor(budget: RingBudget) {
    this.#budget = budget;
  }

  /** Newest time, not newest arrival. */
  get lastTime(): number {
    return this.#lastTime;
  }

  /** Value at `lastTime`; NaN is a gap. */
  get lastValue(): number {
    return this.#lastValue;
  }

  /** Number of the newest arrival; 0: none. */
  get lastNumber(): number {
    return this.#length === 0 ? 0 : this.#numbers[this.#slot(this.#length - 1)]!;
  }

  push(time: number, value: number, number: number): void {
    if (this.#length === this.#times.length && !this.#grow()) {
      this.#dropped = this.#numbers[this.#start]!;
      this.#start = (this.#start + 1) % this.#times.length;
      this.#length--;
    }
    const slot = this.#slot(this.#length++);
    this.#times[slot] = time;
    this.#values[slot] = value;
    this.#numbers[slot] = number;
    if (time >= this.#lastTime) {
      this.#lastTime = time;
      this.#lastValue = value;
    }
  }

  /**
   * What arrived after `number`, in the order of arrival. `undefined` when part of it is gone, or when it is more than
   * `limit` rows: then a thinned window serves better.
   */
  after(number: number, limit: number): Samples | undefined {
    if (this.#dropped > number) return undefined;
    let row = this.#length;
    while (row > 0 && this.#numbers[this.#slot(row - 1)]! > number) row--;
    return this.#length - row > limit ? undefined : this.#copy(row);
  }

  /** All rows, strictly ascending in time; of two rows of one time the later arrival stays. */
  samples(): Samples {
    const all = this.#copy(0);
    if (all.times.every((time, row) => row === 0 || time > all.times[row - 1]!)) return all;
    const order = Array.from(all.times, (_, row) => row).sort((a, b) => all.times[a]! - all.times[b]! || a - b);
    const kept = order.filter((row, at) => all.times[row] !== all.times[order[at + 1]!]);
    return {
      times: Float64Array.from(kept, (row) => all.times[row]!),
      values: Float64Array.from(kept, (row) => all.values[row]!),
    };
  }

  #slot(row: number): number {
    return (this.#start + row) % this.#times.length;
  }

  #copy(from: number): Samples {
    const times = new Float64Array(this.#length - from);
    const values = new Float64Array(times.length);
    for (let row = 0; row < times.length; row++) {
      const slot = this.#slot(from + row);
      times[row] = this.#times[slot]!;
      values[row] = this.#values[slot]!;
    }
    return { times, values };
  }

  #grow(): boolean {
    const capacity = this.#times.length;
    if (capacity * 2 > this.#budget.perSeries || capacity > this.#budget.left) return false;
    this.#budget.left -= capacity;
    const wider = (column: Float64Array) => {
      const out = new Float64Array(capacity * 2);
      for (let row = 0; row < capacity; row++) out[row] = column[this.#slot(row)]!;
      return out;
    };
    [this.#times, this.#values, this.#numbers] = [wider(this.#times), wider(this.#values), wider(this.#numbers)];
    this.#start = 0;
    return true;
  }
}
