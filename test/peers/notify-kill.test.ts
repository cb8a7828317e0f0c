import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../lib/mqtt/helpers.ts";
import { type ReceivedMail, startMailServer } from "../lib/notify/mail-server.ts";
import { folderOf } from "./support/at-end.ts";
import { type FlowNode, startNodeRed } from "./support/node-red.ts";

const EVENTS = 150;
const KILLS = 4;
const FIRST = Date.UTC(2026, 0, 1);
const ID = "c400000000000002";

const flow = (port: number): FlowNode[] => [
  {
    id: ID,
    type: "vigia-channel",
    kind: "email",
    host: "127.0.0.1",
    port,
    security: "none",
    from: "vigia@example.com",
    to: "you@example.com",
  },
  { id: "n", type: "vigia-notify", channels: [ID], wires: [["out"], ["bad"]] },
  { id: "queued", type: "complete", scope: ["n"], wires: [["taken"]] },
  ...["out", "bad", "taken"].map((id) => ({ id, type: "test-sink" })),
];

const keyOf = (n: number) => `hot/${n}/start`;

const idOf = ({ headers }: ReceivedMail) => headers["x-vigia-id"] ?? "";

/** Critical ones are never gathered in a digest. */
const event = (n: number) => ({
  payload: {
    event: "start",
    id: keyOf(n),
    key: `hot/${n}`,
    alarm: "Too hot",
    series: `plant/motor-${n}/temperature`,
    severity: "critical",
    value: 90 + n,
    reason: "above 80",
    time: FIRST + n * 1_000,
  },
});

test("kill -9 between queueing and delivery, and during it: every notification arrives, none is forgotten", {
  timeout: 120_000,
}, async (t) => {
  const userDir = folderOf(t);
  let calls = 0;
  const bad = ["451 4.3.0 later", "421 4.3.2 shutting down", "drop"];
  // Every third one fails, each time in another way; of those that it hangs up on it has the mail all the same.
  const judge = () => (++calls % 3 === 0 ? bad[(calls / 3) % bad.length] : undefined);
  const server = await startMailServer(t, { plain: true, judge });

  const queued = new Set<string>();
  const told = new Set<string>();
  let sent = 0;
  for (let kills = 0; kills <= KILLS; kills++) {
    const nodeRed = await startNodeRed(t, { flow: flow(server.port), userDir });
    const keep = () => {
      for (const { payload } of nodeRed.got("taken")) queued.add((payload as { id: string }).id);
      for (const { payload } of nodeRed.got("out")) told.add(`${(payload as { series: string }).series}`);
    };
    // What it did not say it has is sent again, as a source with a store does: the same id is told once.
    for (let n = 0; n < sent; n++) if (!queued.has(keyOf(n))) nodeRed.send("n", event(n));
    const last = Math.round((EVENTS * (kills + 1)) / (KILLS + 1));
    for (; sent < last; sent++) nodeRed.send("n", event(sent));
    if (kills < KILLS) {
      const before = server.mails.length;
      // The first at once, the others in the middle of deliveries.
      if (kills > 0) await until(() => server.mails.length > before + 5 * kills, "some mails", 30_000);
      else await until(() => nodeRed.got("taken").length > 0, "the first one on disk", 10_000);
      keep();
      await nodeRed.kill();
      keep();
      continue;
    }
    const all = () => new Set(server.mails.map(idOf)).size >= EVENTS;
    await until(all, "all mails", 60_000).catch((error) => {
      throw new Error(`${error.message}: ${server.mails.length} mails\n${nodeRed.log()}`);
    });
    await nodeRed.shows("n", /^\d+ sent$/, 20_000);
    keep();
    assert.deepEqual(nodeRed.got("bad"), []);
    await nodeRed.stop();
  }

  const arrived = new Map<string, number>();
  for (const id of server.mails.map(idOf)) arrived.set(id, (arrived.get(id) ?? 0) + 1);
  const expected = Array.from({ length: EVENTS }, (_, n) => keyOf(n));
  assert.deepEqual([...arrived.keys()].sort(), expected.toSorted());
  const again = server.mails.length - EVENTS;
  t.diagnostic(
    `${again} mails came twice; ${told.size} of ${EVENTS} were told as delivered; the others in a moment of a kill`,
  );
  // A kill can repeat only what was on its way, a mail that the server hung up on comes once more.
  assert.ok(again <= calls / 3 + KILLS * 5, `${again} came twice`);
});
