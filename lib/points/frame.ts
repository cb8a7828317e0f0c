import { VigiaError } from "./error.ts";
import type { Point } from "./point.ts";
import type { SeriesRef } from "./series.ts";

/** Any `Frame`, also one made by another copy of this package. On the prototype, so that no copy of a Frame has it. */
const BRAND = Symbol.for("@vigia/frame/1");

/** A Point in JSON, where an infinite value is the text `Infinity` or `-Infinity`. */
export type PointJson = Omit<Point, "value"> & { value: number | string | null };

export type Columns = Readonly<Record<string, Float64Array>>;

/**
 * An immutable batch of points in columns. Node-RED hands it on by reference on every wire (`Symbol.toStringTag`
 * makes its clone leave it alone), so nobody may write into its arrays.
 *
 * Row `i` is: series `dictionary[index[i]]`, time `times[i]` (ms), value `values[i]` (NaN is a gap).
 * Memory: 20 bytes a row and 8 for each more column.
 */
export class Frame implements Iterable<Point> {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly index: Uint32Array;
  readonly dictionary: readonly SeriesRef[];
  /** What nodes added, one number a row, NaN where there is none: `deviation.score`. */
  readonly columns: Columns;

  /** @throws VigiaError `bad-frame` when the columns are not of one length. O(columns). */
  constructor(
    dictionary: readonly SeriesRef[],
    index: Uint32Array,
    times: Float64Array,
    values: Float64Array,
    columns: Columns = {},
  ) {
    const check = (name: string, column: Float64Array) => {
      if (column.length === index.length) return;
      throw new VigiaError("bad-frame", { field: name, value: column.length, allowed: `${index.length} rows` });
    };
    check("times", times);
    check("values", values);
    for (const name of Object.keys(columns)) check(name, columns[name]!);
    this.dictionary = dictionary;
    this.index = index;
    this.times = times;
    this.values = values;
    this.columns = columns;
    Object.freeze(this);
  }

  get length(): number {
    return this.times.length;
  }

  get [Symbol.toStringTag](): string {
    return "Frame";
  }

  /** The same rows with more columns; a column of the same name is replaced. Shares all arrays. */
  with(columns: Columns): Frame {
    return new Frame(this.dictionary, this.index, this.times, this.values, { ...this.columns, ...columns });
  }

  ref(row: number): SeriesRef {
    return this.dictionary[this.index[row]!]!;
  }

  /** Row as a `Point`; further columns become properties. */
  point(row: number): Point {
    const ref = this.ref(row);
    const value = this.values[row]!;
    const point: Point & Record<string, unknown> = {
      series: ref.series,
      time: this.times[row]!,
      value: Number.isNaN(value) ? null : value,
    };
    if (ref.tags) point.tags = ref.tags;
    if (ref.unit !== undefined) point.unit = ref.unit;
    for (const name of Object.keys(this.columns)) {
      const extra = this.columns[name]![row]!;
      point[name] = Number.isNaN(extra) ? null : extra;
    }
    return point;
  }

  *[Symbol.iterator](): Iterator<Point> {
    for (let row = 0; row < this.length; row++) yield this.point(row);
  }

  /**
   * An array of Points: what JSON, HTTP nodes and uncached file contexts see. ±Infinity is a text there, which readers
   * take for what it is; as a number JSON would make a gap of it. `Array.from(frame)` gives the numbers as they are.
   */
  toJSON(): PointJson[] {
    const numbers = ["value", ...Object.keys(this.columns)] as "value"[];
    return Array.from(this, (point: PointJson) => {
      for (const name of numbers) if (Math.abs(Number(point[name])) === Infinity) point[name] = String(point[name]);
      return point;
    });
  }
}

Object.defineProperty(Frame.prototype, BRAND, { value: true });
// The debug sidebar prints objects of a foreign constructor as "[object Frame]" only.
Object.defineProperty(Frame.prototype, "constructor", { value: Object });

export function isFrame(value: unknown): value is Frame {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}

/** Gathers points and gives them as Frames. O(1) a point. */
export class FrameBuilder {
  #slots = new Map<SeriesRef, number>();
  #dictionary: SeriesRef[] = [];
  #index: Uint32Array;
  #times: Float64Array;
  #values: Float64Array;
  #length = 0;

  constructor(capacity = 64) {
    this.#index = new Uint32Array(capacity);
    this.#times = new Float64Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** `value` NaN is a gap. `ref` should come from one `SeriesTable`: equal objects share a dictionary entry. */
  add(ref: SeriesRef, time: number, value: number): void {
    const row = this.#length++;
    if (row === this.#times.length) this.#grow();
    let slot = this.#slots.get(ref);
    if (slot === undefined) {
      slot = this.#dictionary.length;
      this.#dictionary.push(ref);
      this.#slots.set(ref, slot);
    }
    this.#index[row] = slot;
    this.#times[row] = time;
    this.#values[row] = value;
  }

  /** What was gathered since the last call, and starts anew. */
  take(): Frame {
    const n = this.#length;
    const frame = new Frame(
      this.#dictionary,
      this.#index.slice(0, n),
      this.#times.slice(0, n),
      this.#values.slice(0, n),
    );
    this.#slots = new Map();
    this.#dictionary = [];
    this.#length = 0;
    return frame;
  }

  #grow(): void {
    const capacity = Math.max(64, this.#times.length * 2);
    const copy = <T extends Float64Array | Uint32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#index = copy(this.#index, new Uint32Array(capacity));
    this.#times = copy(this.#times, new Float64Array(capacity));
    this.#values = copy(this.#values, new Float64Array(capacity));
  }
}
