import { show, VigiaError } from "../points/error.ts";
import { MOST_SHOWN } from "./wire.ts";

const MAX_BUCKETS = 4000;
const MAX_LISTED = 1000;
const MAX_SEARCH = 200;
/** The largest time of JavaScript's calendar, ms. */
const LATEST = 8.64e15;
const ID = /^[\w-]{10}$/;

const complain = (field: string, value: string | null, allowed: string) =>
  // A query may be long and goes back into the reply: cut it.
  new VigiaError("bad-query", { field, value: value === null ? "absent" : show(value).slice(1, -1), allowed });

function integer(query: URLSearchParams, field: string, min: number, max: number, fallback?: number): number {
  const text = query.get(field);
  if (text === null && fallback !== undefined) return fallback;
  const value = text !== null && /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw complain(field, text, `a whole number from ${min} to ${max}`);
}

function ids(query: URLSearchParams): string[] {
  const text = query.get("keys");
  const list = text ? [...new Set(text.split(","))] : [];
  if (list.length > 0 && list.length <= MOST_SHOWN && list.every((id) => ID.test(id))) return list;
  throw complain("keys", text, `1 to ${MOST_SHOWN} ids of KPIs (as "kpis" lists them) with commas between`);
}

export interface PointsRequest {
  /** ms, both inclusive. */
  from: number;
  to: number;
  buckets: number;
  ids: string[];
}

/** @throws VigiaError `bad-query`; as all that follow */
export function readPointsRequest(query: URLSearchParams): PointsRequest {
  const from = integer(query, "from", 0, LATEST);
  const to = integer(query, "to", 0, LATEST);
  if (to <= from) throw complain("to", query.get("to"), `milliseconds since 1970, later than from (${from})`);
  return { from, to, buckets: integer(query, "buckets", 1, MAX_BUCKETS), ids: ids(query) };
}

export interface ListRequest {
  limit: number;
  /** What to list: these, those that fit a text, or those shown by default. */
  ids?: string[];
  search?: string;
}

export function readListRequest(query: URLSearchParams): ListRequest {
  const limit = integer(query, "limit", 1, MAX_LISTED, 200);
  if (query.has("keys")) return { limit, ids: ids(query) };
  const search = query.get("search");
  if (search === null) return { limit };
  if (search.length > MAX_SEARCH) throw complain("search", search, `a text of up to ${MAX_SEARCH} characters`);
  return { limit, search };
}

export interface StreamRequest {
  ids: string[];
  /** Id of the last event that the page has; empty: it starts now. */
  after: string;
}

/** A browser's own reconnect tells the last event in a header, which is newer than the one in its address. */
export function readStreamRequest(query: URLSearchParams, lastEventId: string | undefined): StreamRequest {
  const after = lastEventId ?? query.get("after") ?? "";
  if (!/^(?:[a-z0-9]{1,12}-\d{1,16})?$/.test(after))
    throw complain("after", after, "the id of an event of this stream");
  return { ids: ids(query), after };
}
