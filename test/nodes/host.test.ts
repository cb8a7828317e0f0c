import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HOST_KPIS, type HostKpi } from "../../lib/host/kpis.ts";
import type { Frame } from "../../lib/points/frame.ts";
import { deploy, until, withRuntime } from "./runtime.ts";

withRuntime();

const flow = (settings: object = {}) => [
  { id: "h", type: "vigia-host", wires: [["out"]], ...settings },
  { id: "out", type: "helper" },
];

test("with its defaults: one message a KPI at once, in Node-RED's habit", async () => {
  const { collect } = await deploy(flow());
  const out = collect("out");
  await until(() => out.length > 5, "a reading");
  const load = out.find(({ topic }) => topic === "host/node-red/memory");
  assert.ok((load?.payload as number) > 1e7);
  assert.equal(load?.unit, "B");
  assert.equal(typeof load?.timestamp, "number");
});

test("batched: a Frame a reading, the second one with rates; only the groups that are on", async () => {
  const settings = { every: "500ms", series: "edge/a", groups: "cpu,process", batched: true };
  const { collect } = await deploy(flow(settings));
  const out = collect("out");
  await until(() => out.length >= 2, "two readings");
  const [first, second] = out.map(({ payload }) => payload as Frame);
  const names = (frame: Frame | undefined) => new Set(Array.from(frame!, ({ series }) => series));
  assert.ok(!names(first).has("edge/a/node-red/cpu"));
  assert.ok(names(second).has("edge/a/node-red/cpu"));
  assert.ok(names(second).has("edge/a/cpu/used"));
  assert.ok([...names(second)].every((name) => !/memory\/used|disk|network|load/.test(name)));
});

test("it ends with the flow", async () => {
  const { collect } = await deploy(flow({ every: "500ms", batched: true }));
  const out = collect("out");
  await until(() => out.length > 0, "a reading");
  await deploy([{ id: "other", type: "helper" }]);
  const n = out.length;
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal(out.length, n);
});

test("bad settings are told", async () => {
  for (const [settings, message] of [
    [{ every: "1ms" }, /every is "1ms"; allowed: at least 500ms/],
    [{ groups: "cpu, gpu" }, /groups is "gpu"; allowed: cpu, load/],
    [{ version: 9 }, /newer release/],
  ] as const) {
    const { inject } = await deploy(flow(settings));
    assert.match((await inject("h", { payload: 1 }))!.message, message);
  }
});

test("the help lists every KPI as it is", () => {
  const kpis: readonly HostKpi[] = HOST_KPIS;
  const rows = (language: string) =>
    readFileSync(new URL(`../../locales/${language}/host.html`, import.meta.url), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));
  assert.deepEqual(
    rows("en-US").map((cells) => cells.slice(1, 5)),
    kpis.map(({ series, unit = "", tag = "", meaning }) => [series, unit, tag, meaning]),
  );
  assert.deepEqual(
    rows("es").map((cells) => cells.slice(1, 4)),
    kpis.map(({ series, unit = "", tag = "" }) => [series, unit, tag]),
  );
});
