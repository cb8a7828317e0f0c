import type { Point } from "../points/point.ts";
import { durationWords } from "../points/words.ts";
import { type AlarmEvent, type Fields, isFields, numberIn, readEvent, tagsIn, textIn, timeIn } from "./event.ts";
import type { Facts, Kind } from "./notification.ts";
import { payloadText } from "./payload.ts";
import { isZone, numberWords, type Phrases, seriesWords, severityIcon, severityWord, timeWords } from "./words.ts";

/** Label and text. */
export type Row = readonly [label: string, text: string];

/** What a message tells, before it is written out for a channel. */
export interface Story {
  kind: Kind;
  /** Of this one message, where it has one. */
  id?: string;
  /** What its notifications are kept in order by; absent: it stands alone. */
  incident?: string;
  /** The same for the same content: what the key is made of where there is no id. */
  seed: readonly unknown[];
  time: number;
  zone: string;
  facts: Facts;
  icon: string;
  title: string;
  /** Empty when `text` says it all. */
  rows: readonly Row[];
  text: string;
}

export interface StorySettings {
  phrases: Phrases;
  zone: string;
  /** Milliseconds since epoch. */
  now: number;
}

const GREEN = "🟢";
const SILENCE = "⚫";
const UNUSUAL = "🟣";
const MESSAGE = "✉️";

const finite = (value: number | null | undefined): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;

/** Without what is absent: nothing of it may be written as "undefined". */
function present<T extends object>(fields: { [Name in keyof T]: T[Name] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function rangeWords(lower: number | undefined, upper: number | undefined, unit: string | undefined, phrases: Phrases) {
  const bound = (value: number) => numberWords(value, unit, phrases);
  if (lower !== undefined && upper !== undefined) {
    return phrases.range(numberWords(lower, undefined, phrases), bound(upper));
  }
  if (lower !== undefined) return phrases.atLeast(bound(lower));
  return upper === undefined ? undefined : phrases.atMost(bound(upper));
}

type Measured = Pick<AlarmEvent, "expected" | "lower" | "upper" | "unit">;

function expectedWords({ expected, lower, upper, unit }: Measured, phrases: Phrases): string | undefined {
  const range = rangeWords(lower, upper, unit, phrases);
  if (expected === undefined) return range;
  const middle = numberWords(expected, unit, phrases);
  return range === undefined ? middle : `${middle} (${range})`;
}

const rowsOf = (rows: readonly (readonly [string, string | undefined])[]): Row[] =>
  rows.filter((row): row is Row => row[1] !== undefined && row[1] !== "");

function eventKind(event: string): Kind {
  if (event === "start" || event === "nodata") return "start";
  if (event === "end" || event === "data-back") return "end";
  return event === "severity" ? "severity" : "update";
}

const isSilence = (event: string) => event === "nodata" || event === "data-back";

function eventIcon({ event, severity }: AlarmEvent): string {
  if (event === "nodata") return SILENCE;
  return eventKind(event) === "end" ? GREEN : severityIcon(severity);
}

/** What is before the colon of a title. */
function eventHead({ event, severity, previous }: AlarmEvent, phrases: Phrases): string {
  const word = (name: string | undefined) => (name === undefined ? "" : severityWord(name, phrases));
  switch (event) {
    case "start":
      return word(severity) || phrases.alarm;
    case "severity":
      return severity === undefined ? phrases.alarm : phrases.now(word(severity), word(previous));
    case "end":
      return phrases.over;
    case "nodata":
      return phrases.noData;
    case "data-back":
      return phrases.dataBack;
    default:
      return severity === undefined ? event : `${event}, ${word(severity)}`;
  }
}

function eventTitle(event: AlarmEvent, what: string, value: string | undefined, phrases: Phrases): string {
  const lasted = event.duration === undefined ? undefined : durationWords(event.duration);
  let tail = "";
  if (event.event === "end" && lasted !== undefined) tail = `, ${phrases.lasted(lasted)}`;
  else if (isSilence(event.event) && lasted !== undefined) tail = `, ${phrases.missing(lasted)}`;
  // The last value before a silence is old news.
  const shown = value === undefined || event.event === "nodata" ? "" : ` ${value}`;
  return `${eventIcon(event)} ${eventHead(event, phrases)}: ${what}${shown}${tail}`;
}

function tellEvent(event: AlarmEvent, { phrases, zone: usual, now }: StorySettings): Story {
  const zone = isZone(event.zone) ? event.zone : usual;
  const time = event.time ?? now;
  const { unit, series, tags, alarm, severity, duration, since } = event;
  const number = (value: number | null | undefined) =>
    typeof value === "number" ? numberWords(value, unit, phrases) : undefined;
  const what = series === undefined ? (alarm ?? event.key ?? "") : seriesWords(series, tags, phrases);
  const { labels } = phrases;
  return present<Story>({
    kind: eventKind(event.event),
    id: event.id,
    // A silence ends by itself, whatever the alarm does meanwhile.
    incident: `${event.key ?? JSON.stringify([alarm, series, tags])}${isSilence(event.event) ? " nodata" : ""}`,
    seed: [event.event, event.key, alarm, series, tags, severity, time],
    time,
    zone,
    facts: eventFacts(event, time, zone),
    icon: eventIcon(event),
    title: eventTitle(event, what, number(event.value), phrases),
    rows: rowsOf([
      [labels.alarm, series === undefined ? undefined : alarm],
      [labels.series, series === undefined ? undefined : seriesWords(series, tags, phrases)],
      [labels.severity, severity === undefined ? undefined : severityWord(severity, phrases)],
      [labels.value, number(event.value)],
      [labels.expected, expectedWords(event, phrases)],
      [labels.limit, number(event.limit)],
      [labels.worst, number(event.worst)],
      [labels.reason, event.reason],
      [labels.since, since === undefined ? undefined : timeWords(since, zone, phrases)],
      [labels.duration, duration === undefined ? undefined : durationWords(duration)],
      [labels.time, timeWords(time, zone, phrases)],
    ]),
    text: "",
  });
}

function eventFacts(event: AlarmEvent, time: number, zone: string): Facts {
  const { alarm, series, tags, unit, severity, previous, reason, since, duration } = event;
  const { expected, lower, upper, limit, worst } = event;
  return present<Facts>({
    event: event.event,
    alarm,
    series,
    tags,
    unit,
    // JSON knows no infinity.
    value: event.value === null ? null : event.value === undefined ? undefined : (finite(event.value) ?? null),
    expected: finite(expected),
    lower: finite(lower),
    upper: finite(upper),
    limit: finite(limit),
    worst: finite(worst),
    severity,
    previous,
    reason,
    time,
    since,
    duration,
    zone,
  });
}

/** A message that holds one point, in either form. Reads what it can, where `Reader` would refuse: it is to be told. */
function readMeasurement(input: Fields, now: number): Point | undefined {
  const inner = isFields(input.payload) && "value" in input.payload ? input.payload : undefined;
  const holder = inner ?? { ...input, series: input.topic, time: input.timestamp, value: input.payload };
  const series = textIn(holder.series) ?? textIn(input.topic);
  const value = holder.value === null ? null : numberIn(holder.value);
  if (series === undefined || value === undefined) return undefined;
  const time = timeIn(holder.time) ?? timeIn(holder.timestamp) ?? now;
  return present<Point>({ series, value, time, tags: tagsIn(holder.tags), unit: textIn(holder.unit) });
}

function measurementFacts(point: Point, event: string, zone: string): Facts {
  const { series, time, tags, unit } = point;
  return present<Facts>({ event, series, tags, unit, value: finite(point.value) ?? null, time, zone });
}

function tellDeviation(point: Point, deviation: Fields, { phrases, zone }: StorySettings): Story {
  const { series, tags, unit, time, value } = point;
  const what = seriesWords(series, tags, phrases);
  const shown = value === null ? undefined : numberWords(value, unit, phrases);
  const [expected, lower, upper] = [deviation.expected, deviation.lower, deviation.upper].map(numberIn);
  const reason = textIn(deviation.reason);
  const { labels } = phrases;
  return {
    kind: "message",
    // The detector tells the same once more after a crash: the same point is the same news.
    seed: ["deviation", series, tags, time],
    time,
    zone,
    facts: present<Facts>({
      ...measurementFacts(point, "deviation", zone),
      expected: finite(expected),
      lower: finite(lower),
      upper: finite(upper),
      reason,
    }),
    icon: UNUSUAL,
    title: `${UNUSUAL} ${phrases.unusual}: ${what}${shown === undefined ? "" : ` ${shown}`}`,
    rows: rowsOf([
      [labels.series, what],
      [labels.value, shown],
      [labels.expected, expectedWords(present<Measured>({ expected, lower, upper, unit }), phrases)],
      [labels.reason, reason],
      [labels.time, timeWords(time, zone, phrases)],
    ]),
    text: "",
  };
}

function tellPoint(point: Point, { phrases, zone }: StorySettings): Story {
  const { series, tags, unit, time, value } = point;
  const what = seriesWords(series, tags, phrases);
  const shown = value === null ? phrases.noData : numberWords(value, unit, phrases);
  return {
    kind: "message",
    seed: ["point", series, tags, time, value],
    time,
    zone,
    facts: measurementFacts(point, "message", zone),
    icon: MESSAGE,
    title: `${what}: ${shown}`,
    rows: [
      [phrases.labels.series, what],
      [phrases.labels.value, shown],
      [phrases.labels.time, timeWords(time, zone, phrases)],
    ],
    text: "",
  };
}

function tellPlain(input: Fields, { phrases, zone, now }: StorySettings): Story {
  const text = payloadText(input.payload, (time) => timeWords(time, zone, phrases));
  const topic = textIn(input.topic);
  const time = timeIn(input.timestamp) ?? now;
  const firstLine = text.split("\n").find((one) => one.trim() !== "");
  return {
    kind: "message",
    seed: ["message", topic, text, time],
    time,
    zone,
    facts: present<Facts>({ event: "message", series: topic, time, zone }),
    icon: MESSAGE,
    title: topic ?? firstLine ?? phrases.message,
    rows: [],
    text,
  };
}

/** What a message tells: an alarm event, a deviation, a point, or just a message. */
export function tell(input: Fields, settings: StorySettings): Story {
  const event = readEvent(input.payload);
  if (event) return tellEvent(event, settings);
  const point = readMeasurement(input, settings.now);
  if (!point) return tellPlain(input, settings);
  const { deviation } = input;
  return isFields(deviation) && deviation.alert === true
    ? tellDeviation(point, deviation, settings)
    : tellPoint(point, settings);
}
