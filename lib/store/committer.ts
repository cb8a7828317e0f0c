import type { Clock } from "../points/clock.ts";
import { asVigiaError, type VigiaError } from "../points/error.ts";
import { Backoff } from "./backoff.ts";
import type { LogRows } from "./log-codec.ts";

interface Waiting {
  rows: LogRows;
  resolve: (seq: number) => void;
  reject: (failure: VigiaError) => void;
}

/** What a `Committer` needs of the engine. */
export interface Commits {
  readonly crowded: boolean;
  commit(pieces: readonly LogRows[]): number;
}

/** Group commit: what has come in the meantime is written as one. A commit that fails is kept and tried again. */
export class Committer {
  readonly #engine: Commits;
  readonly #clock: Clock;
  readonly #onTried: (failure?: VigiaError) => void;
  readonly #backoff = new Backoff();
  #waiting: Waiting[] = [];
  #held = false;
  #cancelTimer: (() => void) | undefined;
  #soon: NodeJS.Immediate | undefined;

  /** `onTried` is called after each try, with what was wrong or nothing. */
  constructor(engine: Commits, clock: Clock, onTried: (failure?: VigiaError) => void) {
    this.#engine = engine;
    this.#clock = clock;
    this.#onTried = onTried;
  }

  /** Resolves with the commit once it is on disk. */
  add(rows: LogRows): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows, resolve, reject });
      // While it fails, the next try takes along what has come until then.
      if (!this.#backoff.failing) this.#commitSoon();
    });
  }

  /** Writes what waits, now. @throws what is wrong; it is tried again later */
  flush(): void {
    this.#stopTimers();
    const failure = this.#write();
    if (!failure) return;
    this.#retry();
    throw failure;
  }

  /** To be called when the engine may no longer be crowded. */
  resume(): void {
    if (this.#held && !this.#engine.crowded) this.#commitSoon();
  }

  /** The last try; what it cannot write is rejected. */
  close(): void {
    this.#stopTimers();
    const failure = this.#write();
    if (failure) for (const { reject } of this.#waiting) reject(failure);
  }

  /** Not at once: what has already arrived from the other thread comes along. */
  #commitSoon(): void {
    this.#soon ??= setImmediate(() => this.#commit());
  }

  #stopTimers(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    clearImmediate(this.#soon);
    this.#soon = undefined;
  }

  #commit(): void {
    this.#stopTimers();
    this.#held = this.#engine.crowded;
    if (!this.#held && this.#write()) this.#retry();
  }

  #retry(): void {
    this.#cancelTimer = this.#clock.after(this.#backoff.next(), () => this.#commit());
  }

  /** Gives what was wrong, or nothing. */
  #write(): VigiaError | undefined {
    if (this.#waiting.length === 0) return undefined;
    let seq: number;
    try {
      seq = this.#engine.commit(this.#waiting.map(({ rows }) => rows));
    } catch (thrown) {
      const failure = asVigiaError(thrown);
      this.#onTried(failure);
      return failure;
    }
    const done = this.#waiting;
    this.#waiting = [];
    this.#backoff.succeeded();
    for (const { resolve } of done) resolve(seq);
    this.#onTried();
    return undefined;
  }
}
