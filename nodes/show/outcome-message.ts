import type { Outcome } from "../../lib/notify/queue.ts";
import type { Message } from "../../lib/points/reader.ts";
import { clock } from "../shell.ts";

/** What goes on, delivered or not: enough to be told again by another node. */
export function outcomeMessage(topic: string, name: string, outcome: Outcome): Message {
  const { channel, notification, state, attempts, receipt, refused, digest, error } = outcome;
  const { kind, title, text, facts, key, time } = notification;
  return {
    topic,
    ...(kind === "message" ? { title, payload: text } : { payload: facts }),
    id: key,
    delivery: {
      state,
      channel,
      name,
      attempts,
      delay: clock.now() - time,
      ...(receipt !== undefined && { receipt }),
      ...(refused && { refused }),
      ...(digest !== undefined && { digest }),
      ...(error && { code: error.code, reason: error.message }),
    },
  };
}
