// CPU of the window node: one message a point against a bare sink, Frames of 100 against a function node that does a
// one-minute mean; 1 000 KPIs.
import { type Frame, FrameBuilder } from "../lib/points/frame.ts";
import { SeriesTable } from "../lib/points/series.ts";
import { cpu, median, print, pump, round, startRuntime } from "./support/runtime.ts";

const SERIES = 1_000;
const RUNS = 7;
const T = Date.UTC(2026, 0, 1);

// What people write: a map in the context, a mean a minute for each topic.
const FUNCTION = `
const all = context.get("all") ?? new Map();
context.set("all", all);
const minute = Math.floor(msg.timestamp / 60000);
let w = all.get(msg.topic);
if (!w) { w = { minute, n: 0, sum: 0 }; all.set(msg.topic, w); }
let out = null;
if (w.minute !== minute) {
  out = { topic: msg.topic, payload: w.sum / w.n, timestamp: w.minute * 60000 };
  w.minute = minute; w.n = 0; w.sum = 0;
}
w.n++; w.sum += msg.payload;
return out;`;

const runtime = await startRuntime([
  { id: "s1", type: "bench-source", name: "sink", wires: [["k1"]] },
  { id: "k1", type: "bench-sink", name: "k1", wires: [] },
  { id: "s2", type: "bench-source", name: "window", wires: [["w2"]] },
  {
    id: "w2",
    type: "vigia-window",
    every: "1m",
    lateness: "0s",
    aggregates: "mean",
    batched: true,
    wires: [["k2"], []],
  },
  { id: "k2", type: "bench-sink", name: "k2", wires: [] },
  { id: "s3", type: "bench-source", name: "function", wires: [["f3"]] },
  { id: "f3", type: "function", func: FUNCTION, outputs: 1, wires: [["k3"]] },
  { id: "k3", type: "bench-sink", name: "k3", wires: [] },
]);
const names = Array.from({ length: SERIES }, (_, i) => `plant/line-${i % 10}/sensor-${i}`);
// Each KPI sends once a second; the clock goes on over all runs, so that windows really close.
let tick = 0;
const message = () => {
  const i = tick++;
  return { topic: names[i % SERIES], payload: i % 97, timestamp: T + Math.floor(i / SERIES) * 1_000 };
};
const table = new SeriesTable();
const refs = names.map((name) => table.ref(name));
function frames(n: number, rows: number): Frame[] {
  return Array.from({ length: n }, () => {
    const builder = new FrameBuilder(rows);
    for (let row = 0; row < rows; row++) {
      const i = tick++;
      builder.add(refs[i % SERIES]!, T + Math.floor(i / SERIES) * 1_000, i % 97);
    }
    return builder.take();
  });
}

const N = 100_000;
const single = async (name: string) => (await cpu(() => pump(runtime.source(name), N, message))) / N;
/**
 * A minute of data in Frames that are used again with later times, so that the garbage of making Frames, which belongs
 * to their source, is not collected on the window's account.
 */
const MINUTE = 60_000;
const MINUTES = 6;
const AT_ONCE = 64;
const batch = async (rows: number) => {
  const minute = frames((SERIES * 60) / rows, rows);
  let us = 0;
  for (let pass = 0; pass < MINUTES; pass++) {
    for (let from = 0; from < minute.length; from += AT_ONCE) {
      const some = minute.slice(from, from + AT_ONCE);
      if (pass > 0) for (const { times } of some) for (let row = 0; row < rows; row++) times[row]! += MINUTE;
      us += await cpu(() => pump(runtime.source("window"), some.length, (i) => ({ payload: some[i] })), false);
    }
  }
  tick += (MINUTES - 1) * SERIES * 60;
  return us / (SERIES * 60 * MINUTES);
};

for (const name of ["sink", "window", "function"]) await single(name);
await batch(100);
const results = { sink: [], window: [], function: [], frame100: [], frame1000: [] } as Record<string, number[]>;
for (let run = 0; run < RUNS; run++) {
  for (const name of ["sink", "window", "function"]) results[name]!.push(await single(name));
  results.frame100!.push(await batch(100));
  results.frame1000!.push(await batch(1_000));
}
const us = Object.fromEntries(Object.entries(results).map(([name, values]) => [name, median(values)])) as Record<
  string,
  number
>;
print({
  bench: "window",
  series: SERIES,
  usPerPoint: Object.fromEntries(Object.entries(us).map(([name, value]) => [name, round(value)])),
  singleToSink: round(us.window! / us.sink!),
  promiseSingle: 1.5,
  functionToFrame100: round(us.function! / us.frame100!),
  promiseFrame100: 150,
});
await runtime.stop();
process.exit(0);
