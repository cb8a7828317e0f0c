// The part of Telegram's Bot API that sends messages, on loopback.
import { createServer } from "node:http";
import type { TestContext } from "node:test";

export interface TelegramMessage {
  messageId: number;
  chat: string;
  text: string;
  parseMode: string | undefined;
  silent: boolean;
  replyTo: number | undefined;
  /** When it came, by the clock of the machine. */
  at: number;
}

/** What a call gets instead of an answer. `hang`: none ever; `drop`: the message is taken, and the connection ends. */
export type TelegramFailure =
  | { code: number; description?: string; retryAfter?: number; migrateTo?: string }
  | "hang"
  | "drop";

export interface FakeTelegram {
  apiRoot: string;
  token: string;
  messages: TelegramMessage[];
  /** Calls, whatever came of them. */
  readonly calls: number;
  /** The next so many calls (of that chat) fail. */
  failNext(failure: TelegramFailure, options?: { times?: number; chat?: string }): void;
}

interface Planned {
  failure: TelegramFailure;
  chat: string | undefined;
  left: number;
}

/** As Telegram reads it: a few tags, no others, and all closed. */
function isHtml(text: string): boolean {
  const open: string[] = [];
  for (const [, slash, name] of text.matchAll(/<(\/?)([a-z]*)[^>]*>?/g)) {
    if (slash && open.pop() !== name) return false;
    if (!["b", "i", "u", "s", "a", "code", "pre"].includes(name!)) return false;
    if (!slash) open.push(name!);
  }
  return open.length === 0;
}

export async function startFakeTelegram(t: TestContext, token = "123456:fake-Token_of-the-bot"): Promise<FakeTelegram> {
  const messages: TelegramMessage[] = [];
  const planned: Planned[] = [];
  let calls = 0;
  let lastId = 0;
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString();
    const json = request.headers["content-type"]?.includes("json");
    const params = (json ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body))) as Record<string, unknown>;
    const answer = (code: number, content: object) => {
      response.writeHead(code, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ ok: code === 200, ...content }));
    };
    const refuse = (code: number, description: string, parameters?: object) =>
      answer(code, { error_code: code, description, parameters });
    calls++;
    if (request.url !== `/bot${token}/sendMessage`)
      return refuse(request.url?.startsWith(`/bot${token}/`) ? 404 : 401, "Unauthorized");
    const object = (value: unknown) =>
      (typeof value === "string" ? JSON.parse(value) : value) as Record<string, unknown>;
    const chat = String(params.chat_id);
    const message: TelegramMessage = {
      messageId: ++lastId,
      chat,
      text: String(params.text),
      parseMode: params.parse_mode === undefined ? undefined : String(params.parse_mode),
      silent: String(params.disable_notification) === "true",
      replyTo: params.reply_parameters === undefined ? undefined : Number(object(params.reply_parameters).message_id),
      at: Date.now(),
    };
    const plan = planned.find((one) => one.left > 0 && (one.chat === undefined || one.chat === chat));
    if (plan) {
      plan.left--;
      if (plan.failure === "hang") return;
      if (plan.failure === "drop") {
        messages.push(message);
        request.socket.destroy();
        return;
      }
      const { code, description = "trouble", retryAfter, migrateTo } = plan.failure;
      return refuse(code, description, {
        ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
        ...(migrateTo === undefined ? {} : { migrate_to_chat_id: Number(migrateTo) }),
      });
    }
    if (message.text.length > 4096) return refuse(400, "Bad Request: message is too long");
    if (message.parseMode === "HTML" && !isHtml(message.text)) {
      return refuse(400, "Bad Request: can't parse entities: unsupported start tag");
    }
    messages.push(message);
    answer(200, { result: { message_id: message.messageId, date: 0, chat: { id: Number(chat), type: "private" } } });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    apiRoot: `http://127.0.0.1:${port}`,
    token,
    messages,
    get calls() {
      return calls;
    },
    failNext: (failure, { times = 1, chat } = {}) => void planned.push({ failure, chat, left: times }),
  };
}
