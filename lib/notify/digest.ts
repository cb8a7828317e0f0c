import { createHash } from "node:crypto";
import { ESCAPES } from "./escape.ts";
import type { Dialect, Notification } from "./notification.ts";
import { NO_SEVERITY, numberWords, PHRASES, type Phrases, severityWord } from "./words.ts";

/** Titles that a digest shows. */
const SHOWN = 20;

/** `3 critical, 29 warning`: the frequent ones first. */
function countWords(notifications: readonly Notification[], phrases: Phrases): string {
  const counts = new Map<string, number>();
  for (const { facts } of notifications) {
    const word = facts.severity === undefined ? phrases.others : severityWord(facts.severity, phrases);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([word, n]) => `${numberWords(n, undefined, phrases)} ${word}`)
    .join(", ");
}

function linesOf(notifications: readonly Notification[], phrases: Phrases): string[] {
  const lines = notifications.slice(0, SHOWN).map(({ title }) => `• ${title}`);
  const more = notifications.length - SHOWN;
  if (more > 0) lines.push(phrases.more(numberWords(more, undefined, phrases)));
  return lines;
}

/**
 * Many notifications told as one: counts by severity and the first 20 titles. Its key is made of theirs: the same ones
 * have the same digest. The language and the zone are those of the first.
 */
export function digestOf(notifications: readonly [Notification, ...Notification[]], dialect: Dialect): Notification {
  const { language, zone } = notifications[0];
  const phrases = PHRASES[language];
  const key = createHash("sha256")
    .update(JSON.stringify(notifications.map((one) => one.key)))
    .digest("base64url");
  const time = notifications.reduce((latest, one) => Math.max(latest, one.time), Number.NEGATIVE_INFINITY);
  const count = phrases.digest(numberWords(notifications.length, undefined, phrases));
  const title = `${NO_SEVERITY} ${count}: ${countWords(notifications, phrases)}`;
  const lines = linesOf(notifications, phrases);
  const digest: Notification = {
    key: `digest-${key.slice(0, 22)}`,
    incident: `digest-${key.slice(0, 22)}`,
    kind: "digest",
    time,
    language,
    zone,
    title,
    text: lines.join("\n"),
    facts: { event: "digest", time, zone },
  };
  if (dialect === "telegram-html") {
    const escaped = ESCAPES[dialect];
    digest.markup = [`<b>${escaped(title)}</b>`, ...lines.map(escaped)].join("\n");
  }
  if (notifications.every(({ silent }) => silent)) digest.silent = true;
  return digest;
}
