// One variant of the spine in a process of its own: argv is the variant, the port and the QoS.
import { type FlowNode, startRuntime } from "./runtime.ts";

const [variant = "", port = "", qos = "0"] = process.argv.slice(2);
const STORE = "5700000000000001";
const BROKER = "5700000000000002";

const MEAN = `
const all = context.get("all") ?? new Map();
context.set("all", all);
const { value, time } = msg.payload;
const minute = Math.floor(time / 60000);
let w = all.get(msg.topic);
if (!w) { w = { minute, n: 0, sum: 0 }; all.set(msg.topic, w); }
let out = null;
if (w.minute !== minute) {
  out = { topic: msg.topic, payload: w.sum / w.n, timestamp: w.minute * 60000 };
  w.minute = minute; w.n = 0; w.sum = 0;
}
w.n++; w.sum += value;
return out;`;

const sink = { id: "k", type: "bench-sink", name: "k", wires: [] };
const store = { id: STORE, type: "vigia-store", file: "points.db", every: "1s" };
const window = {
  id: "w",
  type: "vigia-window",
  every: "1m",
  lateness: "5s",
  aggregates: "mean",
  batched: true,
  wires: [["k"], []],
};
const mqttIn = {
  id: "m",
  type: "vigia-mqtt-in",
  broker: `mqtt://127.0.0.1:${port}`,
  topics: "bench/#",
  qos,
  batched: true,
};

const flows: Record<string, FlowNode[]> = {
  core: [
    {
      id: BROKER,
      type: "mqtt-broker",
      broker: "127.0.0.1",
      port,
      autoConnect: true,
      protocolVersion: "4",
      keepalive: "60",
      cleansession: true,
    },
    {
      id: "m",
      type: "mqtt in",
      topic: "bench/#",
      qos,
      datatype: "json",
      broker: BROKER,
      nl: false,
      rap: true,
      rh: 0,
      inputs: 0,
      wires: [["f"]],
    },
    { id: "f", type: "function", func: MEAN, outputs: 1, wires: [["k"]] },
    sink,
  ],
  received: [{ ...mqttIn, ackWhen: "received", wires: [["k"], []] }, sink],
  windowed: [{ ...mqttIn, ackWhen: "received", wires: [["w"], []] }, window, sink],
  written: [
    store,
    { ...mqttIn, ackWhen: "received", wires: [["t"], []] },
    { id: "t", type: "vigia-write", store: STORE, wires: [["w"]] },
    window,
    sink,
  ],
  stored: [store, { ...mqttIn, ackWhen: "stored", store: STORE, wires: [["w"], []] }, window, sink],
};

const runtime = await startRuntime(flows[variant]!);
let before = process.cpuUsage();
process.on("message", async (command) => {
  if (command === "start") before = process.cpuUsage();
  else if (command === "stop") {
    const { user, system } = process.cpuUsage(before);
    process.send?.({ cpu: user + system, rss: process.memoryUsage.rss() });
  } else {
    await runtime.stop();
    process.exit(0);
  }
});
process.send?.("ready");
