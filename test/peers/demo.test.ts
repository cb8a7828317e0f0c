/** The demo as a user starts it: what it prints works, and Ctrl-C ends it. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { decodePacket } from "../../lib/live/packet.ts";
import type { Listing } from "../../lib/live/wire.ts";
import type { Point } from "../../lib/points/point.ts";
import { openStore } from "../../lib/store/open.ts";
import { client, freePort, has, missing, until } from "../lib/mqtt/helpers.ts";
import { atEnd, folderOf } from "./support/at-end.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const HOUR = 3_600_000;
const SERIES = "demo/kitchen/temperature";
const PLANT = "plant/compressor/temperature";
const READY_WITHIN = 15_000;
const ENDED_WITHIN = 5_000;

/** Another program on a free port. */
async function occupy(t: TestContext): Promise<number> {
  const server = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  atEnd(t, () => server.close());
  return port;
}

interface Demo {
  live: string;
  editor: string;
  /** The line to try, as words. */
  command: string[];
  mqttPort: number;
  readyAfter: number;
  /** Ctrl-C: gives the exit code. */
  interrupt(): Promise<{ code: number | null; after: number }>;
}

async function startDemo(t: TestContext, folder: string, port: number, mqttPort: number): Promise<Demo> {
  const begin = performance.now();
  // A process group of its own, so that no child can hide.
  const child = spawn(process.execPath, [join(root, "scripts/start.mjs")], {
    cwd: root,
    detached: true,
    env: { ...process.env, PORT: `${port}`, MQTT_PORT: `${mqttPort}`, VIGIA_DEMO_DIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const group = -child.pid!;
  const groupLives = () => {
    try {
      process.kill(group, 0);
      return true;
    } catch {
      return false;
    }
  };
  const killGroup = () => groupLives() && process.kill(group, "SIGKILL");
  process.once("exit", killGroup);
  atEnd(t, async () => {
    killGroup();
    process.off("exit", killGroup);
    await until(() => !groupLives(), "the end of the demo");
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => {
      printed += bytes;
    });
  }
  let code: number | null | undefined;
  child.once("exit", (exitCode) => {
    code = exitCode;
  });
  const text = (pattern: RegExp) => pattern.exec(printed)?.[1];
  await until(() => /Ctrl-C ends everything/.test(printed) || code !== undefined, "the links", 60_000).catch(
    (error) => {
      throw new Error(`${error.message}\n${printed}`);
    },
  );
  const readyAfter = performance.now() - begin;
  const live = text(/live page\s+(http:\S+)/);
  const editor = text(/editor\s+(http:\S+)/);
  const command = text(/^\s*(mosquitto_pub .*)$/m)?.split(" ");
  assert.ok(live && editor && command, printed);
  return {
    live,
    editor,
    command,
    mqttPort: Number(command[command.indexOf("-p") + 1]),
    readyAfter,
    async interrupt() {
      const asked = performance.now();
      process.kill(child.pid!, "SIGINT");
      await until(() => code !== undefined && !groupLives(), "the end of the demo and its children", 20_000);
      return { code: code!, after: performance.now() - asked };
    },
  };
}

/** Asks until the answer is something true. */
async function answer<T>(ask: () => Promise<T | undefined | false>, what: string, limit = 15_000): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited ${limit} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function page(url: string): Promise<string> {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  return response.text();
}

async function kpi(live: string, name: string) {
  const response = await fetch(`${live}kpis?search=${name}`);
  const { kpis } = (await response.json()) as Listing;
  return kpis.find(({ series, tags }) => series === name && !tags);
}

async function values(live: string, id: string, back = HOUR): Promise<number[]> {
  const now = Date.now();
  const query = `from=${now - back}&to=${now - back + HOUR + 60_000}&buckets=100&keys=${id}`;
  const response = await fetch(`${live}points?${query}`);
  assert.equal(response.status, 200);
  const { series } = decodePacket(await response.arrayBuffer());
  return Array.from(series[0]!.values, (value) => Math.round(value * 1000) / 1000);
}

/** Raw points, not what a window made of them. */
async function stored(file: string, series: string): Promise<Point[]> {
  const store = await openStore({ file });
  try {
    return [...(await store.read({ keys: [series] }))];
  } finally {
    await store.close();
  }
}

/** Another process looks into the file, as a user with a SQLite shell does. */
async function inFile(file: string): Promise<boolean> {
  const script = `
    const { DatabaseSync } = require("node:sqlite");
    const db = new DatabaseSync(process.argv[1], { readOnly: true });
    console.log(db.prepare("SELECT count(*) AS n FROM series WHERE series = ?").get(process.argv[2]).n);`;
  return (await run(process.execPath, ["-e", script, file, SERIES])).stdout.trim() === "1";
}

test("npm start: links, a value of one's own on the page and in the store, Ctrl-C, and all of it is there again", {
  timeout: 90_000,
}, async (t) => {
  const folder = join(folderOf(t), "demo");
  const file = join(folder, "vigia/points.db");
  // Both ports that it would like are taken.
  const [port, mqttPort] = [await occupy(t), await occupy(t)];
  const demo = await startDemo(t, folder, port, mqttPort);
  t.diagnostic(`ready after ${Math.round(demo.readyAfter)} ms`);
  assert.ok(demo.readyAfter < READY_WITHIN, `ready after ${demo.readyAfter} ms`);
  assert.notEqual(Number(new URL(demo.editor).port), port);
  assert.notEqual(demo.mqttPort, mqttPort);

  assert.match(await page(demo.editor), /<title>Vigía<\/title>/);
  assert.match(await page(demo.live), /<html/);

  const publish = async (value: string) => {
    const words = [...demo.command.slice(1, -1), value];
    if (has(demo.command[0]!)) await run(demo.command[0]!, words);
    else {
      missing(demo.command[0]!);
      const sender = await client(t, `mqtt://127.0.0.1:${demo.mqttPort}`);
      await sender.publishAsync(SERIES, value, { qos: 1 });
      await sender.endAsync();
    }
  };
  assert.ok(demo.command.includes(SERIES), demo.command.join(" "));
  await publish("21.5");
  const shown = await answer(() => kpi(demo.live, SERIES), "the value on the page");
  assert.equal(shown.value, 21.5);
  assert.deepEqual(await values(demo.live, shown.id), [21.5]);
  assert.ok(await inFile(file));

  // The stream that draws the lines.
  const stream = await fetch(`${demo.live}stream?keys=${shown.id}`);
  const events = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  await publish("22.25");
  let streamed = "";
  while (!streamed.includes("22.25")) {
    const { done, value } = await events.read();
    assert.ok(!done, `the stream ended: ${streamed}`);
    streamed += value;
  }
  const plant = await answer(() => kpi(demo.live, PLANT), "the plant");
  await answer(async () => (await values(demo.live, plant.id, 6.9 * 24 * HOUR)).length > 0, "a week of history");
  // A browser that looks on must not keep it from ending.
  const { code, after } = await demo.interrupt();
  assert.equal(code, 0);
  assert.ok(after < ENDED_WITHIN, `ended after ${after} ms`);
  await events.cancel().catch(() => {});

  assert.deepEqual(
    (await stored(file, SERIES)).map(({ value }) => value),
    [21.5, 22.25],
  );
  assert.ok((await stored(file, "host/memory/used")).length > 0);

  const second = await startDemo(t, folder, port, mqttPort);
  const again = await kpi(second.live, SERIES);
  assert.equal(again?.value, 22.25);
  assert.deepEqual(await values(second.live, again.id), [21.5, 22.25]);
  // The first run was ended in the middle of the past week: the second one goes on there, to the present.
  await answer(async () => (await values(second.live, plant.id)).length > 300, "all of the history");
  assert.equal((await second.interrupt()).code, 0);
  const week = await stored(file, PLANT);
  assert.ok(week.at(-1)!.time - week[0]!.time > 6.9 * 24 * HOUR);
  for (const [n, { time }] of week.entries()) assert.equal(time, week[0]!.time + n * 10_000);
});
