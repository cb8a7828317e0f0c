import type { Rule } from "./rule.ts";

/** States of an alarm, and of each rule of it. The number is what a Frame's column holds. */
export const STATES = ["normal", "pending", "firing", "recovering"] as const;
export type State = (typeof STATES)[number];
export const NORMAL = 0;
export const PENDING = 1;
export const FIRING = 2;
export const RECOVERING = 3;

/** How far one rule has come for one series. Times are event times, ms. */
export interface Track {
  state: number;
  /** Since when the condition holds. */
  since: number;
  /** Since when it is over, while recovering. */
  over: number;
}

export const newTrack = (): Track => ({ state: NORMAL, since: 0, over: 0 });

/** The condition holds, or it does not: one false sample ends `for`, one true sample ends `keep`. */
export function turn(track: Track, holds: boolean, time: number): void {
  if (holds) {
    if (track.state === NORMAL) {
      track.state = PENDING;
      track.since = time;
    } else if (track.state === RECOVERING) track.state = FIRING;
  } else if (track.state === PENDING) track.state = NORMAL;
  else if (track.state === FIRING) {
    track.state = RECOVERING;
    track.over = time;
  }
}

/** When `for` or `keep` runs out, event time; Infinity when neither runs. */
export function dueOf(track: Track, rule: Rule): number {
  if (track.state === PENDING) return track.since + rule.for;
  return track.state === RECOVERING ? track.over + rule.keep : Number.POSITIVE_INFINITY;
}

/** What is being waited for in `dueOf`, ms. */
export const spanOf = (track: Track, rule: Rule): number => (track.state === PENDING ? rule.for : rule.keep);

/** `for` or `keep` has run out. */
export function expire(track: Track): void {
  track.state = track.state === PENDING ? FIRING : NORMAL;
}
