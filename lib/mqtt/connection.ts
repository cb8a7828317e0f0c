import mqtt, { type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from "mqtt";
import type { Clock } from "../points/clock.ts";
import { VigiaError } from "../points/error.ts";
import { checkFilter } from "./topic.ts";

export interface Subscription {
  /** Topic, with `+` and `#`. */
  filter: string;
  /** Default 0. */
  qos?: 0 | 1 | 2;
}

export interface TlsOptions {
  /** PEM. Default: the authorities that Node.js knows. */
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  passphrase?: string;
  servername?: string;
  /** Default true. */
  rejectUnauthorized?: boolean;
}

export interface ConnectionOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://` host:port. */
  url: string;
  /** Needed for a persistent session. Default: a random one. */
  clientId?: string;
  username?: string;
  password?: string;
  tls?: TlsOptions;
  /** 4 is MQTT 3.1.1. Default 4. */
  protocolVersion?: 4 | 5;
  topics: readonly Subscription[];
  /** Seconds. Default 60; 0 switches it off. */
  keepalive?: number;
  /** The broker keeps the subscriptions, and what comes for them, while the connection is away. Default false. */
  persistent?: boolean;
  /** How long the broker keeps a persistent session, seconds; MQTT 5 only. Default a week. */
  sessionExpiry?: number;
  /** Whether the broker shall send what it retains for a subscription. Default true. */
  retained?: boolean;
  /**
   * Filters that the persistent session has from an earlier run. When they are the wanted ones nothing is subscribed
   * anew; those no longer wanted are given up. Unknown: everything is subscribed once more, which does no harm but
   * makes MQTT 3.1.1 brokers send retained messages again.
   */
  subscribed?: readonly string[];
  /** First and longest wait before a new attempt, ms. Default 500 and 30 000. */
  retry?: { first: number; longest: number };
}

/**
 * `refused`: the broker, or the check of its certificate, said no; it is tried again, but somebody should look.
 * `away`: it cannot be reached, or was lost.
 */
export interface ConnectionState {
  state: "connecting" | "connected" | "refused" | "away" | "closed";
  /**
   * `not-authorized`, `bad-client-id`, `bad-protocol`, `subscription-refused`, `qos-lowered`, `tls`, `unreachable`,
   * `no-answer`, `lost`, `unavailable`, or what the system calls it.
   */
  code?: string;
  reason?: string;
}

export interface ConnectionHandlers {
  /** The broker accepted. Comes before any message of the connection. */
  onOpen(sessionPresent: boolean): void;
  /**
   * A message. `done()` lets the next one come and acknowledges this one; `done(DEFERRED)` lets the next one come and
   * leaves this one unacknowledged. Not calling `done` holds the broker back.
   */
  onMessage(packet: IPublishPacket, done: (deferred?: Error) => void): void;
  /** The connection is gone: a `done` that is still held must be forgotten. */
  onClose(): void;
  /** Once for each change. */
  onState(state: ConnectionState): void;
  /** The filters the session now has. */
  onSubscribed(filters: readonly string[]): void;
}

/**
 * Makes mqtt.js go on without a PUBACK: it takes any error of `handleMessage` for that. Behaviour of its
 * `handlers/publish.js`, not its documented interface; a test pins it.
 */
export const DEFERRED = new Error("acknowledged later");

const SCHEMES: Readonly<Record<string, "mqtt" | "mqtts" | "ws" | "wss">> = {
  "mqtt:": "mqtt",
  "tcp:": "mqtt",
  "mqtts:": "mqtts",
  "ssl:": "mqtts",
  "tls:": "mqtts",
  "ws:": "ws",
  "wss:": "wss",
};
const WEEK = 604_800;
/** A connection that lasted this long was a good one: the next attempt comes soon. ms. */
const STEADY = 10_000;
const CONNECT_TIMEOUT = 15_000;
/** How long a broker may take to close its side after our DISCONNECT, ms. */
const FAREWELL = 1_000;

type Refusal = readonly [state: "refused" | "away", code: string, reason: string];
const NOT_AUTHORIZED: Refusal = [
  "refused",
  "not-authorized",
  "does not accept the user name, the password or this client",
];
const OLD_PROTOCOL: Refusal = ["refused", "bad-protocol", "does not speak this MQTT version: choose the other one"];
const BAD_CLIENT: Refusal = ["refused", "bad-client-id", "does not accept the client id"];
const UNAVAILABLE: Refusal = ["away", "unavailable", "says that it is not available now"];
/** CONNACK: MQTT 3.1.1 table 3.1 and MQTT 5.0, 3.2.2.2. */
const REFUSALS: Readonly<Record<number, Refusal>> = {
  1: OLD_PROTOCOL,
  132: OLD_PROTOCOL,
  2: BAD_CLIENT,
  133: BAD_CLIENT,
  4: NOT_AUTHORIZED,
  5: NOT_AUTHORIZED,
  134: NOT_AUTHORIZED,
  135: NOT_AUTHORIZED,
  138: NOT_AUTHORIZED,
  140: NOT_AUTHORIZED,
  3: UNAVAILABLE,
  136: UNAVAILABLE,
  137: UNAVAILABLE,
};
const TLS_TROUBLE =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|INVALID_|HOSTNAME_MISMATCH)/;

function badConfig(field: string, value: unknown, allowed: string): VigiaError {
  return new VigiaError("bad-config", { field, value, allowed });
}

interface Target {
  options: IClientOptions;
  /** host:port, for people; without user and password. */
  shown: string;
}

/** @throws VigiaError `bad-config`, `bad-filter` */
function targetOf(options: ConnectionOptions): Target {
  const { url, clientId, tls, protocolVersion = 4, topics, keepalive = 60, persistent = false } = options;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const protocol = SCHEMES[parsed?.protocol ?? ""];
  if (parsed === undefined || protocol === undefined || parsed.hostname === "") {
    // The address may hold a password.
    throw badConfig(
      "url",
      String(url).replace(/\/\/.*@/, "//***@"),
      "mqtt://, mqtts://, ws:// or wss:// and host:port",
    );
  }
  if (protocolVersion !== 4 && protocolVersion !== 5) {
    throw badConfig("protocolVersion", protocolVersion, "4 (MQTT 3.1.1) or 5");
  }
  if (!Array.isArray(topics) || topics.length === 0) throw badConfig("topics", topics, "at least one topic");
  for (const [at, { filter, qos = 0 }] of topics.entries()) {
    checkFilter(filter, `topics[${at}].filter`);
    if (qos !== 0 && qos !== 1 && qos !== 2) throw badConfig(`topics[${at}].qos`, qos, "0, 1 or 2");
  }
  if (!Number.isInteger(keepalive) || keepalive < 0 || keepalive > 65_535) {
    throw badConfig("keepalive", keepalive, "0 to 65535 seconds");
  }
  if (persistent && !clientId) {
    throw badConfig("clientId", clientId, "a client id that stays the same and that no other client uses");
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, "");
  const secure = protocol === "mqtts" || protocol === "wss";
  const port = parsed.port === "" ? { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 }[protocol] : Number(parsed.port);
  const username = options.username ?? decodeURIComponent(parsed.username);
  const password = options.password ?? decodeURIComponent(parsed.password);
  const made: IClientOptions = {
    protocol,
    host,
    port,
    protocolVersion,
    keepalive,
    clean: !persistent,
    connectTimeout: CONNECT_TIMEOUT,
    // Reconnects, and what is subscribed in which session, are this file's own affair.
    reconnectPeriod: 0,
    resubscribe: false,
    manualConnect: true,
    // QoS 2 is a handshake that must outlive the connection.
    incomingStore: new mqtt.Store({ clean: false }),
  };
  if (protocol === "ws" || protocol === "wss") made.path = parsed.pathname + parsed.search;
  if (clientId) made.clientId = clientId;
  if (username !== "") made.username = username;
  if (password !== "") made.password = password;
  if (secure) Object.assign(made, tls);
  // Without an expiry MQTT 5 ends the session with the connection. A topic alias must never be allowed: messages
  // would come without their topic.
  if (protocolVersion === 5 && persistent) made.properties = { sessionExpiryInterval: options.sessionExpiry ?? WEEK };
  return { options: made, shown: `${parsed.hostname}:${port}` };
}

function sameFilters(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((filter) => b.includes(filter));
}

/** One connection to a broker that comes back by itself. Never emits an error: everything is a state. */
export class Connection {
  readonly #clock: Clock;
  readonly #handlers: ConnectionHandlers;
  readonly #wanted: ConnectionOptions;
  readonly #target: Target;
  readonly #retry: { first: number; longest: number };
  #client: MqttClient | undefined;
  #state: ConnectionState = { state: "connecting" };
  /** Filters of the broker's session, as far as known. */
  #subscribed: readonly string[] | undefined;
  /** What went wrong on this connection, until its end tells it. */
  #trouble: ConnectionState | undefined;
  #accepted = false;
  #openedAt = 0;
  #failures = 0;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  /** @throws VigiaError `bad-config`, `bad-filter` */
  constructor(options: ConnectionOptions, clock: Clock, handlers: ConnectionHandlers) {
    this.#target = targetOf(options);
    this.#wanted = options;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#retry = options.retry ?? { first: 500, longest: 30_000 };
    this.#subscribed = options.subscribed;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Makes the first attempt; says `connecting`. */
  open(): void {
    if (this.#closed) return;
    this.#handlers.onState(this.#state);
    this.#attempt();
  }

  /** Bytes behind what was sent so far; dropped when there is no connection. */
  write(bytes: Uint8Array): void {
    if (this.#accepted) this.#client?.stream.write(bytes);
  }

  /** While a message is held mqtt.js reads no answer to its ping: this keeps both sides from giving up. */
  keepAlive(): void {
    if (!this.#accepted) return;
    this.#client?.sendPing();
    this.#client?.reschedulePing(true);
  }

  /**
   * Says goodbye and ends. `forget` also ends the session on the broker, with everything that it keeps for us.
   * Resolves when the socket is closed, after a second at the latest (two with `forget`).
   */
  async close({ forget = false } = {}): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRetry?.();
    const client = this.#client;
    if (client) await this.#end(client);
    if (forget && this.#wanted.persistent) await this.#forget();
    this.#tell({ state: "closed" });
  }

  #attempt(): void {
    this.#trouble = undefined;
    this.#accepted = false;
    const client = mqtt.connect({ ...this.#target.options });
    this.#client = client;
    client.handleMessage = (packet, done) => this.#handlers.onMessage(packet, done as (deferred?: Error) => void);
    // Messages may come before mqtt.js says "connect", so the CONNACK itself is listened to.
    const onPacket = (packet: { cmd: string }) => {
      if (packet.cmd !== "connack") return;
      client.removeListener("packetreceive", onPacket);
      const { returnCode, reasonCode, sessionPresent } = packet as IConnackPacket;
      if ((returnCode ?? reasonCode) !== 0) return;
      this.#accepted = true;
      this.#openedAt = this.#clock.now();
      this.#handlers.onOpen(sessionPresent);
    };
    client.on("packetreceive", onPacket);
    client.on("connect", ({ sessionPresent }) => this.#subscribe(client, sessionPresent));
    client.on("disconnect", ({ reasonCode }) => {
      if (reasonCode) this.#trouble ??= this.#away("lost", `ended the connection (MQTT reason ${reasonCode})`);
    });
    client.on("error", (error) => {
      this.#trouble ??= this.#troubleOf(error);
      if (!client.stream.destroyed) client.stream.destroy();
    });
    client.once("close", () => this.#lost(client));
    try {
      client.connect();
    } catch (thrown) {
      // A certificate or key that cannot be read is thrown here.
      this.#trouble = this.#troubleOf(thrown);
      this.#lost(client);
    }
  }

  #subscribe(client: MqttClient, sessionPresent: boolean): void {
    const { topics, retained = true, persistent = false } = this.#wanted;
    const filters = topics.map(({ filter }) => filter);
    if (sessionPresent && sameFilters(this.#subscribed, filters)) {
      this.#tell({ state: "connected" });
      return;
    }
    const stale = sessionPresent ? (this.#subscribed ?? []).filter((filter) => !filters.includes(filter)) : [];
    if (stale.length > 0) client.unsubscribe(stale);
    // MQTT 5: retained messages only for subscriptions that are new, or never.
    const rh = retained ? (persistent ? 1 : 0) : 2;
    const wanted = Object.fromEntries(topics.map(({ filter, qos = 0 }) => [filter, { qos, rh }] as const));
    client.subscribe(wanted, (_error, _granted, packet) => {
      if (this.#client !== client || packet === undefined) return;
      // mqtt.js sends them in the order of the object's keys.
      const answers = Object.keys(wanted).map((filter, at) => {
        const code = packet.granted[at];
        return { filter, granted: typeof code === "number" ? code : 128 };
      });
      this.#subscribed = filters;
      this.#handlers.onSubscribed(filters);
      this.#tell(this.#subscribedState(answers, wanted));
    });
  }

  #subscribedState(
    answers: readonly { filter: string; granted: number }[],
    wanted: Readonly<Record<string, { qos: number }>>,
  ): ConnectionState {
    const refused = answers.filter(({ granted }) => granted >= 128).map(({ filter }) => filter);
    if (refused.length > 0) {
      return {
        state: refused.length === answers.length ? "refused" : "connected",
        code: "subscription-refused",
        reason: `${this.#target.shown} refuses the subscription of ${refused.join(", ")}`,
      };
    }
    const lowered = answers.filter(({ filter, granted }) => granted < wanted[filter]!.qos).map(({ filter }) => filter);
    if (lowered.length === 0) return { state: "connected" };
    return {
      state: "connected",
      code: "qos-lowered",
      reason: `${this.#target.shown} grants a lower QoS than asked for ${lowered.join(", ")}`,
    };
  }

  #lost(client: MqttClient): void {
    if (this.#client !== client) return;
    const accepted = this.#accepted;
    const state =
      this.#trouble ??
      (accepted
        ? this.#away("lost", "closed the connection")
        : this.#away("no-answer", "closed the connection before it answered"));
    this.#accepted = false;
    this.#client = undefined;
    this.#handlers.onClose();
    if (this.#closed) return;
    this.#tell(state);
    if (accepted && this.#clock.now() - this.#openedAt >= STEADY) this.#failures = 0;
    const delay = Math.min(this.#retry.longest, this.#retry.first * 2 ** this.#failures++);
    this.#cancelRetry = this.#clock.after(delay, () => this.#attempt());
  }

  #troubleOf(thrown: unknown): ConnectionState {
    const error = thrown as Error & { code?: unknown };
    const { shown } = this.#target;
    if (typeof error.code === "number") {
      const [state, code, what] = REFUSALS[error.code] ?? ["refused", "refused", error.message];
      return { state, code, reason: `${shown} ${what}` };
    }
    const code = typeof error.code === "string" ? error.code : "";
    if (TLS_TROUBLE.test(code) || /TLS|certificate|PEM/.test(error.message)) {
      return { state: "refused", code: "tls", reason: `the TLS check of ${shown} failed: ${error.message}` };
    }
    if (/timeout/i.test(error.message)) return this.#away("no-answer", "does not answer");
    if (code === "ECONNRESET" || code === "EPIPE") return this.#away("lost", `closed the connection (${code})`);
    return this.#away("unreachable", `cannot be reached: ${error.message || code}`);
  }

  #away(code: string, what: string): ConnectionState {
    return { state: "away", code, reason: `${this.#target.shown} ${what}` };
  }

  #tell(state: ConnectionState): void {
    const { state: name, code, reason } = this.#state;
    if (state.state === name && state.code === code && state.reason === reason) return;
    this.#state = state;
    this.#handlers.onState(state);
  }

  /** DISCONNECT, then the end of the socket. */
  #end(client: MqttClient): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(FAREWELL, () => client.stream?.destroy());
      client.once("close", () => {
        cancel();
        resolve();
      });
      if (client.connected) client.end(false);
      else if (client.stream !== undefined) client.end(true);
      else resolve();
    });
  }

  /** A clean session in place of the kept one, ended at once. */
  #forget(): Promise<void> {
    return new Promise((resolve) => {
      const { properties: _, ...options } = this.#target.options;
      const client = mqtt.connect({ ...options, clean: true });
      const cancel = this.#clock.after(FAREWELL, () => client.stream?.destroy());
      client.once("close", () => {
        cancel();
        resolve();
      });
      client.on("connect", () => client.end(false));
      try {
        client.connect();
      } catch {
        cancel();
        resolve();
      }
    });
  }
}
