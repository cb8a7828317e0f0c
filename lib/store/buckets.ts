import { type Aggregate, type NAMES, percentOf } from "./aggregates.ts";
import type { ChunkView } from "./chunks.ts";
import type { RollupRows } from "./rollup-codec.ts";
import { lowerBound, type Samples } from "./samples.ts";

export type { Aggregate };

/** Between the two values that lie around it, as spreadsheets and NumPy do. `sorted` has at least one. */
function percentile(sorted: Float64Array, percent: number): number {
  const place = (percent / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const part = place - Math.floor(place);
  const above = part === 0 ? below : sorted[Math.floor(place) + 1]!;
  if (above === below) return below;
  const distance = above - below;
  // Where one of them is infinite, or both are very far from each other.
  return Number.isFinite(distance) ? below + part * distance : (1 - part) * below + part * above;
}

/**
 * Aggregates of one series in buckets: bucket `i` begins at `edges[i]` and ends before `edges[i + 1]`. Gaps are no
 * values; a bucket without values has the count 0 and NaN for everything else.
 */
export class Buckets {
  readonly #edges: Float64Array;
  readonly #count: Float64Array;
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #sum: Float64Array;
  readonly #first: Float64Array;
  readonly #last: Float64Array;
  /** When `#first` and `#last` were, ms. */
  readonly #firstAt: Float64Array;
  readonly #lastAt: Float64Array;
  /** All values, by bucket, when percentiles are asked for. */
  readonly #all: number[][] | undefined;
  /** Only what chunks know of themselves is asked for. */
  readonly #plain: boolean;

  constructor(edges: Float64Array, aggregates: readonly Aggregate[]) {
    const n = edges.length - 1;
    this.#edges = edges;
    this.#count = new Float64Array(n);
    this.#sum = new Float64Array(n);
    this.#low = new Float64Array(n).fill(Infinity);
    this.#high = new Float64Array(n).fill(-Infinity);
    this.#first = new Float64Array(n);
    this.#last = new Float64Array(n);
    this.#firstAt = new Float64Array(n).fill(Infinity);
    this.#lastAt = new Float64Array(n).fill(-Infinity);
    this.#all = aggregates.some((name) => percentOf(name) !== undefined)
      ? Array.from({ length: n }, () => [])
      : undefined;
    this.#plain = aggregates.every((name) => ["mean", "min", "max", "sum", "count"].includes(name));
  }

  /** Rows in order of time. O(n + buckets passed). */
  add({ times, values }: Samples): void {
    const edges = this.#edges;
    let row = lowerBound(times, edges[0]!);
    let bucket = row < times.length ? this.#bucketOf(times[row]!) : 0;
    for (; row < times.length; row++) {
      const time = times[row]!;
      while (bucket < edges.length - 1 && time >= edges[bucket + 1]!) bucket++;
      if (bucket === edges.length - 1) return;
      const value = values[row]!;
      if (!Number.isNaN(value)) this.#take(bucket, time, value);
    }
  }

  /** What a chunk knows of itself, when that is enough; false: its samples are needed. */
  addSummary({ t0, t1, filled, low, high, total }: ChunkView): boolean {
    if (!this.#plain || (filled > 0 && total === null)) return false;
    const bucket = this.#bucketOf(t0);
    if (t0 < this.#edges[0]! || bucket !== this.#bucketOf(t1) || bucket === this.#edges.length - 1) return false;
    if (filled > 0) this.#pile(bucket, filled, low!, high!, total!);
    return true;
  }

  /** Aggregates that took the place of points. */
  addRollup({ times, count, low, high, sum, first, last, firstAt, lastAt }: RollupRows): void {
    for (let row = 0; row < times.length; row++) {
      const bucket = this.#bucketOf(times[row]!);
      if (times[row]! < this.#edges[0]! || bucket === this.#edges.length - 1) continue;
      this.#pile(bucket, count[row]!, low[row]!, high[row]!, sum[row]!);
      this.#begin(bucket, firstAt[row]!, first[row]!);
      this.#end(bucket, lastAt[row]!, last[row]!);
    }
  }

  /** One number a bucket. */
  column(aggregate: Aggregate): Float64Array {
    const percent = percentOf(aggregate);
    if (percent !== undefined) {
      return Float64Array.from(this.#all!, (values) =>
        values.length === 0 ? Number.NaN : percentile(Float64Array.from(values).sort(), percent),
      );
    }
    if (aggregate === "count") return this.#count;
    const from = {
      mean: this.#sum,
      sum: this.#sum,
      min: this.#low,
      max: this.#high,
      first: this.#first,
      last: this.#last,
    }[aggregate as Exclude<(typeof NAMES)[number], "count">];
    const mean = aggregate === "mean";
    return from.map((value, bucket) => {
      const count = this.#count[bucket]!;
      return count === 0 ? Number.NaN : mean ? value / count : value;
    });
  }

  /** The bucket of a time that is not before the first; one too many for times behind the last. */
  #bucketOf(time: number): number {
    const edges = this.#edges;
    const at = lowerBound(edges, time);
    const bucket = edges[at] === time ? at : at - 1;
    return Math.max(0, Math.min(bucket, edges.length - 1));
  }

  #take(bucket: number, time: number, value: number): void {
    this.#count[bucket]!++;
    this.#sum[bucket]! += value;
    if (value < this.#low[bucket]!) this.#low[bucket] = value;
    if (value > this.#high[bucket]!) this.#high[bucket] = value;
    this.#begin(bucket, time, value);
    this.#end(bucket, time, value);
    this.#all?.[bucket]?.push(value);
  }

  #pile(bucket: number, count: number, low: number, high: number, sum: number): void {
    this.#count[bucket]! += count;
    this.#sum[bucket]! += sum;
    if (low < this.#low[bucket]!) this.#low[bucket] = low;
    if (high > this.#high[bucket]!) this.#high[bucket] = high;
  }

  #begin(bucket: number, time: number, value: number): void {
    if (time > this.#firstAt[bucket]!) return;
    this.#firstAt[bucket] = time;
    this.#first[bucket] = value;
  }

  #end(bucket: number, time: number, value: number): void {
    if (time < this.#lastAt[bucket]!) return;
    this.#lastAt[bucket] = time;
    this.#last[bucket] = value;
  }
}
