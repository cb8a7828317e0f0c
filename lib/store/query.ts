import { VigiaError } from "../points/error.ts";
import { AGGREGATES, isAggregate } from "./aggregates.ts";
import type { Range } from "./chunks.ts";
import type { AggregateQuery, RangeQuery, ThinQuery } from "./types.ts";

/** @throws VigiaError `code` naming `field` unless `value` is a whole number of at least `least`. */
export function checkCount(value: unknown, field: string, least: number, code = "bad-query"): asserts value is number {
  if (Number.isInteger(value) && (value as number) >= least) return;
  throw new VigiaError(code, { field, value, allowed: `a whole number of at least ${least}` });
}

function checkTime(value: unknown, field: string): asserts value is number {
  if (typeof value === "number" && !Number.isNaN(value)) return;
  throw new VigiaError("bad-query", { field, value, allowed: "milliseconds since 1970" });
}

/** The range of a query with its defaults. @throws VigiaError `bad-query` */
export function readRange({ from = -Infinity, to = Infinity, limit, take = "oldest" }: RangeQuery): Range {
  checkTime(from, "from");
  checkTime(to, "to");
  if (limit !== undefined) checkCount(limit, "limit", 1);
  if (take !== "oldest" && take !== "newest") {
    throw new VigiaError("bad-query", { field: "take", value: take, allowed: '"oldest" or "newest"' });
  }
  return { from, to, limit: limit ?? Infinity, newest: take === "newest" };
}

/** As `readRange`, where both ends must be given. @throws VigiaError `bad-query` */
export function readThinRange(query: ThinQuery): Range {
  checkCount(query.buckets, "buckets", 1);
  const range = readRange(query);
  for (const end of ["from", "to"] as const) {
    if (!Number.isFinite(range[end])) {
      throw new VigiaError("bad-query", {
        field: end,
        value: query[end],
        allowed: "a time, ms: buckets need both ends",
      });
    }
  }
  return range;
}

/** The edges of the buckets. @throws VigiaError `bad-query` */
export function checkAggregate({ edges, aggregates }: AggregateQuery): Float64Array {
  const checked = Float64Array.from(edges);
  const ascending = checked.every((edge, at) => Number.isInteger(edge) && (at === 0 || edge > checked[at - 1]!));
  if (checked.length < 2 || !ascending) {
    const allowed = "at least two ascending times, whole ms: the beginnings of the buckets, and the end of the last";
    throw new VigiaError("bad-query", { field: "edges", value: edges, allowed });
  }
  if (!Array.isArray(aggregates) || aggregates.length === 0) {
    throw new VigiaError("bad-query", { field: "aggregates", value: aggregates, allowed: `a list of ${AGGREGATES}` });
  }
  for (const name of aggregates) {
    if (isAggregate(name)) continue;
    throw new VigiaError("bad-query", { field: "aggregates", value: name, allowed: AGGREGATES });
  }
  return checked;
}
