import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FrameBuilder } from "../../lib/points/frame.ts";
import type { Point } from "../../lib/points/point.ts";
import type { Message } from "../../lib/points/reader.ts";
import { SeriesTable } from "../../lib/points/series.ts";
import { openStore } from "../../lib/store/open.ts";
import { deploy, until, userDir, withRuntime } from "./runtime.ts";

withRuntime();

const STORE = "5700000000000003";
const T = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;

const flow = (file: string, store: object = {}, write: object = {}) => [
  { id: STORE, type: "vigia-store", file, every: "20ms", ...store },
  { id: "w", type: "vigia-write", store: STORE, ...write, wires: [["stored"], ["answers"], ["kpis"]] },
  { id: "stored", type: "helper" },
  { id: "answers", type: "helper" },
  { id: "kpis", type: "helper" },
  { id: "r", type: "vigia-read", version: 2, store: STORE, mode: "range", range: "10000d", wires: [["out"]] },
  { id: "out", type: "helper" },
];

async function start(file: string, store: object = {}, write: object = {}) {
  const runtime = await deploy(flow(file, store, write));
  const { inject, collect } = runtime;
  const [stored, answers, kpis, out] = ["stored", "answers", "kpis", "out"].map(collect) as [
    Message[],
    Message[],
    Message[],
    Message[],
  ];
  async function answerTo<T>(id: string, msg: Message, got: Message[]): Promise<T> {
    const before = got.length;
    assert.equal(await inject(id, msg), undefined);
    await until(() => got.length > before, "an answer");
    return got.at(-1)!.payload as T;
  }
  return {
    ...runtime,
    stored,
    answers,
    kpis,
    put: async (...points: Point[]) => assert.equal(await inject("w", { payload: points }), undefined),
    command: <T>(control: object) => answerTo<T>("w", { control }, answers),
    read: (query: object = {}) => answerTo<Point[]>("r", { query }, out),
  };
}

const point = (value: number, series = "a", time = T): Point => ({ series, time, value });
const values = (points: Point[]) => points.map(({ value }) => value);

test("a backup is written while all goes on, and brought back", async () => {
  const { command, put, read, inject, answers, stored } = await start("backup.db");
  await put(point(1));
  const file = join(userDir, "copies.db");
  assert.deepEqual(await command({ do: "backup", file: "copies.db" }), { file });
  assert.ok(existsSync(file), "relative names lie in the user folder");
  await put(point(2), point(3, "b"));
  assert.deepEqual(values(await read()), [2, 3]);
  assert.deepEqual(await command({ do: "restore", file }), { file });
  assert.deepEqual(values(await read()), [1]);
  await put(point(4, "c"));
  assert.deepEqual(values(await read()), [1, 4], "goes on after it");
  assert.deepEqual(
    answers.map(({ topic, control }) => [topic, control]),
    [
      ["backup", undefined],
      ["restore", undefined],
    ],
  );
  assert.equal(stored.length, 3, "answers are no stored points");
  const missing = await inject("w", { control: { do: "restore", file: "nowhere.db" } });
  assert.equal(missing?.code, "no-backup");
  assert.match(missing!.message, /backup file is ".*nowhere\.db"; allowed: /);
});

test("snapshots are made, listed and dropped", async () => {
  const { command, put, read, inject } = await start("snapshots.db");
  await put(point(1));
  assert.deepEqual(await command({ do: "snapshot", name: "before" }), { name: "before" });
  await put(point(2));
  const list = await command<{ name: string; at: number }[]>({ do: "snapshots" });
  assert.deepEqual(
    list.map(({ name }) => name),
    ["before"],
  );
  assert.deepEqual(values(await read({ asOf: "before" })), [1]);
  assert.equal((await inject("w", { control: { do: "snapshot", name: "before" } }))?.code, "snapshot-exists");
  assert.deepEqual(await command({ do: "drop-snapshot", name: "before" }), { name: "before" });
  assert.deepEqual(await command({ do: "snapshots" }), []);
  assert.equal((await inject("w", { control: { do: "drop-snapshot", name: "before" } }))?.code, "no-snapshot");
});

test("points are deleted by series, tags and time; never all of them by an oversight", async () => {
  const { command, put, read, inject } = await start("delete.db");
  await put(point(1), point(2, "a", T + DAY), point(3, "b/1"), point(4, "b/2"), { ...point(5, "t"), tags: { x: "1" } });
  assert.deepEqual(await command({ do: "delete", series: "a", to: "2026-01-01T12:00Z" }), { deleted: 1 });
  assert.deepEqual(await command({ do: "delete", series: ["b/1"] }), { deleted: 1 });
  assert.deepEqual(await command({ do: "delete", tags: "x=1" }), { deleted: 1 });
  assert.deepEqual(values(await read()), [2, 4]);
  for (const all of [{}, { series: "#" }, { series: "", tags: {} }, { series: ["a", "#"], all: "no" }]) {
    const refused = await inject("w", { control: { do: "delete", ...all } });
    assert.match(refused!.message, /^msg\.control is .*; allowed: a delete with series, tags, from or to; all: true/);
  }
  assert.deepEqual(await command({ do: "delete", all: true }), { deleted: 2 });
  assert.deepEqual(await read(), []);
});

test("the store is checked and says how it is", async () => {
  const { command, put } = await start("check.db");
  await put(point(1), point(2, "b"));
  const { ok, problems } = await command<{ ok: boolean; problems: string[] }>({ do: "check" });
  assert.deepEqual([ok, problems], [true, []]);
  const { series, points, bytes } = await command<{ series: number; points: number; bytes: number }>({ do: "state" });
  assert.deepEqual([series, points], [2, 2]);
  assert.ok(bytes > 0);
});

test("commands that make no sense are refused with field, value and what is allowed", async () => {
  const { inject } = await start("commands.db");
  const wrong: [object, RegExp][] = [
    [
      { do: "burn" },
      /^msg\.control\.do is "burn"; allowed: backup, restore, snapshot, snapshots, drop-snapshot, delete, check, state$/,
    ],
    [{ do: "backup" }, /^msg\.control\.file is undefined; allowed: the name of a file/],
    [{ do: "snapshot", name: " " }, /^msg\.control\.name is " "; allowed: the name of a snapshot$/],
    [{ do: "delete", from: "soon" }, /^msg\.control\.from is "soon"; allowed: milliseconds/],
    [{ do: "delete", series: "a/#/b" }, /^msg\.control\.series is "a\/#\/b"; allowed: a series name/],
    [{ do: "delete", tags: 5 }, /^msg\.control\.tags is 5; allowed: /],
  ];
  for (const [control, expected] of wrong)
    assert.match((await inject("w", { control }))?.message ?? "nothing", expected);
});

test("without policies everything stays, exactly; with them as they say, the first that fits", async () => {
  const now = Date.now();
  const policies = [
    { series: "raw/#" },
    { series: "#", tags: "kind=rough; site=*", precision: "1", resolution: "1m" },
    { series: "#", keep: "30d", "5m": "0s", "1h": "0s", "1d": "5y", precision: "float32" },
  ];
  const { put, read } = await start("policies.db", { policies });
  const tags = { kind: "rough", site: "x" };
  const minute = Math.floor(now / 60_000) * 60_000;
  await put(point(0.1234, "raw/a", now), { ...point(0.1234, "b", minute + 30_000), tags }, point(0.1, "c", now));
  const [b, c, a] = await read();
  assert.deepEqual([a?.value, a?.time], [0.1234, now]);
  assert.deepEqual([b?.value, b?.time], [0.1, minute]);
  assert.deepEqual([c?.value, c?.time], [Math.fround(0.1), now]);
});

test("bad policies are refused by row", async () => {
  for (const [policies, expected] of [
    [[{}, { series: "a/#/b" }], /policies\[1\]\.series is "a\/#\/b"/],
    [[{ keep: "long" }], /policies\[0\]\.keep is "long"; allowed: a number with ms/],
    [[{ "5m": "1y" }], /policies\[0\]\.5m is "1y"; allowed: nothing, as long as points are kept for good/],
    [[{ precision: "10" }], /policies\[0\]\.precision is "10"; allowed: exact, float32 or digits/],
    [[{ tags: "site" }], /policies\[0\]\.tags is "site"; allowed: name=value/],
  ] as const) {
    const { inject } = await deploy(flow("rows.db", { policies }));
    assert.match((await inject(STORE, {}))?.message ?? "nothing", expected);
  }
});

test("only read: what another runtime writes is seen, nothing is written", async () => {
  const table = new SeriesTable();
  const writer = await openStore({ file: join(userDir, "shared.db"), commitEvery: 1 });
  const append = (value: number) => {
    const built = new FrameBuilder();
    built.add(table.ref("a"), T + value, value);
    return writer.append(built.take());
  };
  await append(1);
  const { inject, read } = await start("shared.db", { readOnly: true });
  assert.deepEqual(values(await read()), [1]);
  await append(2);
  assert.deepEqual(values(await read()), [1, 2]);
  assert.equal((await inject("w", { topic: "a", payload: 2 }))?.code, "store-read-only");
  assert.equal((await inject("w", { control: { do: "delete", series: "a" } }))?.code, "store-read-only");
  await writer.close();
});

test("its own KPIs are points, when asked for", async () => {
  const { put, kpis } = await start("kpis.db", { name: "plant/#1" }, { kpis: true, every: "1s" });
  await put(point(1), point(2, "b"));
  await until(() => kpis.length >= 2, "two rounds of KPIs");
  const { topic, payload } = kpis[0]!;
  assert.equal(topic, "vigia/store/plant-1");
  const points = payload as Point[];
  assert.deepEqual(
    points.map(({ series, unit }) => [series.replace("vigia/store/plant-1/", ""), unit]),
    [
      ["points-per-second", "1/s"],
      ["commits-per-second", "1/s"],
      ["waiting", "points"],
      ["bytes", "B"],
      ["series", "series"],
      ["points", "points"],
    ],
  );
  const latest = kpis.at(-1)!.payload as Point[];
  assert.deepEqual(
    latest.slice(4).map(({ value }) => value),
    [2, 2],
  );
  assert.ok(
    kpis.some((msg) => (msg.payload as Point[])[0]!.value! > 0),
    "the two points count in one of them",
  );
});
