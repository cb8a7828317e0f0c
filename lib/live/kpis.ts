import { createHash } from "node:crypto";
import { VigiaError } from "../points/error.ts";
import { seriesFilter } from "../points/pattern.ts";
import { formatSeries, type SeriesRef, seriesKey } from "../points/series.ts";
import { Ring, type RingBudget } from "./ring.ts";

/** A KPI that the page can show. */
export interface Kpi {
  /** Short, safe in a URL, and the same after a restart. */
  readonly id: string;
  ref: SeriesRef;
  /** Key of the KPI that this one was computed from, as its tags tell; `undefined`: it was measured. */
  readonly source: string | undefined;
  /** Its newest points; absent while it is known from the store only. */
  ring?: Ring;
}

/** KPIs that a page shows at first: what a person can take in at once. */
const AT_FIRST = 12;

/** `core 2` before `core 10`. */
const byName = new Intl.Collator("en", { numeric: true }).compare;

/** 60 bits of SHA-1: among 10 000 KPIs two share an id once in 20 billion gateways. */
const idOf = (key: string) => createHash("sha1").update(key).digest("base64url").slice(0, 10);

function sourceOf({ series, tags }: SeriesRef): string | undefined {
  if (tags?.agg === undefined && tags?.window === undefined) return undefined;
  const { agg: _agg, window: _window, ...own } = tags;
  return seriesKey(series, own);
}

/** By name, and what was computed right after what it was computed from. */
function inOrder(a: Kpi, b: Kpi): number {
  return (
    byName(a.source ?? a.ref.key, b.source ?? b.ref.key) ||
    Number(a.source !== undefined) - Number(b.source !== undefined) ||
    byName(a.ref.key, b.ref.key)
  );
}

/** All KPIs that are known, streaming or stored. */
export class Kpis {
  readonly #byKey = new Map<string, Kpi>();
  readonly #byId = new Map<string, Kpi>();
  readonly #defaults: readonly ((ref: SeriesRef) => boolean)[];
  readonly #maxSeries: number;
  readonly #budget: RingBudget;
  #sorted: Kpi[] | undefined;
  #streaming = 0;

  /** @throws VigiaError `bad-pattern` naming `kpis` */
  constructor(patterns: readonly string[], maxSeries: number, budget: RingBudget) {
    this.#defaults = patterns.map((series) => seriesFilter({ series }, "kpis"));
    this.#maxSeries = maxSeries;
    this.#budget = budget;
  }

  /** KPIs that have come by. */
  get streaming(): number {
    return this.#streaming;
  }

  /** The one whose points come by. O(1). @throws VigiaError `too-many-series` */
  live(ref: SeriesRef): Kpi & { ring: Ring } {
    const known = this.#byKey.get(ref.key);
    if (!known?.ring && this.#streaming >= this.#maxSeries) {
      throw new VigiaError("too-many-series", {
        field: "series",
        value: formatSeries(ref),
        allowed: `${this.#maxSeries} KPIs (the setting maxSeries)`,
      });
    }
    const kpi = known ?? this.#add(ref);
    if (ref.unit !== undefined && ref.unit !== kpi.ref.unit) kpi.ref = ref;
    if (!kpi.ring) {
      kpi.ring = new Ring(this.#budget);
      this.#streaming++;
    }
    return kpi as Kpi & { ring: Ring };
  }

  stored(ref: SeriesRef): void {
    if (!this.#byKey.has(ref.key)) this.#add(ref);
  }

  get(id: string): Kpi | undefined {
    return this.#byId.get(id);
  }

  /** In the order people expect. O(n log n) when KPIs were added since the last time. */
  all(): readonly Kpi[] {
    this.#sorted ??= [...this.#byKey.values()].sort(inOrder);
    return this.#sorted;
  }

  /**
   * What a page shows that was told nothing: what fits the patterns, in their order; without patterns what streams.
   * What was measured comes first, and what was computed from it waits until somebody picks it. O(n).
   */
  byDefault(): readonly Kpi[] {
    const all = this.all();
    const fitting =
      this.#defaults.length > 0
        ? [...new Set(this.#defaults.flatMap((fits) => all.filter(({ ref }) => fits(ref))))]
        : this.#streaming > 0
          ? all.filter(({ ring }) => ring)
          : all;
    const measured = fitting.filter(({ source }) => source === undefined);
    const alone = fitting.filter((kpi) => kpi.source !== undefined && !this.#hasSource(kpi));
    return [...measured, ...alone].slice(0, AT_FIRST);
  }

  /** Every word of `text` is somewhere in the name or the tags, in any case. */
  search(text: string): readonly Kpi[] {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return this.all();
    return this.all().filter(({ ref }) => {
      const name = formatSeries(ref).toLowerCase();
      return words.every((word) => name.includes(word));
    });
  }

  /** What it was computed from is here, and not staler than itself. */
  #hasSource({ source, ring }: Kpi): boolean {
    const found = source === undefined ? undefined : this.#byKey.get(source);
    return found !== undefined && (found.ring !== undefined || ring === undefined);
  }

  #add(ref: SeriesRef): Kpi {
    const kpi: Kpi = { id: idOf(ref.key), ref, source: sourceOf(ref) };
    this.#byKey.set(ref.key, kpi);
    this.#byId.set(kpi.id, kpi);
    this.#sorted = undefined;
    return kpi;
  }
}
