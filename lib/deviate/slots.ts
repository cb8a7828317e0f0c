import {
  type Block,
  HOUR_COUNT,
  HOUR_MEAN,
  HOUR_SPREAD,
  HOURS,
  WEEK_COUNT,
  WEEK_HOURS,
  WEEK_OFFSET,
  WEEKLY_GAIN,
} from "./layout.ts";

const HOUR = 3_600_000;
const WEEK = WEEK_HOURS * HOUR;
/** 1970-01-01 was a Thursday; weeks here start with Monday. */
const MONDAY = 4 * 24 * HOUR;

/** So much of an hour slot is new each day. */
const DAY_RATE = 0.2;
const SPREAD_RATE = 0.2;
const HELD = 20;
const WEEK_RATE = 0.3;

const WITHOUT = WEEKLY_GAIN;
const WITH = WEEKLY_GAIN + 1;
const IN_USE = WEEKLY_GAIN + 2;
const GAIN_RATE = 0.001;
/** The weekly slots are used once they leave less than this of the residual, after two weeks. */
const PAYS = 0.6;
const PAYS_NO_MORE = 0.8;
const WEEKS_FIRST = 2 * WEEK;

/** Hour of the week, 0 to 167 from Monday 00:00, of local time in ms. */
export function hourOfWeek(local: number): number {
  const since = (local - MONDAY) % WEEK;
  return Math.floor((since < 0 ? since + WEEK : since) / HOUR) % WEEK_HOURS;
}

/**
 * What a series is at each hour of the day, and by how much each hour of the week differs from that. A value between
 * two hours' middles is interpolated. Set by `place`; one of these serves all series, as it holds no state.
 */
export class Slots {
  hour = 0;
  weekHour = 0;
  #left = 0;
  #right = 0;
  #weekLeft = 0;
  #weekRight = 0;
  #weight = 0;

  /** `local`: milliseconds of the wall clock in the series' zone. O(1). */
  place(local: number): void {
    const since = (local - MONDAY) % WEEK;
    const at = (since < 0 ? since + WEEK : since) / HOUR;
    const whole = Math.floor(at);
    const toNext = at - whole >= 0.5;
    this.weekHour = whole % WEEK_HOURS;
    this.hour = whole % HOURS;
    this.#weekLeft = toNext ? this.weekHour : (this.weekHour + WEEK_HOURS - 1) % WEEK_HOURS;
    this.#weekRight = (this.#weekLeft + 1) % WEEK_HOURS;
    this.#left = this.#weekLeft % HOURS;
    this.#right = this.#weekRight % HOURS;
    this.#weight = toNext ? at - whole - 0.5 : at - whole + 0.5;
  }

  /** Mean of this time of day; NaN: nothing known. */
  mean({ x }: Block): number {
    return this.#hourly(x, HOUR_MEAN);
  }

  /** Mean absolute residual at this time of day; NaN: nothing known. */
  spread({ x }: Block): number {
    return this.#hourly(x, HOUR_SPREAD);
  }

  /** How much this hour of the week is above its time of day; NaN: nothing known. */
  weekOffset({ f }: Block): number {
    const left = this.#weekLeft;
    const right = this.#weekRight;
    return between(
      f[WEEK_OFFSET + left]!,
      f[WEEK_OFFSET + right]!,
      f[WEEK_COUNT + left]! > 0,
      f[WEEK_COUNT + right]! > 0,
      this.#weight,
    );
  }

  /** Do the weekly slots take part in the forecast? */
  static weekly({ x }: Block): boolean {
    return x[IN_USE] === 1;
  }

  /**
   * Judges the weekly slots by their own forecasts, after `seen` ms. When that changes whether they are used: by how much
   * the usual residual changes; else 1.
   */
  static choose({ x }: Block, seen: number): number {
    const gain = x[WITH]! / x[WITHOUT]!;
    if (x[IN_USE] === 1) {
      if (gain <= PAYS_NO_MORE) return 1;
      x[IN_USE] = 0;
      return 1 / gain;
    }
    if (!(gain < PAYS) || seen < WEEKS_FIRST) return 1;
    x[IN_USE] = 1;
    return gain;
  }

  /** All usual residuals become `ratio` times what they were. */
  static rescale({ x }: Block, ratio: number): void {
    for (let hour = 0; hour < HOURS; hour++) x[HOUR_SPREAD + hour] = x[HOUR_SPREAD + hour]! * ratio;
  }

  /** Books how well a weekly offset did against none. */
  static weigh({ x }: Block, residual: number, offset: number): void {
    x[WITHOUT] = x[WITHOUT]! + GAIN_RATE * (Math.abs(residual) - x[WITHOUT]!);
    x[WITH] = x[WITH]! + GAIN_RATE * (Math.abs(residual - offset) - x[WITH]!);
  }

  learnOffset({ f }: Block, residual: number, perHour: number): void {
    const slot = this.weekHour;
    const n = f[WEEK_COUNT + slot]! + 1;
    // Past this a float does not count on; its rate is the constant one long before.
    if (n < 1e6) f[WEEK_COUNT + slot] = n;
    const rate = Math.max(1 / n, WEEK_RATE / perHour);
    f[WEEK_OFFSET + slot] = f[WEEK_OFFSET + slot]! + rate * (residual - f[WEEK_OFFSET + slot]!);
  }

  /**
   * `residual` NaN: there was no forecast to be off from. One value moves an hour by no more than `HELD` times what is
   * usual there (`floor` at least); should such values stay, that grows with each.
   */
  learn({ x }: Block, value: number, residual: number, perHour: number, floor: number): void {
    const { hour } = this;
    const n = x[HOUR_COUNT + hour]! + 1;
    x[HOUR_COUNT + hour] = n;
    const mean = x[HOUR_MEAN + hour]!;
    const spread = x[HOUR_SPREAD + hour]!;
    const most = n <= perHour + 1 ? Number.POSITIVE_INFINITY : HELD * Math.max(spread, floor);
    const off = Math.max(-most, Math.min(most, value - mean));
    x[HOUR_MEAN + hour] = mean + Math.max(1 / n, DAY_RATE / perHour) * off;
    if (Number.isNaN(residual)) return;
    const rate = Math.max(1 / n, SPREAD_RATE / perHour);
    x[HOUR_SPREAD + hour] = spread + rate * (Math.min(most, Math.abs(residual)) - spread);
  }

  #hourly(x: Float64Array, at: number): number {
    const left = this.#left;
    const right = this.#right;
    return between(x[at + left]!, x[at + right]!, x[HOUR_COUNT + left]! > 0, x[HOUR_COUNT + right]! > 0, this.#weight);
  }
}

function between(left: number, right: number, hasLeft: boolean, hasRight: boolean, weight: number): number {
  if (hasLeft) return hasRight ? left + weight * (right - left) : left;
  return hasRight ? right : Number.NaN;
}
