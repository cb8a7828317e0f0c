import { NetworkError, ParseError, TelegramApiError, TimeoutError } from "node-telegram-bot-api";
import { DeliveryError, type Scrub } from "./failure.ts";

/** A wrong token does not mend itself. */
const SLOW = 300_000;

/** What a chat's message came to. */
export type Answer =
  | { kind: "sent"; receipt: string; notice?: string }
  | { kind: "refused"; reason: string }
  | { kind: "later"; retryAfter?: number; reason: string }
  | { kind: "trouble"; error: DeliveryError };

/** The markup does not suit the server: the plain text still can be sent. */
export function isBadMarkup(thrown: unknown): boolean {
  return (
    thrown instanceof TelegramApiError && thrown.errorCode === 400 && /parse entities|entit/i.test(thrown.description)
  );
}

export function migratedTo(thrown: unknown): string | undefined {
  const id = thrown instanceof TelegramApiError ? thrown.migrateToChatId : undefined;
  return id === undefined ? undefined : String(id);
}

/** What to make of a failed call. 429 and 403 are the chat's, 401 and 404 the token's, 5xx and the network everybody's. */
export function answerOf(thrown: unknown, scrub: Scrub): Answer {
  const trouble = (code: string, message: string, retryAfter?: number): Answer => ({
    kind: "trouble",
    error: new DeliveryError(code, scrub(message), retryAfter === undefined ? {} : { retryAfter }),
  });
  if (thrown instanceof TelegramApiError) {
    const { errorCode, description, retryAfter } = thrown;
    const reason = scrub(description);
    if (errorCode === 429) return { kind: "later", retryAfter: (retryAfter ?? 1) * 1_000, reason };
    if (errorCode === 401 || errorCode === 404) {
      return trouble("telegram-token", `Telegram does not know the token (${errorCode}): ${reason}`, SLOW);
    }
    if (errorCode >= 500) return trouble("telegram-busy", `Telegram cannot answer now (${errorCode}): ${reason}`);
    if (errorCode === 409) return { kind: "later", reason };
    return { kind: "refused", reason };
  }
  if (thrown instanceof TimeoutError) return trouble("telegram-unreachable", "Telegram did not answer in time");
  if (thrown instanceof ParseError) return trouble("telegram-busy", "what answers is not Telegram's Bot API");
  const cause = thrown instanceof NetworkError && thrown.cause instanceof Error ? thrown.cause : undefined;
  const inner = cause?.cause instanceof Error ? cause.cause.message : cause?.message;
  const said = inner ?? (thrown instanceof Error ? thrown.message : String(thrown));
  return trouble("telegram-unreachable", `no connection to Telegram: ${said}`);
}
