import type { DatabaseSync, StatementSync } from "node:sqlite";
import { decodeChunk, encodeChunk } from "./chunk-codec.ts";
import { merge } from "./merge.ts";
import { clip, lowerBound, rows, type Samples } from "./samples.ts";

/** A chunk without its data. */
interface ChunkInfo {
  id: number;
  t0: number;
  t1: number;
  n: number;
}

/** Which rows of a series: times inclusive, ms; at most `limit` of them, the oldest or the newest. */
export interface Range {
  from: number;
  to: number;
  limit: number;
  newest: boolean;
}

export interface ChunkSummary {
  sid: number;
  first: number;
  last: number;
  count: number;
}

// Chunks of one series do not overlap, so the one before the range is the only earlier one that reaches into it.
const IN_RANGE = `
  SELECT data FROM chunk WHERE sid = ?1 AND t1 >= ?2 AND t0 <= ?3
    AND t0 >= coalesce((SELECT max(t0) FROM chunk WHERE sid = ?1 AND t0 <= ?2), ?2)
  ORDER BY t0`;

/** Where points end: columns of at most `size` rows, in order of time and without overlap in a series. */
export class Chunks {
  readonly #size: number;
  readonly #summary: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #data: StatementSync;
  readonly #atOrBefore: StatementSync;
  readonly #nextTime: StatementSync;
  readonly #ascending: StatementSync;
  readonly #descending: StatementSync;

  constructor(db: DatabaseSync, size: number) {
    this.#size = size;
    this.#summary = db.prepare(
      "SELECT sid, min(t0) AS first, max(t1) AS last, sum(n) AS count FROM chunk GROUP BY sid",
    );
    this.#insert = db.prepare("INSERT INTO chunk (sid, t0, t1, n, data) VALUES (?, ?, ?, ?, ?)");
    this.#delete = db.prepare("DELETE FROM chunk WHERE id = ?");
    this.#data = db.prepare("SELECT data FROM chunk WHERE id = ?");
    this.#atOrBefore = db.prepare("SELECT id, t0, t1, n FROM chunk WHERE sid = ? AND t0 <= ? ORDER BY t0 DESC LIMIT 1");
    this.#nextTime = db.prepare("SELECT min(t0) AS t0 FROM chunk WHERE sid = ? AND t0 > ?");
    this.#ascending = db.prepare(IN_RANGE);
    this.#descending = db.prepare(`${IN_RANGE} DESC`);
  }

  /** O(chunks), from the index alone. */
  summaries(): ChunkSummary[] {
    return this.#summary.all() as unknown as ChunkSummary[];
  }

  /** Rows in the range, oldest piece first. With a limit, no more chunks are read than it takes. */
  read(sid: number, { from, to, limit, newest }: Range): Samples[] {
    const pieces: Samples[] = [];
    let count = 0;
    for (const { data } of (newest ? this.#descending : this.#ascending).iterate(sid, from, to)) {
      const piece = clip(decodeChunk(data as Uint8Array), from, to);
      if (piece.times.length > 0) pieces.push(piece);
      count += piece.times.length;
      if (count >= limit) break;
    }
    return newest ? pieces.reverse() : pieces;
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
        stretch = merge(decodeChunk(this.#data.get(before.id)!.data as Uint8Array), stretch);
        this.#delete.run(before.id);
        added -= before.n;
        before = this.#find(sid, before.t0);
      }
      this.#split(sid, stretch, next === null);
      added += stretch.times.length;
      start = end;
    }
    return added;
  }

  #find(sid: number, time: number): ChunkInfo | undefined {
    return this.#atOrBefore.get(sid, time) as unknown as ChunkInfo | undefined;
  }

  /** At the end of a series full chunks, since more will follow; elsewhere even ones, with room for late points. */
  #split(sid: number, stretch: Samples, atEnd: boolean): void {
    const n = stretch.times.length;
    const step = atEnd ? this.#size : Math.ceil(n / Math.ceil(n / this.#size));
    for (let start = 0; start < n; start += step) {
      const chunk = rows(stretch, start, Math.min(n, start + step));
      const { times } = chunk;
      this.#insert.run(sid, times[0]!, times[times.length - 1]!, times.length, encodeChunk(chunk));
    }
  }
}
