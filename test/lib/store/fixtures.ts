import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../../lib/points/clock.ts";
import { type Frame, FrameBuilder } from "../../../lib/points/frame.ts";
import { type SeriesRef, seriesRef } from "../../../lib/points/series.ts";
import type { Engine } from "../../../lib/store/engine.ts";
import type { LogRows } from "../../../lib/store/log-codec.ts";
import type { StoreTuning } from "../../../lib/store/types.ts";

/** Small sizes: flushes, merges and splits happen with few points. */
export const TINY: StoreTuning = {
  chunkPoints: 8,
  headPoints: 40,
  sliceSeries: 2,
  keepLogFor: 60_000,
  keepLogPoints: 150,
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

export const START = Date.UTC(2026, 0, 1);
const VALUES = [Number.NaN, Infinity, -Infinity, -0, 0, 5e-324, 1.7976931348623157e308];

/** Series and points as they come in reality and as they should never come. */
export class Ingest {
  readonly refs: readonly SeriesRef[];
  readonly #dice: Dice;
  #front = START;

  constructor(dice: Dice) {
    this.#dice = dice;
    this.refs = Array.from({ length: dice.int(1, 9) }, (_, n) =>
      seriesRef(`plant-${n % 2}/machine-${n % 3}/kpi`, n % 4 === 0 ? undefined : { n, site: "madrid" }),
    );
  }

  get front(): number {
    return this.#front;
  }

  rows(n: number): Row[] {
    return Array.from({ length: n }, () => [this.#dice.pick(this.refs), this.#time(), this.#value()]);
  }

  #time(): number {
    const kind = this.#dice.next();
    if (kind < 0.6) this.#front += this.#dice.int(0, 3);
    else if (kind < 0.85) return this.#front - this.#dice.int(0, 20);
    else if (kind < 0.97) return this.#dice.int(START - 50, this.#front);
    else return this.#dice.int(-5, 5);
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

type Exact = ReturnType<typeof rowsOf>;

/** What a store should hold, in the plainest form. */
export class Model {
  readonly #series = new Map<string, Map<number, number>>();
  readonly #commits: { seq: number; rows: Exact }[] = [];

  commit(seq: number, rows: readonly Row[]): void {
    for (const [{ key }, time, value] of rows) {
      const series = this.#series.get(key) ?? new Map<number, number>();
      this.#series.set(key, series.set(time, value));
    }
    this.#commits.push({ seq, rows: rows.map(([{ key }, time, value]) => [key, time, value]) });
  }

  get seq(): number {
    return this.#commits.at(-1)?.seq ?? 0;
  }

  get keys(): string[] {
    return [...this.#series.keys()].sort();
  }

  read({ keys, from = -Infinity, to = Infinity, limit = Infinity, take = "oldest" }: Choice): Exact {
    return this.keys
      .filter((key) => keys === undefined || keys.includes(key))
      .flatMap((key) => {
        const rows = [...this.#series.get(key)!]
          .filter(([time]) => time >= from && time <= to)
          .sort(([a], [b]) => a - b)
          .map(([time, value]): Exact[number] => [key, time, value]);
        return take === "oldest" ? rows.slice(0, limit) : rows.slice(Math.max(0, rows.length - limit));
      });
  }

  last(): Exact {
    return this.read({ limit: 1, take: "newest" });
  }

  /** Rows of the commits after `cursor` up to `end`. */
  replay(cursor: number, end: number): Exact {
    return this.#commits.flatMap(({ seq, rows }) => (seq > cursor && seq <= end ? rows : []));
  }
}

/** A random question with a fair chance of both wide and narrow answers. */
export function anyChoice(dice: Dice, ingest: Ingest): Choice {
  const choice: Choice = {};
  if (dice.next() < 0.4) choice.keys = ingest.refs.filter(() => dice.next() < 0.5).map(({ key }) => key);
  if (dice.next() < 0.5) choice.from = dice.int(START - 60, ingest.front + 5);
  if (dice.next() < 0.5) choice.to = (choice.from ?? START) + dice.int(-5, 200);
  if (dice.next() < 0.5) choice.limit = dice.int(1, 12);
  if (dice.next() < 0.5) choice.take = dice.pick(["oldest", "newest"]);
  return choice;
}
