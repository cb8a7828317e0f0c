import type { DatabaseSync, StatementSync } from "node:sqlite";
import { decodeLog, type LogRows, pointsIn } from "./log-codec.ts";
import { transaction } from "./transaction.ts";

/** Most points and most rows that one `trim` takes away: what waits for its turn meanwhile waits this long. */
const TRIM_POINTS = 100_000;
const TRIM_ROWS = 1000;

export interface TrimLimits {
  /** Rows up to this one may go: what they hold is in chunks. */
  flushed: number;
  /** Rows that were committed before this stay no longer, ms. */
  before: number;
  /** And neither do rows past so many points. */
  points: number;
}

/** The durable tail: one row a commit. Rows outlive their flush for a while, for those who replay. */
export class Log {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #after: StatementSync;
  readonly #oldest: StatementSync;
  readonly #delete: StatementSync;
  readonly #setTrimmed: StatementSync;
  readonly #get: StatementSync;
  readonly #extent: StatementSync;
  #last = 0;
  #trimmed = 0;
  #points = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#insert = db.prepare("INSERT INTO log (seq, at, data) VALUES (?, ?, ?)");
    this.#after = db.prepare("SELECT seq, data FROM log WHERE seq > ? ORDER BY seq");
    this.#oldest = db.prepare("SELECT seq, at, length(data) AS size FROM log WHERE seq <= ? ORDER BY seq LIMIT ?");
    this.#delete = db.prepare("DELETE FROM log WHERE seq <= ?");
    this.#setTrimmed = db.prepare("UPDATE meta SET value = ? WHERE key = 'trimmed'");
    this.#get = db.prepare("SELECT value FROM meta WHERE key = ?");
    this.#extent = db.prepare("SELECT max(seq) AS last, total(length(data)) AS size FROM log");
    this.reload();
  }

  /** Looks at the file anew. */
  reload(): void {
    const meta = (key: string) => this.#get.get(key)!.value as number;
    const { last, size } = this.#extent.get()!;
    this.#trimmed = meta("trimmed");
    // SQLite itself would begin anew at 1 once all rows are gone; a copy that was restored must not repeat numbers.
    this.#last = Math.max(this.#trimmed, meta("least"), Number(last ?? 0));
    this.#points = pointsIn(size as number);
  }

  /** The last commit; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** The newest commit that is no longer kept; 0 when all are. */
  get trimmed(): number {
    return this.#trimmed;
  }

  /** Writes a row, inside a transaction; `committed` must follow it. */
  write(seq: number, at: number, data: Uint8Array): void {
    this.#insert.run(seq, at, data);
  }

  committed(seq: number, points: number): void {
    this.#last = seq;
    this.#points += points;
  }

  *after(seq: number): Generator<{ seq: number; rows: LogRows }> {
    for (const row of this.#after.iterate(seq)) {
      yield { seq: row.seq as number, rows: decodeLog(row.data as Uint8Array) };
    }
  }

  /** Deletes some of the oldest rows in a transaction; false when nothing is left to delete. */
  trim({ flushed, before, points }: TrimLimits): boolean {
    let upTo: number | undefined;
    let gone = 0;
    for (const { seq, at, size } of this.#oldest.iterate(flushed, TRIM_ROWS)) {
      if (gone >= TRIM_POINTS || ((at as number) >= before && this.#points - gone <= points)) break;
      upTo = seq as number;
      gone += pointsIn(size as number);
    }
    if (upTo === undefined) return false;
    transaction(this.#db, () => {
      this.#delete.run(upTo);
      this.#setTrimmed.run(upTo);
    });
    this.#trimmed = upTo;
    this.#points -= gone;
    return true;
  }
}
