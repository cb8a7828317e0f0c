import assert from "node:assert/strict";
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../../lib/points/clock.ts";
import { type Frame, FrameBuilder } from "../../../lib/points/frame.ts";
import { type SeriesRef, seriesRef } from "../../../lib/points/series.ts";
import { Engine } from "../../../lib/store/engine.ts";
import type { LogRows } from "../../../lib/store/log-codec.ts";
import { checkFile } from "../../../lib/store/maintenance.ts";
import type { AggregateQuery, RangeQuery, StorePolicy, StoreTuning } from "../../../lib/store/types.ts";
import { tempFolder } from "./temp-folder.ts";

/** Small sizes: flushes, merges and splits happen with few points. */
export const TINY: StoreTuning = {
  chunkPoints: 8,
  headPoints: 40,
  headPerSeries: 0,
  sliceSeries: 2,
  keepLogFor: 60_000,
  keepLogPoints: 150,
  expireEvery: 0,
};

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #now: number;
  #timers: { at: number; run: () => void }[] = [];

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How long until the next timer, ms. */
  get next(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map(({ at }) => at)) - this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { run } of due) run();
  }
}

/** Numbers that are the same for the same seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to before 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `least` to `most`. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }
}

export type Row = readonly [ref: SeriesRef, time: number, value: number];

export function frameOf(rows: readonly Row[]): Frame {
  const builder = new FrameBuilder();
  for (const row of rows) builder.add(...row);
  return builder.take();
}

/** Rows as texts and numbers, to compare exactly: NaN, -0 and infinities too. */
export function rowsOf(frame: Frame): [key: string, time: number, value: number][] {
  return Array.from(frame.times, (time, row) => [frame.ref(row).key, time, frame.values[row]!]);
}

/** As `deepEqual`, but it names the first row that differs instead of printing all. */
export function sameRows(actual: ReturnType<typeof rowsOf>, expected: ReturnType<typeof rowsOf>, where = ""): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const row = actual.findIndex((one, place) => !isDeepStrictEqual(one, expected[place]));
  const place = row < 0 ? actual.length : row;
  assert.deepEqual([place, actual[place]], [place, expected[place]], `row ${place} ${where}`);
}

export function logRows(engine: Engine, frame: Frame): LogRows {
  return {
    sids: Uint32Array.from(frame.index, (slot) => engine.define(frame.dictionary[slot]!)),
    times: frame.times.slice(),
    values: frame.values.slice(),
  };
}

export function flushAll(engine: Engine): void {
  for (const _ of engine.flush());
}

export function expireAll(engine: Engine): void {
  for (const _ of engine.expire());
}

export const START = Date.UTC(2026, 0, 1);
const VALUES = [Number.NaN, Infinity, -Infinity, -0, 0, 5e-324, 1.7976931348623157e308];

/** An engine on a file of its own. */
export class Bench {
  readonly clock = new ManualClock();
  readonly file = join(tempFolder(), "kpis.db");
  readonly #tuning: Partial<StoreTuning>;
  readonly #policies: readonly StorePolicy[] | undefined;
  engine: Engine;

  constructor(t: TestContext, tuning: Partial<StoreTuning> = TINY, policies?: readonly StorePolicy[]) {
    this.#tuning = tuning;
    this.#policies = policies;
    this.engine = this.#open();
    t.after(() => this.engine.close());
  }

  #open(): Engine {
    return new Engine(this.file, this.clock, this.#tuning, this.#policies);
  }

  reopen(): void {
    this.engine.close();
    this.engine = this.#open();
  }

  commit(...rows: Row[]): number {
    return this.engine.commit([logRows(this.engine, frameOf(rows))]);
  }

  load(rows: Row[]): number {
    return this.engine.load(logRows(this.engine, frameOf(rows)));
  }

  rows(query: RangeQuery = {}): ReturnType<typeof rowsOf> {
    return rowsOf(this.engine.reading.read(query));
  }

  /** The buckets of one series, or of all behind each other, by aggregate. */
  aggregate(query: AggregateQuery): Record<string, number[]> {
    const { columns } = this.engine.reading.aggregate(query);
    return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, [...column]]));
  }

  /** From another connection, as another process would. */
  sql(text: string): Record<string, unknown>[] {
    const db = new DatabaseSync(this.file, { readOnly: true });
    try {
      return db.prepare(text).all();
    } finally {
      db.close();
    }
  }
}

/** Series and points as they come in reality and as they should never come. */
export class Ingest {
  readonly refs: readonly SeriesRef[];
  readonly #dice: Dice;
  readonly #unit: number;
  #front = 0;

  /** `unit`: how far times are from each other, ms. */
  constructor(dice: Dice, unit = 1) {
    this.#dice = dice;
    this.#unit = unit;
    this.refs = Array.from({ length: dice.int(1, 9) }, (_, n) =>
      seriesRef(`plant-${n % 2}/machine-${n % 3}/kpi`, n % 4 === 0 ? undefined : { n, site: "madrid" }),
    );
  }

  rows(n: number): Row[] {
    return Array.from({ length: n }, () => [this.#dice.pick(this.refs), this.#time(), this.#value()]);
  }

  /** A time between some before the first point and some after the last, mostly none of a point where they are sparse. */
  someTime(): number {
    return START + this.#dice.int(-60 * this.#unit, (this.#front + 5) * this.#unit);
  }

  /** A random question with a fair chance of both wide and narrow answers. */
  choice(): Choice {
    const dice = this.#dice;
    const choice: Choice = {};
    if (dice.next() < 0.4) choice.keys = this.someKeys();
    if (dice.next() < 0.5) choice.from = this.someTime();
    if (dice.next() < 0.5) choice.to = (choice.from ?? START) + dice.int(-5, 200) * this.#unit;
    if (dice.next() < 0.5) choice.limit = dice.int(1, 12);
    if (dice.next() < 0.5) choice.take = dice.pick(["oldest", "newest"]);
    return choice;
  }

  someKeys(): string[] {
    return this.refs.filter(() => this.#dice.next() < 0.5).map(({ key }) => key);
  }

  #time(): number {
    return this.#dice.next() < 0.03 ? this.#dice.int(-5, 5) : START + this.#offset() * this.#unit;
  }

  #offset(): number {
    const kind = this.#dice.next();
    if (kind < 0.62) this.#front += this.#dice.int(0, 3);
    else if (kind < 0.88) return this.#front - this.#dice.int(0, 20);
    else return this.#dice.int(-50, this.#front);
    return this.#front;
  }

  #value(): number {
    return this.#dice.next() < 0.2 ? this.#dice.pick(VALUES) : this.#dice.int(-1e6, 1e6) / 100;
  }
}

export interface Choice {
  keys?: readonly string[];
  from?: number;
  to?: number;
  limit?: number;
  take?: "oldest" | "newest";
}

/** What a kill would leave: the files as they are on disk now. */
export function copyFiles(file: string, to: string): void {
  for (const suffix of ["", "-wal"]) if (existsSync(file + suffix)) cpSync(file + suffix, to + suffix);
}

/** SQLite and `check` find nothing wrong. */
export function checkWhole(file: string): void {
  assert.deepEqual(checkFile(file).problems, []);
}

/** Equal but for the order in which numbers were added up. */
export function sameNumber(actual: number, expected: number, where: string): void {
  const near = Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
  if (!near && !Object.is(actual, expected) && actual !== expected) assert.equal(actual, expected, where);
}

/** A plain aggregate of the values that are no gaps, in order of time. */
export function plainAggregate(name: string, all: readonly number[]): number {
  const values = all.filter((value) => !Number.isNaN(value));
  const sum = values.reduce((total, value) => total + value, 0);
  if (name === "count") return values.length;
  if (values.length === 0) return Number.NaN;
  if (name === "sum") return sum;
  if (name === "mean") return sum / values.length;
  if (name === "min") return Math.min(...values);
  if (name === "max") return Math.max(...values);
  if (name === "first") return values[0]!;
  if (name === "last") return values.at(-1)!;
  const sorted = values.toSorted((a, b) => a - b);
  const place = (Number(name.slice(1)) / 100) * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  const part = place - Math.floor(place);
  return low === high ? low : low * (1 - part) + high * part;
}
