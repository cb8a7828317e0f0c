import { type DurationLimits, parseDuration } from "../lib/points/duration.ts";
import { VigiaError } from "../lib/points/error.ts";

/** Raw editor values → typed ones. Anything may arrive as text, since `${ENV}` is replaced before a node sees it. */

const complain = (field: string, value: unknown, allowed: string) =>
  new VigiaError("bad-setting", { field, value, allowed });

const absent = (raw: unknown) => raw === undefined || raw === null || raw === "";

export interface NumberLimits {
  min?: number;
  max?: number;
  integer?: boolean;
}

/** @throws VigiaError `bad-setting` */
export function numberSetting(
  raw: unknown,
  field: string,
  fallback: number,
  { min = -Infinity, max = Infinity, integer = false }: NumberLimits = {},
): number {
  if (absent(raw)) return fallback;
  const value = typeof raw === "number" ? raw : Number(String(raw).trim());
  if (Number.isFinite(value) && value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
  const kind = integer ? "a whole number" : "a number";
  const range = `${min > -Infinity ? ` from ${min}` : ""}${max < Infinity ? ` to ${max}` : ""}`;
  throw complain(field, raw, kind + range);
}

/** Milliseconds. @throws VigiaError `bad-duration` */
export function durationSetting(raw: unknown, field: string, fallback: string, limits: DurationLimits = {}): number {
  return parseDuration(absent(raw) ? fallback : raw, field, limits);
}

/** @throws VigiaError `bad-setting` */
export function choiceSetting<T extends string>(raw: unknown, field: string, choices: readonly [T, ...T[]]): T {
  if (absent(raw)) return choices[0];
  const choice = choices.find((known) => known === raw);
  if (choice === undefined) throw complain(field, raw, choices.join(", "));
  return choice;
}

export function booleanSetting(raw: unknown, fallback: boolean): boolean {
  return absent(raw) ? fallback : raw === true || raw === "true";
}

export function textSetting(raw: unknown, fallback = ""): string {
  return absent(raw) ? fallback : String(raw).trim();
}

/** An IANA time zone; empty stays empty. @throws VigiaError `bad-setting` */
export function zoneSetting(raw: unknown, field: string): string {
  const zone = textSetting(raw);
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone || "UTC" });
    return zone;
  } catch {
    throw complain(field, raw, 'a zone such as "Europe/Madrid"');
  }
}

/** A list that stands as an array or as text with commas or line ends. */
export function listSetting(raw: unknown): string[] {
  const items: unknown[] = Array.isArray(raw) ? raw : String(raw ?? "").split(/[,\n]/);
  return items.map((item) => String(item).trim()).filter((item) => item !== "");
}

/** Tags as an object or as text: `site=madrid, line=2`. @throws VigiaError `bad-setting` */
export function tagsSetting(raw: unknown, field: string): Record<string, string> | undefined {
  if (typeof raw === "object" && raw !== null && !Array.isArray(raw)) return raw as Record<string, string>;
  const tags: Record<string, string> = {};
  for (const item of listSetting(raw)) {
    const at = item.indexOf("=");
    if (at < 1) throw complain(field, raw, "name=value, with commas between several");
    tags[item.slice(0, at).trim()] = item.slice(at + 1).trim();
  }
  return Object.keys(tags).length > 0 ? tags : undefined;
}

/** Flows say with which release's settings they were saved. @throws VigiaError `bad-version` */
export function checkVersion(raw: unknown, current: number): void {
  if (numberSetting(raw, "version", current) > current) {
    throw complain("version", raw, `up to ${current}: this flow was saved by a newer release of Vigía`);
  }
}
