import type { SeriesRef } from "../points/series.ts";
import type { Json } from "../state/keyed-state.ts";
import type { AlarmEvent } from "./event.ts";
import { Pace, type SavedPace } from "./pace.ts";
import type { Rule } from "./rule.ts";
import { FIRING, NORMAL, newTrack, PENDING, RECOVERING, type Track } from "./track.ts";

/** From `start` to `end`. */
export interface Incident {
  /** As its start was told: the end is told under the same name, whatever the node is called by then. */
  key: string;
  alarm: string;
  generation: number;
  since: number;
  /** Now, and the highest so far. */
  rank: number;
  worst: number;
  /** Changes of severity that were told. */
  changes: number;
  /** Where the values are off: 1 above, -1 below, 0 where that has no meaning. */
  side: number;
}

interface Saved {
  seq: number;
  latest: number | null;
  lag: number;
  value: number | null;
  expected: number | null;
  lower: number | null;
  upper: number | null;
  low: number | null;
  high: number | null;
  alertAt: number | null;
  alertsOnly: boolean;
  words: string;
  generation: number;
  pace: SavedPace;
  tracks: { [slot: string]: [state: number, since: number, over: number] };
  incident?: Incident;
  silence?: number;
  unsent: AlarmEvent[];
}

const orNull = (n: number): number | null => (Number.isFinite(n) ? n : null);
const orNaN = (n: number | null): number => n ?? Number.NaN;
/** JSON has no infinite numbers; a value may well be one. */
const textOf = (n: number): number | null =>
  Number.isNaN(n) ? null : Math.max(-Number.MAX_VALUE, Math.min(n, Number.MAX_VALUE));

/** All that is known of the alarm of one series. */
export class AlarmRecord {
  ref: SeriesRef;
  /** Rules of this series, the most severe first, and how far each has come. */
  readonly rules: readonly Rule[];
  readonly tracks: readonly Track[];
  /** Commit of the newest point that came with one. */
  seq = 0;
  /** Newest live point: event time, arrival by the clock, value. */
  latest = Number.NEGATIVE_INFINITY;
  arrived = 0;
  value = Number.NaN;
  /** Last that the deviation node told. */
  score = Number.NaN;
  expected = Number.NaN;
  lower = Number.NaN;
  upper = Number.NaN;
  /** Extremes since the alarm left `normal`. */
  low = Number.NaN;
  high = Number.NaN;
  /** Event time of the last alert, and its words. */
  alertAt = Number.NEGATIVE_INFINITY;
  words = "";
  /** No point but alerts ever came: nothing will tell when it is over. */
  alertsOnly = true;
  /** Has spoken since the start: before, no timer of it runs out. */
  spoken = true;
  generation = 0;
  pace = new Pace();
  incident: Incident | undefined;
  /** Event time of the last point before the silence that was told. */
  silence: number | undefined;
  /** Told or about to be told, and nobody knows yet that it arrived. */
  unsent: AlarmEvent[] = [];
  /** Wall time of its place among the deadlines. */
  wake = Number.POSITIVE_INFINITY;

  constructor(ref: SeriesRef, rules: readonly Rule[]) {
    this.ref = ref;
    this.rules = rules;
    this.tracks = rules.map(newTrack);
  }

  static load(data: Json, ref: SeriesRef, rules: readonly Rule[], now: number): AlarmRecord {
    const saved = data as unknown as Saved;
    const record = new AlarmRecord(ref, rules);
    const { seq, alertsOnly, words, generation, incident, silence, unsent } = saved;
    Object.assign(record, { seq, alertsOnly, words, generation, incident, silence, unsent });
    record.latest = saved.latest ?? Number.NEGATIVE_INFINITY;
    record.alertAt = saved.alertAt ?? Number.NEGATIVE_INFINITY;
    record.arrived = saved.latest === null ? now : saved.latest + saved.lag;
    for (const name of ["value", "expected", "lower", "upper", "low", "high"] as const)
      record[name] = orNaN(saved[name]);
    record.pace = Pace.load(saved.pace);
    // By what a rule does, not by its place: rows of the table may have moved.
    rules.forEach(({ slot }, i) => {
      const [state, since, over] = saved.tracks[slot] ?? [NORMAL, 0, 0];
      Object.assign(record.tracks[i]!, { state, since, over });
    });
    return record;
  }

  save(): Json {
    const tracks: Saved["tracks"] = {};
    this.tracks.forEach(({ state, since, over }, i) => {
      if (state !== NORMAL) tracks[this.rules[i]!.slot] = [state, since, over];
    });
    const { seq, latest, arrived, alertsOnly, words, generation, incident, silence } = this;
    const saved: Saved = {
      seq,
      latest: orNull(latest),
      lag: Number.isFinite(latest) ? arrived - latest : 0,
      value: textOf(this.value),
      expected: orNull(this.expected),
      lower: orNull(this.lower),
      upper: orNull(this.upper),
      low: textOf(this.low),
      high: textOf(this.high),
      alertAt: orNull(this.alertAt),
      alertsOnly,
      words,
      generation,
      pace: this.pace.save(),
      tracks,
      // Copies: what is saved a moment later must be what is known now.
      unsent: this.unsent.map((event) => ({ ...event })),
    };
    if (incident) saved.incident = { ...incident };
    if (silence !== undefined) saved.silence = silence;
    return saved as unknown as Json;
  }

  /** Nothing is open, nothing is to be told. */
  get idle(): boolean {
    return !this.incident && this.silence === undefined && this.unsent.length === 0 && !this.busy;
  }

  /** Some rule is not in `normal`. */
  get busy(): boolean {
    for (const { state } of this.tracks) if (state !== NORMAL) return true;
    return false;
  }

  /** The most severe rule that fires or has not recovered; -1: none. */
  get top(): number {
    for (let i = 0; i < this.tracks.length; i++) if (this.tracks[i]!.state >= FIRING) return i;
    return -1;
  }

  /** State of the alarm: the one of its rules that matters most. */
  get state(): number {
    let found = NORMAL;
    for (const { state } of this.tracks) {
      if (state === FIRING) return FIRING;
      if (state === RECOVERING || (state === PENDING && found === NORMAL)) found = state;
    }
    return found;
  }

  /** Back to the beginning; what is still to be told stays. */
  clear(): void {
    for (const track of this.tracks) track.state = NORMAL;
    this.incident = undefined;
    this.silence = undefined;
    this.latest = Number.NEGATIVE_INFINITY;
    this.alertAt = Number.NEGATIVE_INFINITY;
    this.alertsOnly = true;
    this.pace = new Pace();
  }
}
