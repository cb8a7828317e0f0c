import type { IPublishPacket } from "mqtt";
import type { Decoder } from "../codecs/decoder.ts";
import type { Clock } from "../points/clock.ts";
import { VigiaError } from "../points/error.ts";
import { type Frame, FrameBuilder } from "../points/frame.ts";
import type { Store } from "../store/types.ts";
import { Commits } from "./commits.ts";
import { Connection, type ConnectionOptions, type ConnectionState, DEFERRED } from "./connection.ts";
import { type Held, Ledger } from "./ledger.ts";
import { type TopicTemplate, topicTemplate } from "./topic.ts";

export interface SubscriberOptions extends Omit<ConnectionOptions, "retained"> {
  /**
   * `received` (default): messages are acknowledged as they come. `stored`: points are written to `store` first, then
   * acknowledged, then handed on; a crash loses nothing that the broker still has. Needs QoS 1, a `clientId`, a store.
   */
  ackWhen?: "received" | "stored";
  store?: Store;
  /** With `stored`: messages taken but not stored yet; past it the broker is held back. Default 4000. */
  maxOutstanding?: number;
  /** Series and tags from the topic, see `topicTemplate`. Default `#`: the topic is the series. */
  template?: string;
  /**
   * Messages that the broker had retained: `take` them as any other (default; without a time of their own they get
   * the time of arrival), or `skip` them.
   */
  retained?: "take" | "skip";
  /** Points gathered before a Frame is handed on within one turn of the event loop. Default 500. */
  framePoints?: number;
  /**
   * How long points are gathered before they are handed on, ms. Default 0: one turn of the event loop. A Frame costs
   * the same for one point and for fifty: at a few thousand messages a second 10 ms spare most of the work.
   */
  linger?: number;
  /** How long `close` waits for the store, ms. Default 5000. */
  drainWithin?: number;
}

export interface FrameInfo {
  /** Messages that the points came in. */
  messages: number;
  /** With `ackWhen: "stored"`: the store's cursor of the commit. */
  seq?: number;
  /**
   * With `ackWhen: "stored"`: the broker sent these once more after a crash or a cut, and the store had them already.
   * They are handed on all the same, since nobody knows whether they were the first time.
   */
  again?: boolean;
}

export interface RejectedMessage {
  topic: string;
  /** The whole payload. */
  payload: Buffer;
  /** The part of it that could not be read; the others were taken. */
  text: string;
  error: VigiaError;
}

/** All are called in turn, never at once, and must not throw. */
export interface SubscriberHandlers {
  /** At most one Frame an event-loop turn (or `linger`), more only past `framePoints`; never empty. */
  onFrame(frame: Frame, info: FrameInfo): void;
  onRejected?(rejected: RejectedMessage): void;
  onState?(state: ConnectionState): void;
  /** The store refuses: nothing is lost, the broker is held back. `undefined`: it takes again. */
  onStoreTrouble?(error: VigiaError | undefined): void;
  /** Filters of the broker's session: give them as `subscribed` next time. */
  onSubscribed?(filters: readonly string[]): void;
}

export interface SubscriberStats {
  messages: number;
  points: number;
  /** Values that are no numbers. */
  skipped: number;
  /** Parts of payloads that could not be read. */
  rejected: number;
  /** Messages whose topic does not fit the template. */
  unmatched: number;
  /** With `stored`: messages taken but not stored yet. */
  outstanding: number;
  /** The largest `outstanding` so far. */
  maxOutstanding: number;
  /** With `stored`: messages whose acknowledgement was not sent yet, or must wait until the broker repeats them. */
  unacknowledged: number;
  /** With `stored`: messages that came again after a reconnect and were not taken a second time. */
  rebound: number;
  /** The broker is held back now. */
  holding: boolean;
}

interface Batch {
  held: Held[];
  messages: number;
  /** All of them were marked as sent once more. */
  repeated: boolean;
}

function badConfig(field: string, value: unknown, allowed: string): VigiaError {
  return new VigiaError("bad-config", { field, value, allowed });
}

/** A packet id has 16 bits: no broker can have more under way. */
const MOST_OUTSTANDING = 65_535;

/**
 * Takes MQTT messages and gives Frames of points. What comes within one turn of the event loop goes into one Frame.
 * Connects when it is made and reconnects by itself; ends with `close`.
 *
 * With `ackWhen: "stored"` a message is acknowledged when its points are durable. Rejected payloads are told to
 * `onRejected` and acknowledged too: they would come back for ever. Each message is stored once when its payload
 * brings the time, at least once when it does not. Memory: `maxOutstanding` messages.
 */
export class Subscriber {
  /** What was asked for but cannot be had, for the log: `QoS 2 … becomes 1`. */
  readonly notices: readonly string[];
  readonly #options: SubscriberOptions;
  readonly #clock: Clock;
  readonly #decoder: Decoder;
  readonly #handlers: SubscriberHandlers;
  readonly #template: TopicTemplate;
  readonly #connection: Connection;
  readonly #commits: Commits<Batch> | undefined;
  readonly #ledger = new Ledger();
  readonly #limit: number;
  readonly #framePoints: number;
  readonly #builder: FrameBuilder;
  readonly #visit: FrameBuilder["add"];
  readonly #counts = {
    messages: 0,
    points: 0,
    skipped: 0,
    rejected: 0,
    unmatched: 0,
    outstanding: 0,
    maxOutstanding: 0,
  };
  #batch: Batch = { held: [], messages: 0, repeated: false };
  #soon = false;
  #open = false;
  #closing = false;
  #ending: Promise<void> | undefined;
  /** Lets the next message come; kept while the broker is held back. */
  #release: (() => void) | undefined;
  #cancelBeat: (() => void) | undefined;
  #onDrained: (() => void) | undefined;

  /** @throws VigiaError `bad-config`, `bad-filter`, `bad-template` */
  constructor(options: SubscriberOptions, clock: Clock, decoder: Decoder, handlers: SubscriberHandlers) {
    const { ackWhen = "received", store, maxOutstanding = 4_000, framePoints = 500, retained = "take" } = options;
    if (ackWhen !== "received" && ackWhen !== "stored") throw badConfig("ackWhen", ackWhen, "received, stored");
    if (retained !== "take" && retained !== "skip") throw badConfig("retained", retained, "take, skip");
    if (!Number.isInteger(maxOutstanding) || maxOutstanding < 1 || maxOutstanding > MOST_OUTSTANDING) {
      throw badConfig("maxOutstanding", maxOutstanding, `1 to ${MOST_OUTSTANDING}`);
    }
    if (ackWhen === "stored" && store === undefined) throw badConfig("store", store, "a store, for ackWhen stored");
    this.#options = options;
    this.#clock = clock;
    this.#decoder = decoder;
    this.#handlers = handlers;
    this.#template = topicTemplate(options.template);
    this.#limit = maxOutstanding;
    this.#framePoints = framePoints;
    this.#builder = new FrameBuilder(framePoints);
    this.#visit = (ref, time, value) => this.#builder.add(ref, time, value);

    const notices: string[] = [];
    let topics = options.topics;
    if (ackWhen === "stored" && store !== undefined) {
      topics = Array.from(topics, ({ filter, qos = 0 }) => {
        if (qos === 0) notices.push(`QoS 0 of ${filter}: the broker does not keep its messages, a crash may lose some`);
        if (qos === 2)
          notices.push(`QoS 2 of ${filter} becomes 1: an acknowledgement can wait for the store only there`);
        return { filter, qos: qos === 0 ? 0 : 1 };
      });
      this.#commits = new Commits(store, clock, {
        onStored: (entries) => this.#stored(entries),
        onTrouble: (error) => handlers.onStoreTrouble?.(error),
      });
    }
    this.notices = notices;
    const { retained: _, ...rest } = options;
    this.#connection = new Connection(
      { ...rest, topics, persistent: options.persistent ?? ackWhen === "stored", retained: retained === "take" },
      clock,
      {
        onOpen: (sessionPresent) => {
          this.#open = true;
          this.#ledger.opened(sessionPresent);
        },
        onMessage: (packet, done) => this.#message(packet, done),
        onClose: () => {
          this.#open = false;
          this.#ledger.closed();
          this.#letGo();
        },
        onState: (state) => handlers.onState?.(state),
        onSubscribed: (filters) => handlers.onSubscribed?.(filters),
      },
    );
    // Not before the caller has this object: its handlers may want to ask it.
    queueMicrotask(() => this.#connection.open());
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  get stats(): SubscriberStats {
    const { size: unacknowledged, rebound } = this.#ledger;
    return { ...this.#counts, unacknowledged, rebound, holding: this.#release !== undefined };
  }

  /**
   * Takes nothing more, waits until what was taken is stored (at most `drainWithin`), acknowledges it, hands it on and
   * says goodbye. What is not stored by then stays unacknowledged. `forget` ends the session on the broker: for a
   * node that was deleted.
   */
  close(options: { forget?: boolean } = {}): Promise<void> {
    this.#ending ??= this.#end(options);
    return this.#ending;
  }

  async #end(options: { forget?: boolean }): Promise<void> {
    this.#closing = true;
    this.#flush();
    // What comes from now on is passed over, so that the socket can reach its end.
    const release = this.#release;
    this.#letGo();
    release?.();
    if (this.#commits && this.#commits.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(this.#options.drainWithin ?? 5_000, resolve);
        this.#onDrained = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#commits?.close();
    await this.#connection.close(options);
  }

  #message(packet: IPublishPacket, done: (deferred?: Error) => void): void {
    switch (this.#take(packet)) {
      case "acknowledge":
        done();
        break;
      case "defer":
        done(DEFERRED);
        break;
      case "hold":
        this.#hold(() => done(DEFERRED));
    }
  }

  #take({ topic, payload, qos, messageId, dup, retain }: IPublishPacket): "acknowledge" | "defer" | "hold" {
    // Left over from a closed connection, or after our end: the broker sends it again.
    if (!this.#open || this.#closing) return "defer";
    if (retain && this.#options.retained === "skip") return "acknowledge";
    const deferred = this.#commits !== undefined && qos > 0 && messageId !== undefined;
    if (deferred) {
      const held = this.#ledger.take(messageId, topic, payload as Buffer, dup);
      if (held === undefined) {
        this.#flushSoon();
        return "defer";
      }
      // A batch is all of one kind: only what is repeated is looked up in the store.
      if (this.#batch.repeated !== dup) this.#flush();
      this.#batch.repeated = dup;
      this.#batch.held.push(held);
    }
    this.#decode(topic, payload as Buffer);
    this.#batch.messages++;
    if (this.#builder.length >= this.#framePoints) this.#flush();
    else this.#flushSoon();

    if (this.#commits === undefined) return "acknowledge";
    const counts = this.#counts;
    counts.outstanding++;
    counts.maxOutstanding = Math.max(counts.maxOutstanding, counts.outstanding);
    return counts.outstanding < this.#limit ? "defer" : "hold";
  }

  #decode(topic: string, payload: Buffer): void {
    const counts = this.#counts;
    const names = this.#template(topic);
    counts.messages++;
    if (!names.matched) counts.unmatched++;
    const { points, skipped, rejected, unlisted } = this.#decoder.decode(payload, names, this.#visit);
    counts.points += points;
    counts.skipped += skipped;
    if (rejected.length === 0) return;
    counts.rejected += rejected.length + unlisted;
    for (const { text, error } of rejected) this.#handlers.onRejected?.({ topic, payload, text, error });
    if (unlisted > 0) {
      const error = new VigiaError("too-many-rejected", `${unlisted} more parts of the payload could not be read`);
      this.#handlers.onRejected?.({ topic, payload, text: "", error });
    }
  }

  #flushSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    const flush = () => {
      this.#soon = false;
      this.#flush();
      this.#acknowledge();
    };
    const { linger = 0 } = this.#options;
    if (linger > 0) this.#clock.after(linger, flush);
    else setImmediate(flush);
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch.messages === 0) return;
    const frame = this.#builder.take();
    this.#batch = { held: [], messages: 0, repeated: false };
    if (this.#commits) this.#commits.add(frame, batch, batch.repeated);
    else if (frame.length > 0) this.#handlers.onFrame(frame, { messages: batch.messages });
  }

  #stored(entries: readonly { frame: Frame; again?: Frame; attached: Batch; seq: number }[]): void {
    for (const { attached } of entries) {
      this.#counts.outstanding -= attached.messages;
      for (const held of attached.held) this.#ledger.settle(held);
    }
    this.#acknowledge();
    if (this.#counts.outstanding < this.#limit && this.#release) {
      const release = this.#release;
      this.#letGo();
      release();
    }
    for (const { frame, again, attached, seq } of entries) {
      const { messages } = attached;
      if (again && again.length > 0) this.#handlers.onFrame(again, { messages, seq, again: true });
      if (frame.length > 0) this.#handlers.onFrame(frame, { messages, seq });
    }
    if (this.#commits?.size === 0) this.#onDrained?.();
  }

  #acknowledge(): void {
    if (!this.#open) return;
    const bytes = this.#ledger.acknowledge();
    if (bytes) this.#connection.write(bytes);
  }

  #hold(release: () => void): void {
    this.#release = release;
    const { keepalive = 60 } = this.#options;
    if (keepalive === 0) return;
    const beat = () => {
      this.#connection.keepAlive();
      this.#cancelBeat = this.#clock.after(keepalive * 500, beat);
    };
    this.#cancelBeat = this.#clock.after(keepalive * 500, beat);
  }

  #letGo(): void {
    this.#release = undefined;
    this.#cancelBeat?.();
    this.#cancelBeat = undefined;
  }
}
