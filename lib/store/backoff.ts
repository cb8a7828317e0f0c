const FIRST = 250;
const LONGEST = 5000;

/** How long to wait before the next try, ms: 250 after the first failure, then twice as long each time, at most 5 s. */
export class Backoff {
  #delay = 0;

  /** Something failed and was not tried again yet with success. */
  get failing(): boolean {
    return this.#delay > 0;
  }

  next(): number {
    this.#delay = this.#delay === 0 ? FIRST : Math.min(LONGEST, this.#delay * 2);
    return this.#delay;
  }

  succeeded(): void {
    this.#delay = 0;
  }
}
