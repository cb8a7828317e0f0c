// A whole Node-RED in this process, with the built package, as an operator's gateway: admin API, httpNode, one server.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Node } from "node-red";

const root = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(import.meta.url);

export type FlowNode = { id: string; type: string } & Record<string, unknown>;
export type Status = { fill?: string; shape?: string; text?: string };

export interface Gateway {
  /** Of httpNode, with a slash at its end. */
  url: string;
  /** The very object that the runtime uses. */
  settings: Record<string, unknown>;
  deploy(flow: FlowNode[]): Promise<void>;
  /** Hands a message to a node. */
  send(id: string, msg: object): void;
  /** Last status of a node. */
  status(id: string): Status | undefined;
  /** What httpNode has in its stack. */
  routes(): number;
  /** Ends all connections, as a network does that breaks. */
  cut(): void;
  stop(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: Node-RED's own module has no types for embedding
type Embedded = any;

const built = existsSync(join(root, "dist/nodes/show/live.js"));
const NOT_BUILT = "the package is not built: npm run build";

/** Why there can be no gateway; `false`: there can. A CI without a build must not stay green. */
export const notBuilt: string | false = built || process.env.CI ? false : NOT_BUILT;

export async function startGateway(settings: Record<string, unknown> = {}): Promise<Gateway> {
  if (!built) throw new Error(NOT_BUILT);
  const entry = require.resolve(process.env.NODE_RED ?? "node-red");
  const RED: Embedded = require(entry);
  const express: Embedded = createRequire(entry)("express");
  const userDir = mkdtempSync(join(tmpdir(), "vigia-live-"));
  const app = express();
  const server: Server = createServer(app);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const all: Record<string, unknown> = {
    httpAdminRoot: "/admin",
    httpNodeRoot: "/edge",
    userDir,
    nodesDir: [root],
    flowFile: "flows.json",
    credentialSecret: "test",
    telemetry: { enabled: false, updateNotification: false },
    externalModules: { autoInstall: false, palette: { allowInstall: false }, modules: { allowInstall: false } },
    editorTheme: { tours: false, palette: { catalogues: [] } },
    logging: { console: { level: "off" } },
    ...settings,
  };
  RED.init(server, all);
  app.use("/admin", RED.httpAdmin);
  if (all.httpNodeRoot !== false) app.use(all.httpNodeRoot, RED.httpNode);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const statuses = new Map<string, Status>();
  RED.events.on("node-status", ({ id, status }: { id: string; status: Status }) => statuses.set(id, status));
  const started = new Promise<void>((resolve) => RED.events.once("flows:started", resolve));
  await RED.start();
  await started;
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${all.httpNodeRoot || ""}/`,
    settings: all,
    async deploy(flow) {
      const again = new Promise<void>((resolve) => RED.events.once("flows:started", resolve));
      const response = await fetch(`http://127.0.0.1:${port}/admin/flows`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify([{ id: "tab1", type: "tab", label: "test" }, ...flow]),
      });
      if (!response.ok) throw new Error(`deploy: ${response.status} ${await response.text()}`);
      await again;
    },
    // In the middle of a deploy there may be no such node.
    send: (id, msg) => (RED.nodes.getNode(id) as Node | null)?.receive(msg as never),
    status: (id) => statuses.get(id),
    routes: () => (RED.httpNode._router ?? RED.httpNode.router)?.stack.length ?? 0,
    cut,
    async stop() {
      await RED.stop();
      cut();
      await new Promise((resolve) => server.close(resolve));
      rmSync(userDir, { recursive: true, force: true });
    },
  };
}

/** Waits for a condition; fails with `what` after `ms`. */
export async function until<T>(get: () => T | Promise<T>, what: string, ms = 5_000): Promise<NonNullable<T>> {
  const end = performance.now() + ms;
  for (;;) {
    const value = await get();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
