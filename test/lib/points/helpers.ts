import assert from "node:assert/strict";
import fc from "fast-check";
import type { Clock } from "../../../lib/points/clock.ts";
import { VigiaError } from "../../../lib/points/error.ts";
import type { Frame } from "../../../lib/points/frame.ts";
import { type Message, Reader, type ReaderOptions, type Reading } from "../../../lib/points/reader.ts";
import type { SeriesRef } from "../../../lib/points/series.ts";

export const NOW = Date.UTC(2026, 2, 1, 12);
const EARLIEST = Date.UTC(1971, 0, 1);

/** A clock that stands still until it is moved. */
export class StandingClock implements Clock {
  time = NOW;

  now(): number {
    return this.time;
  }

  after(): () => void {
    throw new Error("points wait for nothing");
  }
}

export interface Visited {
  key: string;
  unit: string | undefined;
  time: number;
  value: number;
  row: number;
}

/** Reads one message with a reader of its own, or a given one. */
export function readAll(msg: Message, reader: Reader | ReaderOptions = {}): Reading & { visited: Visited[] } {
  const from = reader instanceof Reader ? reader : new Reader(new StandingClock(), reader);
  const visited: Visited[] = [];
  const reading = from.read(msg, ({ key, unit }: SeriesRef, time, value, row) =>
    visited.push({ key, unit, time, value, row }),
  );
  return { ...reading, visited };
}

/** What is the same in every form, whatever order an object's keys have. */
export const essence = (visited: readonly Visited[]) =>
  visited
    .map(({ key, unit, time, value }) => ({ key, unit, time, value }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.time - b.time));

export const essenceOf = (frame: Frame) =>
  essence(
    Array.from(frame, (_, row) => {
      const { key, unit } = frame.ref(row);
      return { key, unit, time: frame.times[row]!, value: frame.values[row]!, row };
    }),
  );

/** An error as we promise it: it names the field, what stood there and what is allowed, in one short line. */
export function assertComplaint(error: unknown): asserts error is VigiaError {
  assert.ok(error instanceof VigiaError, `a VigiaError, not ${error}`);
  assert.ok(error.message.length < 1000, "short enough for a debug sidebar");
  if (error.code === "frame-lost") {
    assert.match(error.message, /Frame/);
    return;
  }
  assert.ok(error.field && error.allowed, `field and allowed in: ${error.message}`);
  assert.ok(error.message.startsWith(`${error.field} is `), error.message);
  assert.ok(error.message.endsWith(`; allowed: ${error.allowed}`), error.message);
}

/** Texts that may name a series, a tag or a unit; also ones that JavaScript has plans for. */
export const nameArb: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }) },
  { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "toString", "0", "17", "a/b", "ü", "{x}", " ") },
);

export const tagsArb: fc.Arbitrary<Record<string, string> | undefined> = fc.option(
  fc
    .uniqueArray(fc.tuple(nameArb, nameArb), { minLength: 1, maxLength: 4, selector: ([name]) => name })
    .map((entries) => Object.fromEntries(entries) as Record<string, string>),
  { nil: undefined },
);

export const timeArb = fc.integer({ min: EARLIEST, max: NOW + 86_400_000 });

/** Also ±Infinity; not -0, which no text form keeps. `null` is a gap. */
export const valueArb = fc.option(
  fc.double({ noNaN: true }).map((value) => value + 0),
  { nil: null, freq: 8 },
);
