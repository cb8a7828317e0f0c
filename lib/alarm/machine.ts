import { holds } from "./condition.ts";
import { type AlarmEvent, alarmKey, type EventKind, eventId } from "./event.ts";
import type { Evidence } from "./evidence.ts";
import type { AlarmRecord, Incident } from "./record.ts";
import type { Rule } from "./rule.ts";
import { severityOf } from "./severity.ts";
import { dueOf, expire, FIRING, NORMAL, spanOf, type Track, turn } from "./track.ts";
import { backWords, endWords, reasonOf, silenceWords } from "./words.ts";

export interface MachineOptions {
  /** Name of the alarm. */
  alarm: string;
  /** Of `nodata` and `data-back`. */
  noDataRank: number;
  zone: string | undefined;
  /** Hears of each event, in their order. */
  tell: (record: AlarmRecord, event: AlarmEvent) => void;
}

/** A regular series is late when so many of its intervals have passed. */
const LATE = 1.5;

const finite = (n: number): number | null => (Number.isFinite(n) ? n : null);

/** On which side of what is right a value is: 1 above, -1 below, 0 where that says nothing. */
function sideOf({ when, low }: Rule, { value, expected, lower, upper }: AlarmRecord): number {
  switch (when) {
    case "above":
      return 1;
    case "below":
      return -1;
    case "outside":
      return value < low ? -1 : 1;
    case "band":
    case "score":
    case "alert": {
      const middle = Number.isNaN(expected) ? (lower + upper) / 2 : expected;
      return Number.isNaN(middle) ? 0 : value < middle ? -1 : 1;
    }
    default:
      return 0;
  }
}

/** What a rule measured against: of a range the bound that was left. */
function limitOf({ when, limit, low, high }: Rule, value: number): number {
  if (when === "band" || when === "alert") return Number.NaN;
  return Number.isNaN(low) ? limit : value < low ? low : high;
}

/**
 * The life of one alarm: `normal → pending → firing → recovering → normal`, one `start` and one `end` for each time
 * round. Each rule of the series goes its own way; the alarm fires while one of them does, with the highest severity.
 *
 * Time is the event time of the series. `for` and `keep` run out at the first point that is old enough, after that
 * point was judged. When none comes, at their own end; but a series that reports regularly, at an interval no longer
 * than what is waited for, is given until its next point is late, since that point knows better. Whether a gap is
 * noticed by the clock or by the point after it makes no difference: so the same points give the same events at any
 * speed and in any batches.
 *
 * Cost: O(rules of the series) a point.
 */
export class Machine {
  readonly #options: MachineOptions;

  constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** Takes a live point that is newer than all before. */
  take(record: AlarmRecord, time: number, value: number, evidence: Readonly<Evidence>, now: number): void {
    if (record.silence !== undefined) this.#dataBack(record, time, value);
    if (record.spoken) this.elapse(record, time, false);
    if (record.latest > Number.NEGATIVE_INFINITY) record.pace.push(time - record.latest);
    record.spoken = true;
    record.latest = time;
    record.arrived = now;
    record.value = value;
    this.#note(record, time, evidence);
    const quiet = !record.busy;
    // The rules of an open incident may be gone by now.
    let changed = !quiet || record.incident !== undefined;
    for (let i = 0; i < record.rules.length; i++) {
      const track = record.tracks[i]!;
      const verdict = holds(record.rules[i]!, track.state !== NORMAL, value, evidence, record);
      if (verdict === undefined || (!verdict && track.state === NORMAL)) continue;
      changed = true;
      turn(track, verdict, time);
    }
    if (!changed) return;
    record.low = quiet ? value : Math.min(record.low, value);
    record.high = quiet ? value : Math.max(record.high, value);
    this.#runOut(record, time);
    this.#settle(record, time);
  }

  /**
   * Takes an alert whose point came by before, without it: the deviation node's second output tells what its first one
   * told already, and in words. An alert that is news counts, whenever it comes. Returns false when there was nothing.
   */
  again(record: AlarmRecord, time: number, value: number, evidence: Readonly<Evidence>): boolean {
    if (!evidence.alert || time < record.alertAt) return false;
    if (time === record.alertAt) {
      this.#better(record, evidence.reason);
      return true;
    }
    const { value: newest } = record;
    record.value = value;
    this.#note(record, time, evidence);
    if (!record.busy) record.low = record.high = value;
    record.rules.forEach((rule, i) => {
      if (rule.when === "alert") turn(record.tracks[i]!, true, time);
    });
    this.#runOut(record, time);
    this.#settle(record, time);
    record.value = newest;
    return true;
  }

  /** Lets run out what is due before `until`, event time; with `inclusive` what is due then, too. */
  elapse(record: AlarmRecord, until: number, inclusive: boolean): void {
    while (record.busy) {
      const { at, which } = this.#next(record);
      if (inclusive ? at > until : at >= until) return;
      this.#expire(record, which, at);
      this.#settle(record, at);
    }
  }

  /** When something is due that waits for no point, event time; Infinity: nothing is. */
  due(record: AlarmRecord): number {
    return record.busy ? this.#next(record).at : Number.POSITIVE_INFINITY;
  }

  /** The series has been silent for too long. `time` is now. */
  silent(record: AlarmRecord, time: number): void {
    const { latest, value, ref, pace } = record;
    record.silence = latest;
    const reason = silenceWords(time - latest, pace.interval, value, ref.unit);
    this.#tell(record, "nodata", this.#options.noDataRank, { reason, time, since: latest, generation: latest });
  }

  /** Ends what is open, for `reason`. */
  close(record: AlarmRecord, time: number, reason: string): void {
    if (record.incident) this.#end(record, record.incident, time, reason);
  }

  #note(record: AlarmRecord, time: number, { score, expected, lower, upper, alert, reason }: Readonly<Evidence>): void {
    record.score = score;
    // Without an annotation, the last known band counts.
    if (!Number.isNaN(expected)) record.expected = expected;
    if (!Number.isNaN(lower) && !Number.isNaN(upper)) {
      record.lower = lower;
      record.upper = upper;
    }
    if (!alert) record.alertsOnly = false;
    else {
      record.alertAt = time;
      record.words = reason;
    }
  }

  #next({ tracks, rules, latest, pace }: AlarmRecord): { at: number; which: number } {
    let at = Number.POSITIVE_INFINITY;
    let which = -1;
    for (let i = 0; i < tracks.length; i++) {
      let due = dueOf(tracks[i]!, rules[i]!);
      if (spanOf(tracks[i]!, rules[i]!) >= pace.interval) due = Math.max(due, latest + LATE * pace.interval);
      if (due < at) {
        at = due;
        which = i;
      }
    }
    return { at, which };
  }

  /** Lets run out what is due at a point, after it was judged. */
  #runOut(record: AlarmRecord, time: number): void {
    for (let i = 0; i < record.tracks.length; i++) {
      // Twice: `for` and `keep` may both be zero.
      for (let n = 0; n < 2 && dueOf(record.tracks[i]!, record.rules[i]!) <= time; n++) this.#expire(record, i, time);
    }
  }

  #expire(record: AlarmRecord, which: number, time: number): void {
    const track = record.tracks[which] as Track;
    expire(track);
    // An alert is a moment: when nothing else ever comes, nothing will say that it is over.
    if (track.state === FIRING && record.alertsOnly && record.rules[which]!.when === "alert") turn(track, false, time);
  }

  /** Tells what became of the alarm, now that its rules have moved. */
  #settle(record: AlarmRecord, time: number): void {
    const { top, incident } = record;
    if (top < 0) {
      if (!incident) return;
      this.#end(record, incident, time, this.#endReason(record, incident, time));
      return;
    }
    const rule = record.rules[top]!;
    if (!incident) this.#start(record, rule, record.tracks[top]!.since, time);
    else if (rule.rank > incident.rank) this.#raise(record, rule, record.tracks[top]!.since, incident, time);
    else incident.rank = rule.rank;
  }

  #start(record: AlarmRecord, rule: Rule, since: number, time: number): void {
    const { alarm } = this.#options;
    // By the time, so that it is the same again when the same points come again, and new after a reset.
    const generation = Math.max(since, record.generation + 1);
    record.generation = generation;
    record.incident = {
      key: alarmKey(alarm, record.ref),
      alarm,
      generation,
      since,
      rank: rule.rank,
      worst: rule.rank,
      changes: 0,
      side: sideOf(rule, record),
    };
    this.#tell(record, "start", rule.rank, { ...this.#circumstances(record, rule, time - since), time });
  }

  #raise(record: AlarmRecord, rule: Rule, since: number, incident: Incident, time: number): void {
    const previous = severityOf(incident.rank);
    incident.rank = rule.rank;
    incident.worst = Math.max(incident.worst, rule.rank);
    incident.changes++;
    const more = { ...this.#circumstances(record, rule, time - since), time, previous, n: incident.changes };
    this.#tell(record, "severity", rule.rank, more);
  }

  #end(record: AlarmRecord, incident: Incident, time: number, reason: string): void {
    const worst = this.#worst(record, incident);
    const more = { reason, time, duration: time - incident.since, ...(worst !== undefined && { worst }) };
    this.#tell(record, "end", incident.worst, more);
    record.incident = undefined;
  }

  #endReason(record: AlarmRecord, incident: Incident, time: number): string {
    const lasted = time - incident.since;
    if (record.alertsOnly) return "no further alert; whether it is over, only the points themselves could tell";
    return endWords(record.value, record.ref.unit, lasted, this.#worst(record, incident));
  }

  #worst({ low, high }: AlarmRecord, { side }: Incident): number | undefined {
    const worst = side > 0 ? high : low;
    return side === 0 || !Number.isFinite(worst) ? undefined : worst;
  }

  #dataBack(record: AlarmRecord, time: number, value: number): void {
    const since = record.silence!;
    const reason = backWords(time - since, value, record.ref.unit);
    record.silence = undefined;
    record.value = value;
    const more = { reason, time, since, duration: time - since, generation: since };
    this.#tell(record, "data-back", this.#options.noDataRank, more);
  }

  /** What the start and a change of severity say. */
  #circumstances(record: AlarmRecord, rule: Rule, lasted: number): Partial<AlarmEvent> & { reason: string } {
    const { value, expected, lower, upper, score, words, ref } = record;
    const reason = reasonOf(rule, { value, unit: ref.unit, expected, lower, upper, score, words, lasted });
    const found: Partial<AlarmEvent> & { reason: string } = { reason };
    for (const [name, n] of Object.entries({ expected, lower, upper, limit: limitOf(rule, value) })) {
      if (Number.isFinite(n)) found[name as "limit"] = n;
    }
    return found;
  }

  #tell(
    record: AlarmRecord,
    event: EventKind,
    rank: number,
    { generation, n, ...more }: Partial<AlarmEvent> & { reason: string; time: number; generation?: number; n?: number },
  ): void {
    const { ref, incident, value } = record;
    const { zone } = this.#options;
    // The name under which the incident began, also when the node is called otherwise by now.
    const own = generation === undefined && incident;
    const alarm = own ? incident.alarm : this.#options.alarm;
    const key = own ? incident.key : alarmKey(alarm, ref);
    const told: AlarmEvent = {
      event,
      id: eventId(key, generation ?? incident!.generation, event, n),
      key,
      alarm,
      series: ref.series,
      ...(ref.tags && { tags: ref.tags }),
      ...(ref.unit !== undefined && { unit: ref.unit }),
      severity: severityOf(rank),
      state: incident && event !== "end" ? "firing" : "normal",
      value: finite(value),
      since: incident?.since ?? more.time,
      ...more,
      ...(zone && { zone }),
    };
    this.#options.tell(record, told);
  }

  /** The words of an alert, which came without them, for as long as its event has not been sent. */
  #better(record: AlarmRecord, words: string): void {
    if (words === "" || record.words !== "") return;
    record.words = words;
    const rule = record.rules[record.top];
    const event = record.unsent.at(-1);
    if (rule?.when !== "alert" || event?.time !== record.alertAt || event.event === "end") return;
    event.reason = this.#circumstances(record, rule, 0).reason;
  }
}
