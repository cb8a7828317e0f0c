import { VigiaError } from "./error.ts";

export type Tags = Readonly<Record<string, string>>;

/** Who a point belongs to. `key` is its identity: the series and its sorted tags. */
export interface SeriesRef {
  readonly key: string;
  /** Path-like name: `plant-3/compressor-a/temperature`. */
  readonly series: string;
  readonly tags?: Tags;
  /** Unit of the values. Not part of the identity: the last one told wins. */
  readonly unit?: string;
}

const MAX_NAME = 512;
// Half a surrogate pair has no UTF-8: two such names would be one in every file.
const FORBIDDEN = /[\u0000-\u001f\u007f\p{Cs}]/u;

function checkText(text: unknown, field: string, code: string): asserts text is string {
  if (typeof text !== "string" || text === "" || text.length > MAX_NAME || FORBIDDEN.test(text)) {
    throw new VigiaError(code, {
      field,
      value: text,
      allowed: `a text of 1 to ${MAX_NAME} characters without control characters and half surrogate pairs`,
    });
  }
}

/** @throws VigiaError `bad-series` */
export function checkSeries(series: unknown, field: string): asserts series is string {
  checkText(series, field, "bad-series");
}

/**
 * Sorted, frozen tags; `undefined` when there are none. Numbers and booleans become text, empty values are absent.
 * @throws VigiaError `bad-tags`
 */
export function normalizeTags(tags: unknown, field: string): Tags | undefined {
  if (tags === undefined || tags === null) return undefined;
  if (typeof tags !== "object" || Object.prototype.toString.call(tags) !== "[object Object]") {
    throw new VigiaError("bad-tags", { field, value: tags, allowed: 'an object of texts, such as {"site":"madrid"}' });
  }
  const out: Record<string, string> = Object.create(null);
  let n = 0;
  for (const name of Object.keys(tags).sort()) {
    let value: unknown = (tags as Record<string, unknown>)[name];
    if (value === undefined || value === null || value === "") continue;
    if (typeof value === "number" || typeof value === "boolean") value = String(value);
    checkText(name, `${field} (a name)`, "bad-tags");
    checkText(value, `${field}.${name}`, "bad-tags");
    out[name] = value;
    n++;
  }
  // A plain prototype again: null-prototype objects surprise users in function nodes.
  return n === 0 ? undefined : Object.freeze({ ...out });
}

/** Identity of a series: names and values hold no control characters, so these separators cannot collide. */
export function seriesKey(series: string, tags?: Tags): string {
  if (tags === undefined) return series;
  let key = series;
  for (const name of Object.keys(tags).sort()) key += `\u0001${name}\u0002${tags[name]}`;
  return key;
}

/** @throws VigiaError `bad-series`, `bad-tags`, `bad-unit` */
export function seriesRef(series: unknown, tags?: unknown, unit?: unknown, field = "msg"): SeriesRef {
  checkSeries(series, `${field}.series`);
  const sorted = normalizeTags(tags, `${field}.tags`);
  const ref: { key: string; series: string; tags?: Tags; unit?: string } = { key: seriesKey(series, sorted), series };
  if (sorted) ref.tags = sorted;
  if (unit !== undefined && unit !== null && unit !== "") {
    checkText(unit, `${field}.unit`, "bad-unit");
    ref.unit = unit;
  }
  return Object.freeze(ref);
}

/** Who an aggregate belongs to: the same series with tags that say what it is, so that it never overwrites its source. */
export function aggregateRef(ref: SeriesRef, name: string, window: string, unitless: boolean): SeriesRef {
  // Tags of the same names (a window of windows) go on inside `agg`, else two series would become one result.
  const from = [ref.tags?.agg, ref.tags?.window].filter((tag) => tag !== undefined).join(" ");
  const agg = from === "" ? name : `${name}(${from})`;
  return seriesRef(ref.series, { ...ref.tags, agg, window }, unitless ? undefined : ref.unit);
}

/** For people: `series{site="madrid"}`. */
export function formatSeries(ref: Pick<SeriesRef, "series" | "tags">): string {
  if (!ref.tags) return ref.series;
  const tags = Object.entries(ref.tags).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${ref.series}{${tags.join(",")}}`;
}

/**
 * One `SeriesRef` object an identity, so that hot paths compare and hash by reference.
 * A cache: it forgets everything past `limit` and starts anew. O(1) a look-up without tags or with a frozen tags object
 * that was seen before; else O(tags).
 */
export class SeriesTable {
  readonly #refs = new Map<string, SeriesRef>();
  /** By tags object: only frozen ones, what stands in others may change. */
  #byTags = new WeakMap<object, Map<string, SeriesRef>>();
  readonly #limit: number;

  constructor(limit = 100_000) {
    this.#limit = limit;
  }

  /** @throws VigiaError as `seriesRef` */
  ref(series: unknown, tags?: unknown, unit?: unknown, field = "msg"): SeriesRef {
    if (typeof series === "string") {
      const known = this.#known(series, tags);
      if (known !== undefined && (unit === undefined || unit === known.unit)) return known;
    }
    const ref = this.#intern(seriesRef(series, tags, unit, field));
    if (typeof tags === "object" && tags !== null && Object.isFrozen(tags)) {
      const known = this.#byTags.get(tags);
      if (known) known.set(ref.series, ref);
      else this.#byTags.set(tags, new Map([[ref.series, ref]]));
    }
    return ref;
  }

  /** One that was made before for the same names, found without the checks that it passed then. */
  #known(series: string, tags: unknown): SeriesRef | undefined {
    if (tags === undefined) {
      const known = this.#refs.get(series);
      return known?.series === series ? known : undefined;
    }
    if (typeof tags !== "object" || tags === null || Array.isArray(tags)) return undefined;
    const same = this.#byTags.get(tags)?.get(series);
    if (same !== undefined) return same;
    const given = tags as Record<string, unknown>;
    const names = Object.keys(given);
    if (names.length > 1) names.sort();
    let key = series;
    for (const name of names) {
      // Anything else is for the checks to judge, and may not even have a text.
      if (typeof given[name] !== "string") return undefined;
      key += `\u0001${name}\u0002${given[name]}`;
    }
    const known = this.#refs.get(key);
    // The key alone is not proof: unchecked names may hold the separators.
    if (known?.series !== series || known.tags === undefined) return undefined;
    for (const name of names) if (known.tags[name] !== given[name]) return undefined;
    return known;
  }

  #intern(made: SeriesRef): SeriesRef {
    const known = this.#refs.get(made.key);
    if (known !== undefined && (made.unit === undefined || made.unit === known.unit)) return known;
    if (this.#refs.size >= this.#limit) {
      this.#refs.clear();
      this.#byTags = new WeakMap();
    }
    this.#refs.set(made.key, made);
    return made;
  }
}
