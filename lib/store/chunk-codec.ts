import { endianness } from "node:os";
import { VigiaError } from "../points/error.ts";
import type { Samples } from "./samples.ts";

/**
 * A chunk's bytes: the codec (u8), seven unused, then as the codec says.
 * Codec 0: all times, all values, Float64, little-endian.
 */
const RAW = 0;
const HEADER = 8;

/** Typed arrays are the file's byte order as they are; a file from here must be readable everywhere. */
export const LITTLE_ENDIAN = endianness() === "LE";

/** The bytes at a place where typed arrays can look at them. */
export function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
}

export function encodeChunk({ times, values }: Samples): Uint8Array {
  const n = times.length;
  const bytes = new Uint8Array(HEADER + 16 * n);
  bytes[0] = RAW;
  new Float64Array(bytes.buffer, HEADER, n).set(times);
  new Float64Array(bytes.buffer, HEADER + 8 * n, n).set(values);
  return bytes;
}

/** @throws VigiaError `store-corrupt` for a codec that this version does not know. O(1): views into `bytes`. */
export function decodeChunk(bytes: Uint8Array): Samples {
  if (bytes[0] !== RAW) {
    throw new VigiaError("store-corrupt", { field: "chunk codec", value: bytes[0], allowed: String(RAW) });
  }
  const { buffer, byteOffset, byteLength } = aligned(bytes);
  const n = (byteLength - HEADER) / 16;
  return {
    times: new Float64Array(buffer, byteOffset + HEADER, n),
    values: new Float64Array(buffer, byteOffset + HEADER + 8 * n, n),
  };
}
