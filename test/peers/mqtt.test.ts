import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import mqtt from "mqtt";
import {
  client,
  freePort,
  MemoryStore,
  missing,
  proxyTo,
  startBroker,
  startMosquitto,
  subscribe,
  temporaryFolder,
  until,
} from "../lib/mqtt/helpers.ts";

const run = promisify(execFile);
const clients = { skip: missing("mosquitto_pub", "mosquitto_sub") };
const server = { skip: missing("mosquitto") };
const versions = [
  { name: "3.1.1", protocolVersion: 4 },
  { name: "5", protocolVersion: 5 },
] as const;

/** Lines that mosquitto_sub prints. */
function listen(t: TestContext, port: number, ...options: string[]): string[] {
  const lines: string[] = [];
  const child = spawn("mosquitto_sub", ["-h", "127.0.0.1", "-p", String(port), "-v", ...options]);
  let rest = "";
  child.stdout.on("data", (chunk) => {
    const parts = `${rest}${chunk}`.split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
  });
  t.after(() => child.kill());
  return lines;
}

test("the embedded broker serves mosquitto's clients, at each QoS", clients, async (t) => {
  const { broker } = await startBroker(t);
  const lines = listen(t, broker.port, "-q", "2", "-t", "t/#", "-t", "$SYS/broker/clients/connected");
  await until(() => broker.state.clients === 1 && lines.length === 1, "the counter");
  assert.match(lines[0]!, /^\$SYS\/broker\/clients\/connected \d+$/);
  for (const qos of ["0", "1", "2"]) {
    await run("mosquitto_pub", ["-h", "127.0.0.1", "-p", String(broker.port), "-q", qos, "-t", `t/${qos}`, "-m", qos]);
  }
  await until(() => lines.length === 4, "three messages");
  assert.deepEqual(lines.slice(1), ["t/0 0", "t/1 1", "t/2 2"]);
});

test("the embedded broker refuses mosquitto_pub without the password", clients, async (t) => {
  const { broker } = await startBroker(t, { username: "ana", password: "secret" });
  const to = ["-h", "127.0.0.1", "-p", String(broker.port), "-t", "t", "-m", "1"];
  await assert.rejects(run("mosquitto_pub", to), /refused|not authori[sz]ed|bad user/i);
  await assert.rejects(run("mosquitto_pub", [...to, "-u", "ana", "-P", "wrong"]), /refused|bad user/i);
  await run("mosquitto_pub", [...to, "-u", "ana", "-P", "secret"]);
});

test("a value of mosquitto_pub becomes a point", clients, async (t) => {
  const { broker } = await startBroker(t);
  const { connected, points } = subscribe(t, { url: broker.url, template: "t/{site}/+" });
  await connected();
  await run("mosquitto_pub", ["-p", String(broker.port), "-h", "127.0.0.1", "-t", "t/lugo/temp", "-m", "21.5"]);
  await until(() => points.length === 1, "the point");
  assert.equal(points[0]!.series, "t/temp");
  assert.deepEqual(points[0]!.tags, { site: "lugo" });
  assert.equal(points[0]!.value, 21.5);
});

for (const { name, protocolVersion } of versions) {
  const fixed = { clientId: "vigia", ackWhen: "stored", protocolVersion } as const;

  test(`MQTT ${name}, mosquitto: cuts of the network neither lose nor repeat anything`, server, async (t) => {
    const broker = await startMosquitto(t);
    const proxy = await proxyTo(t, broker.port);
    const memory = new MemoryStore();
    memory.auto = false;
    const { connected, subscriber, points, states } = subscribe(t, {
      ...fixed,
      url: proxy.url,
      store: memory.store,
      maxOutstanding: 4_000,
    });
    await connected();
    let slow = false;
    const commits = setInterval(() => slow || memory.commit(), 20);
    t.after(() => clearInterval(commits));
    const sender = await client(t, broker.url);
    const total = 4_000;
    for (let n = 0; n < total; n++) {
      slow = n % 1_000 >= 600 && n % 1_000 <= 700;
      const sent = sender.publishAsync("t/a", JSON.stringify({ value: n, time: 1_795_491_600_000 + n }), { qos: 1 });
      if (n % 100 === 0) await sent;
      if (n % 1_000 === 700) {
        await connected();
        await until(() => subscriber.stats.outstanding > 50, "messages under way");
        const before = states.length;
        proxy.cut();
        await until(() => states.length > before, "the loss");
      }
    }
    await until(() => memory.rows.size === total && subscriber.stats.unacknowledged === 0, "all of them", 15_000);
    t.diagnostic(`${subscriber.stats.rebound} bound again, ${points.length - total} stored again`);
    assert.ok(subscriber.stats.rebound > 0);
    assert.ok(points.length < total + 100);
    // All were acknowledged: the session has nothing left.
    await subscriber.close();
    const next = subscribe(t, { ...fixed, url: broker.url, store: memory.store });
    await next.connected();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(next.subscriber.stats.messages, 0);
  });

  test(`MQTT ${name}, mosquitto: the session keeps what comes while nobody is there`, server, async (t) => {
    const broker = await startMosquitto(t);
    const first = subscribe(t, { ...fixed, url: broker.url, store: new MemoryStore().store });
    await first.connected();
    await first.subscriber.close();
    const sender = await client(t, broker.url);
    for (let n = 0; n < 3_000; n++) sender.publish("t/a", `{"value":${n},"time":${1_795_491_600_000 + n}}`, { qos: 1 });
    await sender.publishAsync("t/a", '{"value":0,"time":1795491600000}', { qos: 1 });
    const memory = new MemoryStore();
    const next = subscribe(t, { ...fixed, url: broker.url, store: memory.store, subscribed: ["t/#"] });
    await until(() => memory.rows.size === 3_000, "the kept messages");
    assert.deepEqual(next.subscribed, []);
    await next.subscriber.close({ forget: true });
    await sender.publishAsync("t/a", "7", { qos: 1 });
    const anew = subscribe(t, { ...fixed, url: broker.url, store: memory.store, subscribed: ["t/#"] });
    await anew.connected();
    assert.deepEqual(anew.subscribed, [["t/#"]]);
    assert.equal(anew.subscriber.stats.messages, 0);
  });

  test(`MQTT ${name}, mosquitto: wrong password, then ended and started again`, {
    skip: missing("mosquitto", "mosquitto_passwd"),
  }, async (t) => {
    const file = join(temporaryFolder(t), "passwords");
    execFileSync("mosquitto_passwd", ["-b", "-c", file, "ana", "secret"], { stdio: "pipe" });
    const conf = `allow_anonymous false\npassword_file ${file}${process.getuid?.() === 0 ? "\nuser root" : ""}`;
    const port = await freePort();
    const broker = await startMosquitto(t, conf, port);
    const wrong = subscribe(t, { url: broker.url, protocolVersion, username: "ana", password: "wrong" });
    await until(() => wrong.subscriber.state.state === "refused", "the refusal");
    assert.equal(wrong.subscriber.state.code, "not-authorized");
    const right = subscribe(t, { url: broker.url, protocolVersion, username: "ana", password: "secret" });
    await right.connected();
    await broker.stop();
    await until(() => right.subscriber.state.state === "away", "the loss");
    await startMosquitto(t, conf, port);
    await right.connected();
    assert.equal(wrong.states.filter(({ state }) => state === "refused").length <= 2, true);
  });

  test(`MQTT ${name}, mosquitto, pinned: an error of handleMessage sends no PUBACK`, server, async (t) => {
    const broker = await startMosquitto(t);
    const session = {
      clientId: "pin",
      clean: false,
      protocolVersion,
      ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 60 } }),
    } as const;
    const sent: string[] = [];
    const ids: number[] = [];
    const taker = await client(t, broker.url, session);
    taker.on("packetsend", ({ cmd }) => sent.push(cmd));
    taker.on("error", (error) => assert.fail(error));
    taker.handleMessage = ({ messageId }, done) => {
      ids.push(messageId!);
      done(new Error("no acknowledgement"));
    };
    await taker.subscribeAsync("t", { qos: 1 });
    const sender = await client(t, broker.url);
    for (let n = 0; n < 20; n++) await sender.publishAsync("t", String(n), { qos: 1 });
    await until(() => ids.length === 20, "all messages");
    assert.deepEqual(sent, ["subscribe"]);
    taker.stream.destroy();

    const again: { id: number | undefined; dup: boolean }[] = [];
    const back = mqtt.connect(broker.url, { ...session, reconnectPeriod: 0 });
    t.after(() => back.endAsync(true));
    back.handleMessage = ({ messageId, dup }, done) => {
      again.push({ id: messageId, dup });
      done();
    };
    await until(() => again.length === 20, "the same messages");
    assert.deepEqual(
      again,
      ids.map((id) => ({ id, dup: true })),
    );
  });
}

test("MQTT 5: retained messages come once in the life of a session", server, async (t) => {
  const broker = await startMosquitto(t);
  const sender = await client(t, broker.url);
  await sender.publishAsync("t/r", "1", { qos: 1, retain: true });
  const options = { url: broker.url, clientId: "vigia", ackWhen: "stored", protocolVersion: 5 } as const;
  const first = subscribe(t, { ...options, store: new MemoryStore().store });
  await until(() => first.points.length === 1, "the retained one");
  await first.subscriber.close();
  const second = subscribe(t, { ...options, store: new MemoryStore().store });
  await second.connected();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(second.subscribed, [["t/#"]]);
  assert.equal(second.points.length, 0);
});

test("a refused subscription is said; the others work", server, async (t) => {
  const acl = join(temporaryFolder(t), "acl");
  execFileSync("sh", ["-c", `printf 'topic read t/#\\ntopic write t/#\\n' > "${acl}"`]);
  const broker = await startMosquitto(
    t,
    `allow_anonymous true\nacl_file ${acl}${process.getuid?.() === 0 ? "\nuser root" : ""}`,
  );
  const { subscriber } = subscribe(t, {
    url: broker.url,
    protocolVersion: 5,
    topics: [{ filter: "t/#" }, { filter: "secret/#" }],
  });
  await until(() => subscriber.state.state !== "connecting", "an answer");
  // mosquitto 2.0 grants every subscription and filters what is read: both answers are fine.
  assert.equal(subscriber.state.state, "connected");
  if (subscriber.state.code) assert.match(subscriber.state.reason!, /refuses the subscription of secret/);
});
