import type { Clock } from "../points/clock.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import { Lane } from "./lane.ts";
import type { Channel, Notification } from "./notification.ts";
import type { AttachOptions, ChannelStats, Outcome } from "./outcome.ts";
import type { Added, Entry } from "./queue-file.ts";
import { QueueStore } from "./queue-store.ts";

export type { AttachOptions, ChannelStats, Outcome } from "./outcome.ts";

export interface QueueOptions {
  /** SQLite file; its folder is made. One process at a time uses it. */
  file: string;
  clock: Clock;
  /** Trouble with the file itself: told when it begins, and when it changes. It is tried again and again. */
  onError?(error: VigiaError): void;
  /** Notifications that may wait for one channel. Default 10 000. */
  maxQueued?: number;
  /** 0 … 1, for the jitter of retries. */
  random?: () => number;
}

export interface Attached {
  /** Nothing more is sent. What is on its way finishes within 5 s, or is kept. The channel stays open. */
  detach(): Promise<void>;
  stats(): ChannelStats;
}

const DEFAULT_MAX_QUEUED = 10_000;
/** Entries of one transaction. */
const MOST_AT_ONCE = 200;

interface Asked {
  entry: Entry;
  resolve: (added: "queued" | "known") => void;
  reject: (error: unknown) => void;
}

/**
 * What is to be told, kept in a file until somebody has taken it: a `kill -9` at any moment loses nothing that `add` has
 * acknowledged. Delivered at least once, and never again when the receiver's answer was written down.
 *
 * Each channel has its own pace and its own troubles. Notifications of one incident keep their order; an end is not
 * told where the start could not be told. Past the rate, what waits is told in digests.
 *
 * Cost: two fsyncs a notification, fewer where many come at once; 200 bytes of memory each while they wait.
 */
export class NotificationQueue {
  readonly #options: QueueOptions;
  readonly #store: QueueStore;
  readonly #lanes = new Map<string, Lane>();
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #listeners = new Set<(outcome: Outcome) => void>();
  #asked: Asked[] = [];
  #adding: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * A file that cannot be used yet is no reason to reject: `add` says so, and what is attached waits.
   * @throws VigiaError `node-too-old`
   */
  static async open(options: QueueOptions): Promise<NotificationQueue> {
    return new NotificationQueue(options);
  }

  private constructor(options: QueueOptions) {
    const { file, clock, onError = () => {} } = options;
    this.#options = options;
    this.#store = new QueueStore({ file, clock, onError, random: this.#random });
  }

  get #random(): () => number {
    return this.#options.random ?? Math.random;
  }

  /**
   * Notifications of this channel are delivered from now on, those kept from before first.
   * @throws VigiaError `already-attached`, `queue-closed`
   */
  attach(channelId: string, channel: Channel, options: AttachOptions = {}): Attached {
    if (this.#closing) throw closed();
    if (this.#lanes.has(channelId)) {
      throw new VigiaError("already-attached", `channel ${channelId} is attached already: detach it first`);
    }
    const lane = new Lane({
      ...options,
      id: channelId,
      channel,
      store: this.#store,
      clock: this.#options.clock,
      random: this.#random,
      tell: (outcome) => this.#tell(outcome),
    });
    this.#lanes.set(channelId, lane);
    // What its predecessor has on the way must not be sent twice.
    void Promise.resolve(this.#leaving.get(channelId)).then(() => lane.start());
    return { detach: () => this.#detach(channelId, lane), stats: () => lane.stats() };
  }

  /**
   * Resolves when it is on disk. `known`: the key waits or was delivered; keys are remembered for 7 days.
   * `tag` comes back with what became of it.
   * @throws VigiaError `queue-full`, `queue-disk-full`, `queue-unwritable`, `queue-locked`, `queue-io`, `queue-closed`:
   * it is not queued
   */
  add(channelId: string, notification: Notification, tag?: string): Promise<"queued" | "known"> {
    if (this.#closing) return Promise.reject(closed());
    const entry: Entry = { channel: channelId, notification, ...(tag === undefined ? {} : { tag }) };
    return new Promise((resolve, reject) => {
      this.#asked.push({ entry, resolve, reject });
      this.#adding ??= this.#addAll();
    });
  }

  /** Hears of each delivery and failure. Gives how to stop. */
  watch(listener: (outcome: Outcome) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Detaches all channels and closes the file; what is not delivered is kept. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#adding;
    await Promise.all([...this.#lanes].map(([id, lane]) => this.#detach(id, lane)));
    await Promise.all(this.#leaving.values());
    await this.#store.close();
  }

  #detach(id: string, lane: Lane): Promise<void> {
    if (this.#lanes.get(id) !== lane) return this.#leaving.get(id) ?? Promise.resolve();
    this.#lanes.delete(id);
    const left = lane.stop().finally(() => {
      if (this.#leaving.get(id) === left) this.#leaving.delete(id);
    });
    this.#leaving.set(id, left);
    return left;
  }

  /** What comes while one transaction is written goes into the next. */
  async #addAll(): Promise<void> {
    // A turn of the loop, so that those that come together share an fsync.
    await Promise.resolve();
    while (this.#asked.length > 0) {
      const batch = this.#asked.splice(0, MOST_AT_ONCE);
      const { maxQueued = DEFAULT_MAX_QUEUED } = this.#options;
      try {
        const added = await this.#store.add(
          batch.map(({ entry }) => entry),
          maxQueued,
        );
        for (const [n, asked] of batch.entries()) this.#answer(asked, added[n]!, maxQueued);
      } catch (thrown) {
        for (const { reject } of batch) reject(thrown);
      }
    }
    // Here, not when the promise settles: what is asked in between would wait for ever.
    this.#adding = undefined;
  }

  #answer({ entry, resolve, reject }: Asked, added: Added, maxQueued: number): void {
    if (added === "full") {
      const message = `${maxQueued} notifications wait for channel ${entry.channel}, and no more are kept`;
      reject(new VigiaError("queue-full", message));
    } else if (added === "known") resolve("known");
    else {
      this.#lanes.get(entry.channel)?.offer(added);
      resolve("queued");
    }
  }

  #tell(outcome: Outcome): void {
    for (const listener of this.#listeners) {
      try {
        listener(outcome);
      } catch (thrown) {
        // A listener's fault must not stop deliveries.
        this.#options.onError?.(asVigiaError(thrown, "listener-failed"));
      }
    }
  }
}

const closed = () => new VigiaError("queue-closed", "the notification queue is closed");
