/** What aggregates need to know of some values without reading them; `null` where there is none, or no number. */
export interface Summary {
  /** Values that are no gaps. */
  filled: number;
  low: number | null;
  high: number | null;
  total: number | null;
}

const numberOrNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** O(n). Infinities of both signs have no sum. */
export function summaryOf(values: Float64Array): Summary {
  let filled = 0;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let total = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    filled++;
    total += value;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (filled === 0) return { filled, low: null, high: null, total: null };
  return { filled, low, high, total: numberOrNull(total) };
}
