import assert from "node:assert/strict";
import { test } from "node:test";
import { type Frame, FrameBuilder } from "../../lib/points/frame.ts";
import { seriesRef } from "../../lib/points/series.ts";
import { deploy, until, withRuntime } from "./runtime.ts";

withRuntime();

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const flow = (settings: object = {}) => [
  { id: "d", type: "vigia-deviation", zone: "UTC", wires: [["out"], ["alerts"]], ...settings },
  { id: "out", type: "helper" },
  { id: "alerts", type: "helper" },
];

const ref = seriesRef("motor/temperature", undefined, "°C");
// A day's swing with a little unrest that repeats after 37 values: no random numbers, the same in every run.
const usual = (time: number) => 60 + 8 * Math.sin((time / DAY) * 2 * Math.PI) + (((time / MINUTE) * 17) % 37) / 37;

/** Four weeks that end now, by five minutes. */
function history(end: number): Frame {
  const builder = new FrameBuilder();
  for (let time = end - 28 * DAY; time < end; time += 5 * MINUTE) builder.add(ref, time, usual(time));
  return builder.take();
}

test("with its defaults: history is learned without a word, a motor that overheats is told once, with the reason", async () => {
  const { inject, collect } = await deploy(flow());
  const out = collect("out");
  const alerts = collect("alerts");
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  await inject("d", { payload: history(now - 5 * MINUTE) });
  await until(() => out.length === 1, "the annotated frame");
  const learned = out[0]!.payload as Frame;
  assert.ok(Math.abs(learned.columns["deviation.expected"]!.at(-1)! - usual(now)) < 2);
  assert.equal(alerts.length, 0);

  for (let time = now - 4 * MINUTE; time <= now; time += 20_000) {
    const msg = { topic: "motor/temperature", payload: usual(time) + 30, timestamp: time, unit: "°C" };
    await inject("d", msg);
  }
  await until(() => alerts.length > 0, "an alert");
  await until(() => out.length === 14, "all messages");
  assert.equal(alerts.length, 1);
  const found = alerts[0]!.deviation as { alert: boolean; direction: string; reason: string; expected: number };
  assert.equal(found.alert, true);
  assert.equal(found.direction, "above");
  assert.match(found.reason, /°C above/);
  assert.equal((out.at(-1)!.deviation as { alert: boolean }).alert, false);
});

test("what was learned survives a restart; reset forgets it", async () => {
  const first = await deploy(flow());
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  await first.inject("d", { payload: history(now - 5 * MINUTE) });
  const second = await deploy(flow());
  const out = second.collect("out");
  await second.inject("d", { topic: "motor/temperature", payload: usual(now), timestamp: now, unit: "°C" });
  await until(() => out.length === 1, "a result");
  const { warming, expected } = out[0]!.deviation as { warming?: true; expected: number };
  assert.equal(warming, undefined);
  assert.ok(Math.abs(expected - usual(now)) < 2);
  await second.inject("d", { control: { do: "reset" } });
  await second.inject("d", { topic: "motor/temperature", payload: usual(now), timestamp: now, unit: "°C" });
  await until(() => out.length === 2, "a result");
  assert.equal((out[1]!.deviation as { warming?: true }).warming, true);
});

test("arrays keep their form, bad input and bad settings say what is allowed", async () => {
  const { inject, collect } = await deploy(flow({ as: "dev" }));
  const out = collect("out");
  const now = Date.now();
  const mixed = await inject("d", {
    payload: [
      { series: "a", value: 1, time: now },
      { series: "a", value: "x", time: now },
    ],
  });
  assert.match(mixed!.message, /msg\.payload\[1\]\.value is "x"/);
  await until(() => out.length === 1, "the array");
  const [good, bad] = out[0]!.payload as { dev?: object }[];
  assert.ok(good!.dev);
  assert.equal(bad!.dev, undefined);
  const wrong = await deploy(flow({ falseAlarms: "many" }));
  assert.match(
    (await wrong.inject("d", { topic: "a", payload: 1 }))!.message,
    /falseAlarms is "many"; allowed: a number/,
  );
  const nowhere = await deploy(flow({ zone: "Mars/Olympus" }));
  assert.match((await nowhere.inject("d", { topic: "a", payload: 1 }))!.message, /zone is "Mars\/Olympus"/);
});
