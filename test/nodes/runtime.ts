// The real runtime (Node-RED 5, or the one that NODE_RED names) with all nodes of ours, from source.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before } from "node:test";
import type { Node, NodeAPI } from "node-red";
import helper from "node-red-node-test-helper";
import type { Message } from "../../lib/points/reader.ts";

const require = createRequire(import.meta.url);
const root = new URL("../../", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
const built: string[] = Object.values(manifest["node-red"].nodes);
const modules = await Promise.all(
  built.map(async (path) => {
    const source = new URL(path.replace(/^dist\//, "").replace(/\.js$/, ".ts"), root);
    return ((await import(source.href)) as { default: (RED: NodeAPI) => void }).default;
  }),
);

const runtime = require.resolve(process.env.NODE_RED ?? "node-red");
helper.init(runtime);

const requireOfRuntime = createRequire(runtime);
/** A core node of the runtime in use, by its file: `common/60-link`. */
const coreModule = (file: string): unknown => requireOfRuntime(`@node-red/nodes/core/${file}.js`);

export const userDir = mkdtempSync(join(tmpdir(), "vigia-nodes-"));
helper.settings({ userDir, httpNodeRoot: "/", functionGlobalContext: {} } as never);

/** Call once at the top of a test file. */
export function withRuntime(): void {
  before(() => new Promise<void>((resolve) => helper.startServer(resolve)));
  afterEach(() => helper.unload());
  after(async () => {
    await new Promise<void>((resolve) => helper.stopServer(resolve));
    rmSync(userDir, { recursive: true, force: true });
  });
}

export type FlowNode = { id: string; type: string } & Record<string, unknown>;

export interface Caught {
  message: string;
  code: string | undefined;
}

/** Ends the flow that runs, starts this one (with these files of core nodes), and gives its nodes. */
export async function deploy(
  flow: FlowNode[],
  credentials: Record<string, Record<string, string>> = {},
  { core = [] }: { core?: readonly string[] } = {},
) {
  await helper.unload();
  await helper.load([...modules, ...core.map(coreModule)] as never, flow as never, credentials as never);
  const node = (id: string) => {
    const found = helper.getNode(id) as Node | null;
    if (!found) throw new Error(`no node ${id} in the flow`);
    return found;
  };
  return {
    node,
    /** Hands a message to a node and waits until it is done with it; gives what it complained about. */
    inject: (id: string, msg: Message) =>
      new Promise<Caught | undefined>((resolve) => {
        const target = node(id) as unknown as {
          _flow: { handleComplete: unknown; handleError: unknown };
        };
        const flow = target._flow as Record<string, (...args: never[]) => unknown>;
        const complete = flow.handleComplete!;
        const error = flow.handleError!;
        const restore = () => Object.assign(flow, { handleComplete: complete, handleError: error });
        flow.handleComplete = ((...args: never[]) => {
          restore();
          resolve(undefined);
          return complete.apply(flow, args);
        }) as never;
        flow.handleError = ((from: unknown, log: unknown, ...rest: never[]) => {
          restore();
          const thrown = log as Error & { code?: string };
          resolve({ message: String(thrown?.message ?? thrown), code: thrown?.code });
          return error.apply(flow, [from, log, ...rest] as never[]);
        }) as never;
        node(id).receive(msg as never);
      }),
    /** All messages that a helper node gets from now on. */
    collect: (id: string) => {
      const got: Message[] = [];
      node(id).on("input", (msg) => got.push(msg as Message));
      return got;
    },
    /** The statuses of a node from now on, last one last. */
    statuses: (id: string) => {
      const shown: { fill: string; shape: string; text: string }[] = [];
      const own = node(id);
      const original = own.status.bind(own);
      own.status = (status) => {
        shown.push(status as never);
        original(status);
      };
      return shown;
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
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
