/** From a real MQTT client to a real mail server and a bot: collect, judge, keep apart what is over, tell. */
import assert from "node:assert/strict";
import { test } from "node:test";
import mqtt from "mqtt";
import type { BrokerNode } from "../../nodes/collect/broker.ts";
import { startFakeTelegram } from "../lib/notify/fake-telegram.ts";
import { startMailServer } from "../lib/notify/mail-server.ts";
import { deploy, until, withRuntime } from "./runtime.ts";

withRuntime();

const STORE = "5700000000000009";
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
/** A day's swing with a little unrest. */
const usual = (time: number) => 60 + 8 * Math.sin((time / DAY) * 2 * Math.PI) + (((time / MINUTE) * 17) % 37) / 37;

test("a motor that overheats is told once by mail and once by Telegram, with the reason, and once when it is over", async (t) => {
  const mail = await startMailServer(t, { plain: true });
  const bot = await startFakeTelegram(t);
  const { node, collect } = await deploy(
    [
      { id: "b", type: "vigia-broker", port: 0 },
      { id: STORE, type: "vigia-store", file: "tell.db", every: "20ms" },
      {
        id: "m",
        type: "vigia-mqtt-in",
        broker: "b",
        topics: "plant/#",
        qos: 1,
        store: STORE,
        ackWhen: "stored",
        wires: [["seen", "d"], []],
      },
      { id: "seen", type: "helper" },
      { id: "d", type: "vigia-deviation", store: STORE, wires: [["a"], []] },
      {
        id: "a",
        type: "vigia-alarm",
        alarm: "motor",
        store: STORE,
        rules: [{ when: "alert", severity: "warning", keep: "1s" }],
        wires: [["n"], []],
      },
      { id: "n", type: "vigia-notify", channels: ["mail", "bot"], wires: [["out"], ["bad"]] },
      { id: "out", type: "helper" },
      { id: "bad", type: "helper" },
      {
        id: "mail",
        type: "vigia-channel",
        kind: "email",
        host: "127.0.0.1",
        port: mail.port,
        security: "none",
        from: "vigia@example.com",
        to: "ana@example.com",
      },
      { id: "bot", type: "vigia-channel", kind: "telegram", chats: "-100", apiRoot: bot.apiRoot },
    ],
    { bot: { token: bot.token } },
  );
  const seen = collect("seen");
  const out = collect("out");
  const bad = collect("bad");
  const { url } = await (node("b") as BrokerNode).endpoint();
  const client = await mqtt.connectAsync(url);
  t.after(() => client.endAsync());
  const publish = (time: number, value: number) =>
    client.publishAsync("plant/motor/temperature", JSON.stringify({ value, time, unit: "°C" }), { qos: 1 });

  // The subscription may come a moment after the deploy.
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  const begin = now - 21 * DAY;
  await until(async () => {
    await publish(begin, usual(begin));
    return seen.length > 0;
  }, "the first point");
  const history = [];
  for (let time = begin + 15 * MINUTE; time < now - 3 * MINUTE; time += 15 * MINUTE) {
    history.push(publish(time, usual(time)));
  }
  await Promise.all(history);
  for (let time = now - 2 * MINUTE; time <= now - MINUTE; time += 10_000) await publish(time, usual(time) + 30);
  await until(() => mail.mails.length > 0 && bot.messages.length > 0, "the first mail and the first message");
  for (let time = now - 50_000; time <= now; time += 5_000) await publish(time, usual(time));
  await until(() => mail.mails.length > 1 && bot.messages.length > 1, "what says that it is over");

  const [start, end] = mail.mails;
  assert.equal(mail.mails.length, 2);
  assert.match(start!.subject, /warning: temperature of plant\/motor/);
  for (const body of [start!.text, start!.html, bot.messages[0]!.text]) {
    assert.match(body, /°C above what .* been/);
  }
  assert.match(start!.html, /<\w/);
  assert.match(end!.subject, /over/);
  assert.equal(bot.messages.length, 2);
  assert.equal(bot.messages[1]!.replyTo, bot.messages[0]!.messageId);
  await until(() => out.length === 4, "four deliveries");
  assert.equal(bad.length, 0);
});
