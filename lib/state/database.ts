import { Worker } from "node:worker_threads";
import type { Clock } from "../points/clock.ts";
import { WorkerClient } from "../work/rpc.ts";
import { sibling } from "../work/sibling.ts";
import type { Changes, Snapshot } from "./keyed-state.ts";
import type { StateApi } from "./worker.ts";

/** Where the states of the nodes are kept: one SQLite file, written by a thread of its own. */
export class StateDatabase {
  readonly #worker: WorkerClient<StateApi>;
  readonly #clock: Clock;

  constructor(file: string, clock: Clock) {
    this.#clock = clock;
    const worker = new Worker(sibling(import.meta.url, "worker"), { workerData: { file } });
    this.#worker = new WorkerClient<StateApi>(worker, { name: "state" });
  }

  /** What `node` saved last. */
  load(node: string): Promise<Snapshot | undefined> {
    return this.#worker.call("load", { node, now: this.#clock.now() });
  }

  /** Resolves when it is on disk. */
  save(node: string, changes: Changes): Promise<void> {
    return this.#worker.call("save", { node, changes, now: this.#clock.now() });
  }

  forget(node: string): Promise<void> {
    return this.#worker.call("forget", { node, now: this.#clock.now() });
  }

  async close(): Promise<void> {
    await this.#worker.call("close", {});
    await this.#worker.end();
  }
}
