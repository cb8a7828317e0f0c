/** Rows of one series, strictly ascending in time (whole ms); a NaN value is a gap. Both arrays have one length. */
export interface Samples {
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** First row at or after `time`; the length when there is none. O(log n). */
export function lowerBound(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rows `start` up to before `end`; shares the arrays. */
export function rows({ times, values }: Samples, start: number, end: number): Samples {
  return { times: times.subarray(start, end), values: values.subarray(start, end) };
}

/** Rows from time `from` to time `to`, both inclusive; shares the arrays. O(log n). */
export function clip(samples: Samples, from: number, to: number): Samples {
  // Times are whole, so "after `to`" is "at or after the next whole number".
  return rows(samples, lowerBound(samples.times, from), lowerBound(samples.times, Math.floor(to) + 1));
}

export function countRows(pieces: readonly Samples[]): number {
  return pieces.reduce((sum, piece) => sum + piece.times.length, 0);
}

/** Pieces, each after the one before, as one copy. O(n). */
export function join(pieces: readonly Samples[]): Samples {
  const n = countRows(pieces);
  const times = new Float64Array(n);
  const values = new Float64Array(n);
  let at = 0;
  for (const piece of pieces) {
    times.set(piece.times, at);
    values.set(piece.values, at);
    at += piece.times.length;
  }
  return { times, values };
}
