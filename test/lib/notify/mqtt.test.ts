import assert from "node:assert/strict";
import { test } from "node:test";
import { type MqttSettings, mqttChannel } from "../../../lib/notify/mqtt.ts";
import { compile } from "../../../lib/notify/template.ts";
import { note, T } from "./helpers.ts";

function recorded(settings: Partial<MqttSettings> = {}) {
  const published: { topic: string; payload: string; options: object }[] = [];
  const channel = mqttChannel({
    publish: async (topic, payload, options) => void published.push({ topic, payload, options }),
    ...settings,
  });
  return { channel, published };
}

test("an alarm as JSON under its KPI's name", async () => {
  const { channel, published } = recorded();
  assert.deepEqual(await channel.send(note("a/1")), { receipt: "vigia/alarms/plant/temperature" });
  const [{ topic, payload, options }] = published as [(typeof published)[0]];
  assert.equal(topic, "vigia/alarms/plant/temperature");
  assert.deepEqual(options, { qos: 1, retain: false });
  assert.deepEqual(JSON.parse(payload), {
    id: "a/1",
    incident: "a",
    kind: "start",
    title: "title of a/1",
    text: "text of a/1",
    event: "start",
    severity: "warning",
    series: "plant/temperature",
    time: T,
  });
});

test("no name can become a wildcard, a system topic or an empty level", async () => {
  const { channel, published } = recorded({ topic: compile("{{series}}/{{tags.site}}/{{kind}}", "topic") });
  const facts = { event: "start", series: "$SYS/+/#\0\n", time: T };
  await channel.send(note("a", { facts }));
  assert.equal(published[0]!.topic, "_SYS/_/_/start");
  await channel.send(note("b", { facts: { event: "message", time: T }, kind: "message" }));
  assert.equal(published[1]!.topic, "message");
  const nameless = recorded({ topic: "{{series}}" });
  await assert.rejects(nameless.channel.send(note("c", { facts: { event: "x", time: T } })), {
    code: "bad-topic",
    permanent: true,
    whole: false,
  });
});

test("a topic that is none is an error of the settings; a broker that is away is tried again", async () => {
  for (const topic of ["a/+", "#", "{{a", "a/{{b}}#"]) {
    assert.throws(() => recorded({ topic }), { code: "bad-template", field: "topic" });
  }
  const { channel } = recorded({ publish: () => Promise.reject(new Error("not connected")) });
  await assert.rejects(channel.send(note("a")), { message: "not connected", permanent: false, whole: true });
});
