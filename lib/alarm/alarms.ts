import type { Clock } from "../points/clock.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import type { Columns, Frame } from "../points/frame.ts";
import type { SeriesRef } from "../points/series.ts";
import type { Progress } from "../state/catch-up.ts";
import { KeyedState, type RecordKind } from "../state/keyed-state.ts";
import { Deadlines } from "./deadlines.ts";
import type { AlarmEvent } from "./event.ts";
import { type Evidence, evidenceRows, NO_EVIDENCE } from "./evidence.ts";
import { Machine } from "./machine.ts";
import { AlarmRecord } from "./record.ts";
import { type Rule, rulesFor } from "./rule.ts";
import { rankOf, type Severity, severityOf } from "./severity.ts";
import { PENDING, STATES, type State } from "./track.ts";

const MINUTE = 60_000;
const WEEK = 10_080 * MINUTE;
/** A series that has nothing to tell is put away when the newest of all is so much ahead of it. */
const IDLE_AFTER = 4 * WEEK;
/** `learned`: so many of a series' intervals. */
const INTERVALS = 3;
/** Longest wait of one timer: `setTimeout` takes no month. */
const LONGEST = 3_600_000;

export interface AlarmOptions {
  clock: Clock;
  /** Its name: part of the identity. */
  alarm: string;
  rules: readonly Rule[];
  /** After which silence of a series `nodata` is told: never (default), three of its own intervals, or ms. */
  noData?: "off" | "learned" | number;
  /** Severity of `nodata` and `data-back`. Default `warning`. */
  noDataSeverity?: Severity;
  /** Points older than this against the clock change nothing, ms. Default ten minutes. */
  liveWithin?: number;
  /** IANA zone that goes out with the events. */
  zone?: string | undefined;
  maxSeries?: number;
  /** There are events that no point brought about: something ran out by the clock. */
  onDue?: () => void;
}

/** What the alarm of a series looks like after a point. */
export interface Standing {
  state: State;
  /** `null` while it neither fires nor recovers. */
  severity: Severity | null;
}

export interface Counts {
  series: number;
  firing: number;
  pending: number;
  /** Series whose silence was told. */
  silent: number;
}

/**
 * The alarms of many series, one each: see `Machine` for what each does.
 *
 * An event is told once: it waits in the record of its series until it is `confirm`ed, and whoever sends it first makes
 * the records durable. What was not confirmed before a stop is handed out again, with the same id, after it. So a
 * receiver that drops ids it knows hears of each event exactly once, whenever the process ends.
 *
 * A gap is no data: it is no sample of any rule, and the silence goes on. Points older than `liveWithin`, and points
 * older than the newest of their series, change nothing; both are counted.
 *
 * Cost: O(rules of the series) a point, 0.3 µs while nothing happens (`bench/alarm.ts`); 2 KB a series.
 */
export class Alarms {
  readonly state: KeyedState<AlarmRecord>;
  readonly #options: Required<AlarmOptions>;
  readonly #machine: Machine;
  readonly #deadlines = new Deadlines<AlarmRecord>();
  readonly #refs = new WeakMap<AlarmEvent, SeriesRef>();
  /** Events to be sent, oldest first, and how many there ever were. */
  #waiting: AlarmEvent[] = [];
  #made = 0;
  #stream = Number.NEGATIVE_INFINITY;
  #running = false;
  #armed = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  /** Points that changed nothing: older than `liveWithin`, older than the newest of their series, gaps. */
  old = 0;
  late = 0;
  gaps = 0;

  constructor(options: AlarmOptions) {
    const { clock, alarm, rules, maxSeries, noDataSeverity = "warning", zone } = options;
    this.#options = {
      noData: "off",
      liveWithin: 10 * MINUTE,
      onDue: () => {},
      maxSeries: 0,
      ...options,
      noDataSeverity,
      zone,
    };
    try {
      encodeURIComponent(alarm);
    } catch {
      throw new VigiaError("bad-setting", { field: "alarm", value: alarm, allowed: "a text of whole characters" });
    }
    this.#machine = new Machine({
      alarm,
      zone,
      noDataRank: rankOf(noDataSeverity),
      tell: (record, event) => {
        record.unsent.push(event);
        this.#queue(event, record.ref);
      },
    });
    const kind: RecordKind<AlarmRecord> = {
      version: 1,
      create: (ref) => new AlarmRecord(ref, rulesFor(rules, ref)),
      save: (record) => record.save(),
      load: (data, _version, ref) => AlarmRecord.load(data, ref, rulesFor(rules, ref), clock.now()),
      idle: (record) => record.idle && !(record.latest >= this.#stream - IDLE_AFTER),
    };
    this.state = new KeyedState(kind, maxSeries);
  }

  /**
   * Takes one point; NaN is a gap. `evidence` is what the deviation node found out about it, `seq` the store's commit.
   * @throws VigiaError `too-many-series`
   */
  add(ref: SeriesRef, time: number, value: number, evidence: Readonly<Evidence> = NO_EVIDENCE, seq = 0): Standing {
    const record = this.state.get(ref);
    record.ref = ref;
    this.#take(record, time, value, evidence, seq);
    return this.#standing(record);
  }

  /**
   * Takes all rows of a frame, with what stands in its columns `deviation.score` …. `columns` are for `frame.with`:
   * `as.state` (the place in `STATES`) and `as.severity` (1 … 5, 0: none). Rows of series that cannot be taken are NaN,
   * and the first such error comes back. A series is looked up once a frame.
   */
  addFrame(
    frame: Frame,
    as: string,
    deviation: string,
    seq = 0,
    reasons?: Readonly<Record<number, unknown>>,
  ): { columns: Columns; error?: VigiaError } {
    const { dictionary, index, times, values } = frame;
    const evidence = evidenceRows(frame, deviation, reasons);
    const state = new Float64Array(index.length).fill(Number.NaN);
    const severity = new Float64Array(index.length).fill(Number.NaN);
    let error: VigiaError | undefined;
    const records = dictionary.map((ref) => {
      try {
        const record = this.state.get(ref);
        record.ref = ref;
        return record;
      } catch (thrown) {
        error ??= asVigiaError(thrown);
        return undefined;
      }
    });
    for (let row = 0; row < index.length; row++) {
      const record = records[index[row]!];
      if (!record) continue;
      this.#take(record, times[row]!, values[row]!, evidence(row), seq);
      state[row] = record.state;
      severity[row] = record.incident?.rank ?? 0;
    }
    const columns = { [`${as}.state`]: state, [`${as}.severity`]: severity };
    return error === undefined ? { columns } : { columns, error };
  }

  /** How many events there ever were: what is due to be sent when all until now is on disk. */
  get made(): number {
    return this.#made;
  }

  /** Events up to the `made`th that nobody took yet, oldest first. Copies: what becomes of them is the taker's. */
  take(made: number): AlarmEvent[] {
    const n = Math.max(0, made - (this.#made - this.#waiting.length));
    return this.#waiting.splice(0, n).map((event) => {
      const copy = { ...event };
      this.#refs.set(copy, this.#refs.get(event)!);
      return copy;
    });
  }

  /** These were sent: they are not handed out again. */
  confirm(events: readonly AlarmEvent[]): void {
    for (const event of events) {
      const ref = this.#refs.get(event);
      if (!ref || !this.state.peek(ref.key)) continue;
      const record = this.state.get(ref);
      record.unsent = record.unsent.filter(({ id }) => id !== event.id);
    }
  }

  /** O(series). */
  counts(): Counts {
    const counts = { series: this.state.size, firing: 0, pending: 0, silent: 0 };
    for (const [, record] of this.state.entries()) {
      if (record.incident) counts.firing++;
      else if (record.state === PENDING) counts.pending++;
      if (record.silence !== undefined) counts.silent++;
    }
    return counts;
  }

  /** The alarms that are open, as they stand. O(series). */
  open(series?: string): object[] {
    const open: object[] = [];
    for (const [ref, record] of this.state.entries()) {
      const { incident, silence, value, latest } = record;
      if ((series !== undefined && ref.series !== series) || (!incident && record.idle)) continue;
      open.push({
        ...(incident && { key: incident.key }),
        series: ref.series,
        ...(ref.tags && { tags: ref.tags }),
        ...(ref.unit !== undefined && { unit: ref.unit }),
        ...this.#standing(record),
        value: Number.isFinite(value) ? value : null,
        time: latest,
        ...(incident && { since: incident.since }),
        ...(silence !== undefined && { silentSince: silence }),
      });
    }
    return open;
  }

  /** Forgets these series, or all of them; who was told a start is told the end. Returns how many there were. */
  reset(keys: Iterable<string> = Array.from(this.state.entries(), ([{ key }]) => key)): number {
    const forgotten: string[] = [];
    let n = 0;
    for (const key of keys) {
      const record = this.state.peek(key);
      if (!record) continue;
      n++;
      this.state.get(record.ref);
      this.#machine.close(record, Math.max(record.latest, this.#options.clock.now()), "reset by hand");
      record.clear();
      if (record.unsent.length === 0) forgotten.push(key);
    }
    this.state.drop(forgotten);
    return n;
  }

  /** To be called before the state is saved. O(series). */
  beforeSave(): void {
    this.state.shared = { saved: this.#options.clock.now() };
    // So that the outage begins here, for whoever waits.
    for (const [ref, record] of this.state.entries()) if (record.busy) this.state.get(ref);
  }

  /**
   * Starts the timers; to be called once, when the state is back (or there was none) and what was stored since is
   * taken. The outage does not count: `for` and `keep` go on where they were, at the first point that comes; a silence
   * is measured anew. What was not confirmed is handed out again.
   */
  resume(): void {
    const now = this.#options.clock.now();
    const { saved } = (this.state.shared ?? {}) as { saved?: number };
    const down = saved === undefined ? 0 : Math.max(0, now - saved);
    const again: AlarmEvent[] = [];
    for (const [, record] of this.state.entries()) {
      this.#stream = Math.max(this.#stream, record.latest);
      for (const event of record.unsent) if (!this.#refs.has(event)) again.push(event);
      for (const event of record.unsent) this.#refs.set(event, record.ref);
      if (down === 0) continue;
      record.spoken = false;
      record.arrived = now;
      for (const track of record.tracks) {
        // What it is since stays for an alarm that was told.
        if (track.state === PENDING) track.since += down;
        track.over += down;
      }
    }
    again.sort((a, b) => a.time - b.time);
    this.#waiting.unshift(...again);
    this.#made += again.length;
    this.#running = true;
    for (const [, record] of this.state.entries()) this.#schedule(record);
  }

  /** No timer runs any more. */
  stop(): void {
    this.#running = false;
    this.#disarm?.();
    this.#deadlines.clear();
  }

  /** How far a series has come, for `missingRows`. */
  progress(key: string): Progress | undefined {
    return this.state.peek(key);
  }

  #take(record: AlarmRecord, time: number, value: number, evidence: Readonly<Evidence>, seq: number): void {
    if (seq > record.seq) record.seq = seq;
    if (time > this.#stream) this.#stream = time;
    const now = this.#options.clock.now();
    if (now - time > this.#options.liveWithin) this.old++;
    else if (Number.isNaN(value)) this.gaps++;
    else if (time > record.latest) {
      this.#machine.take(record, time, value, evidence, now);
      this.#schedule(record);
    } else if (this.#machine.again(record, time, value, evidence)) this.#schedule(record);
    else this.late++;
  }

  #standing(record: AlarmRecord): Standing {
    const { incident } = record;
    return { state: STATES[record.state]!, severity: incident ? severityOf(incident.rank) : null };
  }

  #queue(event: AlarmEvent, ref: SeriesRef): void {
    this.#refs.set(event, ref);
    this.#waiting.push(event);
    this.#made++;
  }

  /** When something is due by the clock; Infinity: nothing is. */
  #wakeOf(record: AlarmRecord): number {
    if (record.latest === Number.NEGATIVE_INFINITY) return Number.POSITIVE_INFINITY;
    // The series' own time goes on with the clock from its newest point on: how late it arrives does not matter.
    const due = record.spoken ? record.arrived + this.#machine.due(record) - record.latest : Number.POSITIVE_INFINITY;
    return Math.min(due, this.#silentAt(record));
  }

  #silentAt(record: AlarmRecord): number {
    const { noData } = this.#options;
    if (noData === "off" || record.silence !== undefined || record.latest === Number.NEGATIVE_INFINITY) {
      return Number.POSITIVE_INFINITY;
    }
    const period = noData === "learned" ? INTERVALS * record.pace.interval : noData;
    return Number.isNaN(period) ? Number.POSITIVE_INFINITY : record.arrived + period;
  }

  /** A record has one place among the deadlines at most that counts: the earliest. Later ones are found when it comes. */
  #schedule(record: AlarmRecord): void {
    if (!this.#running) return;
    const at = this.#wakeOf(record);
    if (at >= record.wake) return;
    record.wake = at;
    this.#deadlines.add(at, record);
    this.#arm();
  }

  #arm(): void {
    const { next } = this.#deadlines;
    if (next >= this.#armed || !this.#running) return;
    this.#disarm?.();
    this.#armed = next;
    const { clock } = this.#options;
    const wait = Math.min(LONGEST, Math.max(0, next - clock.now()));
    this.#disarm = clock.after(wait, () => {
      this.#armed = Number.POSITIVE_INFINITY;
      this.#run();
    });
  }

  #run(): void {
    const { clock, onDue } = this.#options;
    const before = this.#made;
    const now = clock.now();
    while (this.#deadlines.next <= now) {
      const { at, what: record } = this.#deadlines.take()!;
      // Out of date, or of a series that was forgotten.
      if (at !== record.wake || this.state.peek(record.ref.key) !== record) continue;
      record.wake = Number.POSITIVE_INFINITY;
      this.#lapse(record, now);
      this.#schedule(record);
    }
    this.#arm();
    if (this.#made > before) onDue();
  }

  #lapse(record: AlarmRecord, now: number): void {
    const made = this.#made;
    if (record.spoken) this.#machine.elapse(record, record.latest + now - record.arrived, true);
    if (this.#silentAt(record) <= now) this.#machine.silent(record, now);
    if (this.#made > made || record.busy) this.state.get(record.ref);
  }
}
