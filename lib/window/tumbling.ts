import { formatDuration } from "../points/duration.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import type { Frame } from "../points/frame.ts";
import { aggregateRef, type SeriesRef } from "../points/series.ts";
import type { Progress } from "../state/catch-up.ts";
import { type Json, KeyedState, type RecordKind } from "../state/keyed-state.ts";
import {
  type Accumulator,
  type AggregateName,
  accumulate,
  conclude,
  isUnitless,
  type Needs,
  needsOf,
  newAccumulator,
} from "./aggregate.ts";

export interface TumblingOptions {
  /** Length of a window, ms. Windows start at multiples of it since 1970, UTC. */
  every: number;
  /** How long a window waits for stragglers, ms of event time. */
  lateness: number;
  aggregates: readonly AggregateName[];
  /** Which end of the window a result carries as its time. Default `start`. */
  stamp?: "start" | "end";
  maxSeries?: number;
}

/** A finished aggregate: a new point, in the shape of `FrameBuilder.add`. NaN is a gap. */
export type Emit = (ref: SeriesRef, time: number, value: number) => void;

interface SeriesWindows {
  /** Highest event time of this series. */
  latest: number;
  /** The stream's highest event time when this series' newest point came. */
  streamThen: number;
  /** Windows that start before this are finished. */
  closed: number;
  /** Commit of the newest point that came with one. */
  seq: number;
  /** Open windows by start; nearly always one or two. */
  open: Accumulator[];
  /** Identities of the results, made at the first one. */
  results?: SeriesRef[];
}

const FIELDS = ["start", "count", "gaps", "mean", "m2", "sum", "lost"] as const;
const EXTREMES = ["min", "max", "firstTime", "first", "lastTime", "last", "origin"] as const;

// JSON has no infinities, and a KPI may have.
const toJson = (n: number): Json => (Number.isFinite(n) ? n : String(n));
const fromJson = (n: Json | undefined): number => Number(n);

const kind: RecordKind<SeriesWindows> = {
  version: 1,
  create: () => ({
    latest: Number.NEGATIVE_INFINITY,
    streamThen: Number.NEGATIVE_INFINITY,
    closed: Number.NEGATIVE_INFINITY,
    seq: 0,
    open: [],
  }),
  save: ({ latest, streamThen, closed, seq, open }) => ({
    own: [latest, streamThen, closed, seq].map(toJson),
    open: open.map((window) => ({
      numbers: [...FIELDS, ...EXTREMES].map((field) => toJson(window[field])),
      ...(window.values ? { values: window.values.map(toJson) } : {}),
    })),
  }),
  load: (data) => {
    const saved = data as { own: Json[]; open: { numbers: Json[]; values?: Json[] }[] };
    const [latest, streamThen, closed, seq] = saved.own.map(fromJson) as [number, number, number, number];
    const open = saved.open.map(({ numbers, values }) => {
      const window = newAccumulator(0, values !== undefined);
      for (const [i, field] of [...FIELDS, ...EXTREMES].entries()) window[field] = fromJson(numbers[i] ?? 0);
      if (values) window.values = values.map(fromJson);
      return window;
    });
    return { latest, streamThen, closed, seq, open };
  },
  idle: ({ open }) => open.length === 0,
};

/** The stream is looked over for silent series this many times a window. */
const SWEEPS = 16;

/**
 * Event-time tumbling windows of many series.
 *
 * A window closes when the series' own clock passes its end and `lateness`. That clock is the highest event time of
 * the series, moved on by what the whole stream has moved since the series' last point: so a silent series is closed
 * by the others, and a series that is a week behind (back-fill beside live data) is neither late nor cut off by them.
 * Nothing here looks at a wall clock: the same points in the same order give the same results at any speed.
 *
 * Cost: O(1) a point and O(open windows) sixteen times a window; about 250 bytes a series, more with percentiles.
 */
export class TumblingWindows {
  readonly state: KeyedState<SeriesWindows>;
  /** Points that came after their window had closed. */
  late = 0;
  readonly #every: number;
  readonly #lateness: number;
  readonly #aggregates: readonly AggregateName[];
  readonly #atEnd: boolean;
  readonly #needs: Needs;
  readonly #grain: number;
  readonly #label: string;
  readonly #settings: string;
  #stream = Number.NEGATIVE_INFINITY;
  #sweepAt = Number.POSITIVE_INFINITY;

  constructor({ every, lateness, aggregates, stamp = "start", maxSeries }: TumblingOptions) {
    this.#every = every;
    this.#lateness = lateness;
    this.#aggregates = aggregates;
    this.#atEnd = stamp === "end";
    this.#needs = needsOf(aggregates);
    this.#label = formatDuration(every);
    this.#settings = [this.#label, ...[...aggregates].sort()].join(" ");
    this.#grain = Math.max(1, every / SWEEPS);
    this.state = new KeyedState(kind, maxSeries);
  }

  get openWindows(): number {
    let n = 0;
    for (const [, { open }] of this.state.entries()) n += open.length;
    return n;
  }

  /**
   * Takes one point; finished windows go to `emit`. `seq` is the store's commit of the point, when it has one.
   * Returns false when the point is late: its window is closed.
   * @throws VigiaError `too-many-series`
   */
  add(ref: SeriesRef, time: number, value: number, emit: Emit, seq = 0): boolean {
    return this.#take(ref, this.#own(ref), time, value, emit, seq);
  }

  /**
   * Takes all rows of a frame; `onLate` is told the rows that were late. Rows of series that cannot be taken are left
   * out and the first such error is returned. A series is looked up once a frame.
   */
  addFrame(frame: Frame, emit: Emit, seq: number, onLate: (row: number) => void): VigiaError | undefined {
    const { dictionary, index, times, values } = frame;
    const known = new Array<SeriesWindows | null | undefined>(dictionary.length);
    let error: VigiaError | undefined;
    for (let row = 0; row < index.length; row++) {
      const slot = index[row]!;
      let own = known[slot];
      if (own === undefined) {
        try {
          own = this.#own(dictionary[slot]!);
        } catch (thrown) {
          error ??= asVigiaError(thrown);
          own = null;
        }
        known[slot] = own;
      }
      if (own !== null && !this.#take(dictionary[slot]!, own, times[row]!, values[row]!, emit, seq)) onLate(row);
    }
    return error;
  }

  #own(ref: SeriesRef): SeriesWindows {
    if (ref.tags?.window === this.#label) {
      throw new VigiaError("window-loop", {
        field: `series ${ref.series}`,
        value: ref.tags,
        allowed: "points that are not results of a window of the same length (is its output wired back to it?)",
      });
    }
    return this.state.get(ref);
  }

  #take(ref: SeriesRef, own: SeriesWindows, time: number, value: number, emit: Emit, seq: number): boolean {
    if (seq > own.seq) own.seq = seq;
    const start = Math.floor(time / this.#every) * this.#every;
    const { open } = own;
    const before = open.length;
    // Its window may be over without ever having been opened: then one straggler must not make a window of its own.
    const onTime = start >= own.closed && start + this.#every + this.#lateness > own.latest;
    if (onTime) accumulate(this.#window(own, start), time, value, this.#needs);
    else this.late++;
    // A series that keeps up with the stream has its sweep planned since its window opened.
    let plan = open.length !== before || own.streamThen !== own.latest;
    if (time > own.latest) own.latest = time;
    if (time > this.#stream) this.#stream = time;
    own.streamThen = this.#stream;
    plan ||= this.#stream !== own.latest;
    if (open.length > 0) {
      const due = open[0]!.start + this.#every + this.#lateness;
      if (own.latest >= due && this.#close(ref, own, own.latest, emit)) plan = true;
      if (plan && open.length > 0) this.#planSweep(own);
    }
    if (this.#stream >= this.#sweepAt) this.#sweep(emit);
    return onTime;
  }

  /** Closes all open windows, also those that are not over. */
  flush(emit: Emit): void {
    for (const [ref, own] of this.state.entries()) {
      if (this.#close(ref, own, Number.POSITIVE_INFINITY, emit)) this.state.get(ref);
    }
    this.#sweepAt = Number.POSITIVE_INFINITY;
  }

  /** Forgets these series, or all of them. */
  reset(keys?: Iterable<string>): number {
    return this.state.drop(keys);
  }

  /** To be called before the state is saved. */
  beforeSave(): void {
    this.state.shared = { stream: toJson(this.#stream), late: this.late, settings: this.#settings };
  }

  /**
   * To be called after the state was restored. Open windows of another length or for other aggregates are dropped:
   * half of what they would need was not kept. Returns false then.
   */
  afterRestore(): boolean {
    const shared = this.state.shared as { stream?: Json; late?: number; settings?: string } | undefined;
    const same = shared?.settings === this.#settings;
    if (!same) this.state.drop();
    this.#stream = shared?.stream === undefined ? Number.NEGATIVE_INFINITY : fromJson(shared.stream);
    this.late = shared?.late ?? 0;
    this.#sweepAt = Number.POSITIVE_INFINITY;
    for (const [, own] of this.state.entries()) if (own.open.length > 0) this.#planSweep(own);
    return same;
  }

  /** How far a series has come, for `missingRows`. */
  progress(key: string): Progress | undefined {
    return this.state.peek(key);
  }

  #window(own: SeriesWindows, start: number): Accumulator {
    const { open } = own;
    for (let i = open.length - 1; i >= 0; i--) if (open[i]!.start === start) return open[i]!;
    const made = newAccumulator(start, this.#needs.values);
    open.push(made);
    if (open.length > 1 && open[open.length - 2]!.start > start) open.sort((a, b) => a.start - b.start);
    return made;
  }

  /** The stream's time at which the first open window of a silent series is over; rounded up to spare sweeps. */
  #planSweep(own: SeriesWindows): void {
    const due = own.open[0]!.start + this.#every + this.#lateness - own.latest + own.streamThen;
    const at = Math.ceil(due / this.#grain) * this.#grain;
    if (at < this.#sweepAt) this.#sweepAt = at;
  }

  #sweep(emit: Emit): void {
    this.#sweepAt = Number.POSITIVE_INFINITY;
    // In whole steps, as sweeps are planned: a sweep that nobody needs any more must not close anything before its time.
    const stream = Math.floor(this.#stream / this.#grain) * this.#grain;
    for (const [ref, own] of this.state.entries()) {
      if (own.open.length === 0) continue;
      // `get` marks the record as changed, since no point of this series did.
      if (this.#close(ref, own, own.latest + (stream - own.streamThen), emit)) this.state.get(ref);
      if (own.open.length > 0) this.#planSweep(own);
    }
  }

  #close(ref: SeriesRef, own: SeriesWindows, now: number, emit: Emit): boolean {
    const { open } = own;
    let done = 0;
    while (done < open.length && open[done]!.start + this.#every + this.#lateness <= now) {
      const window = open[done++]!;
      own.closed = window.start + this.#every;
      const values = conclude(window, this.#aggregates);
      own.results ??= this.#resultRefs(ref);
      const time = this.#atEnd ? own.closed : window.start;
      for (let i = 0; i < values.length; i++) emit(own.results[i]!, time, values[i]!);
    }
    if (done > 0) open.splice(0, done);
    return done > 0;
  }

  #resultRefs(ref: SeriesRef): SeriesRef[] {
    return this.#aggregates.map((name) => aggregateRef(ref, name, this.#label, isUnitless(name)));
  }
}
