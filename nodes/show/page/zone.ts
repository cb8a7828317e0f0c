/** Times of a zone's wall clock, and where an axis has its ticks. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export interface Zone {
  /** IANA name. */
  readonly name: string;
  /** What the wall clock is ahead of UTC at a time, ms. */
  offset(time: number): number;
}

/** The viewer's zone when `name` is empty or the browser does not know it. */
export function zoneOf(name: string): Zone {
  let format: Intl.DateTimeFormat;
  const options = {
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  } as const;
  try {
    format = new Intl.DateTimeFormat("en-US", { ...options, timeZone: name || undefined });
  } catch {
    format = new Intl.DateTimeFormat("en-US", options);
  }
  return {
    name: format.resolvedOptions().timeZone,
    offset(time) {
      const second = Math.floor(time / SECOND) * SECOND;
      const part: Record<string, number> = {};
      for (const { type, value } of format.formatToParts(second)) part[type] = Number(value);
      const { year, month, day, hour, minute, second: s } = part;
      return Date.UTC(year!, month! - 1, day!, hour!, minute!, s!) - second;
    },
  };
}

const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14].map((n) => n * DAY),
];
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120];

export interface Ticks {
  times: number[];
  /** Distance, ms; a month counts 30 days. */
  step: number;
}

/** Ticks at round times of the wall clock, at least `least` ms apart, also across a change of summer time. */
export function ticksOf(from: number, to: number, least: number, zone: Zone): Ticks {
  const step = STEPS.find((candidate) => candidate >= least);
  if (step === undefined) return monthTicks(from, to, least, zone);
  const times: number[] = [];
  // Days count from a Monday, so that weeks begin on one.
  const anchor = step >= DAY ? 4 * DAY : 0;
  for (let local = Math.ceil((from + zone.offset(from) - anchor) / step) * step + anchor; ; local += step) {
    const time = instant(local, zone);
    if (time > to) return { times, step };
    if (time >= from && time !== times.at(-1)) times.push(time);
  }
}

function monthTicks(from: number, to: number, least: number, zone: Zone): Ticks {
  const months = MONTHS.find((n) => n * 30 * DAY >= least) ?? 240;
  const start = new Date(from + zone.offset(from));
  let month = Math.floor(((start.getUTCFullYear() - 1970) * 12 + start.getUTCMonth()) / months) * months;
  for (const times: number[] = []; ; month += months) {
    const time = instant(Date.UTC(1970, month), zone);
    if (time > to) return { times, step: months * 30 * DAY };
    if (time >= from) times.push(time);
  }
}

/** When the wall clock shows `local`; in the hour that summer time skips, the time after it. */
function instant(local: number, zone: Zone): number {
  const guess = local - zone.offset(local);
  return local - zone.offset(guess);
}
