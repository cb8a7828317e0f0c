import { fileURLToPath } from "node:url";
import type { Pool } from "workerpool";
import type { Clock } from "../points/clock.ts";
import { formatDuration } from "../points/duration.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import type { RunJournal, RunStart } from "./journal.ts";

export interface Task extends RunStart {
  /** Name of a method that the worker's script offers. */
  method: string;
  args: readonly unknown[];
  /** ms; past it the run's thread is ended. */
  limit: number;
}

/** @throws VigiaError `missing-package` */
async function loadWorkerpool(): Promise<typeof import("workerpool")> {
  try {
    const { default: workerpool } = await import("workerpool");
    return workerpool;
  } catch (cause) {
    throw new VigiaError(
      "missing-package",
      'long work needs the package "workerpool", which is not installed: run "npm install workerpool" in the folder ' +
        "of settings.js and restart",
      { cause },
    );
  }
}

/**
 * Threads for work that would hold up the flows: at most `threads` at once, the next ones wait; each run has a time
 * limit, and is written to the journal. Threads are made at the first run.
 */
export class WorkPool {
  readonly #script: string;
  readonly #threads: number;
  readonly #journal: RunJournal;
  readonly #clock: Clock;
  #pool: Promise<Pool> | undefined;

  /** `script` is a module that calls `workerpool.worker({ method, … })`. */
  constructor(script: URL, journal: RunJournal, clock: Clock, threads = 1) {
    this.#script = fileURLToPath(script);
    this.#journal = journal;
    this.#clock = clock;
    this.#threads = threads;
  }

  /**
   * The method's answer.
   * @throws VigiaError `run-timeout` past the limit, `run-failed` with the worker's message, `run-stopped` by `close`
   */
  async run<T>({ method, args, limit, ...start }: Task): Promise<T> {
    const run = this.#journal.start(start, this.#clock.now());
    try {
      const pool = await this.#open();
      const answer: T = await pool.exec(method, [...args]).timeout(limit);
      this.#journal.end(run, "done", this.#clock.now());
      return answer;
    } catch (thrown) {
      const error = runError(thrown, start.what, limit);
      const outcome = error.code === "run-timeout" ? "timeout" : error.code === "run-stopped" ? "stopped" : "failed";
      this.#journal.end(run, outcome, this.#clock.now(), error.message);
      throw error;
    }
  }

  /** Ends all threads; runs that are under way reject. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool)?.terminate(true);
  }

  #open(): Promise<Pool> {
    this.#pool ??= loadWorkerpool().then(({ pool }) =>
      pool(this.#script, { workerType: "thread", maxWorkers: this.#threads, workerTerminateTimeout: 1_000 }),
    );
    return this.#pool;
  }
}

function runError(thrown: unknown, what: string, limit: number): VigiaError {
  if (thrown instanceof VigiaError) return thrown;
  const { name } = thrown as Error;
  if (name === "TimeoutError") {
    const message = `${what} took longer than its limit of ${formatDuration(limit)} and was ended`;
    return new VigiaError("run-timeout", message, { cause: thrown });
  }
  if (name === "TerminateError" || name === "CancellationError" || /terminated/i.test((thrown as Error).message)) {
    return new VigiaError("run-stopped", `${what} was stopped`, { cause: thrown });
  }
  return asVigiaError(thrown, "run-failed");
}
