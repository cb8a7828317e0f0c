/** Time as the library sees it. Injected everywhere, so that tests and replays own it. */
export interface Clock {
  /** Milliseconds since epoch, UTC. */
  now(): number;
  /** Calls `run` once after `ms` milliseconds; returns a function that cancels it. */
  after(ms: number, run: () => void): () => void;
}
