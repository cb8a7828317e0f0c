import type { Clock } from "../points/clock.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import type { Columns, Frame } from "../points/frame.ts";
import type { SeriesRef } from "../points/series.ts";
import { ZoneClock } from "../points/zone.ts";
import type { Progress } from "../state/catch-up.ts";
import { type Json, KeyedState, type RecordKind } from "../state/keyed-state.ts";
import {
  type Bar,
  type DetectorSettings,
  type Direction,
  newOutcome,
  type SavedDetector,
  SeriesDetector,
  type Way,
} from "./detector.ts";
import { rarity } from "./peaks.ts";
import { inWords } from "./words.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WEEK = 168 * HOUR;

export interface DeviationOptions {
  clock: Clock;
  /** So many false alarms a week the user tolerates for all series together. Default 2. */
  falseAlarms?: number;
  /** A series that told something is silent for so long, ms of event time. Default two hours. */
  holdOff?: number;
  /** Default `both`. `above` and `below` leave out what only swings or stands still. */
  direction?: Direction;
  /** Smallest difference from what was expected that is told, in the unit of the points. Default 0. */
  least?: number;
  /** The same as a part of what was expected (0.05: 5 %). Default 0. */
  leastRelative?: number;
  /** Points older than this against the clock are learned, not judged, ms. Default ten minutes. */
  liveWithin?: number;
  /** Nothing is told in this time from the first point of a series on, ms; nor in its first 120 points. Default 1 d. */
  warmUp?: number;
  /** IANA zone of the hours and weekdays. Default UTC. */
  zone?: string;
  maxSeries?: number;
  /** One fixed threshold of the score instead of `falseAlarms`: for benchmarks. */
  threshold?: number;
}

/** What was found out about one point. */
export interface Deviation {
  /** How strange: 0 for nearly all points, seldom above 20. */
  score: number;
  /** Chance that a point begins something that strange where nothing happens. */
  p: number;
  /** What this series is at this time of the day and week, `null` at first. */
  expected: number | null;
  /** 98 % of the points lie between `lower` and `upper`. */
  lower: number | null;
  upper: number | null;
  /** How it is off, while the score is above 0. */
  direction: Way | null;
  alert: boolean;
  /** For people; empty without an alert. */
  reason: string;
  /** There while the series is being learned: nothing is told yet. */
  warming?: true;
}

interface Watched {
  detector: SeriesDetector;
  /** Commit of the newest point that came with one. */
  seq: number;
  /** Points a week that the node's sum holds of it. */
  share: number;
  /** Count of values at which the share is reckoned anew. */
  shareAt: number;
}

/** A series is put away when the newest of all is so much ahead of it. */
const IDLE_AFTER = 4 * WEEK;
const SHARE_EVERY = 256;
const FIRST_SHARE = 16;

function atLeast(field: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw new VigiaError("bad-setting", { field, value, allowed: `a number, at least ${least}` });
}

const orNull = (n: number): number | null => (Number.isFinite(n) ? n : null);

/**
 * Watches many series, each calibrated on itself; see `SeriesDetector`. All series alert at the same
 * rarity, the one at which their points together make `falseAlarms` alerts a week where nothing happens: so it follows
 * the number of series and their rates, and each has its share by its rate. Nothing is forecast from later points: the same points in the same order give the same
 * results at any speed, and over any restart.
 *
 * Cost: O(1) a point, 1 to 2 µs; 4 KB a series.
 */
export class Deviations {
  readonly state: KeyedState<Watched>;
  readonly #clock: Clock;
  readonly #falseAlarms: number;
  readonly #liveWithin: number;
  readonly #bar: Bar;
  readonly #out = newOutcome();
  readonly #zone: ZoneClock;
  /** Whole numbers, so that their sum does not depend on the order of the series. */
  #perWeek = 0;
  #size = 0;
  #stream = Number.NEGATIVE_INFINITY;

  /** @throws VigiaError `bad-setting`, `bad-zone` */
  constructor(options: DeviationOptions) {
    const { clock, falseAlarms = 2, holdOff = 2 * HOUR, direction = "both", least = 0, leastRelative = 0 } = options;
    const { liveWithin = 10 * MINUTE, warmUp = 24 * HOUR, zone, maxSeries, threshold } = options;
    this.#clock = clock;
    this.#falseAlarms = atLeast("falseAlarms", falseAlarms, Number.MIN_VALUE);
    this.#liveWithin = atLeast("liveWithin", liveWithin, 0);
    const fixed = threshold === undefined ? undefined : atLeast("threshold", threshold, 0);
    this.#bar = { fixed, rare: 0 };
    if (!["above", "below", "both"].includes(direction)) {
      throw new VigiaError("bad-setting", { field: "direction", value: direction, allowed: "above, below or both" });
    }
    this.#zone = new ZoneClock(zone);
    const settings: DetectorSettings = {
      zone: this.#zone,
      holdOff: atLeast("holdOff", holdOff, 0),
      direction,
      least: atLeast("least", least, 0),
      leastRelative: atLeast("leastRelative", leastRelative, 0),
      warmUp: atLeast("warmUp", warmUp, 0),
    };
    const kind: RecordKind<Watched> = {
      version: 1,
      create: () => ({ detector: new SeriesDetector(settings), seq: 0, share: 0, shareAt: FIRST_SHARE }),
      save: ({ detector, seq, share, shareAt }) => ({ seq, share, shareAt, ...detector.save() }),
      load: (data) => {
        const { seq, share, shareAt, version, block } = data as { [name: string]: Json } & SavedDetector;
        const detector = SeriesDetector.load({ version, block }, settings);
        return { detector, seq: Number(seq), share: Number(share), shareAt: Number(shareAt) };
      },
      idle: ({ detector }) => detector.latest < this.#stream - IDLE_AFTER,
    };
    this.state = new KeyedState(kind, maxSeries);
  }

  /** The score at which a series alerts that has not told anything of late; `undefined`: it is not known. */
  threshold(ref: SeriesRef): number | undefined {
    return this.state.peek(ref.key)?.detector.threshold(this.#bar);
  }

  /** Series that are still being learned, and how far the youngest is, 0 … 1. O(series). */
  warming(): { series: number; least: number } {
    let series = 0;
    let least = 1;
    for (const [, { detector }] of this.state.entries()) {
      const { warmth } = detector;
      if (warmth < 1) series++;
      if (warmth < least) least = warmth;
    }
    return { series, least };
  }

  /**
   * Takes one point, NaN is a gap: neither judged nor learned. `seq` is the store's commit of it, when there is one.
   * @throws VigiaError `too-many-series`
   */
  add(ref: SeriesRef, time: number, value: number, seq = 0): Deviation {
    this.#take(this.state.get(ref), time, value, seq);
    return this.#result(ref);
  }

  /**
   * Takes all rows of a frame. `columns` are for `frame.with`, named `as.score` and so on, with `alert` as 0 and 1;
   * `onAlert` hears of the rows that alert. Rows of series that cannot be taken are NaN, and the first such error comes
   * back. A series is looked up once a frame.
   */
  addFrame(
    frame: Frame,
    as: string,
    onAlert: (row: number, deviation: Deviation) => void,
    seq = 0,
  ): { columns: Columns; error?: VigiaError } {
    const { dictionary, index, times, values } = frame;
    const known = new Array<Watched | null | undefined>(dictionary.length);
    const column = () => new Float64Array(index.length).fill(Number.NaN);
    const score = column();
    const p = column();
    const expected = column();
    const lower = column();
    const upper = column();
    const alert = column();
    let error: VigiaError | undefined;
    for (let row = 0; row < index.length; row++) {
      const slot = index[row]!;
      let own = known[slot];
      if (own === undefined) {
        try {
          own = this.state.get(dictionary[slot]!);
        } catch (thrown) {
          error ??= asVigiaError(thrown);
          own = null;
        }
        known[slot] = own;
      }
      if (own === null) continue;
      const out = this.#out;
      this.#take(own, times[row]!, values[row]!, seq);
      score[row] = out.score;
      p[row] = out.p;
      expected[row] = out.expected;
      lower[row] = out.lower;
      upper[row] = out.upper;
      alert[row] = Number(out.alert);
      if (out.alert) onAlert(row, this.#result(dictionary[slot]!));
    }
    const columns = {
      [`${as}.score`]: score,
      [`${as}.p`]: p,
      [`${as}.expected`]: expected,
      [`${as}.lower`]: lower,
      [`${as}.upper`]: upper,
      [`${as}.alert`]: alert,
    };
    return error === undefined ? { columns } : { columns, error };
  }

  /** Forgets these series, or all of them; returns how many there were. */
  reset(keys?: Iterable<string>): number {
    const dropped = this.state.drop(keys);
    this.#reckon();
    return dropped;
  }

  /** To be called before the state is saved. */
  beforeSave(): void {
    this.state.shared = { zone: this.#zone.name };
  }

  /**
   * To be called after the state was restored. What was learned in another zone is dropped, as its hours are others:
   * returns false then.
   */
  afterRestore(): boolean {
    const shared = this.state.shared as { zone?: string } | undefined;
    const same = shared?.zone === undefined || shared.zone === this.#zone.name;
    if (!same) this.state.drop();
    this.#reckon();
    return same;
  }

  /** How far a series has come, for `missingRows`. */
  progress(key: string): Progress | undefined {
    const own = this.state.peek(key);
    return own && { seq: own.seq, latest: own.detector.latest };
  }

  #take(own: Watched, time: number, value: number, seq: number): void {
    if (seq > own.seq) own.seq = seq;
    if (time > this.#stream) this.#stream = time;
    const { detector } = own;
    // Room was made for this new one: others were put away.
    if (detector.count === 0 && this.state.size !== this.#size) {
      if (this.state.size !== this.#size + 1) this.#reckon();
      this.#size = this.state.size;
    }
    const judged = this.#clock.now() - time <= this.#liveWithin;
    detector.push(time, value, this.#bar, judged, this.#out);
    if (detector.count >= own.shareAt) this.#share(own);
  }

  #share(own: Watched): void {
    const { count } = own.detector;
    const perWeek = Math.max(1, Math.round(own.detector.perWeek));
    own.shareAt = count < SHARE_EVERY ? count * 2 : count + SHARE_EVERY;
    this.#perWeek += perWeek - own.share;
    own.share = perWeek;
    this.#bar.rare = rarity(this.#falseAlarms, this.#perWeek);
  }

  #reckon(): void {
    this.#perWeek = 0;
    this.#size = this.state.size;
    for (const [, { share, detector }] of this.state.entries()) {
      this.#perWeek += share;
      if (detector.latest > this.#stream) this.#stream = detector.latest;
    }
    this.#bar.rare = rarity(this.#falseAlarms, this.#perWeek);
  }

  #result(ref: SeriesRef): Deviation {
    const out = this.#out;
    const result: Deviation = {
      score: out.score,
      p: out.p,
      expected: orNull(out.expected),
      lower: orNull(out.lower),
      upper: orNull(out.upper),
      direction: out.way ?? null,
      alert: out.alert,
      reason: out.finding === undefined ? "" : inWords(out.finding, ref.unit),
    };
    if (out.warming) result.warming = true;
    return result;
  }
}
