import type { Clock } from "../points/clock.ts";
import { WorkerClient } from "../work/rpc.ts";
import { startSqliteWorker } from "../work/sqlite-worker.ts";
import type { Changes, Snapshot } from "./keyed-state.ts";
import type { StateApi } from "./worker.ts";

/** Where the states of the nodes are kept: one SQLite file, written by a thread of its own. */
export class StateDatabase {
  readonly #worker: WorkerClient<StateApi>;
  readonly #clock: Clock;

  /** @throws VigiaError `node-too-old` */
  constructor(file: string, clock: Clock) {
    this.#clock = clock;
    this.#worker = new WorkerClient<StateApi>(startSqliteWorker(import.meta.url, { file }), { name: "state" });
  }

  /** What `node` saved last. */
  load(node: string): Promise<Snapshot | undefined> {
    return this.#worker.call("load", { node });
  }

  /** Resolves when it is on disk. */
  save(node: string, changes: Changes): Promise<void> {
    return this.#worker.call("save", { node, changes, now: this.#clock.now() });
  }

  forget(node: string): Promise<void> {
    return this.#worker.call("forget", { node });
  }

  async close(): Promise<void> {
    try {
      await this.#worker.call("close", { now: this.#clock.now() });
    } finally {
      await this.#worker.end();
    }
  }
}
