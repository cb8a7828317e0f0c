import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../../lib/points/clock.ts";

/** Time that passes only when it is told to. */
export class FakeClock implements Clock {
  #now: number;
  #timers = new Set<{ at: number; run: () => void }>();

  constructor(now = Date.UTC(2026, 2, 2, 12)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Sets the clock without letting anything run. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Runs all that is due within `ms`, in its order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await setImmediate();
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await setImmediate();
    }
    this.#now = end;
  }
}
