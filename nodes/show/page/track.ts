/** A span that is loaded, in buckets of `width` ms. `to` is Infinity while the stream carries it on. */
export interface Span {
  from: number;
  to: number;
  width: number;
}

export interface Stats {
  min: number;
  mean: number;
  max: number;
  /** The mean is an estimate: the points came thinned. */
  about: boolean;
  /** All values are whole numbers. */
  whole: boolean;
}

/** What the stream may add to a chart that nobody looks at; then it is loaded anew when somebody does. */
const MOST_ADDED = 20_000;
/** A line is interrupted where nothing came for this many times the usual distance of its points. */
const SILENT = 4;

function insertAt(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The points of one KPI on the page: a window from the server, and what the stream brings. */
export class Track {
  times: number[] = [];
  /** `null` is a gap. */
  values: (number | null)[] = [];
  loaded: Span | undefined;
  /** Grows with each change. */
  version = 0;
  /** Points that the stream added since the window was loaded. */
  added = 0;
  /** Newest point ever heard of. */
  last: { time: number; value: number | null } | undefined;
  /** Usual distance of the points, ms. */
  #pace = 0;
  /** What came since a window was asked for: its answer may not have it. */
  #since: [time: number, value: number | null][] | undefined;

  /** A window is being asked for; `load` or `refused` follows. */
  asking(): void {
    this.#since = [];
  }

  refused(): void {
    this.#since = undefined;
  }

  load(span: Span, times: ArrayLike<number>, values: ArrayLike<number>): void {
    this.times = Array.from(times);
    this.values = Array.from(values, (value) => (Number.isFinite(value) ? value : null));
    this.loaded = span;
    this.added = 0;
    for (const [time, value] of this.#since ?? []) this.#put(time, value);
    this.#since = undefined;
    this.#measure();
    this.version++;
    const newest = this.times.length - 1;
    if (newest >= 0) this.hear(this.times[newest]!, this.values[newest]!);
  }

  /** What the window held can no longer be trusted to be whole. */
  distrust(): void {
    this.loaded = undefined;
  }

  hear(time: number, value: number | null): void {
    if (!this.last || time >= this.last.time) this.last = { time, value };
  }

  add(times: readonly number[], values: readonly (number | null)[]): void {
    for (let row = 0; row < times.length; row++) {
      const time = times[row]!;
      const value = values[row]!;
      this.hear(time, value);
      this.#since?.push([time, value]);
      this.#put(time, value);
    }
    if (this.added > MOST_ADDED) {
      this.loaded = undefined;
      this.times = [];
      this.values = [];
      this.added = 0;
    }
    // Powers of two: the first points of a new KPI come one by one and tell its pace only later.
    if (this.#pace === 0 || (this.times.length & (this.times.length - 1)) === 0) this.#measure();
    this.version++;
  }

  /** From this distance of two points on there is no line between them, ms; 0: not known yet. */
  get silence(): number {
    return SILENT * Math.max(this.#pace, this.loaded?.width ?? 0);
  }

  /** For the chart: the rows, with a gap put in where the KPI was silent. O(n). */
  drawn(): [times: number[], values: (number | null)[]] {
    const { silence } = this;
    const times: number[] = [];
    const values: (number | null)[] = [];
    for (let row = 0; row < this.times.length; row++) {
      const time = this.times[row]!;
      if (row > 0 && silence > 0 && time - this.times[row - 1]! > silence) {
        times.push((time + this.times[row - 1]!) / 2);
        values.push(null);
      }
      times.push(time);
      values.push(this.values[row]!);
    }
    return [times, values];
  }

  /**
   * Of the points from `from` to `to`. Smallest and largest are exact. The mean of a thinned window leaves out the
   * smallest and the largest of each bucket: they were kept for being extreme, the other two for being first and last.
   */
  stats(from: number, to: number): Stats | undefined {
    const width = this.loaded?.width ?? 0;
    const start = insertAt(this.times, from);
    let min = Infinity;
    let max = -Infinity;
    let sum = 0;
    let count = 0;
    let whole = true;
    let trimmedSum = 0;
    let trimmedCount = 0;
    let bucket: number[] = [];
    let bucketAt = Number.NaN;
    const empty = () => {
      const kept = bucket.length > 2 ? bucket.sort((a, b) => a - b).slice(1, -1) : bucket;
      for (const value of kept) trimmedSum += value / kept.length;
      if (kept.length > 0) trimmedCount++;
      bucket = [];
    };
    for (let row = start; row < this.times.length && this.times[row]! <= to; row++) {
      const value = this.values[row]!;
      if (value === null) continue;
      min = Math.min(min, value);
      max = Math.max(max, value);
      sum += value;
      count++;
      whole &&= Number.isInteger(value);
      const at = width > 0 ? Math.floor(this.times[row]! / width) : row;
      if (at !== bucketAt) empty();
      bucketAt = at;
      bucket.push(value);
    }
    if (count === 0) return undefined;
    empty();
    const about = count > trimmedCount * 2;
    return { min, max, mean: about ? trimmedSum / trimmedCount : sum / count, about, whole };
  }

  #put(time: number, value: number | null): void {
    if (!this.loaded || time < this.loaded.from || time > this.loaded.to) return;
    const newest = this.times.at(-1);
    if (newest === undefined || time > newest) {
      this.times.push(time);
      this.values.push(value);
      this.added++;
      return;
    }
    const row = insertAt(this.times, time);
    if (this.times[row] === time) this.values[row] = value;
    else {
      this.times.splice(row, 0, time);
      this.values.splice(row, 0, value);
      this.added++;
    }
  }

  /** The pace is the distance that nine of ten points keep. */
  #measure(): void {
    const n = this.times.length;
    if (n < 3) {
      this.#pace = 0;
      return;
    }
    const distances = new Float64Array(n - 1);
    for (let row = 1; row < n; row++) distances[row - 1] = this.times[row]! - this.times[row - 1]!;
    distances.sort();
    this.#pace = distances[Math.floor((n - 2) * 0.9)]!;
  }
}
