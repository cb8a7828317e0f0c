import type { Clock } from "../points/clock.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import { WorkerClient } from "../work/rpc.ts";
import { startSqliteWorker } from "../work/sqlite-worker.ts";
import type { Added, Entry, Head, Kept, Progress, Settlement } from "./queue-file.ts";
import { retryDelay } from "./retry.ts";
import type { QueueApi } from "./worker.ts";

export interface QueueStoreOptions {
  file: string;
  clock: Clock;
  random: () => number;
  /** Trouble with the file: when it begins, and when it changes. */
  onError: (error: VigiaError) => void;
}

/** The file of the queue behind a thread of its own, which is started anew when it dies. */
export class QueueStore {
  readonly #options: QueueStoreOptions;
  #worker: WorkerClient<QueueApi> | undefined;
  /** Code of the trouble that was told and is not over. */
  #trouble: string | undefined;
  #closed = false;
  /** Those that wait for their next try. */
  readonly #waiting = new Set<() => void>();

  /** @throws VigiaError `node-too-old` */
  constructor(options: QueueStoreOptions) {
    this.#options = options;
    this.#worker = this.#start();
  }

  add(entries: readonly Entry[], limit: number): Promise<Added[]> {
    return this.#try((worker, now) => worker.call("add", { entries, limit, now }));
  }

  /** Tried until it works, as the others below. @throws VigiaError `queue-closed` when that came first */
  heads(channel: string): Promise<Head[]> {
    return this.#patiently((worker, now) => worker.call("heads", { channel, now }));
  }

  read(seqs: readonly number[]): Promise<Kept[]> {
    return this.#patiently((worker, now) => worker.call("read", { seqs, now }));
  }

  progress(seq: number, progress: Progress): Promise<void> {
    return this.#patiently((worker, now) => worker.call("progress", { seq, progress, now }));
  }

  settle(settlement: Omit<Settlement, "now">): Promise<Head | undefined> {
    return this.#patiently((worker, now) => worker.call("settle", { ...settlement, now }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const wake of this.#waiting) wake();
    const worker = this.#worker;
    // What cannot be put away now is in the file already.
    await worker?.call("close", { now: this.#options.clock.now() }).catch(() => {});
    await worker?.end();
  }

  #start(): WorkerClient<QueueApi> {
    const { file } = this.#options;
    return new WorkerClient<QueueApi>(startSqliteWorker(import.meta.url, { file }), {
      name: "notification",
      onEvent: (event) => this.#report(new VigiaError("queue-corrupt", String(event))),
      onDeath: (error) => {
        this.#worker = undefined;
        this.#report(error);
      },
    });
  }

  async #try<T>(run: (worker: WorkerClient<QueueApi>, now: number) => Promise<T>): Promise<T> {
    if (this.#closed) throw new VigiaError("queue-closed", "the notification queue is closed");
    try {
      this.#worker ??= this.#start();
      const result = await run(this.#worker, this.#options.clock.now());
      this.#trouble = undefined;
      return result;
    } catch (thrown) {
      const error = asVigiaError(thrown, "queue-failed");
      this.#report(error);
      throw error;
    }
  }

  async #patiently<T>(run: (worker: WorkerClient<QueueApi>, now: number) => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#try(run);
      } catch (thrown) {
        if (this.#closed) throw thrown;
        // It was reported.
        await this.#pause(retryDelay(failures, this.#options.random()));
      }
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, wake);
      this.#waiting.add(wake);
    });
  }

  #report(error: VigiaError): void {
    if (this.#closed || error.code === this.#trouble) return;
    this.#trouble = error.code;
    this.#options.onError(error);
  }
}
