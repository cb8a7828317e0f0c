import type { SeriesFilter } from "../points/pattern.ts";
import type { SeriesRef } from "../points/series.ts";
import type { SeriesChoice } from "./catalog.ts";
import type { LogRows } from "./log-codec.ts";
import type { SnapshotInfo } from "./snapshots.ts";
import type {
  AggregateQuery,
  CheckReport,
  DeleteQuery,
  RangeQuery,
  Replay,
  SeriesInfo,
  StoreOptions,
  StoreStats,
  ThinQuery,
} from "./types.ts";

/** A series that the worker does not know yet, or that has another unit now, under the client's number. */
export interface Definition {
  id: number;
  ref: SeriesRef;
}

/** Appends of one turn of the client's event loop. */
export interface Batch {
  define: readonly Definition[];
  /** `sids` are the client's numbers; the worker puts its own in their place. */
  rows: LogRows;
}

/** A Frame on its way; `dictionary` numbers what the client was told, first in this answer or in an earlier one. */
export interface SentFrame {
  told: readonly SeriesRef[];
  dictionary: Uint32Array;
  index: Uint32Array;
  times: Float64Array;
  values: Float64Array;
  columns: Record<string, Float64Array>;
}

/** What the store's worker can be asked. Its one-way events are changes of `StoreHealth`. */
export type StoreApi = {
  /** Gives the last commit. Before anything else. */
  open(options: StoreOptions): number;
  /** Gives the commit, once it is on disk. */
  append(batch: Batch): Promise<number>;
  read(query: RangeQuery): SentFrame;
  thin(query: ThinQuery): SentFrame;
  aggregate(query: AggregateQuery): SentFrame;
  last(choice: SeriesChoice): SentFrame;
  list(filter: SeriesFilter): SeriesInfo[];
  replay(request: { cursor: number; limit: number | undefined }): Omit<Replay, "frame"> & { frame: SentFrame };
  fingerprint(choice: SeriesChoice): string;
  /** Past the log. */
  load(batch: Batch): number;
  delete(query: DeleteQuery): number;
  snapshot(request: { name: string }): void;
  snapshots(request: null): SnapshotInfo[];
  dropSnapshot(request: { name: string }): void;
  restore(request: { file: string }): void;
  /** For a thread that has opened nothing. */
  backup(request: { file: string; to: string }): void;
  /** For a thread that has opened nothing. */
  check(request: { file: string }): CheckReport;
  stats(request: null): Omit<StoreStats, "waiting">;
  /** Nothing can be asked after it. */
  close(request: null): void;
};
