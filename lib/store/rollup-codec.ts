import { VigiaError } from "../points/error.ts";
import { packColumn, unpackColumn, WordReader, Words } from "./pack.ts";
import type { Samples } from "./samples.ts";
import { packValues, unpackValues } from "./values-codec.ts";

/** Aggregates of buckets, ascending; `times` are their beginnings, ms since 1970, multiples of their width. */
export interface RollupRows {
  times: Float64Array;
  /** Values that are no gaps, at least one. */
  count: Float64Array;
  low: Float64Array;
  high: Float64Array;
  sum: Float64Array;
  first: Float64Array;
  last: Float64Array;
  /** When `first` and `last` were, ms. */
  firstAt: Float64Array;
  lastAt: Float64Array;
}

const VALUES = ["count", "low", "high", "sum", "first", "last"] as const;
const MOMENTS = ["firstAt", "lastAt"] as const;
const PARTS = [...VALUES, ...MOMENTS] as const;
const PACKED = 1;
const out = new Words();

export function emptyRollup(n: number): RollupRows {
  const column = () => new Float64Array(n);
  return {
    times: column(),
    count: column(),
    low: column(),
    high: column(),
    sum: column(),
    first: column(),
    last: column(),
    firstAt: column(),
    lastAt: column(),
  };
}

/** Rows `start` up to before `end`; shares the arrays. */
export function rollupRows(all: RollupRows, start: number, end: number): RollupRows {
  const rows = { times: all.times.subarray(start, end) } as RollupRows;
  for (const part of PARTS) rows[part] = all[part].subarray(start, end);
  return rows;
}

/** O(n). */
export function rollUp({ times, values }: Samples, width: number): RollupRows {
  const rows = emptyRollup(times.length);
  let n = 0;
  for (let row = 0; row < times.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) continue;
    const time = Math.floor(times[row]! / width) * width;
    if (n === 0 || rows.times[n - 1] !== time) {
      rows.times[n] = time;
      rows.low[n] = rows.high[n] = rows.first[n] = value;
      rows.firstAt[n] = times[row]!;
      n++;
    }
    const at = n - 1;
    rows.count[at]!++;
    rows.sum[at]! += value;
    if (value < rows.low[at]!) rows.low[at] = value;
    if (value > rows.high[at]!) rows.high[at] = value;
    rows.last[at] = value;
    rows.lastAt[at] = times[row]!;
  }
  return rollupRows(rows, 0, n);
}

/** Both together; where they have a moment in common, that of `newer` counts. O(n). */
export function joinRollups(older: RollupRows, newer: RollupRows): RollupRows {
  const rows = emptyRollup(older.times.length + newer.times.length);
  let n = 0;
  for (let i = 0, j = 0; i < older.times.length || j < newer.times.length; n++) {
    const a = older.times[i] ?? Infinity;
    const b = newer.times[j] ?? Infinity;
    const [from, row] = a <= b ? [older, i++] : [newer, j++];
    rows.times[n] = from.times[row]!;
    for (const part of PARTS) rows[part][n] = from[part][row]!;
    if (a !== b) continue;
    rows.count[n]! += newer.count[j]!;
    rows.sum[n]! += newer.sum[j]!;
    rows.low[n] = Math.min(rows.low[n]!, newer.low[j]!);
    rows.high[n] = Math.max(rows.high[n]!, newer.high[j]!);
    if (newer.firstAt[j]! <= rows.firstAt[n]!) {
      rows.firstAt[n] = newer.firstAt[j]!;
      rows.first[n] = newer.first[j]!;
    }
    if (newer.lastAt[j]! >= rows.lastAt[n]!) {
      rows.lastAt[n] = newer.lastAt[j]!;
      rows.last[n] = newer.last[j]!;
    }
    j++;
  }
  return rollupRows(rows, 0, n);
}

/** At least one row. Buckets by their number, moments by how far they are from the bucket's beginning. O(n) */
export function encodeRollup(rows: RollupRows, width: number): Uint8Array {
  out.clear();
  out.word(PACKED);
  out.word(rows.times.length);
  packColumn(
    out,
    rows.times.map((time) => time / width),
    1,
  );
  for (const part of VALUES) packValues(out, rows[part]);
  for (const part of MOMENTS) {
    packValues(
      out,
      rows[part].map((time, row) => time - rows.times[row]!),
    );
  }
  return out.take();
}

/** @throws VigiaError `store-corrupt` for a codec that this version does not know. O(n) */
export function decodeRollup(bytes: Uint8Array, width: number): RollupRows {
  if (bytes[0] !== PACKED) {
    throw new VigiaError("store-corrupt", { field: "rollup codec", value: bytes[0], allowed: `${PACKED}` });
  }
  const from = new WordReader(bytes.byteOffset % 4 === 0 ? bytes : bytes.slice());
  from.word();
  const rows = emptyRollup(from.word());
  const { times } = rows;
  unpackColumn(from, times);
  for (let row = 0; row < times.length; row++) times[row]! *= width;
  for (const part of PARTS) unpackValues(from, rows[part]);
  for (const part of MOMENTS) for (let row = 0; row < times.length; row++) rows[part][row]! += times[row]!;
  return rows;
}
