// Publishes 80-byte JSON values of 1 000 topics at a steady rate: argv is port, QoS, messages a second, seconds.
import mqtt from "mqtt";

const [port = "1883", qos = "0", rate = "5000", seconds = "10"] = process.argv.slice(2);
const TOPICS = 1_000;
const STEP = 10;
const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`);
const perStep = (Number(rate) * STEP) / 1_000;
const total = Number(rate) * Number(seconds);
const begin = performance.now();
let sent = 0;
while (sent < total) {
  const due = Math.min(total, Math.floor(((performance.now() - begin) / STEP) * perStep));
  for (; sent < due; sent++) {
    const value = (sent % 997) / 10;
    const payload = `{"value":${value.toFixed(2)},"time":${Date.now()},"unit":"°C","status":"ok","device":"plc-4"}`;
    client.publish(`bench/line-${sent % 10}/sensor-${sent % TOPICS}`, payload, { qos: Number(qos) as 0 | 1 });
  }
  await new Promise((resolve) => setTimeout(resolve, STEP));
}
await client.endAsync();
console.log(sent);
process.exit(0);
