import { createHash } from "node:crypto";
import { line } from "./escape.ts";
import type { Notification } from "./notification.ts";

const MAX_ID = 200;

/** The same id for the same key: a mail that is sent twice is shown once by programs that look at it. */
function messageId(key: string, domain: string): string {
  return `<${createHash("sha256").update(key).digest("hex").slice(0, 40)}@${domain}>`;
}

/** A key as the value of a header: visible ASCII only. */
function headerKey(key: string): string {
  const text = line(key).replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  return text.length <= MAX_ID ? text : createHash("sha256").update(key).digest("hex");
}

export interface MailHeaders {
  messageId: string;
  inReplyTo?: string;
  references?: string;
  priority?: "high";
  headers: Record<string, string>;
}

/**
 * What identifies a mail, puts it under the mail of its incident's start, and keeps other machines from answering it
 * (RFC 3834; `X-Auto-Response-Suppress` for Exchange).
 * `Idempotency-Key` as in draft-ietf-httpapi-idempotency-key-header, for gateways that turn mail into something else.
 */
export function mailHeaders({ key, answers, facts, kind }: Notification, domain: string): MailHeaders {
  const id = headerKey(key);
  const found: MailHeaders = {
    messageId: messageId(key, domain),
    headers: {
      "X-Vigia-Id": id,
      "Idempotency-Key": id,
      "Auto-Submitted": "auto-generated",
      "X-Auto-Response-Suppress": "All",
    },
  };
  if (answers) {
    found.inReplyTo = messageId(answers.key, domain);
    found.references = found.inReplyTo;
  }
  if (facts.severity === "critical" && kind !== "end") found.priority = "high";
  return found;
}
