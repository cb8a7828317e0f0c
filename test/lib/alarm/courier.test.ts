import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Alarms } from "../../../lib/alarm/alarms.ts";
import { Courier } from "../../../lib/alarm/courier.ts";
import { parseRules } from "../../../lib/alarm/rule.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { ManualClock } from "../state/helpers.ts";

const ref = seriesRef("s");

function setUp() {
  const clock = new ManualClock();
  const alarms = new Alarms({ clock, alarm: "a", rules: parseRules([{ when: "above", limit: "0" }]) });
  const sent: string[] = [];
  const saves: (() => void)[] = [];
  const courier = new Courier({
    alarms,
    clock,
    save: () => new Promise<void>((resolve) => saves.push(resolve)),
    send: (events) => sent.push(...events.map(({ event }) => event)),
  });
  let time = clock.now();
  const point = (value: number) => void alarms.add(ref, ++time, value);
  return { clock, alarms, courier, sent, saves, point };
}

test("an event leaves when it is on disk, not before, and in its order", async () => {
  const { courier, sent, saves, point } = setUp();
  assert.equal(courier.flush(), undefined, "nothing to wait for");
  point(1);
  const first = courier.flush();
  point(-1);
  const second = courier.flush();
  await setImmediate();
  assert.deepEqual(sent, []);
  // Whatever order the saves end in.
  saves[1]!();
  await setImmediate();
  assert.deepEqual(sent, []);
  saves[0]!();
  await first;
  assert.deepEqual(sent, ["start"]);
  await second;
  assert.deepEqual(sent, ["start", "end"]);
});

test("what was sent counts as arrived after a moment, or when all ends well", async () => {
  const { clock, alarms, courier, saves, point } = setUp();
  const unsent = () => alarms.state.peek("s")!.unsent.length;
  point(1);
  const told = courier.flush();
  saves[0]!();
  await told;
  assert.equal(unsent(), 1);
  await clock.advance(2_000);
  assert.equal(unsent(), 0);
  point(-1);
  const more = courier.flush();
  saves[1]!();
  await more;
  await courier.close();
  assert.equal(unsent(), 0);
  assert.equal(clock.timers, 0);
});

test("at the end nothing is sent any more: it is for the next start", async () => {
  const { alarms, courier, sent, saves, point } = setUp();
  point(1);
  const told = courier.flush();
  const closed = courier.close();
  saves[0]!();
  await Promise.all([told, closed]);
  assert.deepEqual(sent, []);
  assert.equal(alarms.state.peek("s")!.unsent.length, 1);
});
