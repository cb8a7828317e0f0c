import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../points/clock.ts";
import type { SeriesRef } from "../points/series.ts";
import type { KeptSeries } from "./catalog.ts";
import { checkWritable, openDatabase } from "./database.ts";
import { storeFailure } from "./failure.ts";
import { FileLock } from "./lock.ts";
import { encodeLog, type LogRows } from "./log-codec.ts";
import { type Policy, policyFinder } from "./policies.ts";
import { readRange } from "./query.ts";
import { Reading } from "./reading.ts";
import { rollUp } from "./rollup-codec.ts";
import { WIDTHS } from "./rollups.ts";
import { bySeries } from "./runs.ts";
import { clip, countRows, type Samples } from "./samples.ts";
import { type EngineStats, statsOf } from "./stats.ts";
import { transaction } from "./transaction.ts";
import type { DeleteQuery, StorePolicy, StoreTuning } from "./types.ts";

const DEFAULT_TUNING: StoreTuning = {
  chunkPoints: 4000,
  headPoints: 500_000,
  headPerSeries: 200,
  sliceSeries: 100,
  keepLogFor: 900_000,
  keepLogPoints: 1_000_000,
  expireEvery: 3_600_000,
};

/** With so many times `headPoints` more in memory nothing is committed until a flush has gone on. */
const CROWDED = 4;
/** Many series gather at most so many times `headPoints`. */
const MOST_GATHERED = 4;
/** A slice of a flush ends when it has so many points, whatever `sliceSeries` says: what waits must not wait long. */
const SLICE_POINTS = 50_000;
const DAY = 86_400_000;

/**
 * The embedded store, synchronous and for one thread: a log row a commit, heads in memory, column chunks. What a
 * commit wrote is in the log until a flush has put it into chunks, so that a kill at any moment loses none of it.
 */
export class Engine {
  readonly reading: Reading;
  readonly #file: string;
  readonly #clock: Clock;
  readonly #tuning: StoreTuning;
  readonly #lock: FileLock;
  readonly #db: DatabaseSync;
  readonly #tended: StatementSync;
  readonly #policyOf: (ref: SeriesRef) => Policy;
  /** By series number. */
  readonly #policies: Policy[] = [];
  readonly #rounds: boolean;
  readonly #expires: boolean;
  #nextExpiry = 0;
  #commits = 0;

  /**
   * O(series + chunks + points in the log).
   * @throws VigiaError `store-unwritable`, `store-locked`, `store-corrupt`, `store-version`, `store-disk-full`, …
   */
  constructor(
    file: string,
    clock: Clock,
    tuning: Partial<StoreTuning> = {},
    policies: readonly StorePolicy[] | undefined = undefined,
  ) {
    this.#file = file;
    this.#clock = clock;
    this.#tuning = { ...DEFAULT_TUNING, ...tuning };
    this.#policyOf = policyFinder(policies);
    this.#rounds = policies?.some(({ precision, resolution }) => (precision ?? resolution) !== undefined) ?? false;
    this.#expires = policies?.some(({ keep }) => keep !== undefined) ?? false;
    let lock: FileLock | undefined;
    let db: DatabaseSync | undefined;
    try {
      checkWritable(file);
      lock = new FileLock(file);
      db = openDatabase(file);
      this.#lock = lock;
      this.#db = db;
      this.#tended = db.prepare("UPDATE meta SET value = value + 1 WHERE key = 'tended'");
      this.reading = new Reading(db, this.#tuning.chunkPoints);
    } catch (thrown) {
      db?.close();
      lock?.release();
      throw storeFailure(thrown, file);
    }
  }

  get seq(): number {
    return this.reading.log.last;
  }

  /** There is something to tend. */
  get due(): boolean {
    return this.#full || this.#expiryDue;
  }

  /** Too much is in memory to take more. */
  get crowded(): boolean {
    return this.reading.unflushed >= this.#enough + CROWDED * this.#tuning.headPoints;
  }

  query<T>(ask: (reading: Reading) => T): T {
    return this.#try(() => ask(this.reading));
  }

  /** The number of a series for `commit`. O(1). */
  define(ref: SeriesRef): number {
    return this.reading.catalog.define(ref);
  }

  /** Writes points as one commit and gives its sequence number. Of equal series and time the last one stays. O(n). */
  commit(pieces: readonly LogRows[]): number {
    const seq = this.seq + 1;
    if (this.#rounds) for (const piece of pieces) this.#round(piece);
    this.#write(() => this.reading.log.write(seq, this.#clock.now(), encodeLog(pieces)));
    let points = 0;
    for (const piece of pieces) points += this.reading.apply(seq, piece);
    this.#committed(seq, points);
    return seq;
  }

  /**
   * Puts points into chunks at once, past the log: for millions of old ones. `replay` gives none of them. One
   * transaction. O(n log n).
   */
  load(rows: LogRows): number {
    const seq = this.seq + 1;
    if (this.#rounds) this.#round(rows);
    const loaded = bySeries(rows);
    const touched = [...loaded.keys()].map((sid) => this.reading.catalog.at(sid));
    this.#change(touched, seq, ({ sid }) => this.reading.chunks.write(sid, loaded.get(sid)!));
    return seq;
  }

  /** What is due, one transaction a step: `flush`, then points and rollups go whose time is over. */
  *tend(): Generator<void, void, void> {
    if (this.#full) yield* this.flush();
    if (this.#expiryDue) yield* this.expire();
  }

  /**
   * Puts the heads into chunks, then trims the log: one transaction a step. When a step throws, what it was about is
   * as it was before; begin anew later.
   */
  *flush(): Generator<void, void, void> {
    const filled = this.reading.catalog.all().filter(({ head }) => head.length > 0);
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

  /** Lets points go whose time is over; their rollups take their place. One transaction a step. */
  *expire(): Generator<void, void, void> {
    const now = this.#clock.now();
    for (const series of this.reading.catalog.all()) {
      const { keep, rollups } = this.#policy(series.sid);
      const [before, ...limits] = [keep, ...rollups].map((stays) => Math.floor((now - stays) / DAY) * DAY) as [
        number,
        ...number[],
      ];
      while (series.first < before) {
        this.#expireSome(series, before, limits);
        yield;
      }
      if (WIDTHS.some((width, at) => (this.reading.rollups.first(series.sid, width) ?? Infinity) < limits[at]!)) {
        this.#tend(() => {
          for (const [at, width] of WIDTHS.entries()) {
            this.reading.rollups.cut(series.sid, width, -Infinity, limits[at]! - 1);
          }
        });
        yield;
      }
    }
    this.#nextExpiry = now + this.#tuning.expireEvery;
  }

  /** Takes points and rollups away; snapshots still see the points. One transaction. O(points). */
  delete(query: DeleteQuery): number {
    const { from, to } = readRange(query);
    const chosen = this.reading.catalog.choose(query).filter(({ changed }) => changed > 0);
    if (chosen.length === 0) return 0;
    const { chunks, rollups } = this.reading;
    let gone = 0;
    this.#change(chosen, this.seq + 1, ({ sid }) => {
      gone += chunks.cut(sid, from, to);
      for (const width of WIDTHS) rollups.cut(sid, width, from, to);
    });
    return gone;
  }

  /** All that is committed by now, under a name. One transaction. O(points in the heads). @throws VigiaError `snapshot-exists` */
  snapshot(name: string): void {
    const filled = this.reading.catalog.all().filter(({ head }) => head.length > 0);
    this.#flushSlice(filled, () => this.reading.snapshots.create(name, this.#clock.now()));
  }

  /** @throws VigiaError `no-snapshot` */
  dropSnapshot(name: string): void {
    this.#tend(() => this.reading.snapshots.drop(name));
  }

  /** O(series). */
  stats(): EngineStats {
    return statsOf(this.#db, this.#file, this.reading, this.#commits);
  }

  /** What is in the heads stays in the log. */
  close(): void {
    this.#checkpoint();
    this.#db.close();
    this.#lock.release();
  }

  /** A flush writes a chunk a series, which should be worth it. */
  get #enough(): number {
    const { headPoints, headPerSeries } = this.#tuning;
    const wanted = headPerSeries * this.reading.catalog.size;
    return Math.min(MOST_GATHERED * headPoints, Math.max(headPoints, wanted));
  }

  get #full(): boolean {
    return this.reading.unflushed >= this.#enough;
  }

  get #expiryDue(): boolean {
    return this.#expires && this.#clock.now() >= this.#nextExpiry;
  }

  #policy(sid: number): Policy {
    this.#policies[sid] ??= this.#policyOf(this.reading.catalog.at(sid).ref);
    return this.#policies[sid];
  }

  /** As the policies say, in place. */
  #round({ sids, times, values }: LogRows): void {
    for (let row = 0; row < sids.length; row++) {
      const { value, resolution } = this.#policy(sids[row]!);
      if (value) values[row] = value(values[row]!);
      if (resolution !== 1) times[row] = Math.floor(times[row]! / resolution) * resolution;
    }
  }

  #committed(seq: number, points: number): void {
    this.#commits++;
    this.reading.log.committed(seq, points);
  }

  /** A transaction with new series in it. */
  #write(run: () => void): void {
    const { catalog } = this.reading;
    this.#try(() =>
      transaction(this.#db, () => {
        catalog.save();
        run();
      }),
    );
    catalog.saved();
  }

  /** A transaction that changes more than the log: readers elsewhere look at everything anew. */
  #tend(run: () => void): void {
    this.#try(() =>
      transaction(this.#db, () => {
        run();
        this.#tended.run();
      }),
    );
  }

  /** Changes chunks of series under a commit number of its own; what their heads hold goes to chunks first. */
  #change(touched: readonly KeptSeries[], seq: number, change: (series: KeptSeries) => void): void {
    const { chunks, catalog, log } = this.reading;
    this.#write(() => {
      log.write(seq, this.#clock.now(), encodeLog([]));
      for (const series of touched) {
        if (series.head.length > 0) chunks.write(series.sid, series.head.samples());
        change(series);
        catalog.saveFlushed({ ...series, changed: seq }, seq);
      }
      this.#tended.run();
    });
    for (const series of touched) {
      this.#emptyHead(series, seq);
      series.changed = seq;
      this.#look(series);
    }
    this.#committed(seq, 0);
  }

  /** Changes nothing in memory before it is on disk. */
  #flushSlice(slice: readonly KeptSeries[], also: () => void = () => {}): void {
    const { seq } = this;
    const added: number[] = [];
    this.#tend(() => {
      for (const series of slice) {
        added.push(this.reading.chunks.write(series.sid, series.head.samples()));
        this.reading.catalog.saveFlushed(series, seq);
      }
      also();
    });
    for (const [place, series] of slice.entries()) {
      series.stored += added[place]!;
      this.#emptyHead(series, seq);
    }
  }

  #emptyHead(series: KeptSeries, seq: number): void {
    this.reading.unflushed -= series.head.pushed;
    series.flushed = seq;
    series.since = Infinity;
    series.head.clear();
  }

  /** What is known of a series without reading its chunks, from its chunks. */
  #look(series: KeptSeries): void {
    const { first, last, count } = this.reading.chunks.summary(series.sid) ?? {
      first: Infinity,
      last: -Infinity,
      count: 0,
    };
    Object.assign(series, { first, last, stored: count, newest: undefined });
  }

  /** Rolls up the oldest of a series, some chunks of it, and lets them go. `limits`: what rollups stay, by width. */
  #expireSome(series: KeptSeries, before: number, limits: readonly number[]): void {
    const { chunks, rollups } = this.reading;
    this.#change([series], this.seq + 1, ({ sid }) => {
      const pieces: Samples[] = [];
      for (const view of chunks.views(sid, -Infinity, before - 1)) {
        pieces.push(clip(view.samples(), -Infinity, before - 1));
        if (countRows(pieces) >= SLICE_POINTS) break;
      }
      for (const piece of pieces) {
        for (const [at, width] of WIDTHS.entries()) {
          // What would go at once need not come.
          rollups.add(sid, width, rollUp(clip(piece, limits[at]!, Infinity), width));
        }
      }
      chunks.cut(sid, -Infinity, pieces.at(-1)!.times.at(-1)!);
    });
  }

  #trim(): boolean {
    const { catalog, log, unflushed } = this.reading;
    const since = catalog.all().reduce((least, series) => Math.min(least, series.since), Infinity);
    return this.#try(() =>
      log.trim({
        flushed: Math.min(this.seq, since - 1),
        before: this.#clock.now() - this.#tuning.keepLogFor,
        points: unflushed + this.#tuning.keepLogPoints,
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
}
