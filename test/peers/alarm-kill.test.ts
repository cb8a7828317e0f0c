// kill -9 of Node-RED at any moment of an alarm's life: whoever gets its events drops ids that it knows, and has each once.
import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { AlarmEvent } from "../../lib/alarm/event.ts";
import { until } from "../lib/mqtt/helpers.ts";
import { atEnd, folderOf } from "./support/at-end.ts";
import { type FlowNode, startNodeRed } from "./support/node-red.ts";

/** Kills of each kind, at moments spread by chance over the first so many ms. */
const KILLS = 5;
const WITHIN = 150;
const SEED = 20_261_125;
const MINUTE = 60_000;

/** Uniform in [0, 1), the same in every run. */
function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

const flow = (receiver: string): FlowNode[] => [
  {
    id: "a",
    type: "vigia-alarm",
    alarm: "hot",
    rules: [{ when: "above", limit: "80" }],
    wires: [["post"], ["out"]],
  },
  { id: "post", type: "http request", method: "POST", ret: "txt", paytoqs: "ignore", url: receiver, wires: [[]] },
  { id: "out", type: "test-sink" },
];

test("kill -9 just after the condition, and between start and end: each incident has one start and one end", {
  timeout: 120_000,
}, async (t) => {
  const userDir = folderOf(t);
  const file = join(userDir, "received.jsonl");
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes) => (body += bytes));
    request.on("end", () => {
      // Taken when it is on disk, as a notifier's queue does.
      appendFileSync(file, `${body}\n`);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(t, () => server.close());
  const start = () =>
    startNodeRed(t, { flow: flow(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), userDir });

  const received = (): AlarmEvent[] =>
    existsSync(file)
      ? readFileSync(file, "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line))
      : [];
  const unique = () => [...new Map(received().map((event) => [event.id, event])).values()];
  const count = (series: string, event: string) =>
    unique().filter((one) => one.series === series && one.event === event).length;

  const random = uniforms(SEED);
  let kills = 0;
  let nodeRed = await start();
  let clock = 0;
  const send = (topic: string, payload: number) => {
    clock = Math.max(clock + 1, Date.now());
    nodeRed.send("a", { topic, payload, timestamp: clock });
  };
  const killAndStart = async () => {
    await setTimeout(random() * WITHIN);
    await nodeRed.kill();
    kills++;
    nodeRed = await start();
  };

  // A month of the past, hot as can be: nobody may hear of it.
  const now = Date.now();
  const month = Array.from({ length: 30 * 24 * 12 }, (_, i) => ({
    series: "past",
    value: i % 100,
    time: now - 20 * MINUTE - (30 * 24 * 12 - i) * 5 * MINUTE,
  }));
  nodeRed.send("a", { payload: month });

  for (let n = 0; n < KILLS; n++) {
    // The start is under way when it ends; nothing else comes that could bring it about again, unless it was never known.
    const first = `first-${n}`;
    send(first, 70);
    send(first, 90);
    await killAndStart();
    // Was it in time? Then it was told, or is told now. Else the sensor's next value tells it.
    send(first, 91);
    await until(() => count(first, "start") === 1, `the start of ${first}`, 10_000);

    // Started, and ended while it is killed.
    const second = `second-${n}`;
    send(second, 90);
    await until(() => count(second, "start") === 1, `the start of ${second}`, 10_000);
    send(second, 60);
    send(first, 60);
    await killAndStart();
    send(second, 61);
    send(first, 61);
    await until(() => count(second, "end") === 1 && count(first, "end") === 1, `the ends of round ${n}`, 10_000);
  }
  await nodeRed.stop();

  const events = unique();
  const ids = new Map<string, Set<string>>();
  for (const { series, event, id } of received()) {
    const own = ids.get(`${series} ${event}`) ?? new Set();
    ids.set(`${series} ${event}`, own.add(id));
  }
  assert.equal(events.length, KILLS * 4, "two incidents a round, a start and an end each");
  for (const [what, own] of ids) assert.equal(own.size, 1, `ids of ${what}`);
  assert.equal(count("past", "start"), 0);
  for (const end of events.filter(({ event }) => event === "end")) {
    const begin = events.find(({ event, series }) => event === "start" && series === end.series)!;
    assert.equal(end.since, begin.since, end.series);
    assert.equal(end.key, begin.key);
  }
  t.diagnostic(`${kills} kills, ${received().length - events.length} events came twice`);
});
