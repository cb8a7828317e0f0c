import type { Clock } from "../points/clock.ts";
import { asVigiaError, type VigiaError } from "../points/error.ts";
import type { Frame } from "../points/frame.ts";
import type { Appended, Store } from "../store/types.ts";
import { splitRepeated } from "./repeated.ts";

const FIRST_RETRY = 250;
const LONGEST_RETRY = 5_000;

interface Entry<T> {
  readonly all: Frame;
  /** Without what the store had already, as soon as that is known. */
  frame: Frame;
  /** Rows that the store had already. */
  again?: Frame;
  /** The broker has sent it once more: the store may have it. */
  readonly repeated: boolean;
  readonly attached: T;
  state: "waiting" | "sent" | "stored";
  seq: number;
}

export interface CommitHandlers<T> {
  /** Frames in the order they were added; all of them are durable. */
  onStored(entries: readonly { frame: Frame; again?: Frame; attached: T; seq: number }[]): void;
  /** Once when the store begins to refuse, and once with `undefined` when it takes again. */
  onTrouble(error: VigiaError | undefined): void;
}

/**
 * Frames on their way into a store, given back in their order when they are durable. What the store refuses is kept
 * and tried again, later each time (250 ms to 5 s). Nothing is dropped; the caller bounds how much is under way.
 */
export class Commits<T> {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #handlers: CommitHandlers<T>;
  readonly #queue: Entry<T>[] = [];
  #failures = 0;
  #cancelRetry: (() => void) | undefined;
  #draining = false;
  #closed = false;

  constructor(store: Store, clock: Clock, handlers: CommitHandlers<T>) {
    this.#store = store;
    this.#clock = clock;
    this.#handlers = handlers;
  }

  /** Frames that are not durable yet. */
  get size(): number {
    return this.#queue.length;
  }

  add(frame: Frame, attached: T, repeated = false): void {
    const entry: Entry<T> = { all: frame, frame, repeated, attached, state: "waiting", seq: 0 };
    this.#queue.push(entry);
    // Nothing to write, but its turn is still behind what came before.
    if (frame.length === 0) this.#stored(entry, 0);
    else if (this.#failures === 0) this.#send(entry);
  }

  /** Gives nothing back any more and tries nothing again. */
  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
  }

  #send(entry: Entry<T>): void {
    entry.state = "sent";
    this.#append(entry).then(
      ({ seq }) => {
        this.#recovered();
        this.#stored(entry, seq);
      },
      (thrown) => {
        entry.state = "waiting";
        this.#failed(asVigiaError(thrown, "store-failed"));
      },
    );
  }

  async #append(entry: Entry<T>): Promise<Appended> {
    if (entry.repeated) {
      const { fresh, again } = await splitRepeated(this.#store, entry.all);
      entry.frame = fresh;
      entry.again = again;
    }
    return this.#store.append(entry.frame);
  }

  #stored(entry: Entry<T>, seq: number): void {
    entry.state = "stored";
    entry.seq = seq;
    if (this.#draining) return;
    this.#draining = true;
    // One commit of the store settles many frames: they are handed on, and acknowledged, together.
    setImmediate(() => {
      this.#draining = false;
      let n = 0;
      while (this.#queue[n]?.state === "stored") n++;
      if (n > 0 && !this.#closed) this.#handlers.onStored(this.#queue.splice(0, n));
    });
  }

  #failed(error: VigiaError): void {
    if (this.#cancelRetry !== undefined || this.#closed) return;
    const delay = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** this.#failures);
    if (this.#failures++ === 0) this.#handlers.onTrouble(error);
    this.#cancelRetry = this.#clock.after(delay, () => {
      this.#cancelRetry = undefined;
      // One frame tells whether the store takes again.
      const next = this.#queue.find(({ state }) => state === "waiting");
      if (next) this.#send(next);
    });
  }

  #recovered(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#handlers.onTrouble(undefined);
    for (const entry of this.#queue) if (entry.state === "waiting") this.#send(entry);
  }
}
