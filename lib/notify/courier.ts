import type { Clock } from "../points/clock.ts";
import { formatDuration } from "../points/duration.ts";
import { digestOf } from "./digest.ts";
import { asDeliveryError, DeliveryError } from "./failure.ts";
import type { Item } from "./line-up.ts";
import type { Channel, Delivery, Notification, Refusal } from "./notification.ts";
import type { Outcome } from "./outcome.ts";
import type { Head, Kept, Settlement } from "./queue-file.ts";
import type { QueueStore } from "./queue-store.ts";
import { retryDelay } from "./retry.ts";

export interface CourierOptions {
  /** Of the channel. */
  id: string;
  channel: Channel;
  store: QueueStore;
  clock: Clock;
  random: () => number;
  /** ms */
  maxAge: number;
  /** Nothing more is to be sent. */
  stopped: () => boolean;
  /** An item is done with, one way or the other. */
  done: (item: Item, outcome?: Outcome) => void;
  /** One is to be tried again. */
  again: (outcome: Outcome) => void;
  /** Something new waits: the rest of a digest. */
  rest: (head: Head) => void;
}

/** What came of a way to the channel. */
export interface Trip {
  /** Something was delivered. */
  delivered: boolean;
  /** The channel answered, if only to refuse; absent: it was not asked. */
  answered?: boolean;
  /** The channel did not take it. */
  error?: DeliveryError;
  /** Resolves when all that came of it is on disk. */
  recorded: Promise<unknown>;
}

interface Parcel {
  item: Item;
  kept: Kept;
}

/** What is known of a delivery, with the tries before. */
interface Reach {
  reached: boolean;
  receipt?: string;
  refused?: Refusal[];
}

/** A channel that has not answered by then is not waited for, ms. */
const SEND_LIMIT = 120_000;

function reachOf({ progress }: Kept, { receipt, refused, later }: Delivery): Reach {
  const receipts = [progress?.receipt, receipt].filter((one) => one !== undefined);
  const all = [...(progress?.refused ?? []), ...(refused ?? [])];
  return {
    reached: receipts.length > 0 || !(refused || later),
    ...(receipts.length > 0 ? { receipt: receipts.join(" ") } : {}),
    ...(all.length > 0 ? { refused: all } : {}),
  };
}

/** As it is sent now: to whom it still has to go, and as an answer to its incident's start. */
function addressed({ notification, progress, start }: Kept): Notification {
  const sent = { ...notification };
  if (progress) sent.only = progress.only;
  if (start !== undefined && start !== "failed" && notification.kind !== "start") {
    const { except, ...answers } = start;
    sent.answers = answers;
    if (except) sent.except = except;
  }
  return sent;
}

/** Takes notifications from the file to a channel, and writes down what became of them. */
export class Courier {
  readonly #options: CourierOptions;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** One notification, or several as one digest. Never rejects, nor does `recorded`. */
  async send(items: readonly Item[]): Promise<Trip> {
    const { store } = this.#options;
    let read: Kept[] | undefined;
    try {
      read = await store.read(items.map(({ head }) => head.seq));
    } catch {
      // Closed.
    }
    // It stays where it is.
    if (!read || this.#options.stopped()) return { delivered: false, recorded: Promise.resolve() };
    const bySeq = new Map(read.map((kept) => [kept.seq, kept]));
    const alive: Parcel[] = [];
    const dead: Promise<void>[] = [];
    for (const item of items) {
      const kept = bySeq.get(item.head.seq);
      const reason = kept && this.#whyNot(item, kept);
      if (!kept) this.#options.done(item);
      else if (reason) dead.push(this.#giveUp({ item, kept }, reason));
      else alive.push({ item, kept });
    }
    const trip: Trip =
      alive.length === 0 ? { delivered: false, recorded: Promise.resolve() } : await this.#carry(alive);
    return { ...trip, recorded: Promise.allSettled([...dead, trip.recorded]) };
  }

  /** Why it is not worth a try; `undefined`: it is. */
  #whyNot(item: Item, { notification, start }: Kept): DeliveryError | undefined {
    const { maxAge, clock } = this.#options;
    if (notification.kind === "end" && start === "failed") {
      return new DeliveryError("start-untold", "nobody was told that it began, so nobody is told that it is over", {
        permanent: true,
        whole: false,
      });
    }
    return clock.now() - item.head.added > maxAge ? this.#tooOld(item.error) : undefined;
  }

  #tooOld(last?: DeliveryError): DeliveryError {
    const why = last === undefined ? "" : `: ${last.message}`;
    const message = `not delivered within ${formatDuration(this.#options.maxAge)}${why}`;
    return new DeliveryError("too-old", message, { permanent: true, whole: false });
  }

  async #carry(parcels: Parcel[]): Promise<Trip> {
    const { channel } = this.#options;
    const [first, ...others] = parcels as [Parcel, ...Parcel[]];
    const all: [Notification, ...Notification[]] = [
      first.kept.notification,
      ...others.map(({ kept }) => kept.notification),
    ];
    const notification = others.length === 0 ? addressed(first.kept) : digestOf(all, channel.dialect);
    for (const { item } of parcels) item.attempts++;
    try {
      const delivery = await this.#inTime(channel.send(notification));
      if (others.length > 0) return this.#digestSent(parcels, notification, delivery);
      return this.#sent(first, delivery);
    } catch (thrown) {
      const error = asDeliveryError(thrown);
      const recorded = parcels.map((parcel) => this.#refused(parcel, error));
      return { delivered: false, answered: true, error, recorded: Promise.allSettled(recorded) };
    }
  }

  async #inTime(sending: Promise<Delivery>): Promise<Delivery> {
    let cancel = () => {};
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#options.clock.after(SEND_LIMIT, () =>
        reject(new DeliveryError("no-answer", `the channel did not answer within ${formatDuration(SEND_LIMIT)}`)),
      );
    });
    try {
      return await Promise.race([sending, late]);
    } finally {
      cancel();
    }
  }

  #sent(parcel: Parcel, delivery: Delivery): Trip {
    const { item, kept } = parcel;
    const reach = reachOf(kept, delivery);
    const { later, retryAfter, notice } = delivery;
    const trip = { delivered: reach.reached, answered: true };
    if (later && this.#isOld(item))
      return { ...trip, recorded: this.#giveUp({ item, kept: partly(kept, reach, later) }, this.#tooOld()) };
    if (later) return { ...trip, recorded: this.#partlySent(parcel, reach, later, retryAfter, notice) };
    return {
      ...trip,
      recorded: reach.reached ? this.#conclude(parcel, reach, notice) : this.#fail(parcel, refusal(reach), reach),
    };
  }

  /** The others have it; what is left is tried again. */
  async #partlySent(
    parcel: Parcel,
    reach: Reach,
    later: readonly string[],
    retryAfter: number | undefined,
    notice: string | undefined,
  ): Promise<void> {
    const { item, kept } = parcel;
    const { progress } = partly(kept, reach, later);
    item.partly = true;
    this.#delay(item, retryAfter);
    await this.#options.store.progress(kept.seq, progress);
    const error = new DeliveryError("later", `not yet for ${later.join(", ")}`, { whole: false });
    this.#options.again({
      ...this.#outcome(parcel, "retrying"),
      error,
      nextTry: item.notBefore,
      ...(notice === undefined ? {} : { notice }),
    });
  }

  #digestSent(parcels: Parcel[], digest: Notification, delivery: Delivery): Trip {
    const { later, notice } = delivery;
    const { reached, receipt, refused } = reachOf({ seq: 0, notification: digest }, delivery);
    const trip = { delivered: reached, answered: true };
    if (!reached && !later) {
      const error = refusal({ reached, ...(refused ? { refused } : {}) });
      return { ...trip, recorded: Promise.allSettled(parcels.map((parcel) => this.#fail(parcel, error))) };
    }
    const known = { ...(receipt === undefined ? {} : { receipt }), ...(refused ? { refused } : {}) };
    const rest = later && { notification: digest, progress: { only: later, ...known } };
    const more = { digest: digest.key, ...(notice === undefined ? {} : { notice }) };
    return { ...trip, recorded: this.#settle(parcels, "delivered", { ...known, ...more }, rest) };
  }

  /** The channel did not take it. */
  async #refused(parcel: Parcel, error: DeliveryError): Promise<void> {
    // It was closed while it sent: that is nobody's failure.
    if (error.code === "channel-closed") return;
    if (error.permanent) return this.#giveUp(parcel, error);
    if (this.#isOld(parcel.item)) return this.#giveUp(parcel, this.#tooOld(error));
    parcel.item.error = error;
    this.#delay(parcel.item, error.retryAfter);
    this.#options.again({ ...this.#outcome(parcel, "retrying"), error, nextTry: parcel.item.notBefore });
  }

  #isOld({ head }: Item): boolean {
    return this.#options.clock.now() - head.added > this.#options.maxAge;
  }

  #delay(item: Item, retryAfter: number | undefined): void {
    const { clock, random } = this.#options;
    item.notBefore = clock.now() + (retryAfter ?? retryDelay(item.attempts, random()));
  }

  /** Not tried any more. Whoever has it keeps it: then it counts as delivered, and the others as refused. */
  #giveUp(parcel: Parcel, error: DeliveryError): Promise<void> {
    const { progress } = parcel.kept;
    if (progress?.receipt === undefined) return this.#fail(parcel, error);
    const missed = progress.only.map((recipient) => ({ recipient, reason: error.message }));
    return this.#conclude(parcel, {
      reached: true,
      receipt: progress.receipt,
      refused: [...(progress.refused ?? []), ...missed],
    });
  }

  #conclude(parcel: Parcel, { receipt, refused }: Reach, notice?: string): Promise<void> {
    return this.#settle([parcel], "delivered", {
      ...(receipt === undefined ? {} : { receipt }),
      ...(refused ? { refused } : {}),
      ...(notice === undefined ? {} : { notice }),
    });
  }

  #fail(parcel: Parcel, error: DeliveryError, { refused }: Partial<Reach> = {}): Promise<void> {
    return this.#settle([parcel], "failed", { error, ...(refused ? { refused } : {}) });
  }

  /** Told only when it is on disk: what was told is never done twice. */
  async #settle(
    parcels: readonly Parcel[],
    state: "delivered" | "failed",
    more: Partial<Outcome>,
    rest?: Settlement["rest"],
  ): Promise<void> {
    const { store, id, done } = this.#options;
    const { receipt, refused, digest } = more;
    const delivered = {
      ...(receipt === undefined ? {} : { receipt }),
      ...(refused ? { refused } : {}),
      ...(digest === undefined ? {} : { digest }),
    };
    const head = await store.settle({
      channel: id,
      seqs: parcels.map(({ kept }) => kept.seq),
      ...(state === "delivered" ? { delivered } : {}),
      ...(rest ? { rest } : {}),
    });
    for (const parcel of parcels) done(parcel.item, { ...this.#outcome(parcel, state), ...more });
    if (head) this.#options.rest(head);
  }

  #outcome({ item, kept }: Parcel, state: Outcome["state"]): Outcome {
    const { notification, tag } = kept;
    const { id: channel } = this.#options;
    return { state, channel, notification, attempts: item.attempts, ...(tag === undefined ? {} : { tag }) };
  }
}

function partly(kept: Kept, { receipt, refused }: Reach, later: readonly string[]) {
  const progress = {
    only: later,
    ...(receipt === undefined ? {} : { receipt }),
    ...(refused ? { refused } : {}),
  };
  return { ...kept, progress };
}

function refusal({ refused = [] }: Reach): DeliveryError {
  const who = refused.map(({ recipient, reason }) => `${recipient} (${reason})`).join(", ");
  return new DeliveryError("refused", `nobody takes it: ${who}`, { permanent: true, whole: false });
}
