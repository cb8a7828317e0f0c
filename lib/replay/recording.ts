import type { SeriesRef } from "../points/series.ts";

/** All points of one moment. NaN is a gap. */
export interface Tick {
  /** As recorded, ms. */
  readonly time: number;
  readonly refs: readonly SeriesRef[];
  readonly values: readonly number[];
}

/** Where in a recording one is: `skip` ticks after the batch that begins at `at`, whose meaning is the recording's. */
export interface Place {
  readonly at: number;
  readonly skip: number;
}

export interface Batch {
  readonly at: number;
  readonly ticks: readonly Tick[];
}

/** Timed points in the order in which they are to be played. */
export interface Recording {
  /** Its times are those of the wall, and it has no end. */
  readonly live: boolean;
  /** Batches from the one at `place.at` on (default: the first). Reads no further than it is asked for. */
  read(place?: Place): AsyncIterable<Batch>;
  /** Place of the first tick at or after a recorded time; the end when there is none. */
  find(time: number): Promise<Place>;
  /** Recorded times of the first and the last tick; `undefined` when there is none. */
  bounds(): Promise<{ first: number; last: number } | undefined>;
}
