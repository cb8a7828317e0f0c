import type { Clock } from "../points/clock.ts";
import { asVigiaError } from "../points/error.ts";
import type { SeriesRef } from "../points/series.ts";
import { DEFAULT_MAX_SERIES } from "../state/keyed-state.ts";
import { clip, join, lowerBound, rows, type Samples } from "../store/samples.ts";
import { thin } from "../store/thin.ts";
import type { Store } from "../store/types.ts";
import { type Kpi, Kpis } from "./kpis.ts";
import type { Packet } from "./packet.ts";
import type { ListRequest, PointsRequest, StreamRequest } from "./request.ts";
import type { RingLimits } from "./ring.ts";
import { type Sink, Viewer } from "./viewer.ts";
import type { HelloEvent, ListedKpi, Listing } from "./wire.ts";

export interface FeedOptions {
  /** History. Without it the page shows what came by since the start, as far as memory goes. */
  store?: Store | undefined;
  /** Patterns of what a page shows that was told nothing. Default: what streams. */
  kpis?: readonly string[];
  /** Most KPIs that stream. Default 10 000. */
  maxSeries?: number;
  memory?: Partial<RingLimits>;
  /** Called when a KPI or a viewer came or went. */
  onChange?: () => void;
}

const BATCH_EVERY = 100;
const BEAT_EVERY = 10_000;
const CATALOG_EVERY = 5_000;
const EMPTY: Samples = { times: new Float64Array(0), values: new Float64Array(0) };

/** What a live page shows: the newest points of all KPIs that come by, and the store behind them. */
export class Feed {
  readonly #clock: Clock;
  readonly #store: Store | undefined;
  readonly #kpis: Kpis;
  readonly #onChange: () => void;
  readonly #viewers = new Set<Viewer>();
  /** Tells numbers of this feed from those of the one before a restart. */
  readonly #epoch: string;
  #number = 0;
  #cancelBatch: (() => void) | undefined;
  #cancelBeat: (() => void) | undefined;
  #catalog: { at: number; done: Promise<unknown> } | undefined;
  #warning: string | undefined;

  /** @throws VigiaError `bad-pattern` naming `kpis` */
  constructor(clock: Clock, { store, kpis = [], maxSeries = DEFAULT_MAX_SERIES, memory, onChange }: FeedOptions = {}) {
    const { perSeries = 4096, total = 500_000 } = memory ?? {};
    this.#clock = clock;
    this.#store = store;
    this.#kpis = new Kpis(kpis, maxSeries, { perSeries, left: total });
    this.#onChange = onChange ?? (() => {});
    this.#epoch = clock.now().toString(36);
  }

  /** KPIs that have come by. */
  get series(): number {
    return this.#kpis.streaming;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** One point; `value` NaN is a gap. O(1). @throws VigiaError `too-many-series` */
  add(ref: SeriesRef, time: number, value: number): void {
    const before = this.#kpis.streaming;
    this.#kpis.live(ref).ring.push(time, value, ++this.#number);
    if (this.#viewers.size > 0) this.#batchSoon();
    if (this.#kpis.streaming !== before) this.#onChange();
  }

  async list(request: ListRequest): Promise<Listing> {
    await this.#readCatalog();
    const { ids, search, limit } = request;
    const fitting = ids
      ? ids.flatMap((id) => this.#kpis.get(id) ?? [])
      : search === undefined
        ? this.#kpis.byDefault()
        : this.#kpis.search(search);
    const page = fitting.slice(0, limit);
    const kpis = await this.#listed(page);
    const listing: Listing = {
      now: this.#clock.now(),
      total: this.#kpis.all().length,
      matched: fitting.length,
      history: this.#store !== undefined,
      kpis,
    };
    if (this.#warning !== undefined) listing.warning = this.#warning;
    return listing;
  }

  /** A window of each KPI, thinned: what is stored, then what came by and is not stored (yet). */
  async points({ from, to, buckets, ids }: PointsRequest): Promise<Packet> {
    if (ids.some((id) => !this.#kpis.get(id))) await this.#readCatalog();
    const kpis = ids.flatMap((id) => this.#kpis.get(id) ?? []);
    const stored = await this.#stored(kpis, { from, to, buckets });
    const series = kpis.map(({ id, ref, ring }) => {
      const old = stored.get(ref.key) ?? EMPTY;
      if (!ring) return { id, ...old };
      const recent = clip(ring.samples(), from, to);
      const newest = old.times.at(-1) ?? -Infinity;
      const unstored = rows(recent, lowerBound(recent.times, newest + 1), recent.times.length);
      return { id, ...join([old, thin(unstored, from, to, buckets)]) };
    });
    const packet: Packet = { from, to, buckets, now: this.#clock.now(), series };
    if (this.#warning !== undefined) packet.warning = this.#warning;
    return packet;
  }

  /** Sends events from now on, or from event `after` on. Returns how to stop. */
  open({ ids, after }: StreamRequest, sink: Sink): () => void {
    const [epoch, number] = after.split("-");
    const resumed = epoch === this.#epoch && Number(number) <= this.#number;
    const viewer = new Viewer(sink, this.#kpis, ids, resumed ? Number(number) : this.#number);
    const now = this.#clock.now();
    // The page counts on what it got up to this id, so a resumed one keeps its own until the rest is sent.
    const hello: HelloEvent = { now, resumed, beat: BEAT_EVERY };
    viewer.event("hello", resumed ? after : this.#eventId(), hello);
    this.#viewers.add(viewer);
    if (resumed) this.#batchSoon();
    if (!this.#cancelBeat) this.#beatLater();
    this.#onChange();
    return () => {
      if (!this.#viewers.delete(viewer)) return;
      if (this.#viewers.size === 0) this.#rest();
      this.#onChange();
    };
  }

  close(): void {
    for (const viewer of this.#viewers) viewer.end();
    this.#viewers.clear();
    this.#rest();
  }

  #rest(): void {
    this.#cancelBatch?.();
    this.#cancelBeat?.();
    this.#cancelBatch = this.#cancelBeat = undefined;
  }

  #eventId(): string {
    return `${this.#epoch}-${this.#number}`;
  }

  #batchSoon(): void {
    this.#cancelBatch ??= this.#clock.after(BATCH_EVERY, () => {
      this.#cancelBatch = undefined;
      const now = this.#clock.now();
      let waiting = false;
      for (const viewer of this.#viewers) if (!viewer.pump(this.#number, this.#eventId(), now)) waiting = true;
      if (waiting) this.#batchSoon();
    });
  }

  #beatLater(): void {
    this.#cancelBeat = this.#clock.after(BEAT_EVERY, () => {
      for (const viewer of this.#viewers) viewer.event("beat", "", { now: this.#clock.now() });
      this.#beatLater();
    });
  }

  /** Learns which KPIs the store has, at most every 5 s. */
  async #readCatalog(): Promise<void> {
    const store = this.#store;
    if (!store) return;
    const now = this.#clock.now();
    if (!this.#catalog || now - this.#catalog.at >= CATALOG_EVERY) {
      const done = this.#ask(async () => {
        for (const info of await store.list({})) this.#kpis.stored(info);
      });
      this.#catalog = { at: now, done };
    }
    await this.#catalog.done;
  }

  /** The page lives on what it has when the store does not answer; its reader is told. */
  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await question();
      this.#warning = undefined;
      return answer;
    } catch (thrown) {
      // The code only: the message may name a file, and the page may be open to anybody.
      this.#warning = asVigiaError(thrown, "store-failed").code;
      return undefined;
    }
  }

  async #stored(
    kpis: readonly Kpi[],
    { from, to, buckets }: Omit<PointsRequest, "ids">,
  ): Promise<ReadonlyMap<string, Samples>> {
    const out = new Map<string, Samples>();
    const store = this.#store;
    if (!store || kpis.length === 0) return out;
    const frame = await this.#ask(() => store.thin({ keys: kpis.map(({ ref }) => ref.key), from, to, buckets }));
    for (let start = 0; frame && start < frame.length; ) {
      const slot = frame.index[start]!;
      let end = start + 1;
      while (end < frame.length && frame.index[end] === slot) end++;
      out.set(frame.dictionary[slot]!.key, rows(frame, start, end));
      start = end;
    }
    return out;
  }

  async #listed(kpis: readonly Kpi[]): Promise<ListedKpi[]> {
    const store = this.#store;
    const silent = kpis.filter(({ ring }) => !ring).map(({ ref }) => ref.key);
    const frame = store && silent.length > 0 ? await this.#ask(() => store.last({ keys: silent })) : undefined;
    const last = new Map<string, { time: number; value: number }>();
    for (let row = 0; frame && row < frame.length; row++) {
      last.set(frame.ref(row).key, { time: frame.times[row]!, value: frame.values[row]! });
    }
    return kpis.map(({ id, ref, ring }) => {
      const newest = ring ? { time: ring.lastTime, value: ring.lastValue } : last.get(ref.key);
      const listed: ListedKpi = {
        id,
        series: ref.series,
        time: newest?.time ?? null,
        value: newest && Number.isFinite(newest.value) ? newest.value : null,
      };
      if (ref.tags) listed.tags = ref.tags;
      if (ref.unit !== undefined) listed.unit = ref.unit;
      return listed;
    });
  }
}
