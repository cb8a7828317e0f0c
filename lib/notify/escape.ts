import type { Dialect } from "./notification.ts";

/** Control characters, halves of surrogate pairs, and marks that turn the direction of writing: they hide what a text says. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu;
const NEW_LINE = /\r\n?/g;

/** Plain text: line ends and tabs are its only control characters. */
export function plain(text: string): string {
  return text.replace(NEW_LINE, "\n").replace(UNSEEN, "");
}

/** One line of plain text: a subject, a title. */
export function line(text: string): string {
  return plain(text).replace(/\s+/g, " ").trim();
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/** For the content of an element and for attributes in quotes, in mail and in Telegram. */
export function html(text: string): string {
  return plain(text).replace(/[&<>"'`]/g, (char) => ENTITIES[char]!);
}

/** Telegram's MarkdownV2: it takes a backslash before any of these, everywhere. */
export function markdownV2(text: string): string {
  return plain(text).replace(/[\\_*[\]()~`>#+\-=|{}.!]/g, "\\$&");
}

/** Part of an MQTT topic: `/` stays, wildcards and a leading `$` do not. */
export function topic(text: string): string {
  return line(text).replace(/[+#]/g, "_").replace(/^\$/, "_");
}

export type Escape = (text: string) => string;

export const ESCAPES: Readonly<Record<Dialect, Escape>> = {
  text: plain,
  html,
  "telegram-html": html,
  "telegram-markdown": markdownV2,
};

/** At most `length` UTF-16 units, cut between characters. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = Math.max(0, length - 1);
  const last = text.charCodeAt(end - 1);
  if (last >= 0xd800 && last <= 0xdbff) end--;
  return `${text.slice(0, end)}…`;
}
