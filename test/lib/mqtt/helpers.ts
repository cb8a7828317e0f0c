import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect as dial, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { createDecoder } from "../../../lib/codecs/decoder.ts";
import { Broker, type BrokerOptions, type BrokerState } from "../../../lib/mqtt/broker.ts";
import type { ConnectionState } from "../../../lib/mqtt/connection.ts";
import {
  type FrameInfo,
  type RejectedMessage,
  Subscriber,
  type SubscriberOptions,
} from "../../../lib/mqtt/subscriber.ts";
import type { Clock } from "../../../lib/points/clock.ts";
import { VigiaError } from "../../../lib/points/error.ts";
import { type Frame, FrameBuilder } from "../../../lib/points/frame.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import type { Appended, RangeQuery, Store } from "../../../lib/store/types.ts";

export const realClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export class FakeClock implements Clock {
  #now = Date.UTC(2026, 10, 25);
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { run } of due) run();
  }
}

/** Polls until `check` gives something true. */
export async function until<T>(check: () => T | undefined | false, what: string, limit = 8_000): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const found = check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${limit} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function startBroker(
  t: TestContext,
  options: BrokerOptions = {},
  clock = realClock,
): Promise<{ broker: Broker; states: BrokerState[] }> {
  const states: BrokerState[] = [];
  const broker = new Broker({ port: 0, ...options }, clock, (state) => states.push(state));
  t.after(() => broker.close());
  await broker.start();
  return { broker, states };
}

export async function client(t: TestContext, url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const made = await mqtt.connectAsync(url, { reconnectPeriod: 0, ...options }, false);
  t.after(() => made.endAsync(true));
  return made;
}

export interface Taken {
  series: string;
  tags: Readonly<Record<string, string>> | undefined;
  time: number;
  value: number | null;
}

export interface Watched {
  subscriber: Subscriber;
  points: Taken[];
  frames: { frame: Frame; info: FrameInfo }[];
  rejected: RejectedMessage[];
  states: ConnectionState[];
  trouble: (VigiaError | undefined)[];
  subscribed: (readonly string[])[];
  connected(): Promise<unknown>;
}

export function subscribe(
  t: TestContext,
  options: Partial<SubscriberOptions> & { url: string },
  clock: Clock = realClock,
): Watched {
  const watched: Omit<Watched, "subscriber" | "connected"> = {
    points: [],
    frames: [],
    rejected: [],
    states: [],
    trouble: [],
    subscribed: [],
  };
  const subscriber = new Subscriber(
    { topics: [{ filter: "t/#", qos: 1 }], retry: { first: 20, longest: 200 }, ...options },
    clock,
    createDecoder({}, clock),
    {
      onFrame: (frame, info) => {
        watched.frames.push({ frame, info });
        for (const { series, tags, time, value } of frame) watched.points.push({ series, tags, time, value });
      },
      onRejected: (rejected) => watched.rejected.push(rejected),
      onState: (state) => watched.states.push(state),
      onStoreTrouble: (error) => watched.trouble.push(error),
      onSubscribed: (filters) => watched.subscribed.push(filters),
    },
  );
  t.after(() => subscriber.close());
  return {
    ...watched,
    subscriber,
    connected: () => until(() => subscriber.state.state === "connected", "the connection"),
  };
}

/** A store of rows in memory whose commits are made by hand, or at once with `auto`. */
export class MemoryStore {
  auto = true;
  refuse: VigiaError | undefined;
  readonly rows = new Map<string, number>();
  appends = 0;
  #seq = 0;
  #waiting: (() => void)[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  async append(frame: Frame): Promise<Appended> {
    this.appends++;
    if (this.refuse) throw this.refuse;
    if (!this.auto) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    for (let row = 0; row < frame.length; row++) {
      this.rows.set(`${frame.ref(row).key} ${frame.times[row]}`, frame.values[row]!);
    }
    return { seq: ++this.#seq, points: frame.length };
  }

  async read({ keys = [], from = -Infinity, to = Infinity }: RangeQuery): Promise<Frame> {
    const builder = new FrameBuilder();
    for (const key of keys) {
      for (const [row, value] of this.rows) {
        const at = row.lastIndexOf(" ");
        const time = Number(row.slice(at + 1));
        if (row.slice(0, at) === key && time >= from && time <= to) builder.add(seriesRef(key), time, value);
      }
    }
    return builder.take();
  }

  commit(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  get store(): Store {
    return this as unknown as Store;
  }
}

export const full = new VigiaError("store-full", "the store takes no more points");

export interface Proxy {
  url: string;
  /** Cuts all connections, as a network does. */
  cut(): void;
  connections: number;
}

/** A TCP hop in front of a broker. */
export async function proxyTo(t: TestContext, port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const proxy: Proxy = {
    url: "",
    connections: 0,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
  // Half open: a client's goodbye must reach the broker before the client hears that the line is closed.
  const server = createServer({ allowHalfOpen: true }, (near) => {
    proxy.connections++;
    const far = dial({ port, host: "127.0.0.1", allowHalfOpen: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        if (socket.errored || !socket.readableEnded) other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
  t.after(() => {
    proxy.cut();
    server.close();
  });
  return proxy;
}

export function has(program: string): boolean {
  try {
    execFileSync("which", [program], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}

/** For `test(…, { skip })`: CI must have them all. */
export function missing(...programs: string[]): string | false {
  const absent = programs.filter((program) => !has(program));
  if (absent.length === 0) return false;
  if (process.env.CI) throw new Error(`CI needs ${absent.join(", ")}`);
  return `needs ${absent.join(", ")}`;
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vigia-mqtt-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Mosquitto {
  url: string;
  port: number;
  stop(): Promise<void>;
}

/** A mosquitto on a free loopback port, or on `port`. */
export async function startMosquitto(t: TestContext, conf = "allow_anonymous true", port?: number): Promise<Mosquitto> {
  const folder = temporaryFolder(t);
  const chosen = port ?? (await freePort());
  const file = join(folder, "mosquitto.conf");
  const listener = `listener ${chosen} 127.0.0.1\nmax_queued_messages 0\nmax_inflight_messages 0\npersistence false\n`;
  writeFileSync(file, `${listener}log_type none\n${conf}\n`);
  const child: ChildProcess = spawn("mosquitto", ["-c", file], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  t.after(stop);
  const end = Date.now() + 5_000;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = dial(chosen, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (open) break;
    if (Date.now() > end) throw new Error("mosquitto does not listen");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { url: `mqtt://127.0.0.1:${chosen}`, port: chosen, stop };
}
