const SHORTEST = 1000;
const LONGEST = 20 * 365 * 86_400_000;

/** How fine a clock is that goes with a span: milliseconds below 10 s, no seconds above six hours. */
export const clockStep = (span: number) => (span < 10_000 ? 1 : span > 6 * 3_600_000 + 1 ? 60_000 : 1000);

/** The span of time that all charts show. It either follows the clock or stands where the reader put it. */
export class View {
  from = 0;
  to = 0;
  /** The right edge is now. */
  live = true;
  /** The span that "live" goes back to, ms. */
  range: number;
  readonly #now: () => number;
  readonly #changed: () => void;

  constructor(range: number, now: () => number, changed: () => void) {
    this.range = range;
    this.#now = now;
    this.#changed = changed;
    this.tick();
  }

  get span(): number {
    return this.to - this.from;
  }

  /** Moves with the clock. */
  tick(span = this.span || this.range): void {
    if (!this.live) return;
    this.to = this.#now();
    this.from = this.to - span;
  }

  follow(range = this.range): void {
    this.range = range;
    this.live = true;
    this.tick(range);
    this.#changed();
  }

  show(from: number, to: number): void {
    const span = Math.min(Math.max(to - from, SHORTEST), LONGEST);
    const middle = (from + to) / 2;
    this.live = false;
    this.from = Math.max(0, middle - span / 2);
    this.to = this.from + span;
    this.#changed();
  }

  /** By a part of the span; who comes to the present stays with it. */
  pan(part: number): void {
    const move = part * this.span;
    if (this.to + move >= this.#now()) this.#live(this.span);
    else this.show(this.from + move, this.to + move);
  }

  /** `factor` 0.5 shows half as much. `at` stays where it is; while live that is the present. */
  zoom(factor: number, at?: number): void {
    const span = Math.min(Math.max(this.span * factor, SHORTEST), LONGEST);
    if (this.live && at === undefined) {
      this.#live(span);
      return;
    }
    const fixed = at ?? (this.from + this.to) / 2;
    const from = fixed - (fixed - this.from) * (span / this.span);
    this.show(from, from + span);
  }

  #live(span: number): void {
    this.live = true;
    this.tick(span);
    this.#changed();
  }
}
