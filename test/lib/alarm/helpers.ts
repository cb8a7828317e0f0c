import { type AlarmOptions, Alarms } from "../../../lib/alarm/alarms.ts";
import type { AlarmEvent } from "../../../lib/alarm/event.ts";
import { type Evidence, NO_EVIDENCE } from "../../../lib/alarm/evidence.ts";
import { parseRules, type RuleText } from "../../../lib/alarm/rule.ts";
import type { Clock } from "../../../lib/points/clock.ts";
import { type SeriesRef, seriesRef } from "../../../lib/points/series.ts";
import type { Snapshot } from "../../../lib/state/keyed-state.ts";

export const T = Date.UTC(2026, 2, 2, 12);
export const SECOND = 1_000;
export const MINUTE = 60_000;
export const motor = seriesRef("plant/motor/temperature", undefined, "°C");

/** Time that passes when it is told to; what is due runs only with `run`, so that inputs of an instant come first. */
export class StepClock implements Clock {
  time = T;
  #timers = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Runs all that is due before `until`, each at its time, and stands at `until` then. */
  before(until: number): void {
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (!next || next.at >= until) break;
      this.#timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    this.time = Math.max(this.time, until);
  }
}

export type Options = Partial<Omit<AlarmOptions, "rules" | "clock">> & { rules?: RuleText[] };

export interface Bench {
  alarms: Alarms;
  clock: StepClock;
  /** A point at so many seconds from `T`, at that time by the clock. */
  at(seconds: number, value: number, evidence?: Partial<Evidence>, ref?: SeriesRef): string;
  /** Lets time pass until then, and runs what is due then. */
  wait(seconds: number): void;
  /** What was told since the last call: `30 start warning`. */
  told(): string[];
  events(): AlarmEvent[];
}

export function bench(
  { rules = [{ when: "above", limit: "80" }], ...options }: Options = {},
  clock = new StepClock(),
): Bench {
  const alarms = new Alarms({ clock, alarm: "hot", rules: parseRules(rules), ...options });
  return around(alarms, clock);
}

export function around(alarms: Alarms, clock: StepClock): Bench {
  const events = () => {
    const found = alarms.take(alarms.made);
    alarms.confirm(found);
    return found;
  };
  return {
    alarms,
    clock,
    at(seconds, value, evidence = {}, ref = motor) {
      const time = T + seconds * SECOND;
      clock.before(time);
      return alarms.add(ref, time, value, { ...NO_EVIDENCE, ...evidence }).state;
    },
    wait(seconds) {
      clock.before(T + seconds * SECOND + 1);
      clock.time = T + seconds * SECOND;
    },
    told: () => events().map(({ event, time, severity }) => `${(time - T) / SECOND} ${event} ${severity}`),
    events,
  };
}

/** The same alarms in another process. */
export function restarted(
  { alarms, clock }: Bench,
  { rules = [{ when: "above", limit: "80" }], ...options }: Options = {},
): Bench {
  alarms.beforeSave();
  const snapshot = JSON.parse(JSON.stringify(alarms.state.snapshot())) as Snapshot;
  alarms.stop();
  const next = new Alarms({ clock, alarm: "hot", rules: parseRules(rules), ...options });
  next.state.restore(snapshot);
  return around(next, clock);
}
