import { lowerBound, type Samples } from "./samples.ts";

/** A bucket with no more rows than this keeps them all. */
const FEW = 4;

/** Of rows `start` up to before `end`: first, smallest, largest, first gap, last; ascending, none twice. */
function telling(values: Float64Array, start: number, end: number): number[] {
  let smallest = start;
  let largest = start;
  let gap = start;
  for (let row = start; row < end; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) {
      if (!Number.isNaN(values[gap]!)) gap = row;
    } else {
      if (!(value >= values[smallest]!)) smallest = row;
      if (!(value <= values[largest]!)) largest = row;
    }
  }
  return [...new Set([start, smallest, largest, gap, end - 1])].sort((a, b) => a - b);
}

/**
 * For a picture: the rows that show in `buckets` equal parts of `from` to `to` (ms, inclusive). A part with more than
 * four rows keeps its first, smallest, largest and last one, and its first gap. O(n); at most 5 rows a bucket.
 */
export function thin({ times, values }: Samples, from: number, to: number, buckets: number): Samples {
  const width = (to - from) / buckets;
  const kept: number[] = [];
  for (let row = lowerBound(times, from); row < times.length; ) {
    const bucket = Math.floor((times[row]! - from) / width);
    const end = bucket < buckets - 1 ? Math.max(row + 1, lowerBound(times, from + (bucket + 1) * width)) : times.length;
    if (end - row > FEW) kept.push(...telling(values, row, end));
    else for (let each = row; each < end; each++) kept.push(each);
    row = end;
  }
  return {
    times: Float64Array.from(kept, (row) => times[row]!),
    values: Float64Array.from(kept, (row) => values[row]!),
  };
}
