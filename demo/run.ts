// A Node-RED with this checkout's nodes and a flow to look at. Loopback only, nothing leaves the machine; its data stays
// in .demo/ between starts. PORT, MQTT_PORT and SMTP_PORT are where it looks for free ports, VIGIA_DEMO_DIR is another
// folder.
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startMailbox } from "./mailbox.ts";
import { freePort } from "./ports.ts";

const require = createRequire(import.meta.url);
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = process.env.VIGIA_DEMO_DIR ?? ".demo";
const userDir = resolve(root, folder);
const flowFile = join(userDir, "flows.json");

// A folder of the user's choice is emptied only when a demo has been in it.
const known = folder === ".demo" || existsSync(flowFile);
if (process.argv.includes("--fresh") && known) rmSync(userDir, { recursive: true, force: true });
mkdirSync(userDir, { recursive: true });
// The first start only: what the user changes in the editor is his.
if (!existsSync(flowFile)) copyFileSync(join(root, "demo/flows.json"), flowFile);

const port = await freePort(Number(process.env.PORT ?? 1880));
const mqttPort = await freePort(Number(process.env.MQTT_PORT ?? 1883));
process.env.VIGIA_DEMO_MQTT_PORT = String(mqttPort);

const RED = require("node-red") as typeof import("node-red");
const express = createRequire(require.resolve("node-red"))("express") as typeof import("express");

const app = express();
const server = createServer(app);
const mailbox = await startMailbox(app, await freePort(Number(process.env.SMTP_PORT ?? 2525)));
process.env.VIGIA_DEMO_SMTP_PORT = String(mailbox.port);
const settings = {
  userDir,
  flowFile,
  nodesDir: [root],
  httpAdminRoot: "/",
  httpNodeRoot: "/",
  uiHost: "127.0.0.1",
  uiPort: port,
  // The demo's own folder keeps no secrets; this only spares a new key at each start.
  credentialSecret: "demo",
  mqttReconnectTime: 1_000,
  telemetry: { enabled: false, updateNotification: false },
  externalModules: { palette: { allowInstall: false }, modules: { allowInstall: false } },
  editorTheme: {
    page: { title: "Vigía" },
    header: { title: "Vigía demo" },
    tours: false,
    projects: { enabled: false },
    palette: { catalogues: [] },
    codeEditor: { lib: "ace" },
  },
  logging: { console: { level: "warn", metrics: false, audit: false } },
};

RED.init(server, settings as never);
app.use("/", RED.httpAdmin);
app.use("/", RED.httpNode);

let ending = false;
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  // A second Ctrl-C, or something that hangs, must not keep the terminal.
  setTimeout(() => process.exit(1), 20_000).unref();
  await RED.stop();
  await mailbox.close();
  process.exit(0);
}
process.on("SIGINT", end);
process.on("SIGTERM", end);

const base = `http://127.0.0.1:${port}`;
RED.events.once("flows:started", () => {
  console.log(`
  Vigía is watching this machine.

    live page   ${base}/vigia/live/
    mailbox     ${base}/mailbox/
    editor      ${base}/

  Send it a value of your own; it appears on the live page within a second:

    mosquitto_pub -h 127.0.0.1 -p ${mqttPort} -q 1 -t demo/kitchen/temperature -m 21.5

  or without mosquitto:

    npx mqtt pub -h 127.0.0.1 -p ${mqttPort} -q 1 -t demo/kitchen/temperature -m 21.5

  Data stays in ${folder}/ (npm start -- --fresh empties it). Ctrl-C ends everything.
`);
});
await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
await RED.start();
