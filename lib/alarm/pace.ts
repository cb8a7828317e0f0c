const GAPS = 16;
/** Before so many gaps nothing is said. */
const ENOUGH = 8;

/** JSON-safe. */
export interface SavedPace {
  gaps: number[];
  count: number;
  interval: number | null;
}

/**
 * How often a series reports, from the gaps between its last 16 points: their upper quartile, so that neither a burst
 * makes it short nor a few lost points make it long. O(1) a point; 16 numbers a series.
 */
export class Pace {
  readonly #gaps = new Float64Array(GAPS);
  #count = 0;
  #interval = Number.NaN;

  static load({ gaps, count, interval }: SavedPace): Pace {
    const pace = new Pace();
    pace.#gaps.set(gaps.slice(0, GAPS));
    pace.#count = count;
    pace.#interval = interval ?? Number.NaN;
    return pace;
  }

  /** Usual time between two points, ms of event time; NaN while it is not known. */
  get interval(): number {
    return this.#interval;
  }

  /** Takes the time from one point to the next, ms. */
  push(gap: number): void {
    this.#gaps[this.#count % GAPS] = gap;
    this.#count++;
    // Sorting costs half a microsecond: at first after each point, later once a round.
    if (this.#count <= GAPS || this.#count % GAPS === 0) this.#learn();
  }

  save(): SavedPace {
    const interval = Number.isNaN(this.#interval) ? null : this.#interval;
    return { gaps: [...this.#gaps.subarray(0, Math.min(this.#count, GAPS))], count: this.#count, interval };
  }

  #learn(): void {
    const n = Math.min(this.#count, GAPS);
    if (n < ENOUGH) return;
    this.#interval = this.#gaps.slice(0, n).sort()[Math.ceil(n * 0.75) - 1]!;
  }
}
