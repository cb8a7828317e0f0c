import type { Clock } from "../points/clock.ts";

/** A token bucket: so many at once, and one more each so many ms. O(1). */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #every: number;
  #tokens: number;
  #at: number;

  constructor(clock: Clock, burst: number, every: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#every = every;
    this.#tokens = burst;
    this.#at = clock.now();
  }

  /** False when there is none. */
  take(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** What was taken was not used. */
  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }

  /** When there is one again, milliseconds since epoch. */
  get next(): number {
    this.#fill();
    return this.#tokens >= 1 ? this.#at : this.#at + this.#every;
  }

  #fill(): void {
    const now = this.#clock.now();
    // A clock that was set back starts anew, instead of standing still until it has caught up.
    if (now < this.#at) this.#at = now;
    const whole = Math.floor((now - this.#at) / this.#every);
    if (this.#tokens + whole >= this.#burst) {
      this.#tokens = this.#burst;
      this.#at = now;
    } else {
      this.#tokens += whole;
      this.#at += whole * this.#every;
    }
  }
}
