import type { Clock } from "../../../lib/points/clock.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** A Monday, 00:00 UTC. */
export const MONDAY = Date.UTC(2026, 0, 5);
/** Between two points, ms. */
export const STEP = 300_000;

/** Uniform in (0, 1), the same for the same seed (mulberry32). */
export function uniforms(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4_294_967_296;
  };
}

export function gaussians(seed: number): () => number {
  const next = uniforms(seed);
  return () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
}

/** 50 ± 10 over the day with noise of 1, the day's high at 14:00. */
export function daily(seed: number): (time: number) => number {
  const noise = gaussians(seed);
  return (time) => 50 + 10 * Math.cos((2 * Math.PI * (time / HOUR - 14)) / 24) + noise();
}

/** A clock that stands where it is put. */
export class HandClock implements Clock {
  time = 0;
  now(): number {
    return this.time;
  }
  after(): () => void {
    return () => {};
  }
}
