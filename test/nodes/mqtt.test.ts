import assert from "node:assert/strict";
import { test } from "node:test";
import mqtt from "mqtt";
import type { Message } from "../../lib/points/reader.ts";
import type { BrokerNode } from "../../nodes/collect/broker.ts";
import { deploy, type FlowNode, until, withRuntime } from "./runtime.ts";

withRuntime();

const STORE = "5700000000000001";
const T = Date.UTC(2026, 0, 1);
const broker = { id: "b", type: "vigia-broker", port: 0 };
const flow = (settings: object = {}): FlowNode[] => [
  broker,
  { id: "m", type: "vigia-mqtt-in", broker: "b", topics: "t/#", wires: [["out"], ["bad"]], ...settings },
  { id: "out", type: "helper" },
  { id: "bad", type: "helper" },
];

async function publish(url: string, messages: [string, string][], options: mqtt.IClientOptions = {}): Promise<void> {
  const client = await mqtt.connectAsync(url, options);
  for (const [topic, payload] of messages) await client.publishAsync(topic, payload, { qos: 1 });
  await client.endAsync();
}

/** The subscription may come a moment after the deploy: publish until something comes through. */
async function warm(url: string, out: Message[], options: mqtt.IClientOptions = {}): Promise<void> {
  const client = await mqtt.connectAsync(url, options);
  await until(async () => {
    await client.publishAsync("t/warm", "1", { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    return out.length > 0;
  }, "the first message");
  await client.endAsync();
  await until(() => {
    const before = out.length;
    return new Promise<boolean>((resolve) => setTimeout(() => resolve(out.length === before), 50));
  }, "quiet");
  out.length = 0;
}

test("all formats come as points, what cannot be read comes apart with the reason", async () => {
  const { node, collect } = await deploy(flow({ template: "t/{site}/#" }));
  const out = collect("out");
  const bad = collect("bad");
  const { url } = await (node("b") as BrokerNode).endpoint();
  await warm(url, out);
  await publish(url, [
    ["t/x/temp", "21.5"],
    ["t/x/m", `{"value":3,"time":${T},"unit":"°C"}`],
    ["t/x/o", '{"a":1,"b":true}'],
    ["t/x/l", `weather,loc=y temp=4 ${T}000000`],
    ["t/x/c", "time,flow\n2026-01-01T00:00:00Z,7"],
    ["t/x/bad", "what is this"],
  ]);
  await until(() => out.length === 6 && bad.length === 1, "all of them");
  const seen = out.map(({ topic, payload, tags, unit }) => [topic, payload, tags, unit]);
  assert.deepEqual(seen, [
    ["t/temp", 21.5, { site: "x" }, undefined],
    ["t/m", 3, { site: "x" }, "°C"],
    ["t/o/a", 1, { site: "x" }, undefined],
    ["t/o/b", 1, { site: "x" }, undefined],
    ["weather", 4, { field: "temp", loc: "y", site: "x" }, undefined],
    ["t/c/flow", 7, { site: "x" }, undefined],
  ]);
  assert.equal(out[1]!.timestamp, T);
  assert.equal(String(bad[0]!.payload), "what is this");
  assert.equal((bad[0]!.rejected as { code: string }).code, "unknown-format");
});

test("acknowledged when stored: on disk before it is sent on, batched, with the user of the embedded broker", async () => {
  const { node, collect } = await deploy(
    [
      { id: STORE, type: "vigia-store", file: "mqtt.db", every: "20ms" },
      ...flow({ ackWhen: "stored", store: STORE, batched: true }),
      { id: "r", type: "vigia-read", store: STORE, wires: [["rows"]] },
      { id: "rows", type: "helper" },
    ],
    { b: { user: "u", password: "p" } },
  );
  const out = collect("out");
  const rows = collect("rows");
  const { url } = await (node("b") as BrokerNode).endpoint();
  const login = { username: "u", password: "p" };
  await assert.rejects(publish(url, []), /[Nn]ot authorized|Bad username/);
  await warm(url, out, login);
  await publish(url, [["t/v", `{"value":5,"time":${T}}`]], login);
  await until(() => out.length === 1, "a frame");
  assert.ok((out[0]!.stored as { seq: number }).seq > 0);
  assert.deepEqual(Array.from(out[0]!.payload as Iterable<unknown>), [{ series: "t/v", time: T, value: 5 }]);
  node("r").receive({ query: { series: "t/v" } } as never);
  await until(() => rows.length === 1, "the stored row");
  assert.deepEqual(rows[0]!.payload, [{ series: "t/v", time: T, value: 5 }]);
});

test("a taken port and a broker that is away are statuses, not crashes", async () => {
  const { node, statuses } = await deploy([
    broker,
    { id: "m", type: "vigia-mqtt-in", broker: "mqtt://127.0.0.1:9", topics: "#", wires: [[], []] },
  ]);
  const shown = statuses("m");
  await until(() => shown.some(({ fill }) => fill === "red"), "a red status");
  const port = Number(new URL((await (node("b") as BrokerNode).endpoint()).url).port);
  const second = await deploy([
    { ...broker, port },
    { ...broker, id: "c", port },
  ]);
  const listening = ["b", "c"].map((id) => (second.node(id) as BrokerNode).endpoint().then(() => id));
  const first = await Promise.race(listening);
  assert.ok(first);
  await publish(`mqtt://127.0.0.1:${port}`, [["t/x", "1"]]);
});

test("settings that cannot work say so", async () => {
  const { inject } = await deploy([
    { id: "d", type: "vigia-decode", format: "xml", wires: [[], []] },
    { id: "e", type: "vigia-decode", template: "a/#/b", wires: [[], []] },
  ]);
  assert.match((await inject("d", { payload: 1 }))!.message, /format is "xml"; allowed: auto, json/);
  assert.match((await inject("e", { payload: 1 }))!.message, /template is "a\/#\/b"/);
});

test("decode reads what core nodes deliver", async () => {
  const { inject, collect } = await deploy([
    { id: "d", type: "vigia-decode", wires: [["out"], ["bad"]] },
    { id: "out", type: "helper" },
    { id: "bad", type: "helper" },
  ]);
  const out = collect("out");
  const bad = collect("bad");
  await inject("d", { topic: "a", payload: Buffer.from("3.5"), timestamp: T });
  await inject("d", { topic: "a", payload: { x: 1, y: "text" }, timestamp: T, tags: { site: "s" } });
  await inject("d", { topic: "a", payload: `m v=1 ${T}000000\nm v=oops` });
  await until(() => out.length === 3 && bad.length === 1, "points and a rejected line");
  assert.deepEqual(
    out.map(({ topic, payload, timestamp, tags }) => [topic, payload, timestamp, tags]),
    [
      ["a", 3.5, T, undefined],
      ["a/x", 1, T, { site: "s" }],
      ["m", 1, T, { field: "v" }],
    ],
  );
  assert.match((bad[0]!.rejected as { text: string }).text, /oops/);
});
