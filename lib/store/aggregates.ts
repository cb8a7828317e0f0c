import { VigiaError } from "../points/error.ts";

/** Aggregates by name; `p95`, `p99.9`, … are percentiles. */
export const NAMES = ["mean", "min", "max", "sum", "count", "first", "last"] as const;
const PERCENTILE = /^p(\d{1,2}(?:\.\d+)?|100)$/;

export type Aggregate = (typeof NAMES)[number] | `p${number}`;

export const AGGREGATES = `${NAMES.join(", ")}, p50, p95, p99.9, …`;

export function isAggregate(name: unknown): name is Aggregate {
  return typeof name === "string" && (NAMES.includes(name as never) || PERCENTILE.test(name));
}

/** The percent of a percentile; `undefined` of every other aggregate. */
export const percentOf = (name: string): number | undefined => {
  const found = PERCENTILE.exec(name);
  return found ? Number(found[1]) : undefined;
};

const MOST_BUCKETS = 5_000_000;

/** @throws VigiaError `bad-query` when an answer would have too many rows */
export function checkBuckets(n: number): void {
  if (n <= MOST_BUCKETS) return;
  const allowed = `at most ${MOST_BUCKETS}: fewer series, a shorter range or longer buckets`;
  throw new VigiaError("bad-query", { field: "buckets of all series", value: n, allowed });
}
