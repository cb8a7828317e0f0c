import { VigiaError } from "./error.ts";

const HOUR = 3_600_000;
const QUARTER = HOUR / 4;
const DAY = 24 * HOUR;
const KEPT = 4_096;

/** The wall clock of an IANA zone: milliseconds to add to UTC. Offsets are kept by the quarter of an hour. */
export class ZoneClock {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | undefined;
  readonly #known = new Map<number, number>();
  #quarter = Number.NaN;
  #offset = 0;

  /** @throws VigiaError `bad-zone` */
  constructor(name = "UTC") {
    this.name = name;
    if (name === "UTC") return;
    try {
      this.#format = new Intl.DateTimeFormat("en-US", {
        timeZone: name,
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      });
    } catch {
      throw new VigiaError("bad-zone", {
        field: "zone",
        value: name,
        allowed: 'the IANA name of a time zone, such as "Europe/Madrid" or "UTC"',
      });
    }
  }

  /** `time` as the wall clock shows it, in ms as if it were UTC. O(1) for times near those asked before. */
  local(time: number): number {
    if (this.#format === undefined) return time;
    const quarter = Math.floor(time / QUARTER);
    if (quarter !== this.#quarter) {
      this.#offset = this.#offsetAt(quarter);
      this.#quarter = quarter;
    }
    return time + this.#offset;
  }

  /**
   * The first instant at which the wall clock has reached `wall` (ms as if it were UTC): of an hour that comes twice
   * the first one, of an hour that is left out the moment when the clock jumps over it.
   */
  instant(wall: number): number {
    // No zone changes its clock twice within three days.
    const before = wall - this.#offsetAround(wall - 1.5 * DAY);
    const after = wall - this.#offsetAround(wall + 1.5 * DAY);
    if (this.local(before) === wall) return before;
    if (this.local(after) === wall) return after;
    let jump = Math.ceil(after / QUARTER) * QUARTER;
    while (this.local(jump) < wall) jump += QUARTER;
    return jump;
  }

  #offsetAround(time: number): number {
    return this.local(time) - time;
  }

  #offsetAt(quarter: number): number {
    const known = this.#known.get(quarter);
    if (known !== undefined) return known;
    const at = quarter * QUARTER;
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format!.formatToParts(at)) part[type] = Number(value);
    const local = Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second);
    if (this.#known.size >= KEPT) this.#known.clear();
    this.#known.set(quarter, local - at);
    return local - at;
  }
}
