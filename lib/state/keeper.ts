import type { Clock } from "../points/clock.ts";
import { asVigiaError, type VigiaError } from "../points/error.ts";
import type { StateDatabase } from "./database.ts";
import type { Changes, KeyedState } from "./keyed-state.ts";

export interface KeeperOptions {
  /** Under which name the state is kept: the node's id. */
  node: string;
  clock: Clock;
  /** Save at the latest this long after a change, ms. Default 10 s. */
  every?: number;
  /** Called before each save, to bring `shared` and `cursor` up to date. */
  beforeSave?: () => void;
  /**
   * Awaited between taking the changes and saving them: what the node gave out before that must be safe by then, since
   * a state that is saved is never worked out again.
   */
  settled?: () => Promise<void>;
  /** A save failed; called once until one works again. The changes are kept and saved with the next ones. */
  onError?: (error: VigiaError) => void;
}

const SOON = 50;

/** Brings a node's state back at the start and saves what changed, now and then and at the end. */
export class StateKeeper<R> {
  readonly #state: KeyedState<R>;
  readonly #database: StateDatabase;
  readonly #options: Required<KeeperOptions>;
  #cancel: (() => void) | undefined;
  #soon: (() => void) | undefined;
  #saving: Promise<void> = Promise.resolve();
  #failed = false;
  #closed = false;
  /** What is kept could not be read: nothing may be saved over it. */
  #unread = false;

  constructor(state: KeyedState<R>, database: StateDatabase, options: KeeperOptions) {
    this.#state = state;
    this.#database = database;
    this.#options = { every: 10_000, beforeSave: () => {}, settled: async () => {}, onError: () => {}, ...options };
  }

  /**
   * True when there was a state to restore.
   * @throws VigiaError when it cannot be read. Then nothing is saved either: what is kept stays as it is, for the
   * release that can read it.
   */
  async restore(): Promise<boolean> {
    try {
      const snapshot = await this.#database.load(this.#options.node);
      if (snapshot) this.#state.restore(snapshot);
      this.#plan();
      return snapshot !== undefined;
    } catch (thrown) {
      this.#unread = true;
      throw asVigiaError(thrown, "bad-state");
    }
  }

  /** Saves what changed since the last time. Never rejects. */
  save(): Promise<void> {
    const run = async () => {
      if (this.#unread) return;
      let changes: Changes | undefined;
      try {
        this.#options.beforeSave();
        changes = this.#state.changes();
        if (changes.put.length === 0 && changes.drop.length === 0) return;
        await this.#options.settled();
        await this.#database.save(this.#options.node, changes);
        this.#failed = false;
      } catch (thrown) {
        if (changes) this.#state.keepChanged(changes);
        if (!this.#failed) this.#options.onError(asVigiaError(thrown, "state-unsaved"));
        this.#failed = true;
      }
    };
    this.#saving = this.#saving.then(run);
    return this.#saving;
  }

  /** Saves at once, more or less: for what must not wait, such as the first sight of a series. */
  saveSoon(): void {
    if (this.#soon || this.#closed) return;
    this.#soon = this.#options.clock.after(SOON, () => {
      this.#soon = undefined;
      void this.save();
    });
  }

  /** Saves one last time. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#soon?.();
    await this.save();
  }

  #plan(): void {
    if (this.#closed) return;
    this.#cancel = this.#options.clock.after(this.#options.every, () => {
      this.save().then(() => this.#plan());
    });
  }
}
