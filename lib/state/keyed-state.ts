import { VigiaError } from "../points/error.ts";
import { type SeriesRef, seriesRef, type Tags } from "../points/series.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** One record as it is saved. */
export interface SavedRecord {
  series: string;
  tags?: Tags;
  unit?: string;
  data: Json;
}

/** Everything a node remembers, JSON-safe. */
export interface Snapshot {
  version: number;
  /** All commits of the store up to this one are in the records; `undefined`: the node has no store. */
  cursor?: number;
  /** What belongs to no series: the stream's own clock, counters. */
  shared?: Json;
  records: Record<string, SavedRecord>;
}

/** What changed since the last time it was asked. */
export interface Changes {
  version: number;
  cursor?: number;
  shared?: Json;
  put: [key: string, record: SavedRecord][];
  drop: string[];
}

/** How one kind of record lives and is saved. */
export interface RecordKind<R> {
  /** Of the saved form; `load` is given the version it was saved with. */
  version: number;
  create(ref: SeriesRef): R;
  save(record: R): Json;
  load(data: Json, version: number, ref: SeriesRef): R;
  /** True when the record may be forgotten to make room for another series. Default: never. */
  idle?(record: R): boolean;
}

interface Entry<R> {
  readonly ref: SeriesRef;
  readonly record: R;
  /** The save round in which it was last used. */
  round: number;
}

export const DEFAULT_MAX_SERIES = 10_000;

/**
 * The memory of a stateful node: one record a series, at most `maxSeries` of them.
 * `get` is O(1); what was got since the last `changes()` counts as changed.
 */
export class KeyedState<R> {
  readonly maxSeries: number;
  cursor: number | undefined;
  shared: Json | undefined;
  readonly #kind: RecordKind<R>;
  readonly #entries = new Map<string, Entry<R>>();
  readonly #dropped = new Set<string>();
  #round = 1;

  constructor(kind: RecordKind<R>, maxSeries = DEFAULT_MAX_SERIES) {
    this.#kind = kind;
    this.maxSeries = maxSeries;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The record of a series, made when it is new. @throws VigiaError `too-many-series` */
  get(ref: SeriesRef): R {
    const known = this.#entries.get(ref.key);
    if (known !== undefined) {
      known.round = this.#round;
      return known.record;
    }
    if (this.#entries.size >= this.maxSeries) this.#makeRoom(ref);
    const entry = { ref, record: this.#kind.create(ref), round: this.#round };
    this.#entries.set(ref.key, entry);
    this.#dropped.delete(ref.key);
    return entry.record;
  }

  peek(key: string): R | undefined {
    return this.#entries.get(key)?.record;
  }

  *entries(): IterableIterator<[SeriesRef, R]> {
    for (const { ref, record } of this.#entries.values()) yield [ref, record];
  }

  /** Forgets these series (all without an argument); returns how many there were. */
  drop(keys: Iterable<string> = [...this.#entries.keys()]): number {
    let n = 0;
    for (const key of [...keys]) {
      if (!this.#entries.delete(key)) continue;
      this.#dropped.add(key);
      n++;
    }
    return n;
  }

  /** Saved records of these series (all without an argument), to carry them elsewhere. */
  export(keys: Iterable<string> = this.#entries.keys()): Record<string, SavedRecord> {
    const out: [string, SavedRecord][] = [];
    for (const key of keys) {
      const entry = this.#entries.get(key);
      if (entry) out.push([key, this.#save(entry)]);
    }
    // Not by assignment: a series may be called `__proto__`.
    return Object.fromEntries(out);
  }

  /** Takes saved records in, over what was there. @throws VigiaError `bad-state` on a version from the future. */
  import(records: Record<string, SavedRecord>, version = this.#kind.version): void {
    this.#checkVersion(version);
    for (const { series, tags, unit, data } of Object.values(records)) {
      const ref = seriesRef(series, tags, unit, "state");
      this.#dropped.delete(ref.key);
      this.#entries.set(ref.key, { ref, record: this.#kind.load(data, version, ref), round: this.#round });
    }
  }

  snapshot(): Snapshot {
    return this.#head({ records: this.export() });
  }

  /** The state as it was saved, in place of what is there. @throws VigiaError `bad-state` as `import` */
  restore(snapshot: Snapshot): void {
    this.#checkVersion(snapshot.version);
    this.drop();
    this.import(snapshot.records, snapshot.version);
    this.cursor = snapshot.cursor;
    this.shared = snapshot.shared;
  }

  /** What changed since the last call. O(series). */
  changes(): Changes {
    const put: Changes["put"] = [];
    for (const [key, entry] of this.#entries) if (entry.round === this.#round) put.push([key, this.#save(entry)]);
    const drop = [...this.#dropped];
    this.#dropped.clear();
    this.#round++;
    return this.#head({ put, drop });
  }

  /** Takes changes back that could not be saved: they are part of the next ones. */
  keepChanged({ put, drop }: Changes): void {
    for (const [key] of put) {
      const entry = this.#entries.get(key);
      if (entry) entry.round = this.#round;
    }
    for (const key of drop) if (!this.#entries.has(key)) this.#dropped.add(key);
  }

  #checkVersion(version: number): void {
    if (version <= this.#kind.version) return;
    throw new VigiaError("bad-state", {
      field: "version of the saved state",
      value: version,
      allowed: `up to ${this.#kind.version}: it was saved by a newer release of Vigía`,
    });
  }

  #head<T extends object>(rest: T): T & { version: number; cursor?: number; shared?: Json } {
    const head: { version: number; cursor?: number; shared?: Json } = { version: this.#kind.version };
    if (this.cursor !== undefined) head.cursor = this.cursor;
    if (this.shared !== undefined) head.shared = this.shared;
    return { ...head, ...rest };
  }

  #save({ ref, record }: Entry<R>): SavedRecord {
    const saved: SavedRecord = { series: ref.series, data: this.#kind.save(record) };
    if (ref.tags) saved.tags = ref.tags;
    if (ref.unit !== undefined) saved.unit = ref.unit;
    return saved;
  }

  #makeRoom(wanted: SeriesRef): void {
    // A tenth at once: a scan for each new series would be quadratic.
    const enough = Math.max(1, Math.floor(this.maxSeries / 10));
    const idle: string[] = [];
    for (const [key, { record }] of this.#entries) {
      if (this.#kind.idle?.(record)) idle.push(key);
      if (idle.length === enough) break;
    }
    if (this.drop(idle) > 0) return;
    throw new VigiaError("too-many-series", {
      field: "series",
      value: wanted.series,
      allowed: `${this.maxSeries} series in this node (setting maxSeries), and none of them is idle`,
    });
  }
}
