import type { Clock } from "../points/clock.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
/** Telegram, "My bot is hitting limits": one message a second to a chat, twenty a minute to a group. */
const PER_GROUP = 20;

/** Groups and channels have negative ids; `@name` is a channel or a group. */
export const isGroup = (chat: string): boolean => chat.startsWith("-") || chat.startsWith("@");

/** When a chat may get its next message. O(1) a message; memory: twenty times a chat. */
export class ChatPace {
  readonly #clock: Clock;
  /** Times at which the last messages were or will be sent. */
  readonly #sent = new Map<string, number[]>();
  /** Until when the server wants nothing. */
  readonly #closed = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long the next message has to wait, ms. */
  wait(chat: string): number {
    const now = this.#clock.now();
    const sent = this.#sent.get(chat) ?? [];
    const after = (time: number | undefined, gap: number) => (time === undefined ? now : time + gap);
    const next = Math.max(
      after(this.#closed.get(chat), 0),
      after(sent.at(-1), SECOND),
      isGroup(chat) && sent.length >= PER_GROUP ? after(sent.at(-PER_GROUP), MINUTE) : now,
    );
    return Math.max(0, next - now);
  }

  /** Takes the next place; gives how long to wait for it, ms. */
  take(chat: string): number {
    const wait = this.wait(chat);
    const sent = this.#sent.get(chat) ?? [];
    sent.push(this.#clock.now() + wait);
    if (sent.length > PER_GROUP) sent.shift();
    this.#sent.set(chat, sent);
    return wait;
  }

  /** The server said to wait so long, ms. */
  close(chat: string, ms: number): void {
    this.#closed.set(chat, this.#clock.now() + ms);
  }
}
