import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Frame } from "../../lib/points/frame.ts";
import type { Message } from "../../lib/points/reader.ts";
import { deploy, until, userDir, withRuntime } from "./runtime.ts";

withRuntime();

let n = 0;
/** Each its own id: a node remembers where it was. */
const flow = (settings: object = {}, id = `r${n++}`) => [
  { id, type: "vigia-replay", wires: [["out"]], ...settings },
  { id: "out", type: "helper" },
];

async function play(nodes: ReturnType<typeof flow>) {
  const { inject, collect, statuses } = await deploy(nodes);
  const id = nodes[0]!.id;
  return {
    out: collect("out"),
    shown: statuses(id),
    control: (control?: unknown) => inject(id, { control } as Message),
  };
}

function csv(rows: number, start = Date.UTC(2020, 0, 1)): string {
  const file = `series${n++}.csv`;
  const lines = Array.from({ length: rows }, (_, i) => `${new Date(start + i * 60_000).toISOString()},${i}`);
  writeFileSync(join(userDir, file), `timestamp,value\n${lines.join("\n")}\n`);
  return file;
}

const valuesOf = (out: readonly Message[]) => out.map(({ payload }) => payload);

test("with its defaults: the KPIs of a compressor, at the time of the clock", async () => {
  const { out } = await play(flow({ every: "100ms" }));
  await until(() => out.length >= 10, "two ticks");
  assert.deepEqual(
    out.slice(0, 5).map(({ topic, unit }) => [topic, unit]),
    [
      ["plant/compressor/temperature", "°C"],
      ["plant/compressor/pressure", "bar"],
      ["plant/compressor/vibration", "mm/s"],
      ["plant/compressor/power", "kW"],
      ["plant/compressor/filter", "mbar"],
    ],
  );
  assert.ok(Math.abs((out[0]!.timestamp as number) - Date.now()) < 2_000);
  assert.equal((out[5]!.timestamp as number) - (out[0]!.timestamp as number), 100);
});

test("the past week at once, in Frames; many copies; the same for the same seed", async () => {
  const settings = { history: "7d", every: "1h", copies: 3, kpis: "shop", series: "x", batched: true };
  const points: unknown[][] = [];
  for (let i = 0; i < 2; i++) {
    const { out } = await play(flow(settings));
    const frames = () => out.map(({ payload }) => payload as Frame);
    const rows = () => frames().reduce((sum, frame) => sum + frame.length, 0);
    await until(() => rows() >= 168 * 12, "a week");
    points.push(frames().flatMap((frame) => [...frame]));
  }
  assert.deepEqual(points[0]![0], points[1]![0]);
  const { series, tags } = points[0]![1] as { series: string; tags: object };
  assert.deepEqual([series, tags], ["x/requests", { instance: "2" }]);
});

test("a CSV file as fast as it goes, with its own times, then the end", async () => {
  const file = csv(2_500);
  const { out, shown } = await play(flow({ source: "file", file, times: "recorded", speed: "max" }));
  await until(() => out.length === 2_500, "all rows");
  assert.deepEqual(
    valuesOf(out),
    Array.from({ length: 2_500 }, (_, i) => i),
  );
  assert.equal(out[1]!.timestamp, Date.UTC(2020, 0, 1, 0, 1));
  assert.equal(out[1]!.topic, file.replace(".csv", ""));
  await until(() => shown.some(({ text }) => text.includes("ended")), "the end in the status");
});

test("a restart goes on where it was; another file begins anew", async () => {
  const settings = { source: "file", file: csv(1_000), times: "recorded", speed: 3_000 };
  const first = await play(flow(settings, "kept"));
  await until(() => first.out.length >= 10, "some rows");
  const second = await play(flow(settings, "kept"));
  const n = first.out.length;
  await until(() => second.out.length >= 5, "more rows");
  assert.deepEqual(
    valuesOf([...first.out, ...second.out]),
    Array.from({ length: n + second.out.length }, (_, i) => i),
  );
  const third = await play(flow({ ...settings, file: csv(5) }, "kept"));
  await until(() => third.out.length > 0, "the other file");
  assert.equal(third.out[0]!.payload, 0);
});

test("start, pause, resume, seek, stop, state", async () => {
  const settings = { source: "file", file: csv(1_000), times: "recorded", speed: 600, autostart: false };
  const { out, control } = await play(flow(settings));
  assert.equal(await control({ do: "start" }), undefined);
  await until(() => out.length >= 2, "rows");
  await control({ do: "pause" });
  const n = out.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(out.length, n);
  await control({ do: "seek", time: "2020-01-01T10:00:00Z" });
  await control({ do: "resume" });
  await until(() => out.length > n, "rows after the pause");
  assert.equal(out[n]!.payload, 600);
  await control({ do: "stop" });
  await control("state");
  await until(() => out.at(-1)!.topic === "state", "the state");
  assert.deepEqual(out.at(-1)!.payload, { state: "stopped", points: 0, laps: 0, recorded: null, injected: [] });
});

test("an anomaly now", async () => {
  const { out, control } = await play(flow({ every: "50ms", kpis: "custom", custom: '[{"series":"t","level":20}]' }));
  await until(() => out.length > 0, "a point");
  await control({ do: "anomaly", kind: "shift", for: "10s", size: 15 });
  await until(() => out.at(-1)!.payload === 35, "the anomaly");
  assert.match(
    (await control({ do: "anomaly", kind: "fire" }))!.message,
    /msg\.control\.kind is "fire"; allowed: spike/,
  );
  assert.match((await control({ do: "anomaly", for: "long" }))!.message, /msg\.control\.for/);
});

test("with a store: what is sent is stored, and says so", async () => {
  const store = { id: "s", type: "vigia-store", file: "replay.db", every: "50ms" };
  const nodes = flow({ source: "file", file: csv(3_000), times: "recorded", speed: "max", batched: true, store: "s" });
  const { out } = await play([...nodes, store] as never);
  const rows = () => out.reduce((sum, { payload }) => sum + (payload as Frame).length, 0);
  await until(() => rows() === 3_000, "all rows");
  const stored = out.map((msg) => msg.stored as { file: string; seq: number });
  assert.ok(stored.every(({ file, seq }, i) => file.endsWith("replay.db") && seq > (stored[i - 1]?.seq ?? 0)));
});

test("what is wrong is told: settings, commands, files", async () => {
  for (const [settings, message] of [
    [{ source: "file" }, /file is ""; allowed: path of a CSV file/],
    [{ kpis: "custom", custom: "[" }, /custom is "\["; allowed: JSON/],
    [
      { kpis: "custom", custom: '[{"series":"a","size":3}]' },
      /custom\[0\] is "size"; allowed: series, tags, unit, level/,
    ],
    [{ speed: "-1" }, /speed is "-1"; allowed: a number from 0\.001/],
  ] as const) {
    const { control } = await play(flow(settings));
    assert.match((await control({ do: "start" }))!.message, message);
  }
  const { control } = await play(flow({ autostart: false }));
  assert.match((await control())!.message, /msg\.control is undefined; allowed: an object such as \{"do":"start"\}/);
  assert.match((await control({ do: "fly" }))!.message, /msg\.control\.do is "fly"; allowed: start, stop/);
  assert.match((await control({ do: "seek", time: "soon" }))!.message, /msg\.control\.time is "soon"/);

  const gone = await play(flow({ source: "file", file: "gone.csv", autostart: false }));
  await gone.control({ do: "start" });
  await until(() => gone.shown.some(({ fill, text }) => fill === "red" && text.includes("failed")), "a red status");
  assert.match((await gone.control({ do: "anomaly" }))!.message, /only be added to synthetic/);
});
