import { createHash } from "node:crypto";
import type { Clock } from "../points/clock.ts";
import { durationWords } from "../points/words.ts";
import { cut, ESCAPES, line, plain } from "./escape.ts";
import { isFields, readEvent, textIn } from "./event.ts";
import { mailPage } from "./mail-page.ts";
import type { Dialect, Language, Notification } from "./notification.ts";
import { type Story, tell } from "./story.ts";
import type { Template, View } from "./template.ts";
import { nameAndPlace, numberWords, PHRASES, type Phrases, severityWord, timeWords } from "./words.ts";

export type { AlarmEvent } from "./event.ts";
export { readEvent };

export interface Templates {
  title?: Template;
  text?: Template;
  html?: Template;
  /** In the channel's own dialect. */
  markup?: Template;
}

export interface ComposeSettings {
  dialect: Dialect;
  language: Language;
  /** IANA zone of the times in texts, where the event has none of its own. */
  zone: string;
  templates?: Templates;
  clock: Clock;
}

/** A message as a flow has it. */
export interface ComposeInput {
  topic?: unknown;
  payload: unknown;
  /** What `vigia-deviation` found. */
  deviation?: unknown;
  title?: unknown;
  /** Key of a message that is no event: the same id is delivered once. */
  id?: unknown;
  /** True: without sound, where the channel can. */
  silent?: unknown;
  [property: string]: unknown;
}

const MAX_TITLE = 200;
const MAX_TEXT = 16_000;
const MAX_KEY = 200;

/** What a template can name, and what it stands for. */
export const TEMPLATE_NAMES = {
  title: "the title as it is without a template",
  text: "the text as it is without a template",
  kind: "start, severity, end, update or message",
  event: "the event's own word: start, severity, end, nodata, data-back, deviation, message …",
  icon: "the coloured dot of the severity, green when it is over",
  severity: "the severity in the channel's language",
  previous: "the severity before this one",
  alarm: "the name of the alarm",
  series: "the whole name of the KPI: plant/compressor/temperature",
  name: "its last part: temperature",
  place: "what is before it: plant/compressor",
  tags: "the KPI's tags: {{tags.site}}",
  unit: "the unit of the values",
  value: "the value with its unit",
  expected: "what was expected, with its unit",
  lower: "the lower end of what was expected",
  upper: "the upper end of what was expected",
  limit: "the alarm's limit",
  worst: "the worst value of the incident",
  reason: "why, in words",
  time: "when it happened, in local time",
  since: "when the incident began, in local time",
  duration: "how long it lasted: 12 min",
  zone: "the zone of the times",
  payload: "the message's payload: {{payload}} or {{payload.name}}",
  msg: "the message: {{msg.name}}",
} as const satisfies Readonly<Record<string, string>>;

function viewOf(input: ComposeInput, story: Story, text: string, phrases: Phrases): View {
  const { facts, zone } = story;
  const { unit, series = "", severity, previous } = facts;
  const number = (value: number | null | undefined) =>
    typeof value === "number" ? numberWords(value, unit, phrases) : undefined;
  const word = (name: string | undefined) => (name === undefined ? undefined : severityWord(name, phrases));
  const local = (time: number | undefined) => (time === undefined ? undefined : timeWords(time, zone, phrases));
  return {
    title: story.title,
    text,
    kind: story.kind,
    event: facts.event,
    icon: story.icon,
    severity: word(severity),
    previous: word(previous),
    alarm: facts.alarm,
    series,
    ...nameAndPlace(series),
    tags: facts.tags,
    unit,
    value: number(facts.value),
    expected: number(facts.expected),
    lower: number(facts.lower),
    upper: number(facts.upper),
    limit: number(facts.limit),
    worst: number(facts.worst),
    reason: facts.reason,
    time: local(facts.time),
    since: local(facts.since),
    duration: facts.duration === undefined ? undefined : durationWords(facts.duration),
    zone,
    payload: input.payload,
    msg: input,
  } satisfies Record<keyof typeof TEMPLATE_NAMES, unknown>;
}

const hash = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 22);

/** The same message at the same time has the same key. A key that is too long to keep is hashed. */
function keyOf(id: string | undefined, seed: readonly unknown[]): string {
  if (id === undefined) return hash(JSON.stringify(seed));
  return id.length > MAX_KEY ? hash(id) : id;
}

const rowText = ([label, text]: readonly [string, string]): string => `${label}: ${line(text)}`;

function defaultMarkup(dialect: Dialect, { rows, text }: Story, title: string): string | undefined {
  if (dialect !== "telegram-html" && dialect !== "telegram-markdown") return undefined;
  const escaped = ESCAPES[dialect];
  const bold = (words: string) => (dialect === "telegram-html" ? `<b>${escaped(words)}</b>` : `*${escaped(words)}*`);
  const body =
    rows.length > 0 ? rows.map(([label, one]) => `${escaped(`${label}:`)} ${bold(line(one))}`) : [escaped(text)];
  return [bold(title), ...(text === title ? [] : body)].join("\n");
}

/**
 * A message of a flow written out for one channel: by the channel's templates, else in words of its language.
 *
 * Its key, by which it is delivered once: the event's `id`, else `msg.id`, else made of the content and the time (for
 * points and events their own, for other messages the clock's).
 * Never throws for what stands in a message: what cannot be read is left out.
 */
export function compose(input: ComposeInput, settings: ComposeSettings): Notification {
  const { dialect, language, templates = {}, clock } = settings;
  const phrases = PHRASES[language];
  const story = tell(input, { phrases, zone: settings.zone, now: clock.now() });
  const ownTitle = textIn(input.title);
  if (ownTitle !== undefined) story.title = ownTitle;
  story.title = cut(line(story.title), MAX_TITLE) || phrases.message;
  story.text = cut(story.text, MAX_TEXT);

  const usual = story.rows.length > 0 ? plain(story.rows.map(rowText).join("\n")) : story.text || story.title;
  const view = viewOf(input, story, usual, phrases);
  const render = (template: Template | undefined, to: Dialect) => template?.render(view, ESCAPES[to]);
  const title = cut(line(render(templates.title, "text") ?? ""), MAX_TITLE) || story.title;
  const text = cut(render(templates.text, "text") ?? usual, MAX_TEXT);

  const key = keyOf(story.id ?? textIn(input.id), story.seed);
  const notification: Notification = {
    key,
    incident: story.incident ?? key,
    kind: story.kind,
    time: story.time,
    language,
    zone: story.zone,
    title,
    text,
    facts: story.facts,
  };
  if (dialect === "html") {
    notification.html = render(templates.html, "html") ?? defaultPage(notification, story, templates);
  } else {
    // A text of one's own is not decorated: it is sent as it is.
    const usualMarkup = templates.text ? undefined : defaultMarkup(dialect, story, title);
    const markup = dialect === "text" ? undefined : (render(templates.markup, dialect) ?? usualMarkup);
    if (markup !== undefined) notification.markup = markup;
  }
  if (isSilent(input)) notification.silent = true;
  return notification;
}

function defaultPage({ language, title, text, kind, facts }: Notification, story: Story, templates: Templates): string {
  const body = templates.text || story.rows.length === 0 ? { text } : { rows: story.rows };
  return mailPage({ language, title, kind, severity: facts.severity, ...body });
}

function isSilent({ silent, payload }: ComposeInput): boolean {
  return silent === true || (isFields(payload) && payload.silent === true);
}
