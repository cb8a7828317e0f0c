import type { Frame } from "../points/frame.ts";
import type { SeriesFilter } from "../points/pattern.ts";
import type { SeriesRef } from "../points/series.ts";
import type { Aggregate } from "./aggregates.ts";
import type { StorePolicy } from "./policy-text.ts";
import type { SnapshotInfo } from "./snapshots.ts";

export type { StorePolicy };

/** What a commit was: durable, on disk, when the promise resolves. */
export interface Appended {
  /** Sequence number of the commit; grows by at least one a commit, never reused, also not after a restart. */
  seq: number;
  /** Points written. Points of one key and time in the same commit: the last one stays. */
  points: number;
}

export interface RangeQuery extends SeriesFilter {
  /** Exact identities instead of a pattern. */
  keys?: readonly string[];
  /** First time, ms, inclusive. Default: all. */
  from?: number;
  /** Last time, ms, inclusive. Default: all. */
  to?: number;
  /** At most this many rows a series. Default: all. */
  limit?: number;
  /** With `limit`: the oldest or the newest rows. Default `oldest`. */
  take?: "oldest" | "newest";
  /** As a snapshot of this name sees it. Default: as it is. */
  asOf?: string;
}

export interface ThinQuery extends RangeQuery {
  /**
   * Number of equal time buckets between `from` and `to` (both needed). A bucket with many points keeps its first,
   * smallest, largest and last one, so that a spike never vanishes, and its first gap; the times stay those of the
   * points. `limit` counts the rows before.
   */
  buckets: number;
}

export interface AggregateQuery extends Omit<RangeQuery, "from" | "to" | "limit" | "take"> {
  /** Beginnings of the buckets and the end of the last one, ascending, ms; they need not be of one length. */
  edges: ArrayLike<number>;
  /** What is asked of each bucket. */
  aggregates: readonly Aggregate[];
}

export interface SeriesInfo extends SeriesRef {
  /** Time of the first and the last point, ms. */
  first: number;
  last: number;
  /** Points kept. Out-of-order points that wait to be merged may count twice. */
  count: number;
}

export interface Replay {
  /** What was committed after the asked cursor, in commit order, whole commits only. */
  frame: Frame;
  /** Cursor after the last commit in `frame`. */
  cursor: number;
  /** There is more: ask again with `cursor`. */
  more: boolean;
  /** False when commits between the asked cursor and the first one here are no longer kept. */
  complete: boolean;
}

export interface StoreStats {
  file: string;
  /** Bytes on disk: database and write-ahead log. */
  bytes: number;
  series: number;
  points: number;
  /** Points waiting for their commit. */
  waiting: number;
  /** Last committed sequence number. */
  seq: number;
  /** Commits since it was opened. */
  commits: number;
  /** Version of SQLite. */
  sqlite: string;
  /** What somebody should know who looks after this machine; mostly nothing. */
  warnings: readonly string[];
}

/**
 * How the store is. `failing` tries again by itself and keeps the waiting points; `store-disk-full`,
 * `store-read-only`, `store-io`, `store-busy`, `store-corrupt`, `store-failed`. Only after `worker-died` it must be
 * closed and opened anew.
 */
export type StoreHealth = { state: "open" } | { state: "failing"; code: string; reason: string };

/** Sizes of the engine's inner works; mostly for tests, which set small ones. */
export interface StoreTuning {
  /** Rows a chunk holds at most. Default 4000. */
  chunkPoints: number;
  /**
   * Points that are gathered in memory (16 to 32 bytes each) before they go to chunks; with so many times four more,
   * commits are held until a flush has gone on. Default 500 000.
   */
  headPoints: number;
  /** With many series more are gathered, up to four times as many: so many of each. Default 200. */
  headPerSeries: number;
  /** Series that go to chunks in one transaction; commits and reads get their turn between. Default 100. */
  sliceSeries: number;
  /** How long a commit stays for `replay` after its points are in chunks, ms. Default 15 minutes. */
  keepLogFor: number;
  /** And for how many points at most. Default 1 000 000. */
  keepLogPoints: number;
  /** How often points are looked for whose time is over, ms. Default an hour. */
  expireEvery: number;
}

export interface StoreOptions {
  file: string;
  /** A commit happens at the latest after this, ms. Default 1000. */
  commitEvery?: number;
  /** A commit happens when this many points wait. Default 2000. */
  commitPoints?: number;
  /** More waiting points than this are refused with `store-full`. Default 200 000. */
  maxWaiting?: number;
  /** The first that fits a series counts. */
  policies?: readonly StorePolicy[];
  /** Reads a file that another process writes; whatever would write is refused with `store-read-only`. */
  readOnly?: boolean;
  tuning?: Partial<StoreTuning>;
}

/** Which points go: `from` and `to` inclusive, ms. */
export type DeleteQuery = Pick<RangeQuery, "series" | "tags" | "keys" | "from" | "to">;

/** What `check` found. */
export interface CheckReport {
  ok: boolean;
  chunks: number;
  points: number;
  /** The first hundred. */
  problems: readonly string[];
}

/** A place that keeps points for good. The embedded engine is one driver; servers can be others. */
export interface Store {
  /**
   * Resolves when all points of the frame are on disk (fsync); idempotent on (series, tags, time), any order of time.
   * More columns than times and values are not stored. Who ignores the promise gets no unhandled rejection: `health`
   * tells the same.
   * @throws VigiaError `store-full` (queue), `bad-time` (not whole milliseconds), `bad-frame`, `store-closed`, `worker-died`
   */
  append(frame: Frame): Promise<Appended>;
  /**
   * Millions of old points: put into chunks at once, past the log, so that `replay` gives none of them. One commit for
   * each call; all of it or nothing is there.
   */
  load(frame: Frame): Promise<Appended>;
  /** Begins a commit of what waits now: for one who waits for it before there is more. */
  flush(): void;
  /**
   * Rows by series (in order of their keys), then by time. Includes what is committed, not what waits.
   * @throws VigiaError `bad-query`, `bad-pattern`, `store-closed`, `worker-died`; as all that follow
   */
  read(query: RangeQuery): Promise<Frame>;
  /** As `read`, thinned for a picture. */
  thin(query: ThinQuery): Promise<Frame>;
  /** The newest row of each series. */
  last(filter: SeriesFilter & { keys?: readonly string[] }): Promise<Frame>;
  list(filter: SeriesFilter): Promise<SeriesInfo[]>;
  /**
   * Aggregates in buckets: rows by series, then bucket, all buckets of each series; a column by the name of each
   * aggregate, NaN in a bucket without values (`count`: 0); `values` is the first. Where points have gone by a policy,
   * their rollups take their place (percentiles need points).
   */
  aggregate(query: AggregateQuery): Promise<Frame>;
  /** A text that changes when any series of the choice gets or loses points. */
  fingerprint(choice: SeriesFilter & { keys?: readonly string[] }): Promise<string>;
  /**
   * Commits after `cursor`, at least one when there is any and no more than `limit` points otherwise. A cursor past the
   * last commit is of another file: nothing comes, `complete` is false and `cursor` is the last commit of this one.
   * Commits stay for about 15 minutes, and for 1 000 000 points at most.
   */
  replay(cursor: number, limit?: number): Promise<Replay>;
  /** Takes points away for good, but for what snapshots see; gives how many there were. */
  delete(query: DeleteQuery): Promise<number>;
  /** Names the store as it is now, to be read by `asOf`. @throws VigiaError `snapshot-exists` */
  snapshot(name: string): Promise<void>;
  snapshots(): Promise<SnapshotInfo[]>;
  /** @throws VigiaError `no-snapshot` */
  dropSnapshot(name: string): Promise<void>;
  /**
   * Writes a copy that opens, as of now, while all else goes on.
   * @throws VigiaError `backup-exists`, `store-locked` (an earlier copy in use), `store-disk-full`, `store-unwritable`, …
   */
  backup(file: string): Promise<void>;
  /**
   * Puts a backup in the place of everything; the file as it was stays beside it as `*.before-restore`. Refuses what is
   * no store, is damaged or of a newer release, and changes nothing then; as it does while somebody reads the file.
   * @throws VigiaError `no-backup`, `store-corrupt`, `store-version`, `store-old`, `store-busy`, `store-disk-full`
   */
  restore(file: string): Promise<void>;
  /** Reads everything and looks whether it is right. O(points), in a thread of its own. */
  check(): Promise<CheckReport>;
  stats(): Promise<StoreStats>;
  readonly health: StoreHealth;
  /** Called on each change of `health`; returns how to stop. */
  watch(listener: (health: StoreHealth) => void): () => void;
  /** Commits what waits, or rejects it when that fails, then lets the file and its thread go. Never rejects. */
  close(): Promise<void>;
}
