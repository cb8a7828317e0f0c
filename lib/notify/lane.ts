import type { Clock } from "../points/clock.ts";
import { TokenBucket } from "./bucket.ts";
import { Courier, type Trip } from "./courier.ts";
import type { DeliveryError } from "./failure.ts";
import { type Item, LineUp } from "./line-up.ts";
import type { Channel } from "./notification.ts";
import type { AttachOptions, ChannelStats, Outcome } from "./outcome.ts";
import type { Head } from "./queue-file.ts";
import type { QueueStore } from "./queue-store.ts";
import { retryDelay } from "./retry.ts";

export interface LaneOptions extends AttachOptions {
  id: string;
  channel: Channel;
  store: QueueStore;
  clock: Clock;
  random: () => number;
  tell: (outcome: Outcome) => void;
}

const DEFAULT_MAX_AGE = 86_400_000;
/** Deliveries on their way at once. */
const WIDTH = 4;
/** Who is detached lets what is on its way finish for so long, ms. */
const LEAVE_WITHIN = 5_000;
/** Notifications in one digest; more go into the next. */
const MOST_IN_DIGEST = 1_000;

type Order = (a: Item, b: Item) => number;
const byAge: Order = (a, b) => a.head.seq - b.head.seq;
/** While a channel fails, each is tried in turn: the fault might be one notification's. */
const byTries: Order = (a, b) => a.attempts - b.attempts || byAge(a, b);

function first(items: readonly Item[], order: Order): Item | undefined {
  return items.reduce<Item | undefined>((best, item) => (best && order(best, item) <= 0 ? best : item), undefined);
}

/** The delivery of what waits for one channel: order, rate, retries. Another channel's trouble is none of its own. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #line = new LineUp();
  readonly #bucket: TokenBucket;
  readonly #courier: Courier;
  readonly #sending = new Set<Promise<void>>();
  #inFlight = 0;
  /** Some had to wait for the rate: they are told together. */
  #collecting = false;
  /** The channel's trouble: failures in a row, and until when it is left alone. */
  #failures = 0;
  #until = 0;
  #error: DeliveryError | undefined;
  #delivered = 0;
  #failed = 0;
  /** What was kept from before is in line: nothing may overtake it. */
  #loaded = false;
  #stopped = false;
  #cancelWake = () => {};

  constructor(options: LaneOptions) {
    this.#options = options;
    const { rate: { burst = 10, every = 6_000 } = {}, maxAge = DEFAULT_MAX_AGE, tell } = options;
    this.#bucket = new TokenBucket(options.clock, burst, every);
    this.#courier = new Courier({
      ...options,
      maxAge,
      stopped: () => this.#stopped,
      done: (item, outcome) => this.#done(item, outcome),
      again: tell,
      rest: (head) => this.offer(head),
    });
  }

  /** Begins with what was kept. */
  async start(): Promise<void> {
    try {
      for (const head of await this.#options.store.heads(this.#options.id)) this.#line.add(head);
    } catch {
      // Closed: it was never needed.
      return;
    }
    this.#loaded = true;
    this.#pump();
  }

  offer(head: Head): void {
    this.#line.add(head);
    this.#pump();
  }

  stats(): ChannelStats {
    const stats: ChannelStats = { waiting: this.#line.size, delivered: this.#delivered, failed: this.#failed };
    if (this.#error) {
      stats.error = this.#error;
      stats.nextTry = this.#until;
    }
    return stats;
  }

  /** Nothing more is sent; what is on its way has a few seconds, and is kept when it does not come back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelWake();
    let cancel = () => {};
    const enough = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(LEAVE_WITHIN, resolve);
    });
    await Promise.race([Promise.allSettled(this.#sending), enough]);
    cancel();
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #wakeAt(time: number): void {
    this.#cancelWake();
    this.#cancelWake = () => {};
    if (Number.isFinite(time)) this.#cancelWake = this.#options.clock.after(time - this.#now(), () => this.#pump());
  }

  /** Sends all that may be sent now, and arranges to come back. */
  #pump(): void {
    if (!this.#loaded) return;
    while (!this.#stopped && this.#inFlight < (this.#failures > 0 ? 1 : WIDTH)) {
      const later = this.#sendNext();
      if (later !== undefined) {
        this.#wakeAt(later);
        return;
      }
    }
  }

  /** Gives when the next one may be sent, milliseconds since epoch, when none may now. */
  #sendNext(): number | undefined {
    const now = this.#now();
    if (now < this.#until) return this.#until;
    const { free, limited, next } = this.#line.due(now);
    if (limited.length === 0) this.#collecting = false;
    const order = this.#failures > 0 ? byTries : byAge;
    const { items, token } = this.#choose(first(free, order), first(limited, order), limited, order);
    if (items.length === 0) return limited.length > 0 ? Math.min(next, this.#bucket.next) : next;
    this.#launch(items, token);
    return undefined;
  }

  /** One to send singly, several for one digest, none while the rate is used up. */
  #choose(free: Item | undefined, limited: Item | undefined, all: Item[], order: Order) {
    const single = (item: Item | undefined, token: boolean) => ({ items: item ? [item] : [], token });
    if (limited === undefined || (free !== undefined && order(free, limited) < 0)) return single(free, false);
    if (!this.#bucket.take()) {
      this.#collecting = true;
      return single(free, false);
    }
    if (!this.#collecting || all.length === 1) return single(limited, true);
    return { items: all.sort(byAge).slice(0, MOST_IN_DIGEST), token: true };
  }

  #launch(items: readonly Item[], token: boolean): void {
    for (const item of items) this.#line.hold(item);
    this.#inFlight++;
    const sending = this.#deliver(items, token).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  async #deliver(items: readonly Item[], token: boolean): Promise<void> {
    const trip = await this.#courier.send(items);
    this.#inFlight--;
    if (token && !trip.delivered) this.#bucket.giveBack();
    this.#judge(trip);
    this.#pump();
    // Until it is known on disk how far an incident is, nothing more is told of it.
    await trip.recorded;
    for (const item of items) this.#line.free(item);
    this.#pump();
  }

  /** What a way to the channel says about the channel. */
  #judge({ answered, error }: Trip): void {
    if (!answered || error?.code === "channel-closed") return;
    if (!error?.whole || error.permanent) {
      this.#failures = 0;
      this.#until = 0;
      this.#error = undefined;
      return;
    }
    const { random } = this.#options;
    this.#failures++;
    this.#until = this.#now() + (error.retryAfter ?? retryDelay(this.#failures, random()));
    this.#error = error;
  }

  #done(item: Item, outcome: Outcome | undefined): void {
    this.#line.remove(item);
    if (outcome === undefined) return;
    if (outcome.state === "delivered") this.#delivered++;
    else this.#failed++;
    this.#options.tell(outcome);
  }
}
