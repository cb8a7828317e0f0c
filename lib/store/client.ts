import type { Worker } from "node:worker_threads";
import { VigiaError } from "../points/error.ts";
import { Frame } from "../points/frame.ts";
import type { SeriesFilter } from "../points/pattern.ts";
import type { SeriesRef } from "../points/series.ts";
import { WorkerClient } from "../work/rpc.ts";
import { startSqliteWorker } from "../work/sqlite-worker.ts";
import type { SeriesChoice } from "./catalog.ts";
import { Outbox } from "./outbox.ts";
import type { Batch, SentFrame, StoreApi } from "./protocol.ts";
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

const DEFAULT_EVERY = 1_000;
const DEFAULT_POINTS = 2_000;
const DEFAULT_MAX_WAITING = 200_000;

const bufferOf = ({ rows }: Batch) => [rows.times.buffer as ArrayBuffer];

/** A `Store` whose engine runs in a worker. */
export class StoreClient implements Store {
  readonly #options: StoreOptions;
  readonly #maxWaiting: number;
  readonly #worker: WorkerClient<StoreApi>;
  readonly #outbox: Outbox;
  readonly #listeners = new Set<(health: StoreHealth) => void>();
  /** Series by the worker's number. */
  readonly #refs: SeriesRef[] = [];
  #health: StoreHealth = { state: "open" };
  #waiting = 0;
  #seq = 0;
  #closed: Promise<void> | undefined;

  /** `open` must follow. */
  constructor(worker: Worker, options: StoreOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? DEFAULT_MAX_WAITING;
    this.#worker = new WorkerClient<StoreApi>(worker, {
      name: "store",
      onEvent: (event) => this.#setHealth(event as StoreHealth),
      onDeath: ({ code, message }) => this.#setHealth({ state: "failing", code, reason: message }),
    });
    this.#outbox = new Outbox((batch) => this.#worker.call("append", batch, bufferOf(batch)), {
      every: options.commitEvery ?? DEFAULT_EVERY,
      points: options.commitPoints ?? DEFAULT_POINTS,
    });
  }

  /** Opens the file; when that fails the worker is ended. */
  async open(): Promise<this> {
    try {
      this.#seq = await this.#worker.call("open", this.#options);
      return this;
    } catch (thrown) {
      await this.#worker.end();
      throw thrown;
    }
  }

  get health(): StoreHealth {
    return this.#health;
  }

  watch(listener: (health: StoreHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  append(frame: Frame): Promise<Appended> {
    const appended = this.#append(frame);
    appended.catch(() => {});
    return appended;
  }

  flush(): void {
    this.#outbox.flush();
  }

  async load(frame: Frame): Promise<Appended> {
    const points = frame.length;
    if (points === 0) return { seq: this.#seq, points };
    const batch = this.#outbox.alone(frame);
    this.#seq = Math.max(this.#seq, await this.#ask("load", batch, bufferOf(batch)));
    return { seq: this.#seq, points };
  }

  async read(query: RangeQuery): Promise<Frame> {
    return this.#receive(await this.#ask("read", query));
  }

  async thin(query: ThinQuery): Promise<Frame> {
    return this.#receive(await this.#ask("thin", query));
  }

  async aggregate(query: AggregateQuery): Promise<Frame> {
    return this.#receive(await this.#ask("aggregate", query));
  }

  async last(choice: SeriesChoice): Promise<Frame> {
    return this.#receive(await this.#ask("last", choice));
  }

  list(filter: SeriesFilter): Promise<SeriesInfo[]> {
    return this.#ask("list", filter);
  }

  fingerprint(choice: SeriesChoice): Promise<string> {
    return this.#ask("fingerprint", choice);
  }

  async replay(cursor: number, limit?: number): Promise<Replay> {
    const replay = await this.#ask("replay", { cursor, limit });
    return { ...replay, frame: this.#receive(replay.frame) };
  }

  delete(query: DeleteQuery): Promise<number> {
    this.flush();
    return this.#ask("delete", query);
  }

  snapshot(name: string): Promise<void> {
    this.flush();
    return this.#ask("snapshot", { name });
  }

  snapshots(): Promise<SnapshotInfo[]> {
    return this.#ask("snapshots", null);
  }

  dropSnapshot(name: string): Promise<void> {
    return this.#ask("dropSnapshot", { name });
  }

  backup(to: string): Promise<void> {
    return this.#aside((worker) => worker.call("backup", { file: this.#options.file, to }));
  }

  restore(file: string): Promise<void> {
    this.flush();
    return this.#ask("restore", { file });
  }

  check(): Promise<CheckReport> {
    return this.#aside((worker) => worker.call("check", { file: this.#options.file }));
  }

  async stats(): Promise<StoreStats> {
    const stats = await this.#ask("stats", null);
    return { ...stats, waiting: this.#waiting };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#outbox.flush();
    // A dead worker has nothing left to put away.
    await this.#worker.call("close", null).catch(() => {});
    await this.#worker.end();
  }

  async #append(frame: Frame): Promise<Appended> {
    const points = frame.length;
    if (this.#closed) throw this.#closedError();
    if (points === 0) return { seq: this.#seq, points };
    if (this.#waiting + points > this.#maxWaiting) {
      throw new VigiaError(
        "store-full",
        `the store takes no ${points} more points: ${this.#waiting} of at most ${this.#maxWaiting} wait to be written` +
          (this.#health.state === "failing" ? ` (${this.#health.reason})` : ""),
      );
    }
    const sent = this.#outbox.add(frame);
    this.#waiting += points;
    try {
      this.#seq = Math.max(this.#seq, await sent);
    } finally {
      this.#waiting -= points;
    }
    return { seq: await sent, points };
  }

  #closedError(): VigiaError {
    return new VigiaError("store-closed", `the store ${this.#options.file} is closed`);
  }

  #ask: WorkerClient<StoreApi>["call"] = (method, request, transfer) =>
    this.#closed ? Promise.reject(this.#closedError()) : this.#worker.call(method, request, transfer);

  /** What reads the whole file gets a thread of its own, so that nobody waits for it. */
  async #aside<T>(run: (worker: WorkerClient<StoreApi>) => Promise<T>): Promise<T> {
    if (this.#closed) throw this.#closedError();
    const worker = new WorkerClient<StoreApi>(startSqliteWorker(import.meta.url), { name: "store" });
    try {
      return await run(worker);
    } finally {
      await worker.end();
    }
  }

  #receive({ told, dictionary, index, times, values, columns }: SentFrame): Frame {
    for (const ref of told) this.#refs.push(Object.freeze(ref));
    return new Frame(
      Array.from(dictionary, (number) => this.#refs[number]!),
      index,
      times,
      values,
      columns,
    );
  }

  #setHealth(health: StoreHealth): void {
    this.#health = health;
    for (const listener of this.#listeners) listener(health);
  }
}
