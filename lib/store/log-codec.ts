import { aligned } from "./chunk-codec.ts";

/** Points in commit order: row `i` belongs to the series with number `sids[i]`. */
export interface LogRows {
  readonly sids: Uint32Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

const POINT = 20;

/** Points in so many bytes of a log row. */
export function pointsIn(bytes: number): number {
  return bytes / POINT;
}

/** One log row: all times (f64), all values (f64), all series numbers (u32), little-endian. O(n). */
export function encodeLog(pieces: readonly LogRows[]): Uint8Array {
  const n = pieces.reduce((sum, { sids }) => sum + sids.length, 0);
  const bytes = new Uint8Array(POINT * n);
  const { times, values, sids } = decodeLog(bytes);
  let at = 0;
  for (const piece of pieces) {
    times.set(piece.times, at);
    values.set(piece.values, at);
    sids.set(piece.sids, at);
    at += piece.sids.length;
  }
  return bytes;
}

/** O(1): views into `bytes`. */
export function decodeLog(bytes: Uint8Array): LogRows {
  const { buffer, byteOffset, byteLength } = aligned(bytes);
  const n = pointsIn(byteLength);
  return {
    times: new Float64Array(buffer, byteOffset, n),
    values: new Float64Array(buffer, byteOffset + 8 * n, n),
    sids: new Uint32Array(buffer, byteOffset + 16 * n, n),
  };
}
