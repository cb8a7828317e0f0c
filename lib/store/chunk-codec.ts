import { endianness } from "node:os";
import { VigiaError } from "../points/error.ts";
import { LARGEST, packColumn, unpackColumn, WordReader, Words } from "./pack.ts";
import type { Samples } from "./samples.ts";
import { packValues, unpackValues } from "./values-codec.ts";

/**
 * A chunk's first byte says how it is written.
 *
 * 0, raw: seven unused bytes, all times, all values, Float64.
 *
 * 1, packed: a word (32 bits) with this 1, one with the number of rows, the column of times, the values (`values-codec.ts`)
 * and a word of zeros. All little-endian; a column as in `pack.ts`.
 *
 * Nothing is rounded: every codec gives each bit back.
 */
const RAW = 0;
const PACKED = 1;
const RAW_HEADER = 8;

/** Typed arrays are the file's byte order as they are; a file from here must be readable everywhere. */
export const LITTLE_ENDIAN = endianness() === "LE";

/** The bytes at a place where typed arrays can look at them. */
export function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
}

const out = new Words();

/** Rows that a step of a clock is told from. */
const TELLING = 64;

/** How far times are from each other, in whole seconds where that is nearly so: jitter around a clock is small then. */
function stepOf(times: Float64Array): number {
  const steps: number[] = [];
  for (let row = 1; row < Math.min(times.length, TELLING); row++) steps.push(times[row]! - times[row - 1]!);
  if (steps.length === 0) return 1;
  const median = steps.sort((a, b) => a - b)[steps.length >> 1]!;
  const seconds = Math.round(median / 1000) * 1000;
  return seconds > 0 && Math.abs(median - seconds) <= Math.max(100, seconds * 0.1) ? seconds : median;
}

/** Writes times, all packable. */
export function packTimes(to: Words, times: Float64Array): void {
  packColumn(to, times, stepOf(times));
}

/** A time that is no whole number, or so far off, is nothing that `packColumn` could take. */
function packable(times: Float64Array): boolean {
  const inside = (time: number) => Math.abs(time) <= LARGEST;
  if (!inside(times[0]!) || !inside(times[times.length - 1]!)) return false;
  for (const time of times) if (Math.floor(time) !== time) return false;
  return true;
}

/** At least one row. O(n). */
export function encodeChunk({ times, values }: Samples): Uint8Array {
  if (!packable(times)) return encodeRaw({ times, values });
  out.clear();
  out.word(PACKED);
  out.word(times.length);
  packTimes(out, times);
  packValues(out, values);
  return out.take();
}

function encodeRaw({ times, values }: Samples): Uint8Array {
  const n = times.length;
  const bytes = new Uint8Array(RAW_HEADER + 16 * n);
  bytes[0] = RAW;
  new Float64Array(bytes.buffer, RAW_HEADER, n).set(times);
  new Float64Array(bytes.buffer, RAW_HEADER + 8 * n, n).set(values);
  return bytes;
}

/** @throws VigiaError `store-corrupt` for a codec that this version does not know. O(n) */
export function decodeChunk(bytes: Uint8Array): Samples {
  if (bytes[0] === RAW) return decodeRaw(aligned(bytes));
  if (bytes[0] !== PACKED) {
    throw new VigiaError("store-corrupt", { field: "chunk codec", value: bytes[0], allowed: `${RAW}, ${PACKED}` });
  }
  const from = new WordReader(bytes.byteOffset % 4 === 0 ? bytes : bytes.slice());
  from.word();
  const n = from.word();
  const times = new Float64Array(n);
  const values = new Float64Array(n);
  unpackColumn(from, times);
  unpackValues(from, values);
  return { times, values };
}

/** O(1): views into `bytes`. */
function decodeRaw({ buffer, byteOffset, byteLength }: Uint8Array): Samples {
  const n = (byteLength - RAW_HEADER) / 16;
  return {
    times: new Float64Array(buffer, byteOffset + RAW_HEADER, n),
    values: new Float64Array(buffer, byteOffset + RAW_HEADER + 8 * n, n),
  };
}
