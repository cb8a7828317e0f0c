import { parseDuration } from "../points/duration.ts";
import { VigiaError } from "../points/error.ts";
import { type SeriesFilter, seriesFilter } from "../points/pattern.ts";
import type { SeriesRef } from "../points/series.ts";
import { DEFAULT_STATES, readValue } from "../points/value.ts";
import { rankOf, SEVERITIES } from "./severity.ts";

/** Kinds of conditions: on limits, on states, on what the deviation node found out about the point. */
export const WHENS = ["above", "below", "outside", "inside", "equals", "differs", "band", "score", "alert"] as const;
export type When = (typeof WHENS)[number];

/** A rule's fields in the order of the table and of the CSV. */
export const RULE_FIELDS = [
  "series",
  "tags",
  "when",
  "limit",
  "low",
  "high",
  "off",
  "deadband",
  "severity",
  "for",
  "keep",
  "text",
] as const;
export type RuleField = (typeof RULE_FIELDS)[number];

/** A rule as people write it: texts only, what is left out is absent. */
export type RuleText = Partial<Record<RuleField, string>>;

/** A rule ready for use. */
export interface Rule {
  readonly matches: (ref: Pick<SeriesRef, "series" | "tags">) => boolean;
  readonly when: When;
  /** NaN where the kind of condition has none. For `band` the margin, 0 without one. */
  readonly limit: number;
  readonly low: number;
  readonly high: number;
  /** Where an alarm of this rule is over; without `off` and `deadband` the limit itself. */
  readonly off: number;
  /** Width of the deadband in the unit of the values, inside of the range; 0: none. */
  readonly deadband: number;
  /** The same as a part of the band's width (0.05: 5 %): only for `band`, whose width is not known before. */
  readonly deadbandPart: number;
  /** 1 … 5, see `rankOf`. */
  readonly rank: number;
  /** How long the condition must hold before, and be over after, ms. */
  readonly for: number;
  readonly keep: number;
  readonly text: string;
  /** The same for all rules that take each other's place: only the first of them that fits a series counts. */
  readonly slot: string;
}

interface Kind {
  needs: readonly RuleField[];
  may: readonly RuleField[];
  /** When `keep` is left out. A measure of strangeness has no memory of its own: it goes back and forth. */
  keep: number;
}

const ALWAYS: readonly RuleField[] = ["series", "tags", "when", "severity", "for", "keep", "text"];
const CALM = 300_000;
const limitKind: Kind = { needs: ["limit"], may: ["off", "deadband"], keep: 0 };
const rangeKind: Kind = { needs: ["low", "high"], may: ["deadband"], keep: 0 };

const KINDS: Readonly<Record<When, Kind>> = {
  above: limitKind,
  below: limitKind,
  outside: rangeKind,
  inside: rangeKind,
  equals: { needs: ["limit"], may: ["off"], keep: 0 },
  differs: { needs: ["limit"], may: [], keep: 0 },
  band: { needs: [], may: ["limit", "deadband"], keep: CALM },
  score: { ...limitKind, keep: CALM },
  alert: { needs: [], may: [], keep: CALM },
};

/** Fields that say something in a rule of this kind. */
export const fieldsOf = (when: When): readonly RuleField[] => [...ALWAYS, ...KINDS[when].needs, ...KINDS[when].may];

/** What counts when no rule was written. */
export const DEFAULT_RULES: readonly RuleText[] = [{ when: "alert", severity: "warning" }];

const MAX_TEXT = 200;
const PERCENT = /^(.+?)\s*%$/;

/** What a field is called in an error: `rules[2].limit`, `line 3, limit`. */
export type Namer = (field: RuleField) => string;

/** Trimmed, in the order of `RULE_FIELDS`, without what is empty. Fields that rules do not have are left out. */
export function tidyRule(raw: Readonly<Record<string, unknown>>): RuleText {
  const tidy: RuleText = {};
  for (const field of RULE_FIELDS) {
    const text = String(raw[field] ?? "").trim();
    if (text !== "") tidy[field] = text;
  }
  return tidy;
}

/** The part of a rule that says for which series it is. @throws VigiaError `bad-pattern`, `bad-rule` */
function filterOf({ series, tags }: RuleText, name: Namer): SeriesFilter {
  const filter: SeriesFilter = {};
  const patterns = (series ?? "").split(/[,\n]/).map((pattern) => pattern.trim());
  const given = patterns.filter((pattern) => pattern !== "");
  if (given.length > 0) filter.series = given;
  const pairs: [string, string][] = [];
  for (const item of (tags ?? "").split(/[;,\n]/)) {
    if (item.trim() === "") continue;
    const at = item.indexOf("=");
    const [key, value] = [item.slice(0, at).trim(), item.slice(at + 1).trim()];
    if (at < 0 || key === "" || value === "") {
      throw new VigiaError("bad-rule", {
        field: name("tags"),
        value: tags,
        allowed: "name=value, with ; between several; * as value: the tag exists",
      });
    }
    pairs.push([key, value]);
  }
  if (pairs.length > 0) filter.tags = Object.fromEntries(pairs);
  return filter;
}

/** The fields that a kind of condition needs are there, and none that says nothing. @throws VigiaError `bad-rule` */
function checkFields(rule: RuleText, when: When, name: Namer): void {
  const { needs } = KINDS[when];
  const known = fieldsOf(when);
  for (const field of RULE_FIELDS) {
    const text = rule[field];
    if (text === undefined && needs.includes(field)) {
      throw new VigiaError("bad-rule", { field: name(field), value: "", allowed: `a number: "${when}" needs it` });
    }
    if (text !== undefined && !known.includes(field)) {
      throw new VigiaError("bad-rule", { field: name(field), value: text, allowed: `nothing with "${when}"` });
    }
  }
  if (rule.off !== undefined && rule.deadband !== undefined) {
    throw new VigiaError("bad-rule", {
      field: name("deadband"),
      value: rule.deadband,
      allowed: "nothing beside off: one of the two says where the alarm is over",
    });
  }
}

/**
 * A rule from its texts, whatever they came from.
 * @throws VigiaError `bad-rule`, `bad-pattern`, `bad-duration`, naming the field by `name`
 */
export function parseRule(raw: Readonly<Record<string, unknown>>, name: Namer): Rule {
  const rule = tidyRule(raw);
  const complain = (field: RuleField, allowed: string) =>
    new VigiaError("bad-rule", { field: name(field), value: rule[field] ?? "", allowed });
  const when = WHENS.find((known) => known === rule.when);
  if (when === undefined) throw complain("when", WHENS.join(", "));
  const rank = rankOf(rule.severity ?? "warning");
  if (rank === 0) throw complain("severity", SEVERITIES.join(", "));
  checkFields(rule, when, name);

  const stateful = when === "equals" || when === "differs";
  const number = (field: RuleField, missing: number): number => {
    const text = rule[field];
    if (text === undefined) return missing;
    const value = readValue(text, stateful ? DEFAULT_STATES : {});
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw complain(field, stateful ? "a number or a state such as up, down, on, off" : "a number with a decimal point");
  };
  const limit = number("limit", when === "band" ? 0 : Number.NaN);
  const low = number("low", Number.NaN);
  const high = number("high", Number.NaN);
  if (low > high) throw complain("high", `at least low (${low})`);
  if (when === "band" && limit < 0) throw complain("limit", "a margin: a number from 0 on");

  const percent = PERCENT.exec(rule.deadband ?? "");
  const deadbandNumber = percent ? Number(percent[1]) / 100 : number("deadband", 0);
  if (!(deadbandNumber >= 0)) throw complain("deadband", 'a number from 0 on, or a percentage such as "5%"');
  const whole = Number.isNaN(low) ? Math.abs(limit) : high - low;
  const ofBand = percent !== null && when === "band";
  const deadband = percent ? (ofBand ? 0 : deadbandNumber * whole) : deadbandNumber;

  const down = when === "below";
  const off = number("off", down ? limit + deadband : limit - deadband);
  if (!stateful && (down ? off < limit : off > limit)) {
    throw complain("off", `${down ? "at least" : "at most"} the limit (${limit})`);
  }
  const text = rule.text ?? "";
  if (text.length > MAX_TEXT || /[\u0000-\u001f]/.test(text)) {
    throw complain("text", `one line of at most ${MAX_TEXT} characters`);
  }
  return {
    matches: seriesFilter(filterOf(rule, name), name("series")),
    when,
    limit,
    low,
    high,
    off,
    deadband,
    deadbandPart: ofBand ? deadbandNumber : 0,
    rank,
    for: rule.for === undefined ? 0 : parseDuration(rule.for, name("for"), { min: 0 }),
    keep: rule.keep === undefined ? KINDS[when].keep : parseDuration(rule.keep, name("keep"), { min: 0 }),
    text,
    slot: `${rank}/${when}`,
  };
}

/**
 * All rules of a node; without any, `DEFAULT_RULES`.
 * @throws VigiaError as `parseRule`, naming `rules[2].limit`
 */
export function parseRules(raw: unknown, field = "rules"): Rule[] {
  if (raw !== undefined && raw !== null && raw !== "" && !Array.isArray(raw)) {
    throw new VigiaError("bad-rule", { field, value: raw, allowed: "an array of rules" });
  }
  const rows: readonly unknown[] = Array.isArray(raw) && raw.length > 0 ? raw : DEFAULT_RULES;
  return rows.map((row, at) => {
    if (typeof row !== "object" || row === null) {
      throw new VigiaError("bad-rule", { field: `${field}[${at}]`, value: row, allowed: "a rule, { when, limit, … }" });
    }
    return parseRule(row as Record<string, unknown>, (name) => `${field}[${at}].${name}`);
  });
}

/** The rules of a series: of each slot the first that fits, the most severe first. O(rules), so once a series. */
export function rulesFor(rules: readonly Rule[], ref: Pick<SeriesRef, "series" | "tags">): Rule[] {
  const slots = new Map<string, Rule>();
  for (const rule of rules) if (!slots.has(rule.slot) && rule.matches(ref)) slots.set(rule.slot, rule);
  return [...slots.values()].sort((a, b) => b.rank - a.rank);
}
