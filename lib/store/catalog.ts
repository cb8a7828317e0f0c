import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type SeriesFilter, seriesFilter } from "../points/pattern.ts";
import type { SeriesRef, Tags } from "../points/series.ts";
import { Head } from "./head.ts";

/** What is known of one series without reading its chunks. About 300 bytes and its name. */
export interface KeptSeries {
  readonly sid: number;
  ref: SeriesRef;
  /** Commits up to this one are in chunks. */
  flushed: number;
  /** The last commit that had points of it, or took some away. */
  changed: number;
  head: Head;
  /** The oldest commit that the head has points of; Infinity when it is empty. */
  since: number;
  /** Rows in chunks. */
  stored: number;
  /** Time of the first and the last row, ms; of chunks and head. */
  first: number;
  last: number;
  /** The value at `last`, once it is known. */
  newest: number | undefined;
}

export interface SeriesChoice extends SeriesFilter {
  keys?: readonly string[];
}

function kept(sid: number, ref: SeriesRef, flushed: number, changed: number): KeptSeries {
  return {
    sid,
    ref,
    flushed,
    changed,
    head: new Head(),
    since: Infinity,
    stored: 0,
    first: Infinity,
    last: -Infinity,
    newest: undefined,
  };
}

function refOf(key: string, series: string, tags: string | null, unit: string | null): SeriesRef {
  const ref: { key: string; series: string; tags?: Tags; unit?: string } = { key, series };
  if (tags !== null) ref.tags = Object.freeze(JSON.parse(tags));
  if (unit !== null) ref.unit = unit;
  return Object.freeze(ref);
}

/** All series of a store. */
export class Catalog {
  readonly #save: StatementSync;
  readonly #setFlushed: StatementSync;
  readonly #all: StatementSync;
  readonly #new: StatementSync;
  readonly #bySid: KeptSeries[] = [];
  readonly #byKey = new Map<string, KeptSeries>();
  readonly #unsaved = new Set<KeptSeries>();
  #sorted: readonly KeptSeries[] | undefined;

  /** O(series). */
  constructor(db: DatabaseSync) {
    this.#save = db.prepare(
      `INSERT INTO series (sid, key, series, tags, unit) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (sid) DO UPDATE SET unit = excluded.unit`,
    );
    this.#setFlushed = db.prepare("UPDATE series SET flushed = ?, changed = ? WHERE sid = ?");
    this.#all = db.prepare("SELECT sid, key, series, tags, unit, flushed, changed FROM series ORDER BY sid");
    this.#new = db.prepare(
      "SELECT sid, key, series, tags, unit, flushed, changed FROM series WHERE sid >= ? ORDER BY sid",
    );
    this.reload();
  }

  /** What another process has written; nothing is known of the points then. With `onlyNew` what is known stays. */
  reload(onlyNew = false): void {
    for (const row of onlyNew ? this.#new.iterate(this.#bySid.length) : this.#all.iterate()) {
      const ref = refOf(row.key as string, row.series as string, row.tags as string | null, row.unit as string | null);
      const known = this.#bySid[row.sid as number];
      const series = kept(row.sid as number, ref, row.flushed as number, row.changed as number);
      if (known) Object.assign(known, { ...series, ref: known.ref.unit === ref.unit ? known.ref : ref });
      else this.#add(series);
    }
  }

  get size(): number {
    return this.#bySid.length;
  }

  /** The number of a series; a new one gets the next, another unit replaces the old one. On disk with the next `save`. */
  define(ref: SeriesRef): number {
    let series = this.#byKey.get(ref.key);
    if (series === undefined) {
      series = kept(this.#bySid.length, Object.freeze({ ...ref }), 0, 0);
      this.#add(series);
      this.#unsaved.add(series);
    } else if (ref.unit !== undefined && ref.unit !== series.ref.unit) {
      series.ref = Object.freeze({ ...series.ref, unit: ref.unit });
      this.#unsaved.add(series);
    }
    return series.sid;
  }

  /** `sid` must come from `define` or the file. */
  at(sid: number): KeptSeries {
    return this.#bySid[sid]!;
  }

  /**
   * In order of their keys; what is not given fits everything. O(series), or O(keys).
   * @throws VigiaError `bad-pattern`
   */
  choose({ keys, ...filter }: SeriesChoice): KeptSeries[] {
    const fits = seriesFilter(filter);
    const some = keys === undefined ? this.all() : [...new Set(keys)].sort().flatMap((k) => this.#byKey.get(k) ?? []);
    return some.filter(({ ref }) => fits(ref));
  }

  /** In order of their keys. */
  all(): readonly KeptSeries[] {
    this.#sorted ??= [...this.#byKey.values()].sort((a, b) => (a.ref.key < b.ref.key ? -1 : 1));
    return this.#sorted;
  }

  /** Writes what is new, inside a transaction; `saved` must follow it. */
  save(): void {
    for (const { sid, ref } of this.#unsaved) {
      this.#save.run(sid, ref.key, ref.series, ref.tags ? JSON.stringify(ref.tags) : null, ref.unit ?? null);
    }
  }

  saved(): void {
    this.#unsaved.clear();
  }

  saveFlushed({ sid, changed }: KeptSeries, seq: number): void {
    this.#setFlushed.run(seq, changed, sid);
  }

  #add(series: KeptSeries): void {
    this.#bySid[series.sid] = series;
    this.#byKey.set(series.ref.key, series);
    this.#sorted = undefined;
  }
}
