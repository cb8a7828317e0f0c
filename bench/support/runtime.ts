// A headless Node-RED 5 with the built nodes and those of bench/nodes.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

export type FlowNode = { id: string; type: string } & Record<string, unknown>;

export interface Sink {
  count: number;
  points: number;
}

interface Source {
  send(msg: object): void;
}

declare global {
  var vigiaBench: { sources: Map<string, Source>; sinks: Map<string, Sink> };
}

export interface Runtime {
  userDir: string;
  source(name: string): Source;
  sink(name: string): Sink;
  stop(): Promise<void>;
}

/** Starts the flow; one runtime a process. */
export async function startRuntime(flow: FlowNode[]): Promise<Runtime> {
  const userDir = mkdtempSync(join(tmpdir(), "vigia-bench-"));
  const tab = { id: "f000000000000001", type: "tab", label: "bench" };
  const nodes = flow.map((node) =>
    node.type.endsWith("-store") || node.type === "mqtt-broker" ? node : { x: 0, y: 0, z: tab.id, ...node },
  );
  writeFileSync(join(userDir, "flows.json"), JSON.stringify([tab, ...nodes]));
  const RED = require("node-red") as typeof import("node-red");
  const server = createServer();
  RED.init(server, {
    userDir,
    flowFile: "flows.json",
    nodesDir: [root, join(root, "bench/nodes")],
    httpAdminRoot: false,
    httpNodeRoot: false,
    credentialSecret: false,
    disableEditor: true,
    mqttReconnectTime: 500,
    telemetry: { enabled: false },
    logging: { console: { level: process.env.BENCH_LOG ?? "error", metrics: false, audit: false } },
  } as never);
  const started = new Promise<void>((resolve) => RED.events.once("flows:started", resolve));
  await RED.start();
  await started;
  const get = <T>(from: Map<string, T>, name: string): T => {
    const found = from.get(name);
    if (!found) throw new Error(`no ${name} in the flow`);
    return found;
  };
  return {
    userDir,
    source: (name) => get(globalThis.vigiaBench.sources, name),
    sink: (name) => get(globalThis.vigiaBench.sinks, name),
    async stop() {
      await RED.stop();
      rmSync(userDir, { recursive: true, force: true });
    },
  };
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * CPU of the whole process (all threads, GC included) while `run` runs, microseconds. What was made before is
 * collected first, so that nobody pays for another's garbage.
 */
export async function cpu(run: () => Promise<void> | void, collect = true): Promise<number> {
  if (collect) globalThis.gc?.();
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Sends `n` messages, 256 a turn, and waits until they are through a short flow. */
export async function pump(source: Source, n: number, make: (i: number) => object): Promise<void> {
  for (let i = 0; i < n; ) {
    for (const end = Math.min(n, i + 256); i < end; i++) source.send(make(i));
    await nextTurn();
  }
  for (let i = 0; i < 20; i++) await nextTurn();
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
};

export const round = (value: number, digits = 3): number => Number(value.toPrecision(digits));

export const print = (result: object): void => console.log(JSON.stringify(result));
