import { formatDuration, parseDuration } from "../points/duration.ts";
import { ZoneClock } from "../points/zone.ts";
import { checkBuckets } from "./aggregates.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
/** Monday, 29 December 1969, on the wall clock. */
const FIRST_MONDAY = -3 * DAY;

/** Beginnings of buckets on the wall clock, by number. */
interface Wall {
  /** About how long a bucket is, ms. */
  length: number;
  at(number: number): number;
  numberOf(local: number): number;
}

const regular = (length: number, start = 0): Wall => ({
  length,
  at: (number) => start + number * length,
  numberOf: (local) => Math.floor((local - start) / length),
});

const months = (n: number): Wall => ({
  length: n * MONTH,
  at: (number) => Date.UTC(1970, number * n, 1),
  numberOf(local) {
    const date = new Date(local);
    return Math.floor(((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()) / n);
  },
});

const CALENDAR = /^\s*([1-9]\d?)\s*(mo|y)\s*$/;

/**
 * Where buckets of one length begin.
 *
 * Days, weeks (from Monday), months (`1mo`, `3mo`) and years (`1y`) follow the calendar of a zone, so that a day has 23
 * or 25 hours when the clock is changed. Parts of a day begin at midnight there: those that fit into an hour are all of
 * one length, longer ones (`6h`) keep to the wall clock. Anything else (`7m`, `36h`) counts from 1970, UTC.
 */
export class Grid {
  /** The length in its shortest form: `1h`, `1w`, `1mo`. */
  readonly label: string;
  readonly #zone: ZoneClock;
  readonly #wall: Wall | undefined;
  /** Length of each bucket, ms, when all are equal. */
  readonly #equal: number | undefined;

  /** @throws VigiaError `bad-duration`, `bad-zone` naming `field` */
  constructor(every: unknown, zone = "UTC", field = "every") {
    this.#zone = new ZoneClock(zone);
    const calendar = typeof every === "string" ? CALENDAR.exec(every) : null;
    if (calendar) {
      const n = Number(calendar[1]);
      this.label = `${n}${calendar[2]}`;
      this.#wall = months(calendar[2] === "y" ? 12 * n : n);
      return;
    }
    const length = parseDuration(every, field, { also: 'or "1mo", "3mo", "1y"' });
    this.label = formatDuration(length);
    if (length % WEEK === 0) this.#wall = regular(length, FIRST_MONDAY);
    else if (length % DAY === 0) this.#wall = regular(length);
    else if (HOUR % length === 0) this.#equal = length;
    else if (DAY % length === 0) this.#wall = regular(length);
    else {
      this.#zone = new ZoneClock();
      this.#wall = regular(length);
    }
  }

  /**
   * Beginnings of the buckets that hold the times from `from` to `to` (ms, inclusive), and the end of the last one.
   * O(buckets). @throws VigiaError `bad-query` when there are too many
   */
  edges(from: number, to: number): Float64Array {
    const equal = this.#equal;
    checkBuckets(Math.ceil((to - from) / (equal ?? this.#wall!.length)));
    const found = equal === undefined ? this.#onWall(this.#wall!, from, to) : this.#inDays(equal, from, to);
    const edges: number[] = [];
    for (const edge of found) {
      // A part that the clock jumps over has no length; one that comes twice may begin before `from` once more.
      if (edges.length > 0 && edge <= from) edges.pop();
      if (edges.length === 0 || edge > edges.at(-1)!) edges.push(edge);
      if (edge > to) break;
    }
    return Float64Array.from(edges);
  }

  *#onWall({ at, numberOf }: Wall, from: number, to: number): Generator<number> {
    let number = numberOf(this.#zone.local(from));
    for (let edge = -Infinity; edge <= to; number++) {
      edge = this.#zone.instant(at(number));
      yield edge;
    }
  }

  *#inDays(length: number, from: number, to: number): Generator<number> {
    const { at, numberOf } = regular(DAY);
    let day = numberOf(this.#zone.local(from));
    let next = this.#zone.instant(at(day));
    while (next <= to) {
      const midnight = next;
      next = this.#zone.instant(at(++day));
      const first = Math.max(0, Math.floor((from - midnight) / length));
      for (let edge = midnight + first * length; edge < next; edge += length) yield edge;
    }
    yield next;
  }
}
