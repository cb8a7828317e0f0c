import { VigiaError } from "../points/error.ts";
import type { ZoneClock } from "../points/zone.ts";
import { bandDown, bandUp, followBand, startBand } from "./band.ts";
import { counterBase, unwrap } from "./counter.ts";
import { isNegligible, learnSpread, onset, rescaleEffect, residualNow, residualSpread, shiftRatio } from "./effect.ts";
import { energyRatio, recentSwing, rescaleEnergy, usualSwing } from "./energy.ts";
import { BLOCK_BYTES, type Block, ENERGY_BINS, ENERGY_TAIL, LEVEL_BINS, LEVEL_TAIL, newBlock } from "./layout.ts";
import { fade, mayTell, raisedBy, remember, startMemory } from "./memory.ts";
import { count, firstTime, keepPace, lastTime, latestTime, startPace, step } from "./pace.ts";
import { bookPeak, chanceOf, startPeaks, thresholdOf } from "./peaks.ts";
import {
  believable,
  highest,
  learnLevel,
  level,
  levelDifference,
  levelRatio,
  lowest,
  spread,
  startScale,
  widen,
} from "./scale.ts";
import { Slots } from "./slots.ts";
import { longestStill, startStill, stillness, stillSince } from "./still.ts";
import { startTail, surprise } from "./tail.ts";
import type { Finding } from "./words.ts";

export type Direction = "above" | "below" | "both";
/** How a point is off: `unsteady` swings more than usual, `still` does not move. */
export type Way = "above" | "below" | "unsteady" | "still";

export interface DetectorSettings {
  readonly zone: ZoneClock;
  /** After an alert of a series, ms of event time. */
  readonly holdOff: number;
  readonly direction: Direction;
  /** Smallest difference that is told: absolute, in the unit of the points, and as a part of what was expected. */
  readonly least: number;
  readonly leastRelative: number;
  /** Time from the first point in which nothing is told, ms. It is never less than 120 points. */
  readonly warmUp: number;
}

/** When to alert. */
export interface Bar {
  /** How rare an alert must be, as `rarity` gives it. */
  rare: number;
  /** A threshold of the score for all series instead. */
  fixed: number | undefined;
}

/** What the detector makes of one point; one object serves all series. */
export interface Outcome {
  /** 0 … about 20; 0 for nearly all points. */
  score: number;
  /** Chance that a point of this series scores so high where nothing happens. */
  p: number;
  alert: boolean;
  warming: boolean;
  /** NaN: nothing is known yet. */
  expected: number;
  lower: number;
  upper: number;
  way: Way | undefined;
  finding: Finding | undefined;
}

export const newOutcome = (): Outcome => ({
  score: 0,
  p: 1,
  alert: false,
  warming: false,
  expected: Number.NaN,
  lower: Number.NaN,
  upper: Number.NaN,
  way: undefined,
  finding: undefined,
});

export interface SavedDetector {
  version: number;
  /** The block's bytes (little endian), base64. */
  block: string;
}

const VERSION = 1;
const HOUR = 3_600_000;
/** Points that only teach the parts, and points that only teach the tails. */
const WARM_POINTS = 120;
const PARTS_FIRST = 60;
const SLOW_RATE = 1 / 2_000;
/** Who has not seen a weekend yet should be surer: the threshold is so much higher in the first eight days. */
const NOVICE = 2;
const FIRST_WEEK = 8 * 24 * HOUR;

/** Of an infinite value: past every threshold. */
const CERTAIN = 40;

const slots = new Slots();

/**
 * Watches one series: how surprising is each value, given only what came before?
 *
 * The score is the surprise (-ln p among this series' own past) of two quantities, the energy of the residual against
 * the time of day and the shift of the level, plus the logarithms of two effect sizes, the sustained shift and the
 * distance of this one point. What alerts came before raises the bar, and effects that noise has all the time never
 * count. A series that stands still although it never did is scored by the chance of such a run.
 *
 * Points are taken in the order they come. A gap (NaN) and a point of the very time of the one before change nothing.
 * Cost: O(1) a point, about 1 µs; 3.1 KB a series, all in one block, and 0.5 KB around it.
 */
export class SeriesDetector {
  readonly #block: Block;
  readonly #settings: DetectorSettings;

  constructor(settings: DetectorSettings, block: Block = started()) {
    this.#settings = settings;
    this.#block = block;
  }

  /** Highest event time so far, ms; -Infinity before the first point. */
  get latest(): number {
    return latestTime(this.#block);
  }

  /** Values learned. */
  get count(): number {
    return count(this.#block);
  }

  /** Points a week, as they usually come. */
  get perWeek(): number {
    return (168 * HOUR) / step(this.#block);
  }

  /** How much of the warm-up is done, 0 … 1. */
  get warmth(): number {
    const { warmUp } = this.#settings;
    const time = warmUp > 0 ? (this.latest - firstTime(this.#block)) / warmUp : 1;
    return Math.max(0, Math.min(1, time, count(this.#block) / WARM_POINTS));
  }

  /**
   * Takes one value and fills `out`. `judged` false: it is learned, and never an alert.
   */
  push(time: number, value: number, bar: Bar, judged: boolean, out: Outcome): void {
    const block = this.#block;
    const { warmUp } = this.#settings;
    const before = count(block);
    out.score = 0;
    out.p = 1;
    out.alert = false;
    out.way = undefined;
    out.finding = undefined;
    out.warming = before < WARM_POINTS || time - firstTime(block) < warmUp;
    const local = this.#settings.zone.local(time);
    slots.place(local);
    const daily = before > 0 ? slots.mean(block) : Number.NaN;
    const known = !Number.isNaN(daily);
    const offset = known ? slots.weekOffset(block) : Number.NaN;
    const weekly = !Number.isNaN(offset) && Slots.weekly(block);
    const forecast = weekly ? daily + offset : daily;
    const ownSpread = known ? slots.spread(block) : residualSpread(block);
    this.#expect(before, known ? forecast : level(block), known ? ownSpread : spread(block), out);
    if (Number.isNaN(value) || (before > 0 && time === lastTime(block))) return;
    if (!Number.isFinite(value)) {
      // No number to learn from; a series that is infinite is told once a hold-off.
      if (before > 0) this.#infinite(time, value, judged, out);
      return;
    }

    const passed = before > 0 ? Math.abs(time - lastTime(block)) : 0;
    const n = keepPace(block, time);
    fade(block, passed, this.#settings.holdOff);
    const raw = value;
    value = unwrap(block, value);
    if (n === 1) startScale(block, value);
    const frozen = stillness(block, raw, time, n, lowest(block), highest(block));
    const whole = value;
    value = believable(block, value);
    const floor = widen(block, value);
    const slow = Math.max(1 / n, SLOW_RATE);
    const bare = known ? value - daily : 0;
    const residual = known ? value - forecast : 0;
    const usual = residualSpread(block);
    const energy = energyRatio(block, residual, floor, slow);
    const shifted = levelRatio(block, value, floor);
    const sustained = shiftRatio(block, residual, floor, time);
    const distance = Math.abs(residual) / Math.max(ownSpread, 0.3 * usual, floor);

    learnLevel(block, value, n);
    learnSpread(block, residual, slow);
    const perHour = Math.max(1, HOUR / step(block));
    if (known && n > PARTS_FIRST) followBand(block, whole - forecast, ownSpread);
    if (!Number.isNaN(offset)) {
      Slots.weigh(block, bare, offset);
      this.#chooseSlots(time);
    }
    if (known) slots.learnOffset(block, bare, perHour);
    slots.learn(block, value, known ? residual : Number.NaN, perHour, floor);
    if (n <= PARTS_FIRST) return;
    const rareEnergy = surprise(block, ENERGY_TAIL, ENERGY_BINS, energy);
    const rareLevel = surprise(block, LEVEL_TAIL, LEVEL_BINS, shifted);
    if (n <= WARM_POINTS) return;

    const rare = 0.7 * rareEnergy + rareLevel;
    let score = 0;
    if (rare > 0 && !isNegligible(energy, shifted, sustained, distance)) {
      score = Math.max(0, rare + 1.5 * Math.log(sustained + 0.1) + 0.5 * Math.log(distance + 0.1));
    }
    const still = frozen > score;
    if (still) score = frozen;
    const threshold = this.threshold(bar);
    bookPeak(block, score);
    if (score === 0) return;
    out.score = score;
    out.p = chanceOf(block, score);
    out.way = still ? "still" : this.#way(energy);
    if (!judged || out.warming || score < threshold + raisedBy(block)) return;
    if (!mayTell(block, time, this.#settings.holdOff) || !this.#wanted(out, whole - forecast)) return;
    out.alert = true;
    out.finding = this.#finding(out, raw, whole - forecast, time, local, weekly);
    remember(block, time, score - threshold);
  }

  /** The score at which this series alerts, before the memory of earlier alerts raises it. */
  threshold({ rare, fixed }: Bar): number {
    if (fixed !== undefined) return fixed;
    const block = this.#block;
    const novice = latestTime(block) - firstTime(block) < FIRST_WEEK;
    return thresholdOf(block, rare) + (novice ? NOVICE : 0);
  }

  save(): SavedDetector {
    return { version: VERSION, block: Buffer.from(this.#block.x.buffer).toString("base64") };
  }

  /** @throws VigiaError `bad-state` */
  static load(saved: SavedDetector, settings: DetectorSettings): SeriesDetector {
    const bytes = Buffer.from(String(saved?.block), "base64");
    if (saved?.version !== VERSION || bytes.length !== BLOCK_BYTES) {
      throw new VigiaError("bad-state", {
        field: "saved deviation detector",
        value: { version: saved?.version, bytes: bytes.length },
        allowed: `version ${VERSION} with ${BLOCK_BYTES} bytes`,
      });
    }
    const buffer = new ArrayBuffer(BLOCK_BYTES);
    new Uint8Array(buffer).set(bytes);
    return new SeriesDetector(settings, newBlock(buffer));
  }

  /** Residuals against the weekly slots are of another size and kind: what was usual before does not hold for them. */
  #chooseSlots(time: number): void {
    const block = this.#block;
    const ratio = Slots.choose(block, time - firstTime(block));
    if (ratio === 1) return;
    Slots.rescale(block, ratio);
    rescaleEnergy(block, ratio);
    rescaleEffect(block, ratio);
    startTail(block, ENERGY_TAIL, ENERGY_BINS);
    startPeaks(block);
  }

  #expect(before: number, forecast: number, unit: number, out: Outcome): void {
    if (before === 0) {
      out.expected = Number.NaN;
      out.lower = Number.NaN;
      out.upper = Number.NaN;
      return;
    }
    const block = this.#block;
    const expected = forecast - counterBase(block);
    out.expected = expected;
    out.lower = expected - bandDown(block) * unit;
    out.upper = expected + bandUp(block) * unit;
  }

  #infinite(time: number, value: number, judged: boolean, out: Outcome): void {
    out.score = CERTAIN;
    out.p = 0;
    out.way = value > 0 ? "above" : "below";
    if (!judged || out.warming || !mayTell(this.#block, time, this.#settings.holdOff)) return;
    if (this.#settings.direction !== "both" && this.#settings.direction !== out.way) return;
    out.alert = true;
    out.finding = { kind: "infinite", value };
    remember(this.#block, time, 0);
  }

  /** Off to one side, swinging, or with another level than ever? */
  #way(energy: number): Way {
    const now = residualNow(this.#block);
    if (Math.abs(now) >= 0.5 * recentSwing(this.#block)) return now < 0 ? "below" : "above";
    if (energy >= 0.7) return "unsteady";
    return levelDifference(this.#block) < 0 ? "below" : "above";
  }

  #amount(out: Outcome, residual: number): number {
    const now = residualNow(this.#block);
    if (out.way === "unsteady") return recentSwing(this.#block);
    if (Math.abs(now) < 0.5 * recentSwing(this.#block)) return levelDifference(this.#block);
    return residual < 0 === now < 0 ? residual : now;
  }

  #wanted(out: Outcome, residual: number): boolean {
    const { direction, least, leastRelative } = this.#settings;
    if (direction !== "both" && direction !== out.way) return false;
    if (out.way === "still") return true;
    const amount = Math.abs(this.#amount(out, residual));
    return amount >= least && amount >= leastRelative * Math.abs(out.expected);
  }

  #finding(out: Outcome, value: number, residual: number, time: number, local: number, weekly: boolean): Finding {
    const block = this.#block;
    const lasted = Math.max(0, time - onset(block));
    if (out.way === "still") {
      return { kind: "still", value, lasted: Math.max(0, time - stillSince(block)), longest: longestStill(block) };
    }
    if (out.way === "unsteady") return { kind: "unsteady", now: recentSwing(block), usual: usualSwing(block), lasted };
    const amount = this.#amount(out, residual);
    if (Math.abs(residualNow(block)) < 0.5 * recentSwing(block)) {
      return { kind: "level", amount, usual: level(block) - counterBase(block), lasted };
    }
    // Without a rhythm there is no point in naming the hour, nor for a point a day.
    const hourly = step(block) <= 6 * HOUR;
    const when = weekly ? (hourly ? "week-hour" : "weekday") : "hour";
    const rhythm = weekly || (hourly && residualSpread(block) < 0.8 * spread(block));
    return { kind: "off", amount, when: rhythm ? when : "any", local, lasted };
  }
}

function started(): Block {
  const block = newBlock();
  startPace(block);
  startBand(block);
  startStill(block);
  startMemory(block);
  startPeaks(block);
  startTail(block, ENERGY_TAIL, ENERGY_BINS);
  startTail(block, LEVEL_TAIL, LEVEL_BINS);
  return block;
}
