import type { Clock } from "../points/clock.ts";
import { asVigiaError, type VigiaError } from "../points/error.ts";
import { Backoff } from "./backoff.ts";

/** What a `Flusher` needs of the engine. */
export interface Flushes {
  readonly due: boolean;
  tend(): Iterator<void, void>;
}

/** Tends the engine when it is due, a step a turn of the event loop, so that commits and reads get theirs between. */
export class Flusher {
  readonly #engine: Flushes;
  readonly #clock: Clock;
  readonly #onTried: (failure?: VigiaError) => void;
  readonly #backoff = new Backoff();
  #round: Iterator<void, void> | undefined;
  #cancel: (() => void) | undefined;

  /** `onTried` is called after each step, with what was wrong or nothing. */
  constructor(engine: Flushes, clock: Clock, onTried: (failure?: VigiaError) => void) {
    this.#engine = engine;
    this.#clock = clock;
    this.#onTried = onTried;
  }

  /** Starts when it is due and not under way. */
  kick(): void {
    if (!this.#cancel && this.#engine.due) this.#start();
  }

  close(): void {
    this.#cancel?.();
  }

  #start(): void {
    this.#round = this.#engine.tend();
    this.#stepSoon();
  }

  #stepSoon(): void {
    const soon = setImmediate(() => this.#step());
    this.#cancel = () => clearImmediate(soon);
  }

  #step(): void {
    try {
      const { done } = this.#round!.next();
      this.#cancel = undefined;
      // Points came in during the round, perhaps so many that commits are held until they are in chunks too.
      if (done) this.kick();
      else this.#stepSoon();
      this.#backoff.succeeded();
      this.#onTried();
    } catch (thrown) {
      this.#cancel = this.#clock.after(this.#backoff.next(), () => this.#start());
      this.#onTried(asVigiaError(thrown));
    }
  }
}
