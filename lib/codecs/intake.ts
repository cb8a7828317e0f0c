import type { VigiaError } from "../points/error.ts";
import type { Visit } from "../points/reader.ts";
import type { SeriesRef } from "../points/series.ts";

export type Format = "json" | "number" | "line-protocol" | "csv";

/** What the payload itself may not tell. */
export interface Context {
  /** Base of the series name, from the topic. */
  series?: unknown;
  /** Tags of every point that brings none of its own (JSON) or beside its own (line protocol, CSV). */
  tags?: unknown;
  unit?: unknown;
  /** Time of points that bring none: ms, Date or ISO text. Without it: their arrival. */
  timestamp?: unknown;
}

/** A part of a payload that could not be read: a line, a row, an item, or all of it. */
export interface Rejected {
  text: string;
  error: VigiaError;
}

export interface Decoded {
  /** What the payload was read as; `undefined` when that could not be told. */
  readonly format: Format | undefined;
  /** Points that were visited. */
  readonly points: number;
  /** Values that are no numbers (texts, nested objects): not an error, but counted. */
  readonly skipped: number;
  /** The bad parts; the good ones were visited all the same. At most `MAX_LISTED`. */
  readonly rejected: readonly Rejected[];
  /** Bad parts past those in `rejected`. */
  readonly unlisted: number;
}

/** Errors cost microseconds each: a megabyte of rubbish must not become a million of them. */
export const MAX_LISTED = 100;

/** What one payload gives, while it is being read. */
export class Intake implements Decoded {
  format: Format | undefined;
  points = 0;
  skipped = 0;
  readonly rejected: Rejected[] = [];
  unlisted = 0;
  readonly visit: Visit;

  constructor(visit: Visit) {
    this.visit = visit;
  }

  point(ref: SeriesRef, time: number, value: number): void {
    this.visit(ref, time, value, this.points++);
  }

  reject(text: string, error: () => VigiaError): void {
    if (this.rejected.length < MAX_LISTED) this.rejected.push({ text, error: error() });
    else this.unlisted++;
  }
}

/** Reads a text into `intake`; never throws. */
export type Codec = (text: string, context: Context, intake: Intake) => void;
