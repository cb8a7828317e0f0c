import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import type { Aedes, AuthenticateError } from "aedes";
import type { Clock } from "../points/clock.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import { sessionQueues } from "./sessions.ts";

export interface BrokerOptions {
  /** Default 1883; 0 takes a free one. */
  port?: number;
  /** Default `127.0.0.1`. An address that others can reach needs `username` and `password`. */
  host?: string;
  username?: string;
  password?: string;
  /** More connections are closed at once. Default 1000. */
  maxConnections?: number;
  /** QoS 1 and 2 messages kept for a session, in memory; past it the newest are dropped. Default 50 000. */
  maxQueued?: number;
}

export interface BrokerState {
  /** `failing`: it does not listen and tries again every few seconds. */
  state: "starting" | "listening" | "failing" | "closed";
  /** Connected clients. */
  clients: number;
  /** `port-taken`, `port-denied`, `bad-host`, `missing-package`, `broker-failed`. */
  error?: VigiaError;
}

/** Called on every change, also of the number of clients. Must not throw. */
export type OnBrokerState = (state: BrokerState) => void;

const RETRY = 5_000;
const SYS_EVERY = 10_000;
const CONNECT_TIMEOUT = 10_000;
const BAD_CREDENTIALS = 4;

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function digest(text: string | Uint8Array): Buffer {
  return createHash("sha256").update(text).digest();
}

/** @throws VigiaError `missing-package` */
async function loadAedes(load: () => Promise<typeof import("aedes")>): Promise<typeof import("aedes")> {
  try {
    return await load();
  } catch (thrown) {
    throw new VigiaError(
      "missing-package",
      'the embedded MQTT broker needs the package "aedes", which is not installed: run "npm install aedes" in the ' +
        "folder of settings.js and restart, or use a broker of your own",
      { cause: thrown },
    );
  }
}

/**
 * An MQTT 3.1 and 3.1.1 broker in this process. It listens on loopback only, unless it has a user and a password.
 * Sessions and retained messages live in memory. Counters stand under `$SYS/broker/…` as mosquitto names them.
 *
 * A port that is taken is a state, not the end: it is tried again every 5 s.
 * Cost: about 9 µs (QoS 0) or 13 µs (QoS 1) a message, 75 kB a client.
 */
export class Broker {
  readonly host: string;
  readonly #options: BrokerOptions;
  readonly #clock: Clock;
  readonly #onState: OnBrokerState;
  readonly #load: () => Promise<typeof import("aedes")>;
  readonly #sockets = new Set<Socket>();
  readonly #counts = { received: 0, sent: 0, publishReceived: 0, publishSent: 0, dropped: 0, mostClients: 0 };
  #state: BrokerState = { state: "starting", clients: 0 };
  #aedes: Aedes | undefined;
  #version = "";
  #server: Server | undefined;
  #port: number;
  #startedAt = 0;
  #cancelRetry: (() => void) | undefined;
  #cancelSys: (() => void) | undefined;

  /** @throws VigiaError `bad-config`; `auth-needed` when others could reach it without a password */
  constructor(
    options: BrokerOptions,
    clock: Clock,
    onState: OnBrokerState = () => {},
    load: () => Promise<typeof import("aedes")> = () => import("aedes"),
  ) {
    const { port = 1883, host = "127.0.0.1", username = "", password = "" } = options;
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new VigiaError("bad-config", { field: "port", value: port, allowed: "1 to 65535, or 0 for a free one" });
    }
    if ((username === "") !== (password === "")) {
      const field = username === "" ? "username" : "password";
      throw new VigiaError("bad-config", { field, value: "", allowed: "both user and password, or none of them" });
    }
    if (!isLoopback(host) && username === "") {
      throw new VigiaError("auth-needed", {
        field: "host",
        value: host,
        allowed: "127.0.0.1 while there is no user and password: anybody in the network could connect",
      });
    }
    this.#options = options;
    this.#clock = clock;
    this.#onState = onState;
    this.#load = load;
    this.host = host;
    this.#port = port;
  }

  get state(): BrokerState {
    return this.#state;
  }

  /** The port it listens on; before that, the one it wants. */
  get port(): number {
    return this.#port;
  }

  /** For clients on this machine. */
  get url(): string {
    const host = this.host === "0.0.0.0" || this.host === "::" ? "127.0.0.1" : this.host;
    return `mqtt://${isIPv6(host) ? `[${host}]` : host}:${this.#port}`;
  }

  /** Messages for sessions that were full. */
  get dropped(): number {
    return this.#counts.dropped;
  }

  /** Resolves after the first attempt to listen, whatever came of it: see `state`. */
  async start(): Promise<void> {
    this.#tell({ state: "starting" });
    try {
      const aedes = await this.#createAedes();
      if (this.#closed) aedes.close();
      else {
        this.#aedes = aedes;
        await this.#listen(aedes);
      }
    } catch (thrown) {
      // Without the package there is nothing to try again.
      this.#tell({ state: "failing", error: asVigiaError(thrown, "broker-failed") });
    }
  }

  /** Ends all clients and frees the port. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#state = { state: "closed", clients: 0 };
    this.#cancelRetry?.();
    this.#cancelSys?.();
    const server = this.#server;
    const freed = new Promise<void>((resolve) => {
      if (server?.listening) server.close(() => resolve());
      else resolve();
    });
    await new Promise<void>((resolve) => {
      if (this.#aedes) this.#aedes.close(resolve);
      else resolve();
    });
    // Connections that never said CONNECT are no clients of aedes.
    for (const socket of this.#sockets) socket.destroy();
    await freed;
    this.#onState(this.#state);
  }

  get #closed(): boolean {
    return this.#state.state === "closed";
  }

  #tell(change: Partial<BrokerState> & Pick<BrokerState, "state">): void {
    if (this.#closed) return;
    this.#state = { clients: this.#aedes?.connectedClients ?? 0, ...change };
    this.#onState(this.#state);
  }

  async #createAedes(): Promise<Aedes> {
    const { Aedes } = await loadAedes(this.#load);
    const { username = "", password = "", maxQueued = 50_000 } = this.#options;
    const user = digest(username);
    const secret = digest(password);
    const counts = this.#counts;
    const aedes = await Aedes.createBroker({
      connectTimeout: CONNECT_TIMEOUT,
      authenticate: (_client, givenUser, givenPassword, done) => {
        if (username === "") return done(null, true);
        // Digests are of one length, and both are compared whatever the first one says: time tells nothing.
        const userFits = timingSafeEqual(digest(givenUser ?? ""), user);
        const secretFits = timingSafeEqual(digest(givenPassword ?? ""), secret);
        if (userFits && secretFits) return done(null, true);
        const refusal = Object.assign(new Error("bad user name or password"), { returnCode: BAD_CREDENTIALS });
        done(refusal as AuthenticateError, false);
      },
      authorizeForward: (client, packet) => {
        // MQTT 4.7.2: a wildcard at the start of a filter does not stand for $SYS.
        const { subscriptions } = client as unknown as { subscriptions: Record<string, unknown> };
        if (packet.topic.startsWith("$") && !Object.keys(subscriptions).some((filter) => filter.startsWith("$"))) {
          return null;
        }
        counts.sent++;
        counts.publishSent++;
        return packet;
      },
    });
    // The queues are only reachable on the instance: its typed interface does not show the persistence.
    Object.assign(
      (aedes as unknown as { persistence: object }).persistence,
      sessionQueues(maxQueued, () => counts.dropped++),
    );
    this.#version = (aedes as unknown as { version: string }).version;
    this.#listenToEvents(aedes);
    return aedes;
  }

  #listenToEvents(aedes: Aedes): void {
    const counts = this.#counts;
    const both = () => {
      counts.received++;
      counts.sent++;
    };
    const clientsChanged = () => {
      counts.mostClients = Math.max(counts.mostClients, aedes.connectedClients);
      if (this.#state.state === "listening") this.#tell({ state: "listening" });
    };
    aedes.on("client", clientsChanged);
    aedes.on("clientDisconnect", clientsChanged);
    aedes.on("connackSent", both);
    aedes.on("subscribe", both);
    aedes.on("unsubscribe", both);
    aedes.on("ping", both);
    aedes.on("ack", () => counts.received++);
    aedes.on("publish", ({ qos }, client) => {
      if (client === null) return;
      counts.received++;
      counts.publishReceived++;
      if (qos > 0) counts.sent++;
    });
    const emitter: NodeJS.EventEmitter = aedes;
    emitter.on("error", (error: Error) => this.#tell({ ...this.#state, error: asVigiaError(error, "broker-failed") }));
  }

  /** One attempt; arranges the next one when the port cannot be had. */
  #listen(aedes: Aedes): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
    server.maxConnections = this.#options.maxConnections ?? 1_000;
    this.#server = server;
    return new Promise((resolve) => {
      server.on("error", (error: NodeJS.ErrnoException) => {
        this.#tell({ state: "failing", error: this.#listenError(error) });
        if (!this.#closed) this.#cancelRetry = this.#clock.after(RETRY, () => void this.#listen(aedes));
        resolve();
      });
      server.listen(this.#port, this.host, () => {
        // Closed while the name of the host was looked up.
        if (this.#closed) server.close();
        const address = server.address();
        if (typeof address === "object" && address !== null) this.#port = address.port;
        this.#startedAt = this.#clock.now();
        this.#tell({ state: "listening" });
        this.#publishCounters(aedes);
        resolve();
      });
    });
  }

  #listenError(error: NodeJS.ErrnoException): VigiaError {
    const place = `port ${this.#port} of ${this.host}`;
    switch (error.code) {
      case "EADDRINUSE":
        return new VigiaError("port-taken", `${place} is taken by another program: end it or choose another port`);
      case "EACCES":
        return new VigiaError("port-denied", `${place} is not allowed for this user: choose one above 1023`);
      case "EADDRNOTAVAIL":
      case "ENOTFOUND":
        return new VigiaError("bad-host", `${this.host} is no address of this machine`);
      default:
        return new VigiaError("broker-failed", `cannot listen on ${place}: ${error.message}`, { cause: error });
    }
  }

  /** Source: mosquitto(8), "Broker Status". Handshakes of QoS 2 are not counted. */
  #publishCounters(aedes: Aedes): void {
    const { received, sent, publishReceived, publishSent, dropped, mostClients } = this.#counts;
    const values: Readonly<Record<string, string | number>> = {
      version: `aedes ${this.#version}`,
      uptime: `${Math.round((this.#clock.now() - this.#startedAt) / 1_000)} seconds`,
      "clients/connected": aedes.connectedClients,
      "clients/maximum": mostClients,
      "messages/received": received,
      "messages/sent": sent,
      "publish/messages/received": publishReceived,
      "publish/messages/sent": publishSent,
      "publish/messages/dropped": dropped,
    };
    for (const [name, value] of Object.entries(values)) {
      const payload = Buffer.from(String(value));
      const topic = `$SYS/broker/${name}`;
      aedes.publish({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: true }, () => {});
    }
    this.#cancelSys = this.#clock.after(SYS_EVERY, () => this.#publishCounters(aedes));
  }
}
