/** A real Node-RED of its own process, with the built nodes; tells statuses, caught errors and messages. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, until } from "../../lib/mqtt/helpers.ts";
import { atEnd, folderOf } from "./at-end.ts";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const watch = fileURLToPath(new URL("watch", import.meta.url));
const TAB = "7ab0000000000001";

export type FlowNode = { id: string; type: string } & Record<string, unknown>;
export type Credentials = Record<string, Record<string, string>>;

export interface Got {
  topic?: string;
  payload?: unknown;
  timestamp?: number;
  error?: { message: string; code?: string; source: { id: string; type: string } };
  rejected?: { code: string };
  stored?: { file: string; seq: number };
}

export interface Shown {
  fill?: string;
  shape?: string;
  text?: string;
}

/** Messages of `ackWhen: "stored"` in the life of a process. */
export interface Counters {
  taken: number;
  /** Taken and not stored yet. */
  outstanding: number;
  maxOutstanding: number;
  unacknowledged: number;
  /** Came again after a reconnect and were not taken a second time. */
  rebound: number;
}

export interface NodeRed {
  userDir: string;
  /** Of the admin API. */
  url: string;
  /** All statuses of a node so far, the newest last. */
  statuses(id: string): Shown[];
  /** Waits until the status of a node fits. */
  shows(id: string, text: RegExp, limit?: number): Promise<Shown>;
  /** All messages that a `test-sink` got. */
  got(id: string): Got[];
  counters(): Counters | undefined;
  /** Hands messages to a node. */
  send(to: string, ...msgs: object[]): void;
  /** Gives the process another flow, as the editor's Deploy does. */
  deploy(flow: readonly FlowNode[], credentials?: Credentials): Promise<void>;
  /** Waits until it has ended by itself. */
  ended(limit?: number): Promise<void>;
  alive(): boolean;
  log(): string;
  /** Ends it as a service manager does, and waits. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export interface NodeRedOptions {
  flow: readonly FlowNode[];
  credentials?: Credentials;
  userDir?: string;
  /** Ends as by a power cut, in the middle of things: after so many MQTT messages, the newest not stored yet. */
  dieAfter?: number;
  /** More of settings.js. */
  settings?: object;
}

const settings = (port: number) => ({
  uiHost: "127.0.0.1",
  uiPort: port,
  flowFile: "flows.json",
  // Credentials stand as they are in flows_cred.json.
  credentialSecret: false,
  nodesDir: [root, watch],
  telemetry: { enabled: false, updateNotification: false },
  externalModules: { autoInstall: false, palette: { allowInstall: false }, modules: { allowInstall: false } },
  disableEditor: true,
  logging: { console: { level: "info", metrics: false, audit: false } },
});

const CONFIGS = ["vigia-store", "vigia-channel"];

/** Config nodes belong to no tab; all others stand on one. */
const onTab = (flow: readonly FlowNode[]): FlowNode[] => [
  { id: TAB, type: "tab", label: "test", disabled: false, info: "" },
  ...flow.map((node, n) => (CONFIGS.includes(node.type) ? node : { z: TAB, x: 200, y: 40 * n, wires: [], ...node })),
];

async function exit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("exit", resolve));
}

export async function startNodeRed(
  t: TestContext,
  { flow, credentials = {}, dieAfter, settings: more = {}, ...options }: NodeRedOptions,
): Promise<NodeRed> {
  const userDir = options.userDir ?? folderOf(t);
  const port = await freePort();
  mkdirSync(userDir, { recursive: true });
  writeFileSync(
    join(userDir, "settings.cjs"),
    `module.exports = ${JSON.stringify({ ...settings(port), ...more }, null, 2)};\n`,
  );
  writeFileSync(join(userDir, "flows.json"), JSON.stringify(onTab(flow)));
  writeFileSync(join(userDir, "flows_cred.json"), JSON.stringify(credentials));

  const red = join(dirname(require.resolve("node-red/package.json")), "red.js");
  const child = spawn(process.execPath, [red, "-u", userDir, "-s", join(userDir, "settings.cjs")], {
    cwd: userDir,
    // The runtime speaks the language of the machine: here always the same one.
    env: {
      ...process.env,
      LANG: "en_US.UTF-8",
      LC_ALL: "",
      LANGUAGE: "",
      NODE_RED_HOME: "",
      ...(dieAfter && { TEST_DIE_AFTER: `${dieAfter}` }),
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (bytes: Buffer) => (log += bytes));
  const statuses = new Map<string, Shown[]>();
  const messages = new Map<string, Got[]>();
  let counters: Counters | undefined;
  const keep = <T>(map: Map<string, T[]>, id: string, item: T) => {
    const list = map.get(id);
    if (list) list.push(item);
    else map.set(id, [item]);
  };
  child.on(
    "message",
    (told: { status?: Shown & { id: string }; message?: Got & { id: string }; counters?: Counters }) => {
      if (told.status) keep(statuses, told.status.id, told.status);
      if (told.message) keep(messages, told.message.id, told.message);
      if (told.counters) counters = told.counters;
    },
  );

  const killNow = () => child.kill("SIGKILL");
  process.once("exit", killNow);
  const kill = async () => {
    killNow();
    await exit(child);
    process.off("exit", killNow);
  };
  atEnd(t, kill);
  const alive = () => child.exitCode === null && child.signalCode === null;
  try {
    await until(() => /Started flows/.test(log) || !alive(), "the start of Node-RED", 30_000);
    if (!alive() && dieAfter === undefined) throw new Error("Node-RED ended");
  } catch (thrown) {
    throw new Error(`Node-RED did not start:\n${log}`, { cause: thrown });
  }

  return {
    userDir,
    url: `http://127.0.0.1:${port}`,
    statuses: (id) => statuses.get(id) ?? [],
    async shows(id, text, limit = 10_000) {
      const fits = () => {
        const newest = statuses.get(id)?.at(-1);
        return newest !== undefined && text.test(newest.text ?? "") && newest;
      };
      try {
        return await until(fits, `status ${text} of ${id}`, limit);
      } catch (thrown) {
        const seen = (statuses.get(id) ?? []).map((shown) => shown.text).join("\n  ");
        throw new Error(`${(thrown as Error).message}; it showed\n  ${seen}\n${log}`);
      }
    },
    got: (id) => messages.get(id) ?? [],
    counters: () => counters,
    send: (to, ...msgs) => void child.send({ to, msgs }),
    async deploy(next, secrets = {}) {
      const flows = onTab(next).map((node) => (secrets[node.id] ? { ...node, credentials: secrets[node.id] } : node));
      const response = await fetch(`http://127.0.0.1:${port}/flows`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "Node-RED-API-Version": "v2",
          "Node-RED-Deployment-Type": "full",
        },
        body: JSON.stringify({ flows }),
      });
      if (!response.ok) throw new Error(`deploy: ${response.status} ${await response.text()}`);
    },
    async ended(limit = 20_000) {
      try {
        await until(() => !alive(), "its end", limit);
      } catch (thrown) {
        throw new Error(`${(thrown as Error).message}: ${JSON.stringify(counters)}\n${log}`);
      }
      process.off("exit", killNow);
    },
    alive,
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(killNow, 15_000);
      await exit(child);
      clearTimeout(timer);
      process.off("exit", killNow);
    },
    kill,
  };
}
