import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, connect as dial } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import mqtt from "mqtt";
import { createDecoder } from "../../../lib/codecs/decoder.ts";
import { Broker } from "../../../lib/mqtt/broker.ts";
import { Subscriber, type SubscriberOptions } from "../../../lib/mqtt/subscriber.ts";
import {
  client,
  FakeClock,
  freePort,
  full,
  MemoryStore,
  missing,
  proxyTo,
  realClock,
  startBroker,
  subscribe,
  temporaryFolder,
  until,
} from "./helpers.ts";

/** Commits until `check` is true. */
const committing = (memory: MemoryStore, check: () => boolean) => () => {
  if (check()) return true;
  memory.commit();
  return false;
};
const pause = (ms = 30) => new Promise((resolve) => setTimeout(resolve, ms));

test("config that cannot work says what is allowed", () => {
  const make = (options: Partial<SubscriberOptions>) => () =>
    new Subscriber(
      { url: "mqtt://127.0.0.1", topics: [{ filter: "a" }], ...options },
      new FakeClock(),
      createDecoder({}, realClock),
      { onFrame() {} },
    );
  for (const [options, message] of [
    [{ url: "broker:1883" }, /url is .*; allowed: mqtt:\/\//],
    [{ url: "http://ana:secret@host" }, /url is "http:\/\/\*\*\*@host"/],
    [{ topics: [] }, /topics is \[\]; allowed: at least one topic/],
    [{ topics: [{ filter: "a/#/b" }] }, /topics\[0\].filter is "a\/#\/b"/],
    [{ topics: [{ filter: "a", qos: 3 as 2 }] }, /topics\[0\].qos is 3/],
    [{ protocolVersion: 3 as 4 }, /protocolVersion is 3/],
    [{ keepalive: -1 }, /keepalive is -1/],
    [{ ackWhen: "later" as "stored" }, /ackWhen is "later"; allowed: received, stored/],
    [{ ackWhen: "stored", clientId: "c" }, /store is undefined/],
    [{ ackWhen: "stored", store: new MemoryStore().store }, /clientId is undefined; allowed: a client id that stays/],
    [{ maxOutstanding: 0 }, /maxOutstanding is 0; allowed: 1 to 65535/],
    [{ template: "{a" }, /template is "{a"/],
  ] as const) {
    assert.throws(make(options as Partial<SubscriberOptions>), message);
  }
});

test("what comes in one turn of the event loop is one Frame, with series and tags of the topic", async (t) => {
  const { broker } = await startBroker(t);
  const { connected, points, frames, rejected, subscriber } = subscribe(t, {
    url: broker.url,
    template: "t/{site}/+",
  });
  await connected();
  const sender = await client(t, broker.url);
  const time = 1_795_491_600_000;
  for (let n = 0; n < 100; n++) sender.publish("t/madrid/temp", JSON.stringify({ value: n, time: time + n }));
  sender.publish("t/madrid/text", "hello there");
  sender.publish("t/odd", "7");
  await until(() => points.length === 101, "the points");
  assert.deepEqual(points[3], { series: "t/temp", tags: { site: "madrid" }, time: time + 3, value: 3 });
  assert.equal(points[100]!.series, "t/odd");
  assert.ok(frames.length < 50, `${frames.length} frames`);
  assert.equal(
    frames.reduce((sum, { info }) => sum + info.messages, 0),
    102,
  );
  assert.deepEqual(
    rejected.map(({ topic, payload, text, error }) => [topic, String(payload), text, error.code]),
    [["t/madrid/text", "hello there", "hello there", "unknown-format"]],
  );
  const { messages, points: read, rejected: bad, unmatched, outstanding } = subscriber.stats;
  assert.deepEqual(
    { messages, read, bad, unmatched, outstanding },
    {
      messages: 102,
      read: 101,
      bad: 1,
      unmatched: 1,
      outstanding: 0,
    },
  );
});

test("retained messages are taken, or skipped", async (t) => {
  const { broker } = await startBroker(t);
  const sender = await client(t, broker.url);
  await sender.publishAsync("t/old", "1", { retain: true, qos: 1 });
  const taking = subscribe(t, { url: broker.url });
  const skipping = subscribe(t, { url: broker.url, retained: "skip" });
  await taking.connected();
  await skipping.connected();
  await until(() => taking.points.length === 1, "the retained one");
  await sender.publishAsync("t/new", "2", { qos: 1 });
  await until(() => skipping.points.length === 1, "the new one");
  assert.equal(skipping.points[0]!.series, "t/new");
});

test("stored: a message is acknowledged when it is stored, and handed on then", async (t) => {
  const { broker } = await startBroker(t);
  const memory = new MemoryStore();
  memory.auto = false;
  const options = { url: broker.url, clientId: "v", ackWhen: "stored", store: memory.store } as const;
  const watched = subscribe(t, options);
  await watched.connected();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 50; n++)
    sender.publish("t/a", JSON.stringify({ value: n, time: 1_795_491_600_000 + n }), { qos: 1 });
  sender.publish("t/a", "no point at all", { qos: 1 });
  await until(() => watched.subscriber.stats.outstanding === 51, "the messages");
  assert.equal(watched.points.length, 0);
  assert.equal(watched.rejected.length, 1);
  memory.commit();
  await until(
    committing(memory, () => watched.points.length === 50),
    "the points",
  );
  assert.ok(watched.frames.every(({ info }) => info.seq! > 0));
  await until(
    committing(memory, () => watched.subscriber.stats.outstanding === 0),
    "the end",
  );
  await pause();
  await watched.subscriber.close();
  assert.equal(watched.states.at(-1)!.state, "closed");

  // Everything was acknowledged, the bad payload too: the session has nothing left.
  const next = subscribe(t, { ...options, store: new MemoryStore().store });
  await next.connected();
  await pause(50);
  assert.equal(next.subscriber.stats.messages, 0);
});

test("stored: past maxOutstanding the broker is held back, and nothing is lost", async (t) => {
  const { broker } = await startBroker(t);
  const memory = new MemoryStore();
  memory.auto = false;
  const { connected, subscriber, points } = subscribe(t, {
    url: broker.url,
    clientId: "v",
    ackWhen: "stored",
    store: memory.store,
    maxOutstanding: 20,
  });
  await connected();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 200; n++)
    sender.publish("t/a", JSON.stringify({ value: n, time: 1_795_491_600_000 + n }), { qos: 1 });
  await until(() => subscriber.stats.holding, "the hold");
  await pause(50);
  assert.equal(subscriber.stats.messages, 20);
  await until(
    committing(memory, () => points.length === 200),
    "all of them",
  );
  assert.equal(subscriber.stats.maxOutstanding, 20);
  assert.deepEqual(
    points.map(({ value }) => value),
    Array.from({ length: 200 }, (_, n) => n),
  );
});

test("stored: a hold longer than the keepalive does not end the connection", async (t) => {
  const { broker } = await startBroker(t);
  const memory = new MemoryStore();
  memory.auto = false;
  const { connected, subscriber, states, points } = subscribe(t, {
    url: broker.url,
    clientId: "v",
    ackWhen: "stored",
    store: memory.store,
    maxOutstanding: 2,
    keepalive: 1,
  });
  await connected();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 5; n++) sender.publish("t/a", String(n), { qos: 1 });
  await until(() => subscriber.stats.holding, "the hold");
  await pause(3_500);
  await until(
    committing(memory, () => points.length === 5),
    "the points",
  );
  assert.deepEqual(
    states.map(({ state }) => state),
    ["connecting", "connected"],
  );
});

test("stored: a store that refuses holds the broker back, is told once, and gets everything in the end", async (t) => {
  const { broker } = await startBroker(t);
  const memory = new MemoryStore();
  memory.refuse = full;
  const { connected, subscriber, points, trouble } = subscribe(t, {
    url: broker.url,
    clientId: "v",
    ackWhen: "stored",
    store: memory.store,
    maxOutstanding: 10,
  });
  await connected();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 30; n++)
    sender.publish("t/a", JSON.stringify({ value: n, time: 1_795_491_600_000 + n }), { qos: 1 });
  await until(() => trouble.length === 1 && subscriber.stats.holding, "the trouble");
  await pause(400);
  memory.refuse = undefined;
  await until(() => points.length === 30, "the points");
  assert.deepEqual(
    trouble.map((error) => error?.code),
    ["store-full", undefined],
  );
  assert.equal(memory.rows.size, 30);
});

test("stored: what is not stored when it closes comes again", async (t) => {
  const { broker } = await startBroker(t);
  const memory = new MemoryStore();
  memory.auto = false;
  const options = { url: broker.url, clientId: "v", ackWhen: "stored" } as const;
  const { connected, subscriber } = subscribe(t, { ...options, store: memory.store, drainWithin: 50 });
  await connected();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 10; n++) await sender.publishAsync("t/a", String(n), { qos: 1 });
  await until(() => subscriber.stats.outstanding === 10, "the messages");
  await subscriber.close();
  const next = subscribe(t, { ...options, store: new MemoryStore().store });
  await until(() => next.points.length === 10, "the same messages");
});

test("stored: close waits for the store and acknowledges", async (t) => {
  const { broker } = await startBroker(t);
  const memory = new MemoryStore();
  memory.auto = false;
  const options = { url: broker.url, clientId: "v", ackWhen: "stored" } as const;
  const { connected, subscriber, points } = subscribe(t, { ...options, store: memory.store });
  await connected();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 10; n++) await sender.publishAsync("t/a", String(n), { qos: 1 });
  await until(() => subscriber.stats.outstanding === 10, "the messages");
  const closed = subscriber.close();
  await pause(20);
  for (let n = 0; n < 10; n++) {
    memory.commit();
    await pause(5);
  }
  await closed;
  assert.equal(points.length, 10);
  const next = subscribe(t, { ...options, store: new MemoryStore().store });
  await next.connected();
  await pause(50);
  assert.equal(next.subscriber.stats.messages, 0);
});

test("stored: cuts of the network neither lose nor repeat anything", async (t) => {
  const { broker } = await startBroker(t);
  const proxy = await proxyTo(t, broker.port);
  const memory = new MemoryStore();
  memory.auto = false;
  const { connected, subscriber, states, points } = subscribe(t, {
    url: proxy.url,
    clientId: "v",
    ackWhen: "stored",
    store: memory.store,
    maxOutstanding: 2_000,
  });
  await connected();
  let slow = false;
  const commits = setInterval(() => slow || memory.commit(), 20);
  t.after(() => clearInterval(commits));
  const sender = await client(t, broker.url);
  const total = 3_000;
  for (let n = 0; n < total; n++) {
    slow = n % 750 >= 450 && n % 750 <= 500;
    sender.publish("t/a", JSON.stringify({ value: n, time: 1_795_491_600_000 + n }), { qos: 1 });
    if (n % 750 === 500) {
      await connected();
      await until(() => subscriber.stats.outstanding > 50, "messages under way");
      const before = states.length;
      proxy.cut();
      await until(() => states.length > before, "the loss");
    }
  }
  await until(() => memory.rows.size === total && subscriber.stats.unacknowledged === 0, "all of them");
  assert.ok(subscriber.stats.rebound > 0, "some came again and were known");
  t.diagnostic(`${subscriber.stats.rebound} bound again, ${points.length - total} stored again`);
  // Only those whose PUBACK was on its way when the line was cut; here the store waited for that.
  assert.ok(points.length < total + 100, `${points.length - total} stored again`);
  assert.equal(proxy.connections, 5);
  const names = states.map(({ state, code }) => (code ? `${state} ${code}` : state));
  assert.deepEqual(names, ["connecting", ...Array(4).fill(["connected", "away lost"]).flat(), "connected"]);
});

test("stored: a cut while the broker is held back loses nothing", async (t) => {
  const { broker } = await startBroker(t);
  const proxy = await proxyTo(t, broker.port);
  const memory = new MemoryStore();
  memory.auto = false;
  const { connected, subscriber, states } = subscribe(t, {
    url: proxy.url,
    clientId: "v",
    ackWhen: "stored",
    store: memory.store,
    maxOutstanding: 50,
  });
  await connected();
  const sender = await client(t, broker.url);
  const total = 400;
  for (let n = 0; n < total; n++) {
    sender.publish("t/a", JSON.stringify({ value: n, time: 1_795_491_600_000 + n }), { qos: 1 });
  }
  await until(() => subscriber.stats.holding, "the hold");
  proxy.cut();
  // A connection that is held back sees its end when it reads on: only then does it come back.
  await until(
    committing(memory, () => memory.rows.size === total && subscriber.stats.unacknowledged === 0),
    "all of them",
  );
  assert.ok(subscriber.stats.maxOutstanding <= 50);
  assert.deepEqual(
    states.map(({ state }) => state),
    ["connecting", "connected", "away", "connected"],
  );
});

test("QoS 2 becomes 1 and QoS 0 is warned about with stored, and it is said", async (t) => {
  const { broker } = await startBroker(t);
  const { connected, subscriber, points } = subscribe(t, {
    url: broker.url,
    clientId: "v",
    ackWhen: "stored",
    store: new MemoryStore().store,
    topics: [{ filter: "t/2", qos: 2 }, { filter: "t/0" }],
  });
  await connected();
  assert.deepEqual(
    subscriber.notices.map((text) => text.slice(0, 22)),
    ["QoS 2 of t/2 becomes 1", "QoS 0 of t/0: the brok"],
  );
  const sender = await client(t, broker.url);
  await sender.publishAsync("t/2", "2", { qos: 2 });
  await sender.publishAsync("t/0", "0", { qos: 2 });
  await until(() => points.length === 2, "both");
});

test("QoS 2 with received", async (t) => {
  const { broker } = await startBroker(t);
  const { connected, points } = subscribe(t, { url: broker.url, topics: [{ filter: "t/#", qos: 2 }] });
  await connected();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 20; n++) await sender.publishAsync("t/2", String(n), { qos: 2 });
  await until(() => points.length === 20, "all");
});

test("subscriptions: told, kept by the session, changed when the config changed, ended by forget", async (t) => {
  const { broker } = await startBroker(t);
  const options = { url: broker.url, clientId: "v", ackWhen: "stored" } as const;
  const make = (topics: string[], subscribed?: readonly string[]) =>
    subscribe(t, {
      ...options,
      store: new MemoryStore().store,
      topics: topics.map((filter) => ({ filter, qos: 1 as const })),
      ...(subscribed && { subscribed }),
    });
  const one = make(["t/a", "t/b"]);
  await one.connected();
  assert.deepEqual(one.subscribed, [["t/a", "t/b"]]);
  await one.subscriber.close();

  const same = make(["t/a", "t/b"], one.subscribed[0]);
  await same.connected();
  assert.deepEqual(same.subscribed, [], "the session has them");
  await same.subscriber.close();

  const other = make(["t/b", "t/c"], ["t/a", "t/b"]);
  await other.connected();
  const sender = await client(t, broker.url);
  for (const topic of ["t/a", "t/b", "t/c"]) await sender.publishAsync(topic, "1", { qos: 1 });
  await until(() => other.points.length === 2, "b and c");
  assert.deepEqual(other.points.map(({ series }) => series).sort(), ["t/b", "t/c"]);
  await other.subscriber.close({ forget: true });

  await sender.publishAsync("t/b", "2", { qos: 1 });
  const anew = make(["t/b"], ["t/b"]);
  await anew.connected();
  assert.deepEqual(anew.subscribed, [["t/b"]], "the session was forgotten");
  await pause();
  assert.equal(anew.points.length, 0);
});

test("wrong password: refused, said once however often it is tried, and right once the broker agrees", async (t) => {
  const port = await freePort();
  const strict = new Broker({ port, username: "ana", password: "secret" }, realClock);
  await strict.start();
  const { connected, subscriber, states } = subscribe(t, {
    url: `mqtt://bea:wrong@127.0.0.1:${port}`,
    retry: { first: 5, longest: 20 },
  });
  await until(() => subscriber.state.state === "refused", "the refusal");
  await pause(150);
  assert.deepEqual(states.slice(1), [
    {
      state: "refused",
      code: "not-authorized",
      reason: `127.0.0.1:${port} does not accept the user name, the password or this client`,
    },
  ]);
  await strict.close();
  const open = new Broker({ port }, realClock);
  t.after(() => open.close());
  await open.start();
  await connected();
});

test("away at start and later: one state each, and back by itself", async (t) => {
  const port = await freePort();
  const { connected, subscriber, states, points } = subscribe(t, { url: `mqtt://127.0.0.1:${port}` });
  await until(() => subscriber.state.state === "away", "the absence");
  await pause(100);
  const first = new Broker({ port }, realClock);
  await first.start();
  await connected();
  await first.close();
  await until(() => subscriber.state.code === "lost", "the loss");
  await until(() => subscriber.state.code === "unreachable", "the next attempt");
  const second = new Broker({ port }, realClock);
  t.after(() => second.close());
  await second.start();
  await connected();
  const names = states.map(({ state, code }) => (code ? `${state} ${code}` : state));
  // Between the loss and the next start the port answers nothing: that is another reason to be away.
  assert.deepEqual(names, [
    "connecting",
    "away unreachable",
    "connected",
    "away lost",
    "away unreachable",
    "connected",
  ]);
  const sender = await client(t, second.url);
  await sender.publishAsync("t/a", "1", { qos: 1 });
  await until(() => points.length === 1, "a message");
});

test("attempts come later and later", async (t) => {
  const clock = new FakeClock();
  const server = createServer((socket) => socket.destroy());
  let attempts = 0;
  server.on("connection", () => attempts++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const { subscriber } = subscribe(
    t,
    { url: `mqtt://127.0.0.1:${port}`, retry: { first: 500, longest: 2_000 } },
    clock,
  );
  await until(() => subscriber.state.state === "away", "the first failure");
  assert.equal(subscriber.state.code, "no-answer");
  for (const [wait, n] of [
    [499, 1],
    [1, 2],
    [999, 2],
    [1, 3],
    [2_000, 4],
    [2_000, 5],
  ] as const) {
    clock.advance(wait);
    await pause(25);
    assert.equal(attempts, n);
  }
});

test("what is no MQTT broker is a state, too", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const { subscriber } = subscribe(t, { url: `mqtt://127.0.0.1:${port}`, retry: { first: 10_000, longest: 10_000 } });
  t.after(() => server.close());
  await until(() => subscriber.state.state === "away", "a state");
});

test("MQTT 5 at a broker that speaks 3.1.1: refused, with what to do", async (t) => {
  const { broker } = await startBroker(t);
  const { subscriber } = subscribe(t, { url: broker.url, protocolVersion: 5 });
  await until(() => subscriber.state.state === "refused", "the refusal");
  assert.equal(subscriber.state.code, "bad-protocol");
  assert.match(subscriber.state.reason!, /does not speak this MQTT version: choose the other one/);
});

test("TLS: an unknown certificate is refused with its reason, a known one connects", {
  skip: missing("openssl"),
}, async (t) => {
  const folder = temporaryFolder(t);
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    "openssl",
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${key} -out ${cert}`.split(
      " ",
    ),
    { stdio: "pipe" },
  );
  const { broker } = await startBroker(t);
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (near) => {
    const far = dial(broker.port, "127.0.0.1");
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `mqtts://127.0.0.1:${(server.address() as { port: number }).port}`;

  const wary = subscribe(t, { url });
  await until(() => wary.subscriber.state.state === "refused", "the refusal");
  assert.equal(wary.subscriber.state.code, "tls");
  assert.match(wary.subscriber.state.reason!, /self-signed certificate/);

  const broken = subscribe(t, { url, tls: { cert: "no PEM", key: "no PEM" } });
  await until(() => broken.subscriber.state.state === "refused", "the refusal");
  assert.equal(broken.subscriber.state.code, "tls");

  const trusting = subscribe(t, { url, tls: { ca: readFileSync(cert) } });
  await trusting.connected();
  const sender = await client(t, broker.url);
  await sender.publishAsync("t/a", "1", { qos: 1 });
  await until(() => trusting.points.length === 1, "a message over TLS");
  await Promise.all([wary, broken, trusting].map(({ subscriber }) => subscriber.close()));
});

test("close before, during and after a connection; twice", async (t) => {
  const port = await freePort();
  for (const wait of [0, 3, 50]) {
    const { subscriber, states } = subscribe(t, { url: `mqtt://127.0.0.1:${port}` });
    await pause(wait);
    await Promise.all([subscriber.close(), subscriber.close()]);
    assert.equal(states.at(-1)!.state, "closed");
  }
  const { broker } = await startBroker(t);
  for (const wait of [0, 3, 50]) {
    const { subscriber, states } = subscribe(t, { url: broker.url });
    await pause(wait);
    await subscriber.close();
    assert.equal(states.at(-1)!.state, "closed");
  }
  await until(() => broker.state.clients === 0, "all to be gone");
});

test("a handler may ask the subscriber from the first state on", async (t) => {
  const { broker } = await startBroker(t);
  const seen: string[] = [];
  const subscriber = new Subscriber(
    { url: broker.url, topics: [{ filter: "a" }] },
    realClock,
    createDecoder({}, realClock),
    { onFrame() {}, onState: () => seen.push(`${subscriber.state.state} ${subscriber.stats.messages}`) },
  );
  await until(() => seen.length === 2, "the connection");
  await subscriber.close();
  assert.deepEqual(seen, ["connecting 0", "connected 0", "closed 0"]);
});

/** What `ackWhen: "stored"` is built on, and mqtt.js does not promise: see connection.ts. */
test("pinned: handleMessage with an error sends no PUBACK, tells nobody, and the next message comes", async (t) => {
  const { broker } = await startBroker(t);
  const taker = await client(t, broker.url);
  const sent: string[] = [];
  const ids: number[] = [];
  taker.on("packetsend", ({ cmd }) => sent.push(cmd));
  taker.on("error", (error) => assert.fail(error));
  taker.handleMessage = ({ messageId }, done) => {
    ids.push(messageId!);
    done(new Error("no acknowledgement"));
  };
  await taker.subscribeAsync("t", { qos: 1 });
  const sender = await client(t, broker.url);
  for (let n = 0; n < 10; n++) await sender.publishAsync("t", String(n), { qos: 1 });
  await until(() => ids.length === 10, "all messages");
  assert.equal(new Set(ids).size, 10);
  assert.deepEqual(sent, ["subscribe"]);
  assert.ok(taker.connected);
});

test("pinned: a message that is not called back holds the following ones; the CONNACK comes before any message", async (t) => {
  const { broker } = await startBroker(t);
  const session = { clientId: "s", clean: false };
  const first = await client(t, broker.url, session);
  await first.subscribeAsync("t", { qos: 1 });
  await first.endAsync();
  const sender = await client(t, broker.url);
  for (let n = 0; n < 10; n++) await sender.publishAsync("t", String(n), { qos: 1 });
  const seen: string[] = [];
  const taker = mqtt.connect(broker.url, { ...session, reconnectPeriod: 0 });
  t.after(() => taker.endAsync(true));
  let next = () => {};
  taker.on("packetreceive", ({ cmd }) => seen.push(cmd));
  taker.handleMessage = (_packet, done) => {
    seen.push("message");
    next = done as () => void;
  };
  await until(() => seen.includes("message"), "the first one");
  await pause(50);
  assert.deepEqual(seen, ["connack", "publish", "message"]);
  next();
  await until(() => seen.length === 5, "the second one");
});
