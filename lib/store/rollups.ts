import type { DatabaseSync, StatementSync } from "node:sqlite";
import { decodeRollup, encodeRollup, joinRollups, type RollupRows, rollupRows } from "./rollup-codec.ts";
import { lowerBound } from "./samples.ts";
import type { Snapshots } from "./snapshots.ts";

/** Widths of the buckets, ms, the finest first; each a multiple of the one before. */
export const WIDTHS = [300_000, 3_600_000, 86_400_000] as const;

/** Rows a stored piece holds at most. */
const SIZE = 1000;

/** What lives, or what a snapshot sees when its version is given. */
const seen = (version: string) =>
  `CASE WHEN ${version} IS NULL THEN died IS NULL
    ELSE born <= ${version} AND (died IS NULL OR died > ${version}) END`;

/** Aggregates that stay when the points they were made of are gone. */
export class Rollups {
  readonly #snapshots: Snapshots;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #bury: StatementSync;
  readonly #from: StatementSync;
  readonly #inRange: StatementSync;
  readonly #first: StatementSync;
  readonly #any: StatementSync;

  constructor(db: DatabaseSync, snapshots: Snapshots) {
    this.#snapshots = snapshots;
    this.#insert = db.prepare("INSERT INTO rollup (sid, width, t0, t1, n, born, data) VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#delete = db.prepare("DELETE FROM rollup WHERE id = ?");
    this.#bury = db.prepare("UPDATE rollup SET died = ? WHERE id = ?");
    // Behind the last piece, that one is taken along when it is not full.
    this.#from = db.prepare(`
      SELECT id, born, data FROM rollup WHERE died IS NULL AND sid = ?1 AND width = ?2 AND (t1 >= ?3 OR n < ?4
        AND t0 = (SELECT max(t0) FROM rollup WHERE died IS NULL AND sid = ?1 AND width = ?2)) ORDER BY t0`);
    this.#inRange = db.prepare(`
      SELECT id, born, data FROM rollup WHERE sid = ?1 AND width = ?2 AND ${seen("?3")} AND t1 >= ?4 AND t0 <= ?5
      ORDER BY t0`);
    this.#first = db.prepare(`SELECT min(t0) AS t0 FROM rollup WHERE sid = ?1 AND width = ?2 AND ${seen("?3")}`);
    this.#any = db.prepare(`SELECT 1 FROM rollup WHERE sid = ?1 AND ${seen("?2")} LIMIT 1`);
  }

  /** `version`: as a snapshot sees it, here and below. */
  has(sid: number, version?: number): boolean {
    return this.#any.get(sid, version ?? null) !== undefined;
  }

  /** The first bucket that is kept; `undefined` when there is none. */
  first(sid: number, width: number, version?: number): number | undefined {
    return (this.#first.get(sid, width, version ?? null)!.t0 as number | null) ?? undefined;
  }

  /** Buckets that begin from time `from` to before `end`, pieces in order of time. */
  read(sid: number, width: number, from: number, end: number, version?: number): RollupRows[] {
    return this.#inRange.all(sid, width, version ?? null, from, end).map(({ data }) => {
      const rows = decodeRollup(data as Uint8Array, width);
      return rollupRows(rows, lowerBound(rows.times, from), lowerBound(rows.times, end));
    });
  }

  /** Adds buckets to those that are there, inside a transaction. */
  add(sid: number, width: number, rows: RollupRows): void {
    if (rows.times.length === 0) return;
    let all = rows;
    for (const { id, born, data } of this.#from.all(sid, width, rows.times[0]!, SIZE)) {
      all = joinRollups(decodeRollup(data as Uint8Array, width), all);
      this.#remove(id as number, born as number);
    }
    this.#store(sid, width, all);
  }

  /** Forgets buckets that lie wholly between time `from` and `to`, inclusive, inside a transaction. */
  cut(sid: number, width: number, from: number, to: number): void {
    for (const { id, born, data } of this.#inRange.all(sid, width, null, from, to)) {
      const rows = decodeRollup(data as Uint8Array, width);
      const start = lowerBound(rows.times, from);
      const end = lowerBound(rows.times, to - width + 2);
      if (end <= start) continue;
      this.#remove(id as number, born as number);
      this.#store(sid, width, rollupRows(rows, 0, start));
      this.#store(sid, width, rollupRows(rows, end, rows.times.length));
    }
  }

  /** What a snapshot sees stays for it. */
  #remove(id: number, born: number): void {
    if (born <= this.#snapshots.newest) this.#bury.run(this.#snapshots.version, id);
    else this.#delete.run(id);
  }

  #store(sid: number, width: number, rows: RollupRows): void {
    for (let start = 0; start < rows.times.length; start += SIZE) {
      const piece = rollupRows(rows, start, Math.min(rows.times.length, start + SIZE));
      const n = piece.times.length;
      const { version } = this.#snapshots;
      this.#insert.run(sid, width, piece.times[0]!, piece.times[n - 1]!, n, version, encodeRollup(piece, width));
    }
  }
}
