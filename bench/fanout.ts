// A batch of 1 000 points to three wires: a Frame goes by reference, plain Points are cloned for each wire but the first.
import { FrameBuilder } from "../lib/points/frame.ts";
import { seriesRef } from "../lib/points/series.ts";
import { cpu, median, print, pump, round, startRuntime } from "./support/runtime.ts";

const POINTS = 1_000;
const RUNS = 7;

const runtime = await startRuntime([
  { id: "s1", type: "bench-source", name: "s", wires: [["k1", "k2", "k3"]] },
  ...["k1", "k2", "k3"].map((id) => ({ id, type: "bench-sink", name: id, wires: [] })),
]);

const builder = new FrameBuilder(POINTS);
for (let i = 0; i < POINTS; i++) builder.add(seriesRef(`s/${i % 10}`, { site: "x" }, "°C"), 1.7e12 + i, i);
const frame = builder.take();
const points = frame.toJSON();

const source = runtime.source("s");
const one = async (payload: unknown, n: number) => (await cpu(() => pump(source, n, () => ({ payload })))) / n;
await one(frame, 2_000);
await one(points, 50);
const frames: number[] = [];
const plain: number[] = [];
for (let run = 0; run < RUNS; run++) {
  frames.push(await one(frame, 5_000));
  plain.push(await one(points, 200));
}
const frameUs = median(frames);
const plainUs = median(plain);
print({
  bench: "fanout",
  points: POINTS,
  wires: 3,
  frameUs: round(frameUs),
  plainUs: round(plainUs),
  ratio: round(plainUs / frameUs),
  promise: 50,
});
await runtime.stop();
process.exit(0);
