import { formatDuration } from "../points/duration.ts";

export type Outcome = "done" | "failed" | "timeout" | "stopped";

/** One run of long work, as it stands in the log, in the sidebar and over HTTP. JSON-safe. */
export interface Run {
  /** Grows by one a run. */
  id: number;
  /** Id of the node that asked for it. */
  node: string;
  /** What was done: `fit`, `cluster`, `picture`. */
  what: string;
  series?: string;
  rows?: number;
  /** ms since epoch. */
  started: number;
  /** ms; absent while it runs. */
  duration?: number;
  outcome: "running" | Outcome;
  /** Why it failed. */
  error?: string;
}

export type RunStart = Pick<Run, "node" | "what"> & Partial<Pick<Run, "series" | "rows">>;

/** The one line of a run: `fit of plant/a, 1344 rows: done in 61ms`. */
export function formatRun({ what, series, rows, duration, outcome, error }: Run): string {
  const subject = [series && ` of ${series}`, rows !== undefined && `, ${rows} rows`].filter(Boolean).join("");
  const time = duration === undefined ? "" : ` ${outcome === "done" ? "in" : "after"} ${formatDuration(duration)}`;
  return `${what}${subject}: ${outcome}${time}${error ? ` (${error})` : ""}`;
}

/** The newest runs, in memory. O(1) a run; 200 to 300 bytes each. */
export class RunJournal {
  readonly #limit: number;
  readonly #runs: Run[] = [];
  readonly #listeners = new Set<(run: Run) => void>();
  #nextId = 1;

  constructor(limit = 500) {
    this.#limit = limit;
  }

  /** Oldest first. */
  get runs(): readonly Run[] {
    return this.#runs;
  }

  /** Told at the start and at the end of each run. Returns how to stop. */
  watch(listener: (run: Run) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(run: RunStart, now: number): Run {
    const begun: Run = { id: this.#nextId++, ...run, started: now, outcome: "running" };
    this.#runs.push(begun);
    if (this.#runs.length > this.#limit) this.#runs.shift();
    this.#tell(begun);
    return begun;
  }

  end(run: Run, outcome: Outcome, now: number, error?: string): void {
    run.outcome = outcome;
    run.duration = Math.max(0, now - run.started);
    if (error !== undefined) run.error = error;
    this.#tell(run);
  }

  #tell(run: Run): void {
    for (const listener of this.#listeners) listener(run);
  }
}
