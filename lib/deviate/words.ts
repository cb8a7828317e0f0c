import { amountWords, durationWords } from "../points/words.ts";
import { hourOfWeek } from "./slots.ts";

/** What there is to say; times in ms, the rest in the unit of the points. */
export type Finding =
  | { kind: "off"; amount: number; when: "week-hour" | "weekday" | "hour" | "any"; local: number; lasted: number }
  | { kind: "level"; amount: number; usual: number; lasted: number }
  | { kind: "unsteady"; now: number; usual: number; lasted: number }
  | { kind: "still"; value: number; lasted: number; longest: number }
  | { kind: "infinite"; value: number };

const DAYS = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];
const NUMBERS = ["twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"];

/** `9` → "nine", `21` → "nine in the evening". */
export function clockWords(hour: number): string {
  if (hour === 0) return "midnight";
  if (hour === 12) return "noon";
  const number = NUMBERS[hour % 12]!;
  if (hour < 6) return `${number} at night`;
  if (hour < 12) return number;
  return `${number} in the ${hour < 18 ? "afternoon" : "evening"}`;
}

function usualWords(when: "week-hour" | "weekday" | "hour" | "any", hour: number): string {
  const at = clockWords(hour % 24);
  const day = DAYS[Math.floor(hour / 24)]!;
  if (when === "week-hour") return `what ${day} at ${at} have been`;
  if (when === "weekday") return `what ${day} have been`;
  return when === "hour" ? `what it has been at ${at}` : "what it has been";
}

/** One line for the people at the plant. */
export function inWords(finding: Finding, unit: string | undefined): string {
  const lasting = "lasted" in finding && finding.lasted >= 1_000 ? `, for ${durationWords(finding.lasted)}` : "";
  switch (finding.kind) {
    case "off": {
      const usual = usualWords(finding.when, hourOfWeek(finding.local));
      const side = finding.amount < 0 ? "below" : "above";
      return `${amountWords(Math.abs(finding.amount), unit)} ${side} ${usual}${lasting}`;
    }
    case "level": {
      const side = finding.amount < 0 ? "below" : "above";
      const usual = amountWords(finding.usual, unit);
      return `${amountWords(Math.abs(finding.amount), unit)} ${side} its level of ${usual}${lasting}`;
    }
    case "unsteady":
      return (
        `swings by ±${amountWords(finding.now, unit)} around what is expected, ` +
        `usually by ±${amountWords(finding.usual, unit)}${lasting}`
      );
    case "still": {
      const longest = finding.longest >= 1_000 ? `, never before for more than ${durationWords(finding.longest)}` : "";
      return `has stood still at ${amountWords(finding.value, unit)}${lasting}${longest}`;
    }
    case "infinite":
      return `is ${finding.value > 0 ? "infinite" : "minus infinite"}`;
  }
}
