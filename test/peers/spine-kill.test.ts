import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openStore } from "../../lib/store/open.ts";
import { client, missing, startMosquitto, until } from "../lib/mqtt/helpers.ts";
import { atEnd, folderOf } from "./support/at-end.ts";
import { type Counters, type FlowNode, type NodeRed, startNodeRed } from "./support/node-red.ts";

const MESSAGES = 20_000;
const KILLS = 3;
const SERIES = 50;
const LIMIT = 2_000;
const DIE_AFTER = 1_500;
const FIRST = Date.UTC(2026, 0, 1);
/** One message a millisecond over all series, windows of a second. */
const PER_WINDOW = 1_000 / SERIES;

const flow = (url: string, file: string): FlowNode[] => [
  { id: "5700000000000001", type: "vigia-store", file, every: "50ms" },
  {
    id: "m",
    type: "vigia-mqtt-in",
    broker: url,
    topics: "kill/#",
    ackWhen: "stored",
    store: "5700000000000001",
    maxOutstanding: LIMIT,
    batched: true,
    wires: [["w"], ["bad"]],
  },
  {
    id: "w",
    type: "vigia-window",
    every: "1s",
    lateness: "5s",
    aggregates: "count",
    store: "5700000000000001",
    wires: [["out"], []],
  },
  { id: "out", type: "test-sink" },
  { id: "bad", type: "test-sink" },
];

test("kill -9 of Node-RED, three times, while 20 000 messages come: each is stored and counted exactly once", {
  skip: missing("mosquitto"),
  timeout: 60_000,
}, async (t) => {
  const userDir = folderOf(t);
  const file = join(userDir, "points.db");
  const broker = await startMosquitto(t);
  let most = 0;
  let taken = 0;
  const finish = (nodeRed: NodeRed) => {
    const counters = nodeRed.counters()!;
    most = Math.max(most, counters.maxOutstanding);
    taken += counters.taken;
    assert.equal(nodeRed.got("bad").length, 0);
  };

  const start = (dieAfter?: number) =>
    startNodeRed(t, { flow: flow(broker.url, file), userDir, ...(dieAfter && { dieAfter }) });
  let nodeRed = await start(DIE_AFTER);
  await nodeRed.shows("m", /^connected/);

  let kills = 0;
  let over = false;
  atEnd(t, () => {
    over = true;
  });
  const sender = await client(t, broker.url);
  // A window node knows which KPIs are its own from the moment they are saved, which is soon after the first point.
  const known = () => {
    const db = new DatabaseSync(join(userDir, "vigia/state.db"), { readOnly: true });
    try {
      return Number(db.prepare("SELECT count(*) AS n FROM record").get()?.n);
    } finally {
      db.close();
    }
  };
  const publishing = (async () => {
    const underWay = new Set<Promise<unknown>>();
    for (let n = 0; n < MESSAGES; n++) {
      // A part of them comes only after each kill, so that none of the kills is too late.
      if (n % 100 === 0) await until(() => over || n < (kills + 1) * (MESSAGES / (KILLS + 1)), "its turn", 30_000);
      if (n === SERIES) await until(() => over || known() === SERIES, "the windows' first save", 10_000);
      if (over) return;
      const payload = JSON.stringify({ value: n, time: FIRST + n });
      const sent = sender.publishAsync(`kill/${n % SERIES}`, payload, { qos: 1 });
      underWay.add(sent);
      sent.then(() => underWay.delete(sent));
      if (underWay.size >= 500) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  })();

  while (kills < KILLS) {
    await nodeRed.ended();
    finish(nodeRed);
    kills++;
    nodeRed = await start(kills < KILLS ? DIE_AFTER : undefined);
  }
  await publishing;
  // The broker has nothing left when for ten reports nothing moved.
  let last: Counters | undefined;
  let calm = 0;
  await until(
    () => {
      const now = nodeRed.counters();
      if (now === undefined || now === last) return false;
      calm = now.taken > 0 && now.taken === last?.taken && now.unacknowledged === 0 ? calm + 1 : 0;
      last = now;
      return calm >= 10;
    },
    "the last message",
    20_000,
  );
  await nodeRed.stop();
  finish(nodeRed);
  assert.ok(most <= LIMIT, `${most} outstanding`);
  t.diagnostic(`at most ${most} outstanding, ${taken - MESSAGES} taken again after the kills`);

  const opened = await openStore({ file });
  atEnd(t, () => opened.close());
  const rows = await opened.read({ series: "kill/#" });
  const seen = new Set<number>();
  let results = 0;
  for (let row = 0; row < rows.length; row++) {
    const value = rows.values[row]!;
    const { series, tags } = rows.ref(row);
    if (tags?.agg === "count") {
      assert.equal(value, PER_WINDOW, `points in a window of ${series}`);
      results++;
      continue;
    }
    assert.equal(rows.times[row], FIRST + value);
    assert.equal(series, `kill/${value % SERIES}`);
    seen.add(value);
  }
  assert.equal(seen.size, MESSAGES);
  assert.equal((await opened.list({})).length, 2 * SERIES);
  assert.ok(results >= SERIES * 10, `${results} windows closed`);
});
