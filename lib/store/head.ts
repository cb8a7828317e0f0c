import { rows, type Samples } from "./samples.ts";

const EMPTY = new Float64Array(0);
const SMALLEST = 16;
/** Larger arrays are given back after a flush: one busy hour must not hold memory for good. */
const KEPT = 1024;

function grown(from: Float64Array): Float64Array {
  const to = new Float64Array(Math.max(SMALLEST, from.length * 2));
  to.set(from);
  return to;
}

/** Ascending in time; of equal times the one that came last. O(n log n). */
function sorted({ times, values }: Samples): Samples {
  const order = Uint32Array.from(times, (_, row) => row);
  order.sort((a, b) => times[a]! - times[b]! || a - b);
  const outTimes = new Float64Array(times.length);
  const outValues = new Float64Array(times.length);
  let length = 0;
  for (const row of order) {
    if (length > 0 && outTimes[length - 1] === times[row]) length--;
    outTimes[length] = times[row]!;
    outValues[length++] = values[row]!;
  }
  return rows({ times: outTimes, values: outValues }, 0, length);
}

/** What of one series is in the log but in no chunk yet, in commit order. Memory: 16 to 32 bytes a row. */
export class Head {
  #times: Float64Array = EMPTY;
  #values: Float64Array = EMPTY;
  #length = 0;
  #pushed = 0;
  #sorted = true;

  /** Rows; one time may be there twice until they are asked for. */
  get length(): number {
    return this.#length;
  }

  /** Points that came in since it was cleared, those that replaced another one too. */
  get pushed(): number {
    return this.#pushed;
  }

  /** O(1) amortised. */
  push(time: number, value: number): void {
    const row = this.#length;
    this.#pushed++;
    if (row > 0) {
      const last = this.#times[row - 1]!;
      if (time === last) {
        this.#values[row - 1] = value;
        return;
      }
      if (time < last) this.#sorted = false;
    }
    if (row === this.#times.length) {
      this.#times = grown(this.#times);
      this.#values = grown(this.#values);
    }
    this.#times[row] = time;
    this.#values[row] = value;
    this.#length = row + 1;
  }

  /** Sorted, of equal times the last. Views that are good until the next `push`. */
  samples(): Samples {
    const samples = rows({ times: this.#times, values: this.#values }, 0, this.#length);
    if (this.#sorted) return samples;
    const { times, values } = sorted(samples);
    this.#times.set(times);
    this.#values.set(values);
    this.#length = times.length;
    this.#sorted = true;
    return rows(samples, 0, times.length);
  }

  clear(): void {
    if (this.#times.length > KEPT) {
      this.#times = EMPTY;
      this.#values = EMPTY;
    }
    this.#length = 0;
    this.#pushed = 0;
    this.#sorted = true;
  }
}
