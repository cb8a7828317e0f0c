// A real Node-RED in a process of its own: the one that NODE_RED names, on a free port of the loopback, with a user
// folder that is thrown away, and with every setting off that would show a dialog or call somebody.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

export const root = fileURLToPath(new URL("../../", import.meta.url));
/** Name of the installed package: `node-red` is 5, `node-red-4` is 4.1. */
export const release = process.env.NODE_RED ?? "node-red";

export interface NodeRedOptions {
  release?: string;
  /** Made, and removed at the end, when it is not given. */
  userDir?: string;
  /** The checkout, so that its built nodes are loaded; `undefined`: only what is installed in the user folder. */
  nodesDir?: string | undefined;
  flow?: unknown[];
}

export interface NodeRed {
  url: string;
  userDir: string;
  version: string;
  /** All it wrote so far. */
  log(): string;
  /** JSON of the admin API; throws on any status but 2xx. */
  admin<T>(path: string, init?: RequestInit & { json?: unknown }): Promise<T>;
  /** How often it has started its flows. */
  starts(): number;
  /** Waits until it has started them so often: the admin API answers a deploy before it is done. */
  started(times: number): Promise<void>;
  /** Waits until this flow runs. */
  deploy(flow: unknown[]): Promise<void>;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const settings = (port: number, nodesDir: string | undefined) => ({
  uiHost: "127.0.0.1",
  uiPort: port,
  flowFile: "flows.json",
  credentialSecret: "only for tests",
  ...(nodesDir === undefined ? {} : { nodesDir: [nodesDir] }),
  telemetry: { enabled: false, updateNotification: false },
  externalModules: { autoInstall: false, palette: { allowInstall: false }, modules: { allowInstall: false } },
  editorTheme: { tours: false, palette: { catalogues: [] }, codeEditor: { lib: "ace" } },
  logging: { console: { level: "info", metrics: false, audit: false } },
});

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("exit", resolve));
}

export async function startNodeRed(options: NodeRedOptions = {}): Promise<NodeRed> {
  const { release: name = release, flow = [] } = options;
  const nodesDir = "nodesDir" in options ? options.nodesDir : root;
  const own = options.userDir === undefined;
  const userDir = options.userDir ?? mkdtempSync(join(tmpdir(), "vigia-node-red-"));
  const manifest = require.resolve(`${name}/package.json`);
  const { version } = require(manifest) as { version: string };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  mkdirSync(userDir, { recursive: true });
  writeFileSync(
    join(userDir, "settings.cjs"),
    `module.exports = ${JSON.stringify(settings(port, nodesDir), null, 2)};\n`,
  );
  writeFileSync(join(userDir, "flows.json"), JSON.stringify(flow));

  const args = [join(dirname(manifest), "red.js"), "-u", userDir, "-s", join(userDir, "settings.cjs")];
  const child = spawn(process.execPath, args, {
    cwd: userDir,
    // The runtime speaks the language of the machine: here always the same one.
    env: { ...process.env, LANG: "en_US.UTF-8", LC_ALL: "", LANGUAGE: "", NODE_RED_HOME: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  const take = (bytes: Buffer) => {
    log += bytes;
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);

  async function stop(): Promise<void> {
    child.kill("SIGTERM");
    const timer = setTimeout(kill, 15_000);
    await ended(child);
    clearTimeout(timer);
    process.off("exit", kill);
    if (own) rmSync(userDir, { recursive: true, force: true });
  }

  const starts = () => log.split("Started flows").length - 1;

  async function started(times: number): Promise<void> {
    const end = performance.now() + 30_000;
    while (starts() < times) {
      if (child.exitCode !== null || performance.now() > end) {
        throw new Error(`Node-RED ${version} did not start its flows:\n${log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function admin<T>(path: string, { json, ...init }: RequestInit & { json?: unknown } = {}): Promise<T> {
    const headers = { Accept: "application/json", "Content-Type": "application/json", ...init.headers };
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    const response = await fetch(`${url}${path}`, { ...init, ...body, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method ?? "GET"} ${path}: ${response.status} ${text}`);
    return text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : (text as T);
  }

  try {
    await started(1);
  } catch (thrown) {
    await stop();
    throw thrown;
  }

  return {
    url,
    userDir,
    version,
    log: () => log,
    admin,
    starts,
    started,
    async deploy(flow) {
      const next = starts() + 1;
      await admin("/flows", { method: "POST", json: flow });
      await started(next);
    },
    stop,
  };
}
