import assert from "node:assert/strict";
import { test } from "node:test";
import { deploy, until, withRuntime } from "./runtime.ts";

withRuntime();

const T = Date.UTC(2026, 0, 1);
const flow = (settings: object = {}) => [
  { id: "w", type: "vigia-window", every: "1m", lateness: "0s", wires: [["out"], ["late"]], ...settings },
  { id: "out", type: "helper" },
  { id: "late", type: "helper" },
];

test("with its defaults: a mean a minute of every topic, late points apart", async () => {
  const { inject, collect } = await deploy(flow());
  const out = collect("out");
  const late = collect("late");
  await inject("w", { topic: "a", payload: 1, timestamp: T, tags: { site: "x" }, unit: "°C" });
  await inject("w", { topic: "a", payload: "3", timestamp: T + 1000, tags: { site: "x" }, unit: "°C" });
  await inject("w", { topic: "a", payload: 0, timestamp: T + 60_000, tags: { site: "x" }, unit: "°C" });
  await inject("w", { topic: "a", payload: 9, timestamp: T + 5, tags: { site: "x" }, unit: "°C" });
  await until(() => out.length === 1 && late.length === 1, "a result and a late point");
  const { topic, payload, timestamp, tags, unit } = out[0]!;
  assert.deepEqual(
    { topic, payload, timestamp, tags, unit },
    { topic: "a", payload: 2, timestamp: T, tags: { agg: "mean", site: "x", window: "1m" }, unit: "°C" },
  );
  assert.equal(late[0]!.payload, 9);
});

test("open windows survive a restart", async () => {
  const first = await deploy(flow({ aggregates: "sum,count" }));
  await first.inject("w", { topic: "r", payload: 5, timestamp: T });
  const second = await deploy(flow({ aggregates: "sum,count" }));
  const out = second.collect("out");
  await second.inject("w", { topic: "r", payload: 7, timestamp: T + 1 });
  await second.inject("w", { topic: "r", payload: 0, timestamp: T + 60_000 });
  await until(() => out.length === 2, "two results");
  assert.deepEqual(
    out.map((msg) => msg.payload),
    [12, 2],
  );
});

test("bad input is an error that says what is allowed; good points beside it are taken", async () => {
  const { inject, collect } = await deploy(flow());
  const out = collect("out");
  const text = await inject("w", { topic: "b", payload: "warm" });
  assert.equal(text?.code, "bad-value");
  assert.match(text!.message, /msg\.payload is "warm"; allowed: a number/);
  const seconds = await inject("w", { topic: "b", payload: 1, timestamp: T / 1000 });
  assert.match(seconds!.message, /looks like seconds/);
  const mixed = await inject("w", {
    payload: [
      { series: "b", value: 4, time: T },
      { series: "b", value: "x" },
      { series: "b", value: 1, time: T + 60_000 },
    ],
  });
  assert.match(mixed!.message, /msg\.payload\[1\]\.value is "x"/);
  await until(() => out.length === 1, "a result");
  assert.equal(out[0]!.payload, 4);
});

test("a bad setting is told on the canvas and to every message", async () => {
  const { inject } = await deploy(flow({ every: "soon" }));
  const told = await inject("w", { topic: "a", payload: 1 });
  assert.match(told!.message, /every is "soon"; allowed: a number with ms, s, m, h, d or w/);
});
