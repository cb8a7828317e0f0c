import { Api } from "node-telegram-bot-api";
import type { Clock } from "../points/clock.ts";
import { VigiaError } from "../points/error.ts";
import { cut } from "./escape.ts";
import { DeliveryError, type Scrub, scrubber } from "./failure.ts";
import { type Channel, type Delivery, type Notification, recipientsOf, type TestOptions } from "./notification.ts";
import { ChatPace } from "./pace.ts";
import { type Answer, answerOf, isBadMarkup, migratedTo } from "./telegram-failure.ts";
import { testNotification, wholeText } from "./texts.ts";

export interface TelegramSettings {
  token: string;
  /** Chat ids (`-100…` for groups) and `@names` of channels. */
  chats: readonly string[];
  /** Default `https://api.telegram.org`. */
  apiRoot?: string;
  /** Ends make no sound. Default false. */
  silentEnds?: boolean;
  /** How long the server may take, ms. Default 20 s. */
  timeout?: number;
  clock: Clock;
}

/** Of the Bot API: UTF-16 units of a message. */
const MAX_LENGTH = 4096;
/** A longer wait for a chat's turn is the queue's, so that other chats do not wait too, ms. */
const MAX_WAIT = 5_000;

const CHAT = /^(?:-?\d{1,20}|@\w{4,64})$/;

function checkSettings({ token, chats, apiRoot }: TelegramSettings): void {
  // The token is not shown: it may be the right one with a blank too much.
  if (typeof token !== "string" || !/^[\w:-]{3,200}$/.test(token)) {
    throw new VigiaError("bad-config", { field: "token", value: "…", allowed: "the token that @BotFather gave" });
  }
  if (chats.length === 0) {
    throw new VigiaError("bad-config", { field: "chats", value: chats, allowed: "at least one chat" });
  }
  for (const chat of chats) {
    if (!CHAT.test(chat)) {
      throw new VigiaError("bad-config", {
        field: "chats",
        value: chat,
        allowed: "a chat id or the @name of a channel",
      });
    }
  }
  if (apiRoot !== undefined && !/^https?:\/\/[^\s/]+/.test(apiRoot)) {
    throw new VigiaError("bad-config", { field: "apiRoot", value: apiRoot, allowed: "an http or https address" });
  }
}

/** `chat:message` of each chat, so that what follows can be a reply. */
const receiptOf = (chat: string, message: number): string => `${chat}:${message}`;

function messageIn(receipt: string | undefined, chat: string): number | undefined {
  const own = receipt?.split(" ").find((one) => one.startsWith(`${chat}:`));
  const id = Number(own?.slice(chat.length + 1));
  return Number.isSafeInteger(id) && id > 0 ? id : undefined;
}

class TelegramChannel implements Channel {
  readonly dialect = "telegram-html";
  readonly #settings: TelegramSettings;
  readonly #api: Api;
  readonly #pace: ChatPace;
  readonly #scrub: Scrub;
  readonly #end = new AbortController();
  /** Groups that became supergroups since the settings were made. */
  readonly #moved = new Map<string, string>();

  constructor(settings: TelegramSettings) {
    checkSettings(settings);
    const { token, apiRoot, timeout = 20_000, clock } = settings;
    this.#settings = settings;
    this.#pace = new ChatPace(clock);
    this.#scrub = scrubber({ secret: token });
    // The queue tries again, and it outlives a restart.
    const options = { timeoutMs: timeout, maxRetries: 0, ...(apiRoot === undefined ? {} : { apiRoot }) };
    this.#api = new Api(token, options);
  }

  async send(notification: Notification): Promise<Delivery> {
    const chats = recipientsOf(this.#settings.chats, notification);
    if (chats.length === 0) return {};
    const answers = await Promise.all(
      chats.map(async (chat) => ({ chat, answer: await this.#toChat(chat, notification) })),
    );
    if (this.#end.signal.aborted && answers.every(({ answer }) => answer.kind !== "sent")) {
      throw new DeliveryError("channel-closed", "the channel was closed meanwhile");
    }
    return summary(answers);
  }

  test(options: TestOptions = {}): Promise<Delivery> {
    return this.send(testNotification(options));
  }

  async close(): Promise<void> {
    this.#end.abort();
  }

  async #toChat(chat: string, notification: Notification): Promise<Answer> {
    const wait = this.#pace.wait(chat);
    if (wait > MAX_WAIT) return { kind: "later", retryAfter: wait, reason: "too many messages for this chat" };
    await this.#sleep(this.#pace.take(chat));
    const id = this.#moved.get(chat) ?? chat;
    try {
      return await this.#write(chat, id, notification);
    } catch (thrown) {
      const moved = migratedTo(thrown);
      if (moved === undefined) return this.#failed(chat, thrown);
      return this.#follow(chat, moved, notification);
    }
  }

  async #follow(chat: string, moved: string, notification: Notification): Promise<Answer> {
    this.#moved.set(chat, moved);
    const notice = `the group ${chat} is the supergroup ${moved} now: write that into the channel's chats`;
    try {
      return { ...(await this.#write(chat, moved, notification)), notice };
    } catch (thrown) {
      return this.#failed(chat, thrown);
    }
  }

  #failed(chat: string, thrown: unknown): Answer {
    const answer = answerOf(thrown, this.#scrub);
    if (answer.kind === "later" && answer.retryAfter !== undefined) this.#pace.close(chat, answer.retryAfter);
    return answer;
  }

  async #write(chat: string, id: string, notification: Notification): Promise<Answer & { kind: "sent" }> {
    const text = cut(wholeText(notification), MAX_LENGTH);
    const { markup } = notification;
    // What is cut might end inside of a tag.
    const marked = markup !== undefined && markup !== "" && markup.length <= MAX_LENGTH;
    let sent: { message_id: number };
    try {
      sent = await this.#call(chat, id, notification, marked ? { text: markup, parse_mode: "HTML" } : { text });
    } catch (thrown) {
      if (!marked || !isBadMarkup(thrown)) throw thrown;
      sent = await this.#call(chat, id, notification, { text });
    }
    return { kind: "sent", receipt: receiptOf(chat, sent.message_id) };
  }

  #call(chat: string, id: string, notification: Notification, content: { text: string; parse_mode?: string }) {
    const { kind, silent, answers } = notification;
    const start = messageIn(answers?.receipt, chat);
    return this.#api.sendMessage(
      {
        chat_id: id.startsWith("@") ? id : Number(id),
        ...content,
        disable_notification: silent === true || (kind === "end" && this.#settings.silentEnds === true),
        link_preview_options: { is_disabled: true },
        ...(start === undefined ? {} : { reply_parameters: { message_id: start, allow_sending_without_reply: true } }),
      },
      this.#end.signal,
    );
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#end;
    if (ms <= 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#settings.clock.after(ms, done);
      signal.addEventListener("abort", done);
    });
  }
}

type ChatAnswer = { chat: string; answer: Answer };

function ofKind<Kind extends Answer["kind"]>(answers: readonly ChatAnswer[], kind: Kind) {
  return answers.filter(
    (one): one is ChatAnswer & { answer: Extract<Answer, { kind: Kind }> } => one.answer.kind === kind,
  );
}

/** One delivery of what each chat came to. @throws DeliveryError when nobody got it */
function summary(answers: readonly ChatAnswer[]): Delivery {
  const sent = ofKind(answers, "sent");
  const refused = ofKind(answers, "refused").map(({ chat, answer }) => ({ recipient: chat, reason: answer.reason }));
  const later = ofKind(answers, "later");
  const trouble = ofKind(answers, "trouble");
  const waits = later.flatMap(({ answer }) => answer.retryAfter ?? []);
  if (trouble.length === answers.length) throw trouble[0]!.answer.error;
  if (refused.length === answers.length) {
    const who = refused.map(({ recipient, reason }) => `${recipient} (${reason})`).join(", ");
    throw new DeliveryError("telegram-refused", `Telegram takes it for no chat: ${who}`, {
      permanent: true,
      whole: false,
    });
  }
  if (later.length === answers.length) {
    throw new DeliveryError("telegram-later", `Telegram wants it later: ${later[0]!.answer.reason}`, {
      ...(waits.length > 0 ? { retryAfter: Math.min(...waits) } : {}),
    });
  }
  const delivery: Delivery = {};
  if (sent.length > 0) delivery.receipt = sent.map(({ answer }) => answer.receipt).join(" ");
  if (refused.length > 0) delivery.refused = refused;
  const again = [...later, ...trouble].map(({ chat }) => chat);
  if (again.length > 0) delivery.later = again;
  if (waits.length > 0) delivery.retryAfter = Math.min(...waits);
  const notices = sent.flatMap(({ answer }) => answer.notice ?? []);
  if (notices.length > 0) delivery.notice = notices.join("; ");
  return delivery;
}

/**
 * Telegram's Bot API. Chats are written to side by side, each at the pace that Telegram allows; what follows a start
 * is a reply to it.
 * @throws VigiaError `bad-config` naming the setting
 */
export function telegramChannel(settings: TelegramSettings): Channel {
  return new TelegramChannel(settings);
}
