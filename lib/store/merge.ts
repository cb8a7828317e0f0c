import { join, rows, type Samples } from "./samples.ts";

/** The rows of both; where they have a time in common, that of `newer` stays. O(n). */
export function merge(older: Samples, newer: Samples): Samples {
  const n = older.times.length;
  const m = newer.times.length;
  if (n === 0 || m === 0 || older.times[n - 1]! < newer.times[0]!) return join([older, newer]);
  if (newer.times[m - 1]! < older.times[0]!) return join([newer, older]);
  const times = new Float64Array(n + m);
  const values = new Float64Array(n + m);
  let length = 0;
  for (let i = 0, j = 0; i < n || j < m; length++) {
    const a = i < n ? older.times[i]! : Infinity;
    const b = j < m ? newer.times[j]! : Infinity;
    if (b <= a) {
      times[length] = b;
      values[length] = newer.values[j++]!;
      if (a === b) i++;
    } else {
      times[length] = a;
      values[length] = older.values[i++]!;
    }
  }
  return rows({ times, values }, 0, length);
}

/** Puts `newer` over consecutive pieces, copying only those it reaches into. */
export function overlay(pieces: readonly Samples[], newer: Samples): Samples[] {
  const first = newer.times[0];
  if (first === undefined) return [...pieces];
  const reached = pieces.findIndex(({ times }) => times[times.length - 1]! >= first);
  if (reached < 0) return [...pieces, newer];
  return [...pieces.slice(0, reached), merge(join(pieces.slice(reached)), newer)];
}
