/**
 * What goes wrong on a machine in the field, each through a real Node-RED: what its user sees, what a catch node gets,
 * that the flow lives on, and that nothing that was acknowledged is lost.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Point } from "../../lib/points/point.ts";
import { openStore } from "../../lib/store/open.ts";
import { client, freePort, missing, proxyTo, startMosquitto, until } from "../lib/mqtt/helpers.ts";
import { atEnd, folderOf } from "./support/at-end.ts";
import { type FlowNode, type NodeRed, startNodeRed } from "./support/node-red.ts";
import { tmpfs } from "./support/tmpfs.ts";

const T = Date.UTC(2026, 0, 1);
const STORE = "5700000000000001";
const mosquitto = { skip: missing("mosquitto"), timeout: 40_000 };
const plain = { timeout: 60_000 };

/** Collect, keep, look, and what a catch node gets. */
const flow = (file: string, broker: string, more: object = {}): FlowNode[] => [
  { id: STORE, type: "vigia-store", file, every: "20ms" },
  {
    id: "m",
    type: "vigia-mqtt-in",
    broker,
    topics: "t/#",
    ackWhen: "stored",
    store: STORE,
    wires: [["taken"], ["rejected"]],
    ...more,
  },
  { id: "w", type: "vigia-write", store: STORE, wires: [["written"]] },
  { id: "r", type: "vigia-read", store: STORE, mode: "range", range: "10000d", wires: [["rows"]] },
  { id: "catch", type: "catch", scope: null, uncaught: false, wires: [["caught"]] },
  ...["taken", "rejected", "written", "rows", "caught"].map((id) => ({ id, type: "test-sink" })),
];

const message = (n: number) => JSON.stringify({ value: n, time: T + n });

async function publish(t: TestContext, url: string, from: number, to: number): Promise<void> {
  const sender = await client(t, url);
  const sent: Promise<unknown>[] = [];
  for (let n = from; n < to; n++) sent.push(sender.publishAsync("t/a", message(n), { qos: 1 }));
  await Promise.all(sent);
  await sender.endAsync();
}

const caught = (nodeRed: NodeRed) => nodeRed.got("caught").map(({ error }) => error!);
const codes = (nodeRed: NodeRed) => caught(nodeRed).map(({ code }) => code);

async function taken(nodeRed: NodeRed, count: number, limit = 10_000): Promise<void> {
  await until(() => nodeRed.got("taken").length >= count, `${count} messages`, limit).catch((error) => {
    throw new Error(`${error.message}, only ${nodeRed.got("taken").length} came\n${nodeRed.log()}`);
  });
}

async function rowsOf(file: string, series: string): Promise<Point[]> {
  const store = await openStore({ file });
  try {
    return [...(await store.read({ series }))];
  } finally {
    await store.close();
  }
}

const row = (series: string, n: number): Point => ({ series, time: T + n, value: n });
const rows = (series: string, count: number) => Array.from({ length: count }, (_, n) => row(series, n));

test("the broker is away at the start, comes, goes and comes again", mosquitto, async (t) => {
  const file = join(folderOf(t), "points.db");
  const port = await freePort();
  const url = `mqtt://127.0.0.1:${port}`;
  const nodeRed = await startNodeRed(t, { flow: flow(file, url) });
  const away = await nodeRed.shows("m", /^away: /);
  assert.equal(away.text, `away: 127.0.0.1:${port} cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}`);
  assert.deepEqual([away.fill, away.shape], ["red", "ring"]);

  const first = await startMosquitto(t, undefined, port);
  await nodeRed.shows("m", /^connected · 0 points$/);
  await publish(t, url, 0, 500);
  await taken(nodeRed, 500);

  await first.stop();
  assert.equal((await nodeRed.shows("m", /^away: .* closed the connection/)).fill, "red");
  const second = await startMosquitto(t, undefined, port);
  const back = await nodeRed.shows("m", /^connected · 500 points$/);
  assert.deepEqual([back.fill, back.shape], ["green", "dot"]);
  await publish(t, url, 500, 1_000);
  await taken(nodeRed, 1_000);
  await second.stop();
  await nodeRed.shows("m", /^away: /);

  // A loss that it comes back from by itself is a warning in the log, one each time, and no error.
  assert.equal(nodeRed.log().match(/\[warn\] \[vigia-mqtt-in:m\] away: /g)?.length, 3);
  assert.deepEqual(caught(nodeRed), []);
  assert.ok(nodeRed.alive());
  await nodeRed.stop();
  assert.deepEqual(await rowsOf(file, "t/a"), rows("t/a", 1_000));
});

test("a wrong password is one status and one error, not a flood; with the right one it goes on", {
  skip: missing("mosquitto", "mosquitto_passwd"),
  timeout: 40_000,
}, async (t) => {
  const folder = folderOf(t);
  const file = join(folder, "points.db");
  const passwords = join(folder, "passwords");
  execFileSync("mosquitto_passwd", ["-b", "-c", passwords, "ana", "secret"], { stdio: "pipe" });
  const user = process.getuid?.() === 0 ? "\nuser root" : "";
  const broker = await startMosquitto(t, `allow_anonymous false\npassword_file ${passwords}${user}`);
  const proxy = await proxyTo(t, broker.port);

  const credentials = { m: { user: "ana", password: "wrong" } };
  const nodeRed = await startNodeRed(t, { flow: flow(file, proxy.url), credentials });
  await until(() => proxy.connections >= 4, "the fourth attempt");
  const reason = `${new URL(proxy.url).host} does not accept the user name, the password or this client`;
  assert.deepEqual(
    nodeRed.statuses("m").filter(({ fill }) => fill === "red"),
    [{ id: "m", fill: "red", shape: "ring", text: `refused: ${reason}` }],
  );
  assert.equal(caught(nodeRed).length, 1);
  const [error] = caught(nodeRed);
  assert.deepEqual([error!.code, error!.source.id], ["not-authorized", "m"]);
  assert.match(error!.message, new RegExp(reason));
  assert.doesNotMatch(nodeRed.log(), /wrong/);

  await nodeRed.deploy(flow(file, proxy.url), { m: { user: "ana", password: "secret" } });
  await nodeRed.shows("m", /^connected/);
  const sender = await client(t, broker.url, { username: "ana", password: "secret" });
  await sender.publishAsync("t/a", message(0), { qos: 1 });
  await taken(nodeRed, 1);
  assert.equal(caught(nodeRed).length, 1);
});

test(
  "a read-only folder: the store says so, what comes waits and is stored when it can be written",
  plain,
  async (t) => {
    const disk = tmpfs(t, "8m");
    if (!disk) return;
    const file = join(disk.folder, "points.db");
    const port = await freePort();
    disk.remount("ro");
    const nodeRed = await startNodeRed(t, {
      flow: [
        { id: "b", type: "vigia-broker", port },
        // A session that holds more than it may take at once.
        ...flow(file, "b", { maxOutstanding: 100 }),
      ],
    });
    const write = await nodeRed.shows("w", /^folder not writable/);
    assert.deepEqual([write.fill, write.shape, write.text], ["red", "ring", "folder not writable · 0 waiting"]);
    assert.match((await nodeRed.shows("m", /folder not writable/)).text!, /^folder not writable · 0 held back$/);
    await publish(t, `mqtt://127.0.0.1:${port}`, 0, 300);
    nodeRed.send("w", { topic: "w/a", payload: 0, timestamp: T }, { topic: "w/a", payload: 1, timestamp: T + 1 });
    nodeRed.send("r", {});
    await nodeRed.shows("w", /^folder not writable · 2 waiting$/);
    assert.equal((await nodeRed.shows("m", /· 100 held back$/)).fill, "red");
    // The store's own error, and that of the question; each says what to do.
    await until(() => codes(nodeRed).length >= 2, "errors at the catch node");
    assert.deepEqual([...new Set(codes(nodeRed))], ["store-unwritable"]);
    for (const { message: text } of caught(nodeRed))
      assert.match(text, /points\.db and its folder must be writable: EROFS/);
    assert.equal(nodeRed.got("taken").length + nodeRed.got("written").length, 0);

    disk.remount("rw");
    await taken(nodeRed, 300);
    await nodeRed.shows("w", /^2 stored$/);
    assert.equal((await nodeRed.shows("m", /^connected · 300 points$/)).fill, "green");
    assert.ok(nodeRed.counters()!.maxOutstanding <= 100);
    await nodeRed.stop();
    assert.deepEqual(await rowsOf(file, "t/a"), rows("t/a", 300));
    assert.deepEqual(await rowsOf(file, "w/a"), rows("w/a", 2));
  },
);

/** Takes all the room there is. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const size of [65_536, 4_096]) {
      const block = Buffer.alloc(size, 1);
      try {
        for (;;) writeSync(file, block);
      } catch (thrown) {
        assert.equal((thrown as NodeJS.ErrnoException).code, "ENOSPC");
      }
    }
  } finally {
    closeSync(file);
  }
}

test("a full disk: the status says so, all is held, and comes through once when there is room", plain, async (t) => {
  const disk = tmpfs(t, "12m");
  if (!disk) return;
  const file = join(disk.folder, "points.db");
  const port = await freePort();
  const url = `mqtt://127.0.0.1:${port}`;
  const nodeRed = await startNodeRed(t, {
    flow: [{ id: "b", type: "vigia-broker", port }, ...flow(file, "b", { maxOutstanding: 1_000 })],
  });
  let published = 0;
  let written = 0;
  const more = async (count: number) => {
    await publish(t, url, published, published + count);
    published += count;
    const msgs = Array.from({ length: count }, (_, n) => ({
      topic: "w/a",
      payload: written + n,
      timestamp: T + written + n,
    }));
    nodeRed.send("w", ...msgs);
    written += count;
  };
  await nodeRed.shows("m", /^connected/);
  await more(200);
  await taken(nodeRed, 200);
  await nodeRed.shows("w", /^200 stored$/);

  const filler = join(disk.folder, "filler");
  fill(filler);
  // What fits into pages that the file has already is still stored.
  const full = () => /^disk full/.test(nodeRed.statuses("w").at(-1)?.text ?? "");
  while (!full()) {
    const before = published;
    await more(500);
    await until(() => full() || nodeRed.got("taken").length >= before + 500, "the end of the room");
  }
  await more(1_500);
  const held = await nodeRed.shows("m", /^disk full · 1000 held back$/);
  assert.deepEqual([held.fill, held.shape], ["red", "ring"]);
  const waiting = await nodeRed.shows("w", /^disk full · [\d,]{3,} waiting$/);
  assert.deepEqual([waiting.fill, waiting.shape], ["red", "ring"]);
  assert.ok(nodeRed.got("taken").length <= published - 1_000);
  await until(() => codes(nodeRed).length > 0, "an error at the catch node");
  assert.deepEqual([...new Set(codes(nodeRed))], ["store-disk-full"]);
  assert.match(caught(nodeRed)[0]!.message, /disk full: no room for .*points\.db/);
  // One trouble, told once to each flow that uses the store's node, not at each attempt.
  assert.ok(caught(nodeRed).length <= 3, `${caught(nodeRed).length} errors`);
  assert.ok(nodeRed.alive());

  rmSync(filler);
  await taken(nodeRed, published, 20_000);
  await until(() => nodeRed.got("written").length >= written, "the written ones", 20_000);
  assert.equal((await nodeRed.shows("m", new RegExp(`^connected · ${published} points$`))).fill, "green");
  assert.equal((await nodeRed.shows("w", new RegExp(`^${written.toLocaleString("en")} stored$`))).fill, "green");
  assert.ok(nodeRed.counters()!.maxOutstanding <= 1_000);
  assert.deepEqual(
    nodeRed.got("taken").map(({ payload }) => payload),
    rows("", published).map(({ value }) => value),
  );
  assert.equal(nodeRed.got("written").length, written);
  await nodeRed.stop();
  assert.deepEqual(await rowsOf(file, "t/a"), rows("t/a", published));
  assert.deepEqual(await rowsOf(file, "w/a"), rows("w/a", written));
});

test("two runtimes on one file: the second says so, and takes over when the first ends", plain, async (t) => {
  const file = join(folderOf(t), "points.db");
  const own = flow(file, "").filter(({ id }) => id !== "m");
  const first = await startNodeRed(t, { flow: own });
  first.send("w", { topic: "w/a", payload: 0, timestamp: T });
  await first.shows("w", /^1 stored$/);

  const second = await startNodeRed(t, { flow: own });
  assert.equal((await second.shows("w", /^in use elsewhere · 0 waiting$/)).fill, "red");
  second.send("w", { topic: "w/a", payload: 1, timestamp: T + 1 });
  second.send("r", {});
  await second.shows("w", /^in use elsewhere · 1 waiting$/);
  await until(() => caught(second).some(({ source }) => source.id === "r"), "the reader's error");
  assert.deepEqual([...new Set(codes(second))], ["store-locked"]);
  assert.match(caught(second)[0]!.message, /points\.db is in use by another runtime .* name another file/);
  first.send("w", { topic: "w/a", payload: 2, timestamp: T + 2 });
  await first.shows("w", /^2 stored$/);

  await first.kill();
  await second.shows("w", /^1 stored$/);
  second.send("r", { query: { series: "w/a" } });
  await until(() => second.got("rows").length === 1, "the rows");
  assert.deepEqual(second.got("rows")[0]!.payload, rows("w/a", 3));
  assert.deepEqual([...new Set(codes(second))], ["store-locked"]);
});

test("a port that is taken: the broker says so, and listens when it is free", plain, async (t) => {
  const file = join(folderOf(t), "points.db");
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  atEnd(t, () => other.close());
  const { port } = other.address() as { port: number };
  const nodeRed = await startNodeRed(t, { flow: [{ id: "b", type: "vigia-broker", port }, ...flow(file, "b")] });
  const status = await nodeRed.shows("b", /taken/);
  assert.deepEqual([status.fill, status.shape, status.text], ["red", "ring", `port ${port} is taken`]);
  assert.equal((await nodeRed.shows("m", /^connecting$/)).fill, "yellow");
  await until(() => codes(nodeRed).length > 0, "the error");
  assert.deepEqual([caught(nodeRed)[0]!.code, caught(nodeRed)[0]!.source.id], ["port-taken", "b"]);
  assert.match(caught(nodeRed)[0]!.message, /is taken by another program: end it or choose another port/);

  await new Promise((resolve) => other.close(resolve));
  assert.equal((await nodeRed.shows("b", /· 1 clients$/)).text, `port ${port} · 1 clients`);
  await nodeRed.shows("m", /^connected/);
  await publish(t, `mqtt://127.0.0.1:${port}`, 0, 100);
  await taken(nodeRed, 100);
  assert.equal(caught(nodeRed).length, 1);
  await nodeRed.stop();
  assert.deepEqual(await rowsOf(file, "t/a"), rows("t/a", 100));
});
