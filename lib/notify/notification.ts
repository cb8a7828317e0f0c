import type { Tags } from "../points/series.ts";

/** What a notification is about. `update`: an alarm event that is none of the first three. */
export type Kind = "start" | "severity" | "end" | "update" | "message" | "digest" | "test";

export const LANGUAGES = ["en", "es"] as const;
export type Language = (typeof LANGUAGES)[number];

/** How a channel writes: which escaping its markup needs. */
export type Dialect = "text" | "html" | "telegram-html" | "telegram-markdown";

/** The parts of an alarm event, for machines. JSON-safe. */
export interface Facts {
  /** As the event calls itself. */
  event: string;
  alarm?: string;
  series?: string;
  tags?: Tags;
  unit?: string;
  value?: number | null;
  expected?: number;
  lower?: number;
  upper?: number;
  limit?: number;
  worst?: number;
  severity?: string;
  previous?: string;
  reason?: string;
  /** Milliseconds since epoch. */
  time: number;
  /** When the incident began. */
  since?: number;
  /** How long it lasted, ms. */
  duration?: number;
  zone?: string;
}

/** How the receiver was told that an incident began. */
export interface Told {
  key: string;
  receipt?: string;
}

/** One thing to tell, written out for one channel. JSON-safe, and free of secrets: it is kept on disk. */
export interface Notification {
  /** Idempotency key: a channel delivers it once. */
  key: string;
  /** Notifications of one incident keep their order. */
  incident: string;
  kind: Kind;
  /** Event time, milliseconds since epoch. */
  time: number;
  language: Language;
  zone: string;
  /** One line. */
  title: string;
  /** Plain text. */
  text: string;
  /** For e-mail. Without it, it is made of the text. */
  html?: string;
  /** In the channel's own dialect; `text` is sent when the channel does not take it. */
  markup?: string;
  /** Without sound, where the channel can. */
  silent?: true;
  facts: Facts;
  /** Recipients that are still to get it; absent: all of the channel. */
  only?: readonly string[];
  /** Recipients that are not to get it: they were never told that its incident began. */
  except?: readonly string[];
  /** What it is an answer to: set by the queue on what follows a start. */
  answers?: Told;
}

/** Those of a channel's recipients that this notification is for. */
export function recipientsOf(
  all: readonly string[],
  { only, except }: Pick<Notification, "only" | "except">,
): string[] {
  return all.filter((one) => (only?.includes(one) ?? true) && !except?.includes(one));
}

export interface Refusal {
  recipient: string;
  reason: string;
}

/** What the receiver said. */
export interface Delivery {
  /**
   * The receiver's own id of it, or its answer. Always there when somebody got it and somebody did not: without it,
   * `refused` and `later` say that nobody did.
   */
  receipt?: string;
  /** Recipients that will never get it. */
  refused?: Refusal[];
  /** Recipients to be tried again, for a reason that passes. */
  later?: string[];
  /** How long to wait before `later`, ms, where the receiver said so. */
  retryAfter?: number;
  /** Something to tell the user once. */
  notice?: string;
}

/** A way to tell people. All methods may be called at any time, also at once. */
export interface Channel {
  readonly dialect: Dialect;
  /** Resolves when the receiver has taken it. @throws DeliveryError, without secrets in it */
  send(notification: Notification): Promise<Delivery>;
  /** Sends a test message at once. @throws DeliveryError */
  test(options?: TestOptions): Promise<Delivery>;
  /** Ends connections, and what is on its way. */
  close(): Promise<void>;
}

export interface TestOptions {
  language?: Language;
  zone?: string;
  /** Now, milliseconds since epoch. */
  time?: number;
}
