import assert from "node:assert/strict";
import { test } from "node:test";
import mqtt from "mqtt";
import helper from "node-red-node-test-helper";
import type { Message } from "../../lib/points/reader.ts";
import type { BrokerNode } from "../../nodes/collect/broker.ts";
import { freePort } from "../lib/mqtt/helpers.ts";
import { startFakeTelegram } from "../lib/notify/fake-telegram.ts";
import { startMailServer } from "../lib/notify/mail-server.ts";
import { deploy, type FlowNode, until, withRuntime } from "./runtime.ts";

withRuntime();

const T = Date.UTC(2026, 2, 2, 12);
const PASSWORD = "s3cret/&-pass";
/** Each its own channel id: what another test left in the queue must not come here. */
let count = 0;
const nextId = () => `c${++count}`;

const channel = (id: string, port: number, settings: object = {}): FlowNode => ({
  id,
  type: "vigia-channel",
  kind: "email",
  host: "127.0.0.1",
  port,
  security: "none",
  from: "vigia@example.com",
  to: "ana@example.com",
  zone: "Europe/Madrid",
  ...settings,
});

const notify = (channels: string[], settings: object = {}): FlowNode[] => [
  { id: "n", type: "vigia-notify", z: "tab", channels, wires: [["out"], ["bad"]], ...settings },
  { id: "out", type: "helper", z: "tab" },
  { id: "bad", type: "helper", z: "tab" },
];

const flowOf = (...nodes: FlowNode[]): FlowNode[] => [{ id: "tab", type: "tab", label: "t" }, ...nodes];

let events = 0;
const event = (more: object = {}) => ({
  event: "start",
  id: `too-hot/${++events}`,
  key: "too-hot",
  alarm: "Too hot",
  series: "plant/compressor/temperature",
  severity: "critical",
  value: 95.2,
  limit: 80,
  unit: "°C",
  reason: "above 80 °C for 2 min",
  time: T,
  since: T,
  ...more,
});

interface Told {
  state: string;
  channel: string;
  name: string;
  attempts: number;
  delay: number;
  receipt?: string;
  reason?: string;
  code?: string;
}
const deliveryOf = (msg: Message | undefined) => msg?.delivery as Told;

test("an alarm goes by mail and comes out as delivered, with what the server said", async (t) => {
  const server = await startMailServer(t, { plain: true });
  const id = nextId();
  const { inject, collect, statuses } = await deploy(
    flowOf(channel(id, server.port, { name: "ops" }), ...notify([id])),
  );
  const out = collect("out");
  const shown = statuses("n");
  assert.equal(await inject("n", { topic: "here", payload: event() }), undefined);
  await until(() => out.length === 1, "the delivery");
  const [mail] = server.mails;
  assert.match(mail!.subject, /temperature of plant\/compressor/);
  assert.match(mail!.text, /95\.2 °C/);
  assert.match(mail!.text, /13:00:00/, "in the zone of the channel");
  assert.match(mail!.html, /above 80 °C for 2 min/);
  const [told] = out;
  assert.equal(told!.topic, "here");
  assert.equal((told!.payload as { alarm: string }).alarm, "Too hot");
  const { state, channel: by, name, attempts, receipt, delay } = deliveryOf(told);
  assert.deepEqual([state, by, name, attempts], ["delivered", id, "ops", 1]);
  assert.match(receipt!, /250/);
  assert.ok(delay > 0);
  await until(() => shown.at(-1)?.fill === "green", "a green status", 2_000);
});

test("the same event is told once, another message as text, each channel in its own words", async (t) => {
  const server = await startMailServer(t, { plain: true });
  const [english, spanish] = [nextId(), nextId()];
  const { inject, collect } = await deploy(
    flowOf(
      channel(english, server.port, { to: "en@example.com" }),
      channel(spanish, server.port, { to: "es@example.com", language: "es", title: "{{severity}}: {{alarm}}" }),
      ...notify([english, spanish]),
    ),
  );
  const out = collect("out");
  const payload = event();
  await inject("n", { payload });
  await inject("n", { payload });
  await inject("n", { topic: "doors", title: "Hall 3", payload: "The door is open" });
  await until(() => out.length === 4, "four deliveries");
  const subjects = (to: string) =>
    server.mails.filter((mail) => mail.recipients[0] === to).map(({ subject }) => subject);
  assert.deepEqual(subjects("es@example.com").length, 2);
  assert.match(subjects("es@example.com")[0]!, /^crítica: Too hot$/);
  assert.ok(subjects("en@example.com").includes("Hall 3"), `${subjects("en@example.com")}`);
  const told = out.find(({ title }) => title === "Hall 3");
  assert.deepEqual([told?.payload, told?.topic], ["The door is open", "doors"]);
});

test("a text of the node goes before the channel's, what is too mild is not told", async (t) => {
  const server = await startMailServer(t, { plain: true });
  const id = nextId();
  const { inject, collect } = await deploy(
    flowOf(
      channel(id, server.port, { title: "channel {{alarm}}", text: "channel", html: "<b>channel</b>" }),
      ...notify([id], { text: "node says <{{value}}>", severity: "major" }),
    ),
  );
  const out = collect("out");
  await inject("n", { payload: event({ severity: "minor" }) });
  await inject("n", { payload: event({ severity: "major" }) });
  await until(() => out.length === 1, "the delivery");
  const [mail, ...more] = server.mails;
  assert.deepEqual(more, []);
  assert.equal(mail!.subject, "channel Too hot");
  assert.equal(mail!.text.trim(), "node says <95.2 °C>");
  assert.match(mail!.html, /node says &lt;95\.2 °C&gt;/);
});

test("no channel and a channel that is not there are said, others are told all the same", async (t) => {
  const server = await startMailServer(t, { plain: true });
  const id = nextId();
  const first = await deploy(flowOf(...notify([])));
  const bare = await first.inject("n", { payload: event() });
  assert.equal(bare?.code, "no-channel");
  assert.match(bare!.message, /^channels is \[\]; allowed: /);
  const { inject, collect } = await deploy(flowOf(channel(id, server.port), ...notify(["gone", id])));
  const out = collect("out");
  const error = await inject("n", { payload: event() });
  assert.match(error!.message, /channels is "gone"/);
  await until(() => out.length === 1, "the other one");
});

test("settings that cannot work say so, without secrets, also to who uses the channel", async () => {
  const id = nextId();
  const wrong = async (settings: object) => {
    const { inject } = await deploy(flowOf(channel(id, 25, settings), ...notify([id])), {
      [id]: { user: "u", password: PASSWORD, token: "wrong token" },
    });
    const logged = helper.log().args.flat(2) as { type?: string; msg?: Error }[];
    const told = logged.find(({ type, msg }) => type === "vigia-channel" && msg instanceof Error)?.msg;
    const error = await inject("n", { payload: event() });
    assert.equal(error?.message, told?.message);
    assert.doesNotMatch(JSON.stringify(logged) + error!.message, /s3cret|wrong token/);
    return error!.message;
  };
  assert.match(await wrong({ kind: "fax" }), /kind is "fax"; allowed: email, telegram, mqtt/);
  assert.match(await wrong({ to: "" }), /^to is /);
  assert.match(await wrong({ port: "many" }), /^port is "many"/);
  assert.match(await wrong({ title: "{{#a}}" }), /^title is /);
  assert.match(await wrong({ zone: "Mars" }), /^zone is "Mars"/);
  assert.match(await wrong({ kind: "telegram", chats: "1" }), /^token is /);
});

test("a server that is away is waited for, also over a restart; what it gets then is told by the node that asked", async (t) => {
  const away = await startMailServer(t, { plain: true });
  await away.stop();
  const id = nextId();
  const flow = flowOf(channel(id, away.port), ...notify([id]));
  const first = await deploy(flow);
  const shown = first.statuses("n");
  assert.equal(await first.inject("n", { topic: "late", payload: event({ severity: "warning" }) }), undefined);
  const yellow = await until(() => shown.find(({ fill }) => fill === "yellow"), "a yellow status");
  assert.equal(yellow.shape, "ring");
  assert.match(yellow.text, /127\.0\.0\.1/);
  const second = await deploy(flow);
  const out = second.collect("out");
  const server = await startMailServer(t, { plain: true, port: away.port });
  await until(() => out.length === 1, "the delivery after the restart", 10_000);
  assert.equal(out[0]!.topic, "late");
  assert.equal(server.mails.length, 1);
});

test("what is refused for good comes out of the second output and reaches catch nodes once", async (t) => {
  const server = await startMailServer(t, { plain: true, recipient: () => "550 5.1.1 no such user" });
  const id = nextId();
  const { inject, collect } = await deploy(
    flowOf(
      channel(id, server.port, { name: "ops" }),
      ...notify([id]),
      { id: "k", type: "catch", z: "tab", scope: ["n"], uncaught: false, wires: [["caught"]] },
      { id: "caught", type: "helper", z: "tab" },
    ),
  );
  const bad = collect("bad");
  const caught = collect("caught");
  await inject("n", { topic: "here", payload: event() });
  await until(() => bad.length === 1 && caught.length > 0, "the dead letter");
  const { state, name, code, reason } = deliveryOf(bad[0]);
  assert.deepEqual([state, name], ["failed", "ops"]);
  assert.ok(code);
  assert.match(reason!, /no such user/);
  assert.equal((bad[0]!.payload as { reason: string }).reason, "above 80 °C for 2 min");
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(caught.length, 1);
  assert.match((caught[0]!.error as Error).message, /\bops: .*no such user/);
});

test("a Telegram bot tells it, with the token in no error", async (t) => {
  const token = "123456:s3cret-of-the-bot";
  const { apiRoot, messages, failNext } = await startFakeTelegram(t, token);
  const id = nextId();
  const settings = { kind: "telegram", chats: "-100", apiRoot, html: "<b>{{alarm}}</b> {{value}}" };
  const { inject, collect, statuses } = await deploy(flowOf(channel(id, 0, settings), ...notify([id])), {
    [id]: { token },
  });
  const out = collect("out");
  const shown = statuses("n");
  await inject("n", { payload: event({ alarm: "a < b" }) });
  await until(() => out.length === 1, "the delivery");
  assert.equal(messages[0]?.text, "<b>a &lt; b</b> 95.2 °C");
  failNext({ code: 401, description: "Unauthorized" }, { times: 5 });
  assert.equal(await inject("n", { payload: event() }), undefined);
  const { text: reason } = await until(() => shown.find(({ fill }) => fill === "yellow"), "a yellow status");
  assert.match(reason, /token/);
  const { error } = await pressTest(id, channel(id, 0, settings), { token: "__PWRD__" });
  assert.match(error!, /token/);
  assert.doesNotMatch(reason + error, /s3cret/);
});

test("MQTT goes through Node-RED's own broker node", async () => {
  const [id, port] = [nextId(), await freePort()];
  const { node, inject, collect } = await deploy(
    flowOf(
      { id: "b", type: "vigia-broker", z: "tab", port },
      {
        id: "core",
        type: "mqtt-broker",
        broker: "127.0.0.1",
        port: `${port}`,
        autoConnect: true,
        protocolVersion: "4",
        keepalive: "60",
        cleansession: true,
      },
      { id, type: "vigia-channel", kind: "mqtt", broker: "core", topic: "alarms/{{alarm}}/{{series}}", retain: true },
      ...notify([id]),
    ),
    {},
    { core: ["network/10-mqtt"] },
  );
  const out = collect("out");
  const { url } = await (node("b") as BrokerNode).endpoint();
  const payload = event();
  await inject("n", { payload });
  await until(() => out.length === 1, "the delivery", 10_000);
  const client = await mqtt.connectAsync(url);
  const got = new Promise<[string, Buffer]>((resolve) => client.on("message", (topic, body) => resolve([topic, body])));
  await client.subscribeAsync("alarms/#");
  const [topic, body] = await got;
  await client.endAsync();
  assert.equal(topic, "alarms/Too hot/plant/compressor/temperature");
  const { id: key, alarm, value } = JSON.parse(String(body));
  assert.deepEqual([key, alarm, value], [payload.id, "Too hot", 95.2]);
});

interface Answer {
  error?: string;
  receipt?: string;
}

/** What the dialog's button does. */
async function pressTest(id: string, settings: object, secrets: object = {}): Promise<Answer> {
  const request = helper.request() as unknown as {
    post(path: string): { send(body: object): Promise<{ status: number; body: Answer }> };
  };
  const { status, body } = await request.post(`/vigia/channel/${id}/test`).send({ settings, secrets });
  assert.equal(status, 200);
  return body;
}

test("the test button sends what stands in the dialog, with the password that is deployed", async (t) => {
  const server = await startMailServer(t, { plain: true, login: { user: "u", password: PASSWORD } });
  const id = nextId();
  process.env.VIGIA_TEST_PORT = `${server.port}`;
  const deployed = channel(id, server.port, { to: "old@example.com" });
  await deploy(flowOf(deployed, ...notify([id])), { [id]: { user: "u", password: PASSWORD } });
  const inDialog = { ...deployed, to: "new@example.com", port: `\${VIGIA_TEST_PORT}`, language: "es" };
  const stored = { user: "u", password: "__PWRD__", token: "" };
  assert.match((await pressTest(id, inDialog, stored)).receipt!, /250/);
  assert.deepEqual(
    server.mails.map(({ recipients }) => recipients),
    [["new@example.com"]],
  );
  assert.match(server.mails[0]!.text, /[Aa]larmas/);

  const typed = await pressTest(id, inDialog, { ...stored, password: "another-password" });
  assert.equal(typed.receipt, undefined);
  assert.ok(typed.error && !/another-password|s3cret/.test(typed.error), typed.error);

  assert.match((await pressTest(id, { ...inDialog, to: "" }, stored)).error!, /to is /);
  const gone = await pressTest("new", { ...inDialog, port: "9" }, {});
  assert.match(gone.error!, /127\.0\.0\.1/);
});
