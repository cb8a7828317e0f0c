import type { Clock } from "../points/clock.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import type { Frame } from "../points/frame.ts";
import type { SeriesFilter } from "../points/pattern.ts";
import type { SeriesChoice } from "./catalog.ts";
import { openStore } from "./open.ts";
import type { SnapshotInfo } from "./snapshots.ts";
import type {
  AggregateQuery,
  Appended,
  CheckReport,
  DeleteQuery,
  RangeQuery,
  Replay,
  SeriesInfo,
  Store,
  StoreHealth,
  StoreOptions,
  StoreStats,
  ThinQuery,
} from "./types.ts";

const RETRY = 3_000;
const DEFAULT_MAX_WAITING = 200_000;

interface Waiting {
  frame: Frame;
  resolve: (appended: Promise<Appended>) => void;
  reject: (error: VigiaError) => void;
}

/**
 * A store that may not be openable yet (another runtime has the file, the folder is read-only, the disk is full): it
 * tries again every few seconds. Until then appends wait, in order and bounded, and reads are refused with the reason.
 */
class PatientStore implements Store {
  health: StoreHealth = { state: "failing", code: "store-opening", reason: "being opened" };
  readonly #options: StoreOptions;
  readonly #clock: Clock;
  readonly #listeners = new Set<(health: StoreHealth) => void>();
  #store: Store | undefined;
  #opening: Promise<void>;
  #waiting: Waiting[] = [];
  #waitingPoints = 0;
  #cancel: (() => void) | undefined;
  #why = new VigiaError("store-opening", "the store is being opened");
  #closed = false;

  constructor(options: StoreOptions, clock: Clock, after: Promise<void> = Promise.resolve()) {
    this.#options = options;
    this.#clock = clock;
    this.#opening = after.then(() => this.#open());
  }

  append(frame: Frame): Promise<Appended> {
    if (this.#store) return this.#store.append(frame);
    const most = this.#options.maxWaiting ?? DEFAULT_MAX_WAITING;
    if (this.#closed) return Promise.reject(this.#closedError());
    if (this.#waitingPoints + frame.length > most) {
      return Promise.reject(
        new VigiaError("store-full", {
          field: "points waiting for the store",
          value: this.#waitingPoints + frame.length,
          allowed: `${most} (${this.#why.message})`,
        }),
      );
    }
    this.#waitingPoints += frame.length;
    return new Promise((resolve, reject) => this.#waiting.push({ frame, resolve, reject }));
  }

  flush(): void {
    this.#store?.flush();
  }

  async read(query: RangeQuery): Promise<Frame> {
    return (await this.#opened()).read(query);
  }

  async thin(query: ThinQuery): Promise<Frame> {
    return (await this.#opened()).thin(query);
  }

  async aggregate(query: AggregateQuery): Promise<Frame> {
    return (await this.#opened()).aggregate(query);
  }

  async last(choice: SeriesChoice): Promise<Frame> {
    return (await this.#opened()).last(choice);
  }

  async fingerprint(choice: SeriesChoice): Promise<string> {
    return (await this.#opened()).fingerprint(choice);
  }

  async list(filter: SeriesFilter): Promise<SeriesInfo[]> {
    return (await this.#opened()).list(filter);
  }

  async replay(cursor: number, limit?: number): Promise<Replay> {
    return (await this.#opened()).replay(cursor, limit);
  }

  async load(frame: Frame): Promise<Appended> {
    return (await this.#opened()).load(frame);
  }

  async delete(query: DeleteQuery): Promise<number> {
    return (await this.#opened()).delete(query);
  }

  async snapshot(name: string): Promise<void> {
    return (await this.#opened()).snapshot(name);
  }

  async snapshots(): Promise<SnapshotInfo[]> {
    return (await this.#opened()).snapshots();
  }

  async dropSnapshot(name: string): Promise<void> {
    return (await this.#opened()).dropSnapshot(name);
  }

  async backup(file: string): Promise<void> {
    return (await this.#opened()).backup(file);
  }

  async restore(file: string): Promise<void> {
    return (await this.#opened()).restore(file);
  }

  async check(): Promise<CheckReport> {
    return (await this.#opened()).check();
  }

  async stats(): Promise<StoreStats> {
    return (await this.#opened()).stats();
  }

  watch(listener: (health: StoreHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#opening;
    await this.#store?.close();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closedError());
  }

  /** The first attempt is worth waiting for; after that the reason is the answer. */
  async #opened(): Promise<Store> {
    if (!this.#store) await this.#opening;
    if (!this.#store) throw this.#why;
    return this.#store;
  }

  async #open(): Promise<void> {
    if (this.#closed) return;
    try {
      const store = await openStore(this.#options);
      store.watch((health) => this.#tell(health));
      this.#store = store;
      this.#waitingPoints = 0;
      for (const { frame, resolve } of this.#waiting.splice(0)) resolve(store.append(frame));
      this.#tell(store.health);
    } catch (thrown) {
      this.#why = asVigiaError(thrown, "store-unopened");
      this.#tell({ state: "failing", code: this.#why.code, reason: this.#why.message });
      if (this.#closed) return;
      this.#cancel = this.#clock.after(RETRY, () => {
        this.#opening = this.#open();
      });
    }
  }

  #tell(health: StoreHealth): void {
    const before = this.health;
    this.health = health;
    if (health.state === before.state && (health.state === "open" || health.code === (before as typeof health).code)) {
      return;
    }
    for (const listener of this.#listeners) listener(health);
  }

  #closedError(): VigiaError {
    return new VigiaError("store-closed", `the store ${this.#options.file} has been closed`);
  }
}

/** Never throws: what is wrong is in `health`. `after`: opens only when that is settled. */
export function openPatiently(options: StoreOptions, clock: Clock, after?: Promise<void>): Store {
  return new PatientStore(options, clock, after);
}
