import type { DatabaseSync } from "node:sqlite";
import { type Columns, Frame } from "../points/frame.ts";
import type { SeriesFilter } from "../points/pattern.ts";
import type { SeriesRef } from "../points/series.ts";
import { checkBuckets } from "./aggregates.ts";
import { Buckets } from "./buckets.ts";
import { Catalog, type KeptSeries, type SeriesChoice } from "./catalog.ts";
import { Chunks, type Range } from "./chunks.ts";
import { Log } from "./log.ts";
import type { LogRows } from "./log-codec.ts";
import { overlay } from "./merge.ts";
import { checkAggregate, checkCount, readRange, readThinRange } from "./query.ts";
import { Rollups, WIDTHS } from "./rollups.ts";
import { clip, countRows, join, rows, type Samples } from "./samples.ts";
import { Snapshots } from "./snapshots.ts";
import { thin } from "./thin.ts";
import type { AggregateQuery, RangeQuery, Replay, SeriesInfo, ThinQuery } from "./types.ts";

const DEFAULT_REPLAY = 50_000;
const DAY = WIDTHS[2];
const NEWEST: Range = { from: -Infinity, to: Infinity, limit: 1, newest: true };

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

/** All that is in a store's file, with what is in the log but in no chunk yet. For one thread. */
export class Reading {
  readonly catalog: Catalog;
  readonly log: Log;
  readonly chunks: Chunks;
  readonly rollups: Rollups;
  readonly snapshots: Snapshots;
  /** Points in the log that are in no chunk yet. */
  unflushed = 0;

  /** O(series + chunks + points in the log). */
  constructor(db: DatabaseSync, chunkPoints: number) {
    this.catalog = new Catalog(db);
    this.log = new Log(db);
    this.snapshots = new Snapshots(db);
    this.chunks = new Chunks(db, chunkPoints, this.snapshots);
    this.rollups = new Rollups(db, this.snapshots);
    this.#load();
  }

  /** Looks at everything anew: another process has changed more than the log. O(series + chunks + points in the log). */
  reload(): void {
    this.catalog.reload();
    this.log.reload();
    this.unflushed = 0;
    this.#load();
  }

  /** Takes what another process has committed since. O(points of it). */
  advance(): void {
    const seen = this.log.last;
    this.catalog.reload(true);
    for (const { seq, rows } of this.log.after(seen)) this.apply(seq, rows);
    this.log.reload();
  }

  #load(): void {
    for (const { sid, first, last, count } of this.chunks.summaries()) {
      Object.assign(this.catalog.at(sid), { first, last, stored: count });
    }
    for (const { seq, rows } of this.log.after(0)) this.apply(seq, rows);
  }

  /** Takes a commit into the heads, but for what is in chunks already; gives the number of its points. */
  apply(seq: number, { sids, times, values }: LogRows): number {
    for (let row = 0; row < sids.length; row++) {
      const series = this.catalog.at(sids[row]!);
      if (seq > series.changed) series.changed = seq;
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
      this.unflushed++;
    }
    return sids.length;
  }

  /** @throws VigiaError `bad-query`, `bad-pattern`, `no-snapshot`; as all that follow */
  read(query: RangeQuery): Frame {
    const range = this.#version(query, readRange(query));
    return this.#frame(query, (series) => this.#rows(series, range), range.version !== undefined);
  }

  thin(query: ThinQuery): Frame {
    const range = this.#version(query, readThinRange(query));
    return this.#frame(
      query,
      (series) => [thin(join(this.#rows(series, range)), range.from, range.to, query.buckets)],
      range.version !== undefined,
    );
  }

  /** Rows by series, then bucket, all buckets of each series; values are the first aggregate, columns all of them. */
  aggregate(query: AggregateQuery): Frame {
    const edges = checkAggregate(query);
    const { aggregates } = query;
    const range = this.#version(query, { from: edges[0]!, to: edges.at(-1)! - 1, limit: Infinity, newest: false });
    const { version } = range;
    const chosen = this.catalog.choose(query).filter(({ sid, last }) => {
      const points = version === undefined ? last !== -Infinity : this.chunks.seen(sid, version);
      return points || this.rollups.has(sid, version);
    });
    const n = edges.length - 1;
    const rows = n * chosen.length;
    checkBuckets(rows);
    const columns: Record<string, Float64Array> = {};
    for (const name of aggregates) columns[name] = new Float64Array(rows);
    const times = new Float64Array(rows);
    const index = new Uint32Array(rows);
    for (const [place, series] of chosen.entries()) {
      const buckets = this.#buckets(series, range, edges, query);
      for (const name of aggregates) columns[name]!.set(buckets.column(name), place * n);
      times.set(edges.subarray(0, n), place * n);
      index.fill(place, place * n, (place + 1) * n);
    }
    const refs = chosen.map(({ ref }) => ref);
    return new Frame(refs, index, times, columns[aggregates[0]!]!.slice(), columns satisfies Columns);
  }

  /** O(series) once each series was asked for; the first time it reads a chunk of each. */
  last(choice: SeriesChoice): Frame {
    return this.#frame(choice, (series) => {
      series.newest ??= this.#rows(series, NEWEST)[0]!.values[0]!;
      return [{ times: Float64Array.of(series.last), values: Float64Array.of(series.newest) }];
    });
  }

  /** O(series). */
  list(filter: SeriesFilter): SeriesInfo[] {
    return this.#choose(filter).map(({ ref, first, last, stored, head }) => ({
      ...ref,
      first,
      last,
      count: stored + head.length,
    }));
  }

  /** A text that is another one as soon as a series of the choice has points of a later commit. O(series). */
  fingerprint(choice: SeriesChoice): string {
    const chosen = this.catalog.choose(choice);
    const changed = chosen.reduce((newest, series) => Math.max(newest, series.changed), 0);
    return `${chosen.length}-${changed}-${this.snapshots.version}`;
  }

  /** O(points). */
  replay(cursor: number, limit = DEFAULT_REPLAY): Replay {
    checkCount(cursor, "cursor", 0);
    checkCount(limit, "limit", 1);
    const pieces: LogRows[] = [];
    const last = this.log.last;
    let points = 0;
    let reached = Math.min(cursor, last);
    for (const { seq, rows } of this.log.after(cursor)) {
      if (points > 0 && points + rows.sids.length > limit) break;
      pieces.push(rows);
      points += rows.sids.length;
      reached = seq;
    }
    return {
      frame: this.#commits(pieces, points),
      cursor: reached,
      more: reached < last,
      complete: cursor >= this.log.trimmed && cursor <= last,
    };
  }

  #commits(pieces: readonly LogRows[], points: number): Frame {
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
    const refs = [...slots.keys()].map((sid) => this.catalog.at(sid).ref);
    return new Frame(refs, index, times, values);
  }

  #version({ asOf }: RangeQuery, range: Range): Range {
    return asOf === undefined ? range : { ...range, version: this.snapshots.versionOf(asOf) };
  }

  #frame(choice: SeriesChoice, piecesOf: (series: KeptSeries) => Samples[], past = false): Frame {
    return frameOf(this.#choose(choice, () => past).map((series) => ({ ref: series.ref, pieces: piecesOf(series) })));
  }

  /** Series that have rows, and `others` that have not (any more). */
  #choose(choice: SeriesChoice, others: (series: KeptSeries) => boolean = () => false): KeptSeries[] {
    return this.catalog.choose(choice).filter((series) => series.last !== -Infinity || others(series));
  }

  #rows(series: KeptSeries, range: Range): Samples[] {
    let { from, to } = range;
    const { limit, newest, version } = range;
    const pieces = this.chunks.read(series.sid, range);
    if (countRows(pieces) >= limit) {
      // Chunks were read up to the limit only: rows of the head past them would leave holes.
      if (newest) from = pieces[0]!.times[0]!;
      else to = pieces[pieces.length - 1]!.times.at(-1)!;
    }
    // A snapshot sees nothing of the head.
    const found = version === undefined ? overlay(pieces, clip(series.head.samples(), from, to)) : pieces;
    const extra = countRows(found) - limit;
    if (extra <= 0) return found;
    const all = join(found);
    return [newest ? rows(all, extra, all.times.length) : rows(all, 0, limit)];
  }

  #buckets(series: KeptSeries, range: Range, edges: Float64Array, { aggregates }: AggregateQuery): Buckets {
    const buckets = new Buckets(edges, aggregates);
    this.#addRollups(series.sid, edges, buckets, range.version);
    if (range.version !== undefined) {
      for (const piece of this.#rows(series, range)) buckets.add(piece);
      return buckets;
    }
    const head = clip(series.head.samples(), range.from, range.to);
    const headFrom = head.times[0] ?? Infinity;
    // Chunks that the head reaches into are read, those before it may be enough as they are.
    const mixed: Samples[] = [];
    for (const view of this.chunks.views(series.sid, range.from, range.to)) {
      if (view.t1 >= headFrom) mixed.push(clip(view.samples(), range.from, range.to));
      else if (!buckets.addSummary(view)) buckets.add(clip(view.samples(), range.from, range.to));
    }
    for (const piece of overlay(mixed, head)) buckets.add(piece);
    return buckets;
  }

  /**
   * Of each day the coarsest width that fits the edges; where that is gone or was never made, a finer one, then a coarser.
   * A width is there for all days from its first bucket on: they are made and let go by whole days.
   */
  #addRollups(sid: number, edges: Float64Array, buckets: Buckets, version: number | undefined): void {
    const fits = (width: number) => edges.every((edge) => edge % width === 0);
    const best = Math.max(0, WIDTHS.findLastIndex(fits));
    let end = edges.at(-1)!;
    for (const width of [...WIDTHS.slice(0, best + 1).reverse(), ...WIDTHS.slice(best + 1)]) {
      const first = this.rollups.first(sid, width, version);
      if (first === undefined || first >= end) continue;
      for (const piece of this.rollups.read(sid, width, edges[0]!, end, version)) buckets.addRollup(piece);
      end = Math.floor(first / DAY) * DAY;
    }
  }
}
