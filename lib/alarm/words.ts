import { durationWords } from "../points/words.ts";
import type { Rule } from "./rule.ts";

/** What a reason is made of; NaN where something is not known. */
export interface Situation {
  value: number;
  unit: string | undefined;
  expected: number;
  lower: number;
  upper: number;
  score: number;
  /** The deviation node's own words of its alert; empty without. */
  words: string;
  /** How long the condition has held, ms. */
  lasted: number;
}

/** Four digits, all those before the point, and all of them where four would make it the limit: `82.3 °C`. */
export function valueWords(value: number, unit: string | undefined, limit = Number.NaN): string {
  const size = Math.abs(value);
  const short = size >= 1_000 && size < 1e9 ? Math.round(value) : Number(value.toPrecision(4));
  const text = String(short === limit && value !== limit ? value : short);
  return unit === undefined ? text : `${text} ${unit}`;
}

/** Of two bounds the one that was left, and on which side; `undefined`: none was. */
function beyond(value: number, low: number, high: number): { side: "above" | "below"; bound: number } | undefined {
  if (value > high) return { side: "above", bound: high };
  return value < low ? { side: "below", bound: low } : undefined;
}

function deviating({ value, unit, expected, lower, upper }: Situation): string {
  const off = beyond(value, lower, upper) ?? beyond(value, expected, expected);
  if (off === undefined) return `${valueWords(value, unit)} deviates from what is usual`;
  if (Number.isNaN(expected)) return `${valueWords(value, unit)}, ${off.side} the usual ${valueWords(off.bound, unit)}`;
  return `${valueWords(value, unit)}, ${off.side} the expected ${valueWords(expected, unit)}`;
}

function conditionWords(rule: Rule, situation: Situation): string {
  const { value, unit, lower, upper, score, words } = situation;
  const { when, limit, low, high } = rule;
  const own = valueWords(value, unit, limit);
  const bound = (n: number) => (unit === undefined ? String(n) : `${n} ${unit}`);
  switch (when) {
    case "above":
    case "below":
      return `${own}, ${when} ${bound(limit)}`;
    case "outside":
    case "inside":
      return `${own}, ${when} ${bound(low)} to ${bound(high)}`;
    case "equals":
      return `is ${own}`;
    case "differs":
      return `is ${own}, not ${bound(limit)}`;
    case "band": {
      const side = beyond(value, lower, upper)?.side ?? "outside";
      return `${own}, ${side} the expected ${valueWords(lower, unit)} to ${valueWords(upper, unit)}`;
    }
    case "score":
      return `${deviating(situation)}, score ${valueWords(score, undefined)} above ${limit}`;
    case "alert":
      return words || deviating(situation);
  }
}

/** "82.3 °C, above 80 °C for 5 min". */
export function reasonOf(rule: Rule, situation: Situation): string {
  const condition = conditionWords(rule, situation);
  // The deviation node says itself how long.
  const own = rule.when === "alert" && situation.words !== "";
  const lasting = situation.lasted >= 1_000 && !own ? ` for ${durationWords(situation.lasted)}` : "";
  return `${rule.text === "" ? "" : `${rule.text}: `}${condition}${lasting}`;
}

/** "back to 71 °C after 12 min, worst 95.2 °C". */
export function endWords(value: number, unit: string | undefined, lasted: number, worst: number | undefined): string {
  const farthest = worst === undefined ? "" : `, worst ${valueWords(worst, unit)}`;
  return `back to ${valueWords(value, unit)} after ${durationWords(lasted)}${farthest}`;
}

/** "no data for 30 s, usually every 10 s; last 71 °C". */
export function silenceWords(silent: number, interval: number, value: number, unit: string | undefined): string {
  const usual = Number.isNaN(interval) ? "" : `, usually every ${durationWords(interval)}`;
  return `no data for ${durationWords(silent)}${usual}; last ${valueWords(value, unit)}`;
}

/** "data again after 100 s: 71 °C". */
export const backWords = (silent: number, value: number, unit: string | undefined): string =>
  `data again after ${durationWords(silent)}: ${valueWords(value, unit)}`;
