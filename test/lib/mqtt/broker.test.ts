import assert from "node:assert/strict";
import { createServer, connect as dial } from "node:net";
import { test } from "node:test";
import mqtt from "mqtt";
import { Broker } from "../../../lib/mqtt/broker.ts";
import { client, FakeClock, freePort, realClock, startBroker, until } from "./helpers.ts";

test("a host that others can reach needs user and password", () => {
  assert.throws(() => new Broker({ host: "0.0.0.0" }, realClock), /host is "0.0.0.0"; allowed: 127.0.0.1/);
  assert.throws(() => new Broker({ host: "::" }, realClock), { code: "auth-needed" });
  assert.throws(() => new Broker({ username: "u" }, realClock), /password is ""/);
  assert.throws(() => new Broker({ port: 70_000 }, realClock), /port is 70000/);
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) new Broker({ host }, realClock);
  assert.equal(new Broker({ host: "::1", port: 5 }, realClock).url, "mqtt://[::1]:5");
  assert.equal(new Broker({ host: "0.0.0.0", username: "u", password: "p" }, realClock).url, "mqtt://127.0.0.1:1883");
});

test("messages and retained messages go through; the number of clients is told", async (t) => {
  const { broker, states } = await startBroker(t);
  const a = await client(t, broker.url);
  const b = await client(t, broker.url);
  assert.equal(broker.state.clients, 2);
  const got: string[] = [];
  b.on("message", (topic, payload, { retain }) => got.push(`${topic}=${payload}${retain ? " retained" : ""}`));
  await a.publishAsync("t/r", "0", { retain: true, qos: 1 });
  await b.subscribeAsync("t/#", { qos: 1 });
  await a.publishAsync("t/1", "1", { qos: 1 });
  await a.publishAsync("t/2", "2", { qos: 2 });
  await until(() => got.length === 3, "three messages");
  assert.deepEqual(got, ["t/r=0 retained", "t/1=1", "t/2=2"]);
  await b.endAsync();
  await until(() => broker.state.clients === 1, "the client to be gone");
  assert.deepEqual(
    states.map(({ state, clients }) => `${state} ${clients}`),
    ["starting 0", "listening 0", "listening 1", "listening 2", "listening 1"],
  );
});

test("user and password", async (t) => {
  const { broker } = await startBroker(t, { username: "ana", password: "secret" });
  await client(t, broker.url, { username: "ana", password: "secret" });
  for (const options of [
    {},
    { username: "ana" },
    { username: "ana", password: "wrong" },
    { username: "", password: "secret" },
    { username: "bea", password: "secret" },
  ]) {
    await assert.rejects(client(t, broker.url, options), /Bad username or password/);
  }
});

test("a QoS 1 message for an offline session is kept and comes once, the unacknowledged one again with DUP", async (t) => {
  const { broker } = await startBroker(t);
  const session = { clientId: "sleeper", clean: false };
  const first = await client(t, broker.url, session);
  await first.subscribeAsync("t", { qos: 1 });
  await first.endAsync();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 100; n++) await sender.publishAsync("t", String(n), { qos: 1 });

  // Takes them without a PUBACK, as one that is killed does.
  const seen: { id: number | undefined; text: string; dup: boolean }[] = [];
  const killed = mqtt.connect(broker.url, { ...session, reconnectPeriod: 0 });
  killed.handleMessage = ({ messageId, payload, dup }, done) => {
    seen.push({ id: messageId, text: String(payload), dup });
    done(new Error("no acknowledgement"));
  };
  await until(() => seen.length === 100, "the kept messages");
  assert.ok(seen.every(({ dup }) => !dup));
  killed.stream.destroy();

  const again: typeof seen = [];
  const last = mqtt.connect(broker.url, { ...session, reconnectPeriod: 0 });
  t.after(() => last.endAsync(true));
  last.handleMessage = ({ messageId, payload, dup }, done) => {
    again.push({ id: messageId, text: String(payload), dup });
    done();
  };
  await until(() => again.length === 100, "the same messages");
  assert.deepEqual(
    again,
    seen.map((message) => ({ ...message, dup: true })),
  );
  await last.endAsync();
  const nothing = await client(t, broker.url, session);
  nothing.on("message", () => assert.fail("all were acknowledged"));
  await new Promise((resolve) => setTimeout(resolve, 50));
});

test("a session that is full drops the newest and counts them, and still gets what comes while it is there", async (t) => {
  const { broker } = await startBroker(t, { maxQueued: 10 });
  const session = { clientId: "sleeper", clean: false };
  const first = await client(t, broker.url, session);
  await first.subscribeAsync("t", { qos: 1 });
  await first.endAsync();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 15; n++) await sender.publishAsync("t", String(n), { qos: 1 });
  await until(() => broker.dropped === 5, "the drops");
  const got: string[] = [];
  const back = mqtt.connect(broker.url, { ...session, reconnectPeriod: 0 });
  t.after(() => back.endAsync(true));
  back.handleMessage = ({ payload }, done) => {
    got.push(String(payload));
    done(new Error("no acknowledgement"));
  };
  await until(() => got.length === 10, "what was kept");
  await sender.publishAsync("t", "live", { qos: 1 });
  await until(() => got.includes("live"), "a message past the bound");
  assert.ok(back.connected);
});

test("$SYS topics as mosquitto names them, retained, refreshed every 10 s", async (t) => {
  const clock = new FakeClock();
  const { broker } = await startBroker(t, {}, clock);
  const watcher = await client(t, broker.url);
  const values = new Map<string, string>();
  watcher.on("message", (topic, payload) => values.set(topic, String(payload)));
  await watcher.subscribeAsync("$SYS/broker/#");
  await until(() => values.size === 9, "the retained counters");
  assert.match(values.get("$SYS/broker/version")!, /^aedes \d+\.\d+\.\d+/);
  assert.equal(values.get("$SYS/broker/uptime"), "0 seconds");
  await watcher.publishAsync("x", "1", { qos: 1 });
  clock.advance(10_000);
  await until(() => values.get("$SYS/broker/uptime") === "10 seconds", "the refresh");
  assert.equal(values.get("$SYS/broker/clients/connected"), "1");
  assert.equal(values.get("$SYS/broker/publish/messages/received"), "1");
  // CONNECT, SUBSCRIBE, PUBLISH; what was sent is CONNACK, SUBACK, PUBACK and the counters.
  assert.equal(values.get("$SYS/broker/messages/received"), "3");
  assert.ok(Number(values.get("$SYS/broker/messages/sent")) >= 12);
});

test("a wildcard does not stand for $SYS", async (t) => {
  const { broker } = await startBroker(t, {}, new FakeClock());
  const watcher = await client(t, broker.url);
  const topics: string[] = [];
  watcher.on("message", (topic) => topics.push(topic));
  await watcher.subscribeAsync(["#", "+/broker/uptime"]);
  await watcher.publishAsync("a", "1", { qos: 1 });
  await until(() => topics.length > 0, "a message");
  assert.deepEqual(topics, ["a"]);
});

test("clients cannot write $SYS", async (t) => {
  const { broker } = await startBroker(t);
  const intruder = await client(t, broker.url);
  intruder.publish("$SYS/broker/uptime", "x", { retain: true });
  await until(() => !intruder.connected, "the broker to end it");
});

test("a taken port is a state that names it, and is tried again until it is free", async (t) => {
  const clock = new FakeClock();
  const other = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
  const { broker, states } = await startBroker(t, { port }, clock);
  assert.equal(broker.state.error?.code, "port-taken");
  assert.match(broker.state.error?.message ?? "", new RegExp(`port ${port} of 127.0.0.1 is taken`));
  clock.advance(5_000);
  await until(() => states.filter(({ state }) => state === "failing").length === 2, "another attempt");
  await new Promise((resolve) => other.close(resolve));
  clock.advance(5_000);
  await until(() => broker.state.state === "listening", "the port");
  await client(t, broker.url);
});

test("close ends all clients, also those that never said CONNECT, and frees the port", async (t) => {
  const { broker } = await startBroker(t);
  const one = await client(t, broker.url);
  const silent = dial(broker.port, "127.0.0.1");
  silent.on("error", () => {});
  await new Promise((resolve) => silent.once("connect", resolve));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await broker.close();
  await until(() => !one.connected && silent.destroyed, "both to be gone");
  const { broker: next } = await startBroker(t, { port: broker.port });
  assert.equal(next.state.state, "listening");
  assert.equal(broker.state.state, "closed");
});

test("without aedes: a state that names the package", async () => {
  const states: string[] = [];
  const broker = new Broker(
    { port: 0 },
    realClock,
    ({ state, error }) => states.push(`${state} ${error?.code ?? ""}`),
    () => Promise.reject(new Error("Cannot find package 'aedes'")),
  );
  await broker.start();
  assert.deepEqual(states, ["starting ", "failing missing-package"]);
  assert.match(broker.state.error?.message ?? "", /npm install aedes/);
  await broker.close();
});

test("too many connections are closed", async (t) => {
  const { broker } = await startBroker(t, { maxConnections: 1 });
  await client(t, broker.url);
  await assert.rejects(client(t, broker.url));
});
