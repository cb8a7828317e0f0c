import { randomUUID } from "node:crypto";
import type { Notification, TestOptions } from "./notification.ts";
import { PHRASES } from "./words.ts";

/** What `Channel.test` sends. A new key each time: nobody takes it for one that was sent before. */
export function testNotification({ language = "en", zone = "UTC", time = 0 }: TestOptions = {}): Notification {
  const { test: title, testText: text } = PHRASES[language];
  const key = `test-${randomUUID()}`;
  const facts = { event: "test", time };
  return { key, incident: key, kind: "test", time, language, zone, title, text, facts };
}

/** One text of a notification, for receivers that know no titles. */
export function wholeText({ title, text }: Pick<Notification, "title" | "text">): string {
  return text === "" || text.startsWith(title) ? text || title : `${title}\n${text}`;
}
