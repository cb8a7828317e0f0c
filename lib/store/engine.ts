import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../points/clock.ts";
import { Frame } from "../points/frame.ts";
import type { SeriesFilter } from "../points/pattern.ts";
import type { SeriesRef } from "../points/series.ts";
import { Catalog, type KeptSeries, type SeriesChoice } from "./catalog.ts";
import { Chunks, type Range } from "./chunks.ts";
import { checkWritable, openDatabase, sqliteWarning } from "./database.ts";
import { storeFailure } from "./failure.ts";
import { FileLock } from "./lock.ts";
import { Log } from "./log.ts";
import { encodeLog, type LogRows } from "./log-codec.ts";
import { overlay } from "./merge.ts";
import { checkCount, readRange, readThinRange } from "./query.ts";
import { clip, countRows, join, rows, type Samples } from "./samples.ts";
import { thin } from "./thin.ts";
import { transaction } from "./transaction.ts";
import type { RangeQuery, Replay, SeriesInfo, StoreStats, StoreTuning, ThinQuery } from "./types.ts";

const DEFAULT_TUNING: StoreTuning = {
  chunkPoints: 2000,
  headPoints: 500_000,
  sliceSeries: 100,
  keepLogFor: 900_000,
  keepLogPoints: 1_000_000,
};

/** Past so many times `headPoints` in memory nothing more is committed until a flush has gone on. */
const CROWDED = 4;
/** A slice of a flush ends when it has so many points, whatever `sliceSeries` says: what waits must not wait long. */
const SLICE_POINTS = 50_000;
const DEFAULT_REPLAY = 50_000;
const NEWEST: Range = { from: -Infinity, to: Infinity, limit: 1, newest: true };

type EngineStats = Omit<StoreStats, "waiting">;

interface Part {
  ref: SeriesRef;
  pieces: readonly Samples[];
}

/** The pieces of each series that has any, put behind each other. O(rows). */
function frameOf(all: readonly Part[]): Frame {
  const parts = all.filter(({ pieces }) => countRows(pieces) > 0);
  const { times, values } = join(parts.flatMap(({ pieces }) => pieces));
  const index = new Uint32Array(times.length);
  let end = 0;
  for (const [slot, { pieces }] of parts.entries()) {
    const start = end;
    end += countRows(pieces);
    index.fill(slot, start, end);
  }
  return new Frame(
    parts.map(({ ref }) => ref),
    index,
    times,
    values,
  );
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * The embedded store, synchronous and for one thread: a log row a commit, heads in memory, column chunks. What a
 * commit wrote is in the log until a flush has put it into chunks, so that a kill at any moment loses none of it.
 */
export class Engine {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #tuning: StoreTuning;
  readonly #lock: FileLock;
  readonly #db: DatabaseSync;
  readonly #catalog: Catalog;
  readonly #log: Log;
  readonly #chunks: Chunks;
  /** Points in the log that are in no chunk yet. */
  #unflushed = 0;
  #commits = 0;

  /**
   * O(series + chunks + points in the log).
   * @throws VigiaError `store-unwritable`, `store-locked`, `store-corrupt`, `store-version`, `store-disk-full`, …
   */
  constructor(file: string, clock: Clock, tuning: Partial<StoreTuning> = {}) {
    this.#file = file;
    this.#clock = clock;
    this.#tuning = { ...DEFAULT_TUNING, ...tuning };
    let lock: FileLock | undefined;
    let db: DatabaseSync | undefined;
    try {
      checkWritable(file);
      lock = new FileLock(file);
      db = openDatabase(file);
      this.#lock = lock;
      this.#db = db;
      this.#catalog = new Catalog(db);
      this.#log = new Log(db);
      this.#chunks = new Chunks(db, this.#tuning.chunkPoints);
      this.#restore();
    } catch (thrown) {
      db?.close();
      lock?.release();
      throw storeFailure(thrown, file);
    }
  }

  get seq(): number {
    return this.#log.last;
  }

  /** Enough is in memory for a flush. */
  get due(): boolean {
    return this.#unflushed >= this.#tuning.headPoints;
  }

  /** Too much is in memory to take more. */
  get crowded(): boolean {
    return this.#unflushed >= CROWDED * this.#tuning.headPoints;
  }

  /** The number of a series for `commit`. O(1). */
  define(ref: SeriesRef): number {
    return this.#catalog.define(ref);
  }

  /** Writes points as one commit and gives its sequence number. Of equal series and time the last one stays. O(n). */
  commit(pieces: readonly LogRows[]): number {
    const seq = this.#log.last + 1;
    this.#try(() =>
      transaction(this.#db, () => {
        this.#catalog.save();
        this.#log.write(seq, this.#clock.now(), encodeLog(pieces));
      }),
    );
    this.#catalog.saved();
    let points = 0;
    for (const piece of pieces) points += this.#apply(seq, piece);
    this.#commits++;
    this.#log.committed(seq, points);
    return seq;
  }

  /**
   * Puts the heads into chunks, then trims the log: one transaction a step. When a step throws, what it was about is
   * as it was before; begin anew later.
   */
  *flush(): Generator<void, void, void> {
    const filled = this.#catalog.all().filter(({ head }) => head.length > 0);
    let slice: KeptSeries[] = [];
    let points = 0;
    for (const [place, series] of filled.entries()) {
      slice.push(series);
      points += series.head.length;
      if (slice.length < this.#tuning.sliceSeries && points < SLICE_POINTS && place < filled.length - 1) continue;
      this.#flushSlice(slice);
      slice = [];
      points = 0;
      yield;
    }
    while (this.#trim()) yield;
  }

  /** @throws VigiaError `bad-query`, `bad-pattern` */
  read(query: RangeQuery): Frame {
    const range = readRange(query);
    return this.#frame(query, (series) => this.#rows(series, range));
  }

  /** @throws VigiaError `bad-query`, `bad-pattern` */
  thin(query: ThinQuery): Frame {
    const range = readThinRange(query);
    return this.#frame(query, (series) => [thin(join(this.#rows(series, range)), range.from, range.to, query.buckets)]);
  }

  /** O(series) once each series was asked for; the first time it reads a chunk of each. @throws VigiaError `bad-pattern` */
  last(choice: SeriesChoice): Frame {
    return this.#frame(choice, (series) => {
      series.newest ??= this.#rows(series, NEWEST)[0]!.values[0]!;
      return [{ times: Float64Array.of(series.last), values: Float64Array.of(series.newest) }];
    });
  }

  /** O(series). @throws VigiaError `bad-pattern` */
  list(filter: SeriesFilter): SeriesInfo[] {
    return this.#choose(filter).map(({ ref, first, last, stored, head }) => ({
      ...ref,
      first,
      last,
      count: stored + head.length,
    }));
  }

  /** O(points). @throws VigiaError `bad-query` */
  replay(cursor: number, limit = DEFAULT_REPLAY): Replay {
    checkCount(cursor, "cursor", 0);
    checkCount(limit, "limit", 1);
    const pieces: LogRows[] = [];
    let points = 0;
    let reached = Math.min(cursor, this.seq);
    this.#try(() => {
      for (const { seq, rows } of this.#log.after(cursor)) {
        if (points > 0 && points + rows.sids.length > limit) break;
        pieces.push(rows);
        points += rows.sids.length;
        reached = seq;
      }
    });
    const slots = new Map<number, number>();
    const index = new Uint32Array(points);
    let row = 0;
    for (const { sids } of pieces) {
      for (const sid of sids) {
        let slot = slots.get(sid);
        if (slot === undefined) {
          slot = slots.size;
          slots.set(sid, slot);
        }
        index[row++] = slot;
      }
    }
    const { times, values } = join(pieces);
    return {
      frame: new Frame(
        [...slots.keys()].map((sid) => this.#catalog.at(sid).ref),
        index,
        times,
        values,
      ),
      cursor: reached,
      more: reached < this.seq,
      complete: cursor >= this.#log.trimmed && cursor <= this.seq,
    };
  }

  /** O(series). */
  stats(): EngineStats {
    const series = this.#choose({});
    const sqlite = this.#db.prepare("SELECT sqlite_version() AS version").get()!.version as string;
    const warning = sqliteWarning(sqlite);
    return {
      file: this.#file,
      bytes: sizeOf(this.#file) + sizeOf(`${this.#file}-wal`),
      series: series.length,
      points: series.reduce((sum, { stored, head }) => sum + stored + head.length, 0),
      seq: this.seq,
      commits: this.#commits,
      sqlite,
      warnings: warning === undefined ? [] : [warning],
    };
  }

  /** What is in the heads stays in the log. */
  close(): void {
    this.#checkpoint();
    this.#db.close();
    this.#lock.release();
  }

  #restore(): void {
    for (const { sid, first, last, count } of this.#chunks.summaries()) {
      Object.assign(this.#catalog.at(sid), { first, last, stored: count });
    }
    for (const { seq, rows } of this.#log.after(0)) this.#apply(seq, rows);
  }

  /** Takes a commit into the heads, but for what is in chunks already; gives the number of its points. */
  #apply(seq: number, { sids, times, values }: LogRows): number {
    for (let row = 0; row < sids.length; row++) {
      const series = this.#catalog.at(sids[row]!);
      if (seq <= series.flushed) continue;
      const time = times[row]!;
      const value = values[row]!;
      series.since = Math.min(series.since, seq);
      series.head.push(time, value);
      if (time < series.first) series.first = time;
      if (time >= series.last) {
        series.last = time;
        series.newest = value;
      }
      this.#unflushed++;
    }
    return sids.length;
  }

  /** Changes nothing in memory before it is on disk. */
  #flushSlice(slice: readonly KeptSeries[]): void {
    const seq = this.seq;
    const added: number[] = [];
    this.#try(() =>
      transaction(this.#db, () => {
        for (const { sid, head } of slice) {
          added.push(this.#chunks.write(sid, head.samples()));
          this.#catalog.saveFlushed(sid, seq);
        }
      }),
    );
    for (const [place, series] of slice.entries()) {
      this.#unflushed -= series.head.pushed;
      series.stored += added[place]!;
      series.flushed = seq;
      series.since = Infinity;
      series.head.clear();
    }
  }

  #trim(): boolean {
    const since = this.#catalog.all().reduce((least, series) => Math.min(least, series.since), Infinity);
    return this.#try(() =>
      this.#log.trim({
        flushed: Math.min(this.seq, since - 1),
        before: this.#clock.now() - this.#tuning.keepLogFor,
        points: this.#unflushed + this.#tuning.keepLogPoints,
      }),
    );
  }

  /** SQLite's errors leave the engine as what they mean. */
  #try<T>(run: () => T): T {
    try {
      return run();
    } catch (thrown) {
      const failure = storeFailure(thrown, this.#file);
      // Emptying the write-ahead log may make room, and SQLite does so only after a commit.
      if (failure.code === "store-disk-full") this.#checkpoint();
      throw failure;
    }
  }

  /** Moves the write-ahead log into the database, if it can. */
  #checkpoint(): void {
    try {
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // No harm: it is read along, also by the next open.
    }
  }

  #frame(choice: SeriesChoice, piecesOf: (series: KeptSeries) => Samples[]): Frame {
    return this.#try(() =>
      frameOf(this.#choose(choice).map((series) => ({ ref: series.ref, pieces: piecesOf(series) }))),
    );
  }

  /** Series that have rows. */
  #choose(choice: SeriesChoice): KeptSeries[] {
    return this.#catalog.choose(choice).filter(({ last }) => last !== -Infinity);
  }

  #rows(series: KeptSeries, range: Range): Samples[] {
    let { from, to } = range;
    const { limit, newest } = range;
    const pieces = this.#chunks.read(series.sid, range);
    if (countRows(pieces) >= limit) {
      // Chunks were read up to the limit only: rows of the head past them would leave holes.
      if (newest) from = pieces[0]!.times[0]!;
      else to = pieces[pieces.length - 1]!.times.at(-1)!;
    }
    const found = overlay(pieces, clip(series.head.samples(), from, to));
    const extra = countRows(found) - limit;
    if (extra <= 0) return found;
    const all = join(found);
    return [newest ? rows(all, extra, all.times.length) : rows(all, 0, limit)];
  }
}
