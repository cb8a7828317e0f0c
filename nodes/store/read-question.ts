import type { NodeDef } from "node-red";
import { parseDuration } from "../../lib/points/duration.ts";
import { VigiaError } from "../../lib/points/error.ts";
import { type SeriesFilter, seriesFilter } from "../../lib/points/pattern.ts";
import type { Message } from "../../lib/points/reader.ts";
import { normalizeTags } from "../../lib/points/series.ts";
import { readTime } from "../../lib/points/time.ts";
import { AGGREGATES, type Aggregate, isAggregate } from "../../lib/store/aggregates.ts";
import { Grid } from "../../lib/store/grid.ts";
import type { Question } from "../../lib/store/history.ts";
import {
  booleanSetting,
  checkVersion,
  choiceSetting,
  durationSetting,
  listSetting,
  numberSetting,
  tagsSetting,
  textSetting,
  zoneSetting,
} from "../config.ts";
import { OUTPUTS, outputSaved } from "./read-outputs.ts";

export type ReadConfig = NodeDef & Record<string, unknown> & { store?: string; series?: string; seriesType?: string };

const MODES = ["last", "range", "buckets"] as const;
const TAKES = ["newest", "oldest"] as const;
const FILLS = ["null", "none"] as const;
/** What a message may ask for instead of the settings. */
const NAMES = [
  "mode",
  "series",
  "tags",
  "from",
  "to",
  "range",
  "every",
  "zone",
  "aggregates",
  "fill",
  "asOf",
  "limit",
  "take",
] as const;
const TIMES = ["from", "to", "range"] as const;
type Name = (typeof NAMES)[number];

const MOST = 1_000_000;
/** Forecasts are stored too: their times may lie ahead. */
const FAR = 100 * 366 * 86_400_000;

const limitSetting = (raw: unknown, field: string, fallback: number) =>
  numberSetting(raw, field, fallback, { min: 1, max: MOST, integer: true });

function aggregatesSetting(raw: unknown, field: string): Aggregate[] {
  const names = listSetting(raw);
  const unknown = names.find((name) => !isAggregate(name));
  if (unknown !== undefined) throw new VigiaError("bad-aggregate", { field, value: unknown, allowed: AGGREGATES });
  return names.length > 0 ? ([...new Set(names)] as Aggregate[]) : ["mean"];
}

export function normalize(config: ReadConfig, now: number) {
  checkVersion(config.version, 2);
  const time = (name: "from" | "to") => {
    const text = textSetting(config[name]);
    return text === "" ? undefined : readTime(text, now + FAR, name);
  };
  const every = textSetting(config.every, "1h");
  const zone = zoneSetting(config.zone, "zone") || "UTC";
  new Grid(every, zone);
  return {
    mode: choiceSetting(config.mode, "mode", MODES),
    tags: tagsSetting(config.tags, "tags"),
    range: durationSetting(config.range, "range", "1h"),
    from: time("from"),
    to: time("to"),
    every,
    zone,
    aggregates: aggregatesSetting(config.aggregates, "aggregates"),
    fill: choiceSetting(config.fill, "fill", FILLS),
    asOf: textSetting(config.asOf) || undefined,
    limit: limitSetting(config.limit, "limit", 100_000),
    take: choiceSetting(config.take, "take", TAKES),
    output: choiceSetting(outputSaved(config), "output", OUTPUTS),
    onlyChanged: booleanSetting(config.onlyChanged, false),
    pieceRows: numberSetting(config.pieceRows, "pieceRows", 0, { min: 0, max: MOST, integer: true }),
    handshake: booleanSetting(config.handshake, false),
  };
}

export type ReadSettings = ReturnType<typeof normalize>;

interface Given {
  value: unknown;
  /** How the user knows it: `msg.payload.from`. */
  field: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  Object.prototype.toString.call(value) === "[object Object]";

/** What the message asks for: `msg.query` goes before `msg.from`, `msg.to` and `msg.range`, and those before the payload. */
function givenBy(msg: Message): Map<Name, Given> {
  const given = new Map<Name, Given>();
  const take = (object: Record<string, unknown>, names: readonly Name[], prefix: string) => {
    for (const name of names) {
      const value = object[name];
      if (value !== undefined && value !== null && value !== "") given.set(name, { value, field: `${prefix}.${name}` });
    }
  };
  // A point asks for nothing: any message starts a read.
  if (isObject(msg.payload) && !Object.hasOwn(msg.payload, "value")) take(msg.payload, NAMES, "msg.payload");
  take(msg, TIMES, "msg");
  const { query = {} } = msg;
  if (!isObject(query)) {
    const allowed = 'an object such as {"mode":"range","series":"plant/#","from":"2026-01-01","limit":100}';
    throw new VigiaError("bad-query", { field: "msg.query", value: query, allowed });
  }
  take(query, NAMES, "msg.query");
  return given;
}

export interface Asked {
  question: Question;
  /** Two questions with equal texts have equal answers while the store does not change. */
  id: string;
}

/** @throws VigiaError that names the setting, or the property of the message */
export function ask(
  settings: ReadSettings,
  series: { value: unknown; field: string },
  msg: Message,
  now: number,
): Asked {
  const given = givenBy(msg);
  function setting<T>(name: Name, set: T, read: (raw: unknown, field: string) => T): T {
    const found = given.get(name);
    return found ? read(found.value, found.field) : set;
  }
  const time = (raw: unknown, field: string) => readTime(raw, now + FAR, field);

  const mode = setting("mode", settings.mode, (raw, field) => choiceSetting(raw, field, MODES));
  const asOf = setting("asOf", settings.asOf, (raw) => textSetting(raw));
  const { value, field } = given.get("series") ?? series;
  const patterns = listSetting(value);
  const tags = setting("tags", settings.tags, (raw, name) =>
    typeof raw === "string" ? tagsSetting(raw, name) : normalizeTags(raw, name),
  );
  const choice: SeriesFilter & { asOf?: string } = {
    ...(patterns.length > 0 && { series: patterns }),
    ...(tags && { tags }),
    ...(asOf && { asOf }),
  };
  seriesFilter(choice, field);
  if (mode === "last") return { question: { mode, choice }, id: JSON.stringify([mode, choice]) };

  // A message that says how far back takes the place of a set beginning.
  const from = setting("from", given.has("range") ? undefined : settings.from, time);
  const to = setting("to", settings.to, time);
  const range = setting("range", settings.range, (raw, name) => parseDuration(raw, name));
  const end = to ?? (mode === "range" ? now + FAR : now);
  const start = from ?? (to ?? now) - range;
  if (start > end) {
    const allowed = `a time up to ${new Date(end).toISOString()}`;
    throw new VigiaError("bad-query", { field: given.get("from")?.field ?? "from", value: new Date(start), allowed });
  }
  const limit = setting("limit", settings.limit, (raw, name) => limitSetting(raw, name, MOST));
  const take = setting("take", settings.take, (raw, name) => choiceSetting(raw, name, TAKES));
  if (mode === "range") {
    // "The last hour" stays the same question: only new points make another answer of it.
    const id = JSON.stringify([mode, choice, from ?? range, to, limit, take]);
    return { question: { mode, choice, from: start, to: end, limit, take }, id };
  }
  const zone = setting("zone", settings.zone, (raw, name) => zoneSetting(raw, name));
  const every = setting<unknown>("every", settings.every, (raw) => raw);
  const grid = new Grid(every, zone, given.get("every")?.field);
  const all = grid.edges(start, end);
  const edges = take === "newest" ? all.slice(-limit - 1) : all.slice(0, limit + 1);
  const aggregates = setting("aggregates", settings.aggregates, aggregatesSetting);
  const fill = setting("fill", settings.fill, (raw, name) => choiceSetting(raw, name, FILLS));
  const id = JSON.stringify([mode, choice, edges[0], edges.at(-1), grid.label, zone, aggregates, fill]);
  return { question: { mode, choice, edges, window: grid.label, aggregates, fill }, id };
}
