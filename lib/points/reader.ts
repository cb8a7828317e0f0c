import type { Clock } from "./clock.ts";
import { asVigiaError, show, VigiaError } from "./error.ts";
import { type Frame, FrameBuilder, isFrame } from "./frame.ts";
import { type SeriesRef, SeriesTable } from "./series.ts";
import { DEFAULT_AHEAD, readTime } from "./time.ts";
import { DEFAULT_STATES, readValue } from "./value.ts";

/** A Node-RED message, as far as Vigía looks at it. */
export interface Message {
  topic?: unknown;
  payload?: unknown;
  timestamp?: unknown;
  tags?: unknown;
  unit?: unknown;
  [property: string]: unknown;
}

/** How the points stood in the message; the answer goes out in the same form. */
export type Form = "value" | "point" | "points" | "object" | "frame";

export interface Reading {
  form: Form | undefined;
  /** Points that were read and visited. */
  points: number;
  /** Keys of an object that are no numbers: not an error, but counted. */
  skipped: number;
  /** Points that could not be read. */
  rejected: number;
  /** The first thing that was wrong. With `points` > 0 the good points were visited all the same. */
  error?: VigiaError;
}

export interface ReaderOptions {
  /** Where the series name comes from. Default: `msg.topic`. */
  series?: (msg: Message) => unknown;
  /** What `series` is called in error messages. Default `msg.topic`. */
  seriesField?: string;
  /** More state texts and their numbers, on top of `DEFAULT_STATES`. Case does not matter. */
  states?: Readonly<Record<string, number>>;
  /** How far after now a time may lie, ms. Default one day. */
  ahead?: number;
}

/** `value` NaN is a gap; `row` is the place in the array, in the object's keys or in the Frame. */
export type Visit = (ref: SeriesRef, time: number, value: number, row: number) => void;
/** What is wrong with the item at `row` of an array. */
export type Complain = (error: VigiaError, row: number) => void;

const RESERVED = new Set(["series", "time", "timestamp", "value", "unit", "tags"]);
const VALUES = "a number, a boolean, a numeric text, a known state, a Point, an array of Points or a Frame";
const PRUNE_AT = 10_000;
/** What template and csv nodes make of a Frame. */
const FRAME_TEXT = /\[object Frame\]|^\[object Object\]$|^times\Wvalues\Windex\Wdictionary/;

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.prototype.toString.call(value) === "[object Object]";
}

/** The time that an object says for itself, else the message's, and what that field is called. */
function stampOf(msg: Message, object: Record<string, unknown>, field: string): [stamp: unknown, field: string] {
  const { time, timestamp } = object;
  if (time !== undefined && time !== null) return [time, `${field}.time`];
  if (timestamp !== undefined && timestamp !== null) return [timestamp, `${field}.timestamp`];
  return [msg.timestamp ?? undefined, "msg.timestamp"];
}

const splitFrame = () =>
  new VigiaError(
    "frame-lost",
    "msg.payload is one part of a Frame: a split node took it apart. Split an array of Points instead " +
      "(Array.from(frame)), or switch `batched` off",
  );

/**
 * Turns any message into points: the only place that knows the forms of the contract.
 * Never throws: what is wrong comes back in `Reading.error`, and the good points are visited all the same.
 */
export class Reader {
  readonly #clock: Clock;
  readonly #series: (msg: Message) => unknown;
  readonly #seriesField: string;
  readonly #states: Readonly<Record<string, number>>;
  readonly #ahead: number;
  readonly #table: SeriesTable;
  readonly #arrivals = new Map<string, number>();

  constructor(clock: Clock, options: ReaderOptions = {}, table: SeriesTable = new SeriesTable()) {
    this.#clock = clock;
    this.#series = options.series ?? ((msg) => msg.topic);
    this.#seriesField = options.seriesField ?? "msg.topic";
    this.#ahead = options.ahead ?? DEFAULT_AHEAD;
    this.#table = table;
    const states: Record<string, number> = { ...DEFAULT_STATES };
    for (const [text, value] of Object.entries(options.states ?? {})) states[text.trim().toLowerCase()] = value;
    this.#states = states;
  }

  /** `complain` hears of every bad item of an array; `Reading.error` is only the first. */
  read(msg: Message, visit: Visit, complain?: Complain): Reading {
    const reading: Reading = { form: undefined, points: 0, skipped: 0, rejected: 0 };
    try {
      const { payload } = msg;
      if (isFrame(payload)) this.#frame(payload, visit, reading);
      else if (Array.isArray(payload)) this.#array(msg, payload, visit, reading, complain);
      else if (isPlainObject(payload)) {
        if (Object.hasOwn(payload, "value")) {
          reading.form = "point";
          this.#point(msg, payload, "msg.payload", 0, visit);
          reading.points = 1;
        } else this.#object(msg, payload, visit, reading);
      } else {
        reading.form = "value";
        this.#value(msg, payload, visit);
        reading.points = 1;
      }
    } catch (thrown) {
      reading.rejected++;
      reading.error ??= asVigiaError(thrown, "bad-payload");
    }
    return reading;
  }

  /** The points of a message as one Frame; a Frame comes back as it is, without a copy. */
  frame(msg: Message): { frame: Frame; reading: Reading } {
    if (isFrame(msg.payload)) {
      const { payload } = msg;
      return { frame: payload, reading: { form: "frame", points: payload.length, skipped: 0, rejected: 0 } };
    }
    const builder = new FrameBuilder(8);
    const reading = this.read(msg, (ref, time, value) => builder.add(ref, time, value));
    return { frame: builder.take(), reading };
  }

  /** The rule for values, with this reader's states: see `readValue`. */
  value(raw: unknown): number | null | undefined {
    return readValue(raw, this.#states);
  }

  /**
   * The rule for times: `given` (ms, Date or ISO text), else the arrival, strictly increasing per series `key`.
   * @throws VigiaError `bad-time`, `implausible-time` naming `field`
   */
  time(given: unknown, field: string, key: string): number {
    return this.#time(given, field, key);
  }

  #frame(frame: Frame, visit: Visit, reading: Reading): void {
    reading.form = "frame";
    const { dictionary, index, times, values } = frame;
    for (let row = 0; row < index.length; row++) visit(dictionary[index[row]!]!, times[row]!, values[row]!, row);
    reading.points = index.length;
  }

  #array(
    msg: Message,
    payload: readonly unknown[],
    visit: Visit,
    reading: Reading,
    complain: Complain | undefined,
  ): void {
    reading.form = "points";
    for (let row = 0; row < payload.length; row++) {
      try {
        const item = payload[row];
        const field = `msg.payload[${row}]`;
        if (!isPlainObject(item) || !Object.hasOwn(item, "value")) {
          if (isPlainObject(item) && typeof item.key === "string" && item.series) throw splitFrame();
          throw new VigiaError("bad-point", { field, value: item, allowed: "a Point {series, time, value}" });
        }
        this.#point(msg, item, field, row, visit);
        reading.points++;
      } catch (thrown) {
        const error = asVigiaError(thrown, "bad-point");
        reading.rejected++;
        reading.error ??= error;
        complain?.(error, row);
      }
    }
  }

  #point(msg: Message, point: Record<string, unknown>, field: string, row: number, visit: Visit): void {
    const value = readValue(point.value, this.#states);
    if (value === undefined) {
      throw new VigiaError("bad-value", {
        field: `${field}.value`,
        value: point.value,
        allowed: "a number, a boolean, a numeric text, a known state, or null for a gap",
      });
    }
    const ref = this.#identity(msg, point, field);
    const [stamp, stampField] = stampOf(msg, point, field);
    visit(ref, this.#time(stamp, stampField, ref.key), value ?? Number.NaN, row);
  }

  #object(msg: Message, payload: Record<string, unknown>, visit: Visit, reading: Reading): void {
    const keys = Object.keys(payload);
    if (keys.length === 0) {
      throw new VigiaError(
        "frame-lost",
        "msg.payload is an empty object: a Frame that was deep-copied becomes one (change node with deep copy, " +
          "JSONata $clone, trigger's original payload). Hand the message on without a copy, or switch `batched` off",
      );
    }
    if (ArrayBuffer.isView(payload.times) && ArrayBuffer.isView(payload.values)) {
      throw new VigiaError(
        "frame-lost",
        "msg.payload looks like a Frame that was taken apart ({...frame}, or a copy into a worker). " +
          "Hand the Frame itself on, or make an array of Points of it: Array.from(frame)",
      );
    }
    reading.form = "object";
    // Without a topic the keys are the names.
    const base = payload.series ?? this.#series(msg);
    const bare = base === undefined || base === null || base === "";
    const prefix = bare ? "" : `${this.#identity(msg, payload, "msg.payload").series}/`;
    const [stamp, stampField] = stampOf(msg, payload, "msg.payload");
    // One time for all of them when the message has one; else each takes its arrival.
    const time = stamp === undefined ? undefined : this.#time(stamp, stampField, "");
    for (let row = 0; row < keys.length; row++) {
      const key = keys[row]!;
      if (RESERVED.has(key)) continue;
      const value = readValue(payload[key], this.#states);
      if (value === undefined) {
        reading.skipped++;
        continue;
      }
      try {
        const ref = this.#identity(msg, payload, "msg.payload", prefix + key);
        visit(ref, time ?? this.#time(undefined, "", ref.key), value ?? Number.NaN, row);
        reading.points++;
      } catch (thrown) {
        reading.rejected++;
        reading.error ??= asVigiaError(thrown, "bad-payload");
      }
    }
    if (reading.points === 0 && reading.error === undefined) {
      throw new VigiaError("bad-payload", {
        field: "msg.payload",
        value: payload,
        allowed: "an object with at least one number, or a Point with `value`",
      });
    }
  }

  #value(msg: Message, payload: unknown, visit: Visit): void {
    const value = readValue(payload, this.#states);
    if (value === undefined) throw this.#badValue(payload);
    const ref = this.#ref(this.#series(msg), msg.tags, msg.unit, this.#seriesField, "msg");
    visit(ref, this.#time(msg.timestamp, "msg.timestamp", ref.key), value ?? Number.NaN, 0);
  }

  #badValue(payload: unknown): VigiaError {
    if (typeof payload === "string" && FRAME_TEXT.test(payload)) {
      return new VigiaError(
        "frame-lost",
        `msg.payload is the text ${show(payload)}: a Frame went through a node that makes text of it (template, csv). ` +
          "Make an array of Points of it first (JSON node), or switch `batched` off",
      );
    }
    if (payload instanceof Float64Array || payload instanceof Uint32Array) return splitFrame();
    if (ArrayBuffer.isView(payload)) {
      return new VigiaError("bad-payload", {
        field: "msg.payload",
        value: payload,
        allowed: `${VALUES}; bytes go through a "decode KPIs" node first`,
      });
    }
    return new VigiaError("bad-value", { field: "msg.payload", value: payload, allowed: VALUES });
  }

  /** Whose value an object holds: what stands in the object goes before what stands in the message. */
  #identity(msg: Message, object: Record<string, unknown>, field: string, series?: string): SeriesRef {
    const named = object.series !== undefined && object.series !== null;
    const { tags = null, unit = null } = object;
    let seriesField = named ? `${field}.series` : this.#seriesField;
    if (series !== undefined) seriesField = `${field} (a name)`;
    return this.#ref(
      series ?? (named ? object.series : this.#series(msg)),
      tags ?? msg.tags,
      unit ?? msg.unit,
      seriesField,
      tags === null ? "msg" : field,
      unit === null ? "msg" : field,
    );
  }

  #ref(
    series: unknown,
    tags: unknown,
    unit: unknown,
    seriesField: string,
    tagsHolder: string,
    unitHolder = tagsHolder,
  ): SeriesRef {
    try {
      return this.#table.ref(series, tags ?? undefined, unit ?? undefined, tagsHolder);
    } catch (thrown) {
      if (!(thrown instanceof VigiaError) || thrown.allowed === undefined) throw thrown;
      const { code, value, allowed } = thrown;
      if (code === "bad-series") {
        throw new VigiaError(code, { field: seriesField, value, allowed: `${allowed}: the series name` });
      }
      if (code === "bad-unit") throw new VigiaError(code, { field: `${unitHolder}.unit`, value, allowed });
      throw thrown;
    }
  }

  /** Without a time: the arrival, strictly increasing per series. */
  #time(given: unknown, field: string, key: string): number {
    const now = this.#clock.now();
    if (given !== undefined && given !== null) return readTime(given, now + this.#ahead, field);
    const last = this.#arrivals.get(key);
    const time = last !== undefined && last >= now ? last + 1 : now;
    if (last === undefined && this.#arrivals.size >= PRUNE_AT) {
      // Only series that ran ahead of the clock need to be remembered.
      for (const [other, at] of this.#arrivals) if (at < now) this.#arrivals.delete(other);
    }
    this.#arrivals.set(key, time);
    return time;
  }
}
