// CPU a point from the arrival over MQTT to stored and windowed, against core "mqtt in" + a function node that only
// does the one-minute mean. Real mosquitto, 1 000 topics, 80-byte JSON; the CPU is that of the Node-RED process alone.
import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../demo/ports.ts";
import { median, print, root, round } from "./support/runtime.ts";

const RATE = 10_000;
const SECONDS = 6;
const RUNS = 3;

if (spawnSync("mosquitto", ["-h"]).error) {
  console.error("bench spine needs mosquitto (Debian: apt-get install mosquitto)");
  process.exit(1);
}
const port = await freePort(18_830);
const folder = mkdtempSync(join(tmpdir(), "vigia-bench-"));
const config = join(folder, "mosquitto.conf");
writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`);
const broker = spawn("mosquitto", ["-c", config], { stdio: "ignore" });

const answer = async (child: ChildProcess): Promise<unknown> => (await once(child, "message"))[0];

async function measure(variant: string, qos: 0 | 1): Promise<number> {
  const runtime = fork(join(root, "bench/support/spine-runtime.ts"), [variant, String(port), String(qos)]);
  await answer(runtime);
  const publish = async (seconds: number) => {
    const args = [join(root, "bench/support/publisher.ts"), String(port), String(qos), String(RATE), String(seconds)];
    const publisher = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    await once(publisher, "exit");
  };
  await publish(2);
  runtime.send("start");
  await publish(SECONDS);
  // What is on its way still counts: the store commits once a second.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  runtime.send("stop");
  const { cpu } = (await answer(runtime)) as { cpu: number };
  runtime.send("end");
  await once(runtime, "exit");
  return cpu / (RATE * SECONDS);
}

const cases = [
  ["core", 0],
  ["written", 0],
  ["core", 1],
  ["stored", 1],
] as const;
const results = new Map<string, number[]>();
for (let run = 0; run < RUNS; run++) {
  for (const [variant, qos] of cases) {
    const name = `${variant}-qos${qos}`;
    results.set(name, [...(results.get(name) ?? []), await measure(variant, qos)]);
  }
}
broker.kill();
const us = Object.fromEntries([...results].map(([name, values]) => [name, round(median(values))]));
print({
  bench: "spine",
  rate: RATE,
  usPerPoint: us,
  ratioQos0: round(us["core-qos0"]! / us["written-qos0"]!),
  ratioQos1Stored: round(us["core-qos1"]! / us["stored-qos1"]!),
  promise: 3,
});
process.exit(0);
