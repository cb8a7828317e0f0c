import type { DatabaseSync, StatementSync } from "node:sqlite";
import { decodeChunk, encodeChunk } from "./chunk-codec.ts";
import { merge } from "./merge.ts";
import { clip, lowerBound, rows, type Samples } from "./samples.ts";
import type { Snapshots } from "./snapshots.ts";
import { type Summary, summaryOf } from "./summary.ts";

/** A chunk without its data. */
interface ChunkInfo {
  id: number;
  t0: number;
  t1: number;
  n: number;
  born: number;
}

/** A chunk whose data is read when it is asked for. */
export interface ChunkView extends Summary {
  t0: number;
  t1: number;
  n: number;
  samples(): Samples;
}

/** Which rows of a series: times inclusive, ms; at most `limit` of them, the oldest or the newest. */
export interface Range {
  from: number;
  to: number;
  limit: number;
  newest: boolean;
  /** The version of a snapshot: rows as it sees them. Absent: as they are. */
  version?: number;
}

export interface ChunkSummary {
  sid: number;
  first: number;
  last: number;
  count: number;
}

// Chunks of one series do not overlap, so the one before the range is the only earlier one that reaches into it.
const IN_RANGE = `
  FROM chunk WHERE died IS NULL AND sid = ?1 AND t1 >= ?2 AND t0 <= ?3
    AND t0 >= coalesce((SELECT max(t0) FROM chunk WHERE died IS NULL AND sid = ?1 AND t0 <= ?2), ?2)
  ORDER BY t0`;
// `+born`: the index of times serves better.
const IN_VERSION = `
  SELECT t0, data FROM chunk WHERE died IS NULL AND sid = ?1 AND t1 >= ?2 AND t0 <= ?3 AND +born <= ?4
  UNION ALL
  SELECT t0, data FROM chunk WHERE died IS NOT NULL AND sid = ?1 AND t1 >= ?2 AND t0 <= ?3 AND born <= ?4 AND died > ?4
  ORDER BY t0`;

/** Where points end: columns of at most `size` rows, in order of time and without overlap in a series. */
export class Chunks {
  readonly #size: number;
  readonly #snapshots: Snapshots;
  readonly #summary: StatementSync;
  readonly #oneSummary: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #bury: StatementSync;
  readonly #data: StatementSync;
  readonly #atOrBefore: StatementSync;
  readonly #nextTime: StatementSync;
  readonly #seen: StatementSync;
  readonly #ascending: StatementSync;
  readonly #descending: StatementSync;
  readonly #views: StatementSync;
  readonly #oldAscending: StatementSync;
  readonly #oldDescending: StatementSync;

  constructor(db: DatabaseSync, size: number, snapshots: Snapshots) {
    this.#size = size;
    this.#snapshots = snapshots;
    const summary = "SELECT sid, min(t0) AS first, max(t1) AS last, sum(n) AS count FROM chunk WHERE died IS NULL";
    this.#summary = db.prepare(`${summary} GROUP BY sid`);
    this.#oneSummary = db.prepare(`${summary} AND sid = ?`);
    this.#insert = db.prepare(
      "INSERT INTO chunk (sid, t0, t1, n, born, filled, low, high, total, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#delete = db.prepare("DELETE FROM chunk WHERE id = ?");
    this.#bury = db.prepare("UPDATE chunk SET died = ? WHERE id = ?");
    this.#data = db.prepare("SELECT data FROM chunk WHERE id = ?");
    this.#atOrBefore = db.prepare(
      "SELECT id, t0, t1, n, born FROM chunk WHERE died IS NULL AND sid = ? AND t0 <= ? ORDER BY t0 DESC LIMIT 1",
    );
    this.#nextTime = db.prepare("SELECT min(t0) AS t0 FROM chunk WHERE died IS NULL AND sid = ? AND t0 > ?");
    this.#seen = db.prepare(`
      SELECT EXISTS (SELECT 1 FROM chunk WHERE died IS NULL AND sid = ?1 AND +born <= ?2)
        OR EXISTS (SELECT 1 FROM chunk WHERE died IS NOT NULL AND sid = ?1 AND born <= ?2 AND died > ?2) AS seen`);
    this.#ascending = db.prepare(`SELECT data ${IN_RANGE}`);
    this.#descending = db.prepare(`SELECT data ${IN_RANGE} DESC`);
    this.#views = db.prepare(`SELECT id, t0, t1, n, filled, low, high, total ${IN_RANGE}`);
    this.#oldAscending = db.prepare(IN_VERSION);
    this.#oldDescending = db.prepare(`${IN_VERSION} DESC`);
  }

  /** O(chunks), from the index alone. */
  summaries(): ChunkSummary[] {
    return this.#summary.all() as unknown as ChunkSummary[];
  }

  /** `undefined` when the series has no chunk. O(its chunks). */
  summary(sid: number): ChunkSummary | undefined {
    const found = this.#oneSummary.get(sid) as unknown as ChunkSummary;
    return found.count === null ? undefined : found;
  }

  /** True when a snapshot sees any rows. */
  seen(sid: number, version: number): boolean {
    return this.#seen.get(sid, version)!.seen === 1;
  }

  /** Rows in the range, oldest piece first. With a limit, no more chunks are read than it takes. */
  read(sid: number, { from, to, limit, newest, version }: Range): Samples[] {
    const pieces: Samples[] = [];
    let count = 0;
    const found =
      version === undefined
        ? (newest ? this.#descending : this.#ascending).iterate(sid, from, to)
        : (newest ? this.#oldDescending : this.#oldAscending).iterate(sid, from, to, version);
    for (const { data } of found) {
      const piece = clip(decodeChunk(data as Uint8Array), from, to);
      if (piece.times.length > 0) pieces.push(piece);
      count += piece.times.length;
      if (count >= limit) break;
    }
    return newest ? pieces.reverse() : pieces;
  }

  /** Chunks that reach into the range, in order of time. */
  *views(sid: number, from: number, to: number): Generator<ChunkView> {
    for (const { id, ...rest } of this.#views.iterate(sid, from, to)) {
      yield { ...(rest as unknown as Omit<ChunkView, "samples">), samples: () => this.#decode(id as number) };
    }
  }

  /**
   * Puts samples over what is there, inside a transaction, and gives how many rows there are more now. Only chunks
   * that the samples reach into are written anew.
   */
  write(sid: number, samples: Samples): number {
    const { times } = samples;
    let added = 0;
    for (let start = 0; start < times.length; ) {
      // As far as the next chunk begins; with the chunks before, this is one stretch of time.
      const next = this.#nextTime.get(sid, times[start]!)!.t0 as number | null;
      const end = next === null ? times.length : lowerBound(times, next);
      let stretch = rows(samples, start, end);
      let before = this.#find(sid, times[start]!);
      // Beside those that overlap, chunks that are no longer than what comes are taken along: many small flushes of a
      // slow series then become long chunks, and each row is rewritten only some log2(size) times.
      while (
        before !== undefined &&
        (before.t1 >= stretch.times[0]! || (before.n < this.#size && before.n <= stretch.times.length))
      ) {
        stretch = merge(this.#decode(before.id), stretch);
        this.#remove(before);
        added -= before.n;
        before = this.#find(sid, before.t0);
      }
      this.#split(sid, stretch, next === null);
      added += stretch.times.length;
      start = end;
    }
    return added;
  }

  /** Takes rows from time `from` to `to` away, inside a transaction, and gives how many there were. */
  cut(sid: number, from: number, to: number): number {
    if (from > to) return 0;
    let gone = 0;
    for (let chunk = this.#find(sid, to); chunk !== undefined && chunk.t1 >= from; ) {
      const older = this.#find(sid, chunk.t0 - 1);
      const whole = chunk.t0 >= from && chunk.t1 <= to;
      const samples = whole ? undefined : this.#decode(chunk.id);
      this.#remove(chunk);
      gone += chunk.n;
      if (samples) {
        const start = lowerBound(samples.times, from);
        const end = lowerBound(samples.times, Math.floor(to) + 1);
        for (const rest of [rows(samples, 0, start), rows(samples, end, samples.times.length)]) {
          if (rest.times.length === 0) continue;
          this.#store(sid, rest);
          gone -= rest.times.length;
        }
      }
      chunk = older;
    }
    return gone;
  }

  #find(sid: number, time: number): ChunkInfo | undefined {
    return this.#atOrBefore.get(sid, time) as unknown as ChunkInfo | undefined;
  }

  #decode(id: number): Samples {
    return decodeChunk(this.#data.get(id)!.data as Uint8Array);
  }

  /** What a snapshot sees stays for it. */
  #remove({ id, born }: ChunkInfo): void {
    const { newest, version } = this.#snapshots;
    if (born <= newest) this.#bury.run(version, id);
    else this.#delete.run(id);
  }

  /** At the end of a series full chunks, since more will follow; elsewhere even ones, with room for late points. */
  #split(sid: number, stretch: Samples, atEnd: boolean): void {
    const n = stretch.times.length;
    const step = atEnd ? this.#size : Math.ceil(n / Math.ceil(n / this.#size));
    for (let start = 0; start < n; start += step) this.#store(sid, rows(stretch, start, Math.min(n, start + step)));
  }

  #store(sid: number, chunk: Samples): void {
    const { times, values } = chunk;
    const n = times.length;
    const { filled, low, high, total } = summaryOf(values);
    const { version } = this.#snapshots;
    this.#insert.run(sid, times[0]!, times[n - 1]!, n, version, filled, low, high, total, encodeChunk(chunk));
  }
}
