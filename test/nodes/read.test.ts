import assert from "node:assert/strict";
import { test } from "node:test";
import { isFrame } from "../../lib/points/frame.ts";
import type { Point } from "../../lib/points/point.ts";
import type { Message } from "../../lib/points/reader.ts";
import { deploy, until, withRuntime } from "./runtime.ts";

withRuntime();

const STORE = "5700000000000002";
const at = (text: string) => Date.parse(text);
const HOUR = 3_600_000;

type Settings = Record<string, unknown>;

const flow = (file: string, read: Settings = {}) => [
  { id: STORE, type: "vigia-store", file, every: "20ms" },
  { id: "w", type: "vigia-write", store: STORE, wires: [[], ["answers"]] },
  { id: "answers", type: "helper" },
  { id: "r", type: "vigia-read", version: 2, store: STORE, ...read, wires: [["out"]] },
  { id: "out", type: "helper" },
];

async function start(file: string, read: Settings = {}, points: Point[] = []) {
  const { inject, collect, statuses, node } = await deploy(flow(file, read));
  if (points.length > 0) assert.equal(await inject("w", { payload: points }), undefined);
  const out = collect("out");
  return {
    inject,
    out,
    node,
    shown: statuses("r"),
    ask: async (msg: Message = {}): Promise<Message> => {
      const before = out.length;
      assert.equal(await inject("r", msg), undefined);
      await until(() => out.length > before, "an answer");
      return out.at(-1)!;
    },
  };
}

/** A value each hour of two days around the end of summer time: 23:00 to 23:00 UTC are 25 + 24 local hours. */
const AUTUMN: Point[] = Array.from({ length: 49 }, (_, hour) => ({
  series: "p/t",
  time: at("2026-10-24T22:00Z") + hour * HOUR,
  value: hour,
  tags: { site: "x" },
  unit: "°C",
}));
const OCTOBER = { mode: "buckets", from: "2026-10-24T22:00Z", to: "2026-10-26T22:59:59Z", zone: "Europe/Madrid" };

test("days of 25 hours and of 24, as points with tags that say what they are", async () => {
  const { ask } = await start("days.db", { ...OCTOBER, every: "1d", aggregates: "mean, count" }, AUTUMN);
  const tags = (agg: string) => ({ site: "x", agg, window: "1d" });
  const [first, second] = [at("2026-10-24T22:00Z"), at("2026-10-25T23:00Z")];
  assert.deepEqual((await ask()).payload, [
    { series: "p/t", time: first, value: 12, tags: tags("mean"), unit: "°C" },
    { series: "p/t", time: second, value: 36.5, tags: tags("mean"), unit: "°C" },
    { series: "p/t", time: first, value: 25, tags: tags("count") },
    { series: "p/t", time: second, value: 24, tags: tags("count") },
  ]);
});

test("the day of 23 hours, as rows; empty buckets are gaps or left out", async () => {
  const hours = Array.from({ length: 23 }, (_, hour) => ({
    series: "s",
    time: at("2026-03-28T23:00Z") + hour * HOUR,
    value: 1,
  }));
  const spring = { mode: "buckets", from: "2026-03-28T12:00Z", to: "2026-03-29T12:00Z", zone: "Europe/Madrid" };
  const { ask } = await start("spring.db", { ...spring, every: "1d", aggregates: "sum,p50", output: "rows" }, hours);
  const row = { series: "s", time: at("2026-03-28T23:00Z"), sum: 23, p50: 1 };
  assert.deepEqual((await ask()).payload, [{ series: "s", time: at("2026-03-27T23:00Z"), sum: null, p50: null }, row]);
  assert.deepEqual((await ask({ payload: { fill: "none" } })).payload, [row]);
});

test("hours, parts of a day, weeks, months", async () => {
  const { ask } = await start("grids.db", { ...OCTOBER, aggregates: "count", output: "rows" }, AUTUMN);
  const counts = async (every: string) =>
    ((await ask({ payload: { every } })).payload as { count: number }[]).map(({ count }) => count);
  assert.deepEqual(await counts("1h"), new Array(49).fill(1));
  assert.deepEqual(await counts("6h"), [7, 6, 6, 6, 6, 6, 6, 6]);
  assert.deepEqual(await counts("1w"), [25, 24]);
  assert.deepEqual(await counts("1mo"), [49]);
});

test("every output, of points and of buckets", async () => {
  const points = [1, 2, 3].map((value) => ({ series: "a", time: at("2026-01-01") + value, value }));
  const range = { mode: "range", from: "2026-01-01", to: "2026-01-02", aggregates: "max, mean", every: "1d" };
  const expected = points.map(({ time, value }) => [time, value]);
  for (const output of ["points", "rows", "frame", "messages", "chart"]) {
    const { ask, out } = await start("outputs.db", { ...range, output }, points);
    const { payload, topic, action } = await ask({ topic: "question", req: {} });
    if (output === "frame") assert.ok(isFrame(payload));
    if (output === "points" || output === "rows" || output === "frame") {
      const got = Array.from(payload as Iterable<Point>, ({ time, value }) => [time, value]);
      assert.deepEqual(got, expected, output);
    }
    if (output === "chart") {
      assert.deepEqual(
        payload,
        points.map(({ time, value }) => ({ x: time, y: value, series: "a" })),
      );
      assert.equal(action, "replace");
      assert.equal("req" in out.at(-1)!, false, "the chart keeps the message with each row");
    } else if (output === "messages") {
      await until(() => out.length === 3, "a message each");
      assert.deepEqual(
        out.map((msg) => [msg.timestamp, msg.payload]),
        expected,
      );
    } else assert.equal(topic, "question");
    out.length = 0;
    const { payload: days } = await ask({ payload: { mode: "buckets", to: "2026-01-01T23:00Z" } });
    const day = at("2026-01-01");
    if (output === "messages") {
      await until(() => out.length === 2, "two aggregates");
      assert.deepEqual(
        out.map(({ payload: value, tags }) => [value, (tags as { agg: string }).agg]),
        [
          [3, "max"],
          [2, "mean"],
        ],
      );
    } else if (output === "chart") {
      assert.deepEqual(days, [
        { x: day, y: 3, series: "a max" },
        { x: day, y: 2, series: "a mean" },
      ]);
    } else if (output === "rows") assert.deepEqual(days, [{ series: "a", time: day, max: 3, mean: 2 }]);
    else {
      const got = Array.from(days as Iterable<Point>, ({ value, tags }) => [value, tags!.agg, tags!.window]);
      assert.deepEqual(got, [
        [3, "max", "1d"],
        [2, "mean", "1d"],
      ]);
    }
  }
});

test("a chart gets few rows of many points, with their peaks, and says when that cannot be", async () => {
  const n = 20_000;
  const points = Array.from({ length: n }, (_, i) => ({
    series: `s/${i % 2}`,
    time: at("2026-01-01") + i * 1_000,
    value: i === 9_000 ? 1_000 : i % 7,
  }));
  const { ask, inject } = await start("chart.db", { mode: "range", from: "2026-01-01", output: "chart" }, points);
  const rows = (await ask()).payload as { x: number; y: number; series: string }[];
  assert.ok(rows.length > 500 && rows.length <= 2_000, `${rows.length} rows`);
  assert.ok(
    rows.some(({ y }) => y === 1_000),
    "the peak is there",
  );
  assert.deepEqual([...new Set(rows.map(({ series }) => series))], ["s/0", "s/1"]);
  assert.deepEqual((await ask({ payload: { series: "nothing" } })).payload, [], "which clears the chart");
  const many = await inject("r", { query: { mode: "buckets", every: "5s", to: "2026-01-01T05:00Z" } });
  assert.equal(many?.code, "too-many-rows");
  assert.match(many!.message, /rows of the chart is 7202; allowed: 2000/);
});

test("messages ask otherwise, and the last one to say something counts", async () => {
  const T = at("2026-01-01");
  const points = ["a/1", "a/2", "b/1"].flatMap((series) =>
    [0, 1, 2, 3].map((i) => ({ series, time: T + i * HOUR, value: i, tags: { line: series.slice(-1) } })),
  );
  const { ask } = await start("ask.db", { mode: "range", series: "a/#", from: "2026-01-01", to: "2026-01-02" }, points);
  const got = async (msg: Message) =>
    ((await ask(msg)).payload as Point[]).map(({ series, value }) => `${series}=${value}`).join(" ");
  assert.equal(await got({}), "a/1=0 a/1=1 a/1=2 a/1=3 a/2=0 a/2=1 a/2=2 a/2=3");
  assert.equal(await got({ payload: { series: "b/1, a/2", limit: 1 } }), "a/2=3 b/1=3");
  assert.equal(await got({ payload: { series: ["b/1", "a/2"], limit: 1, take: "oldest" } }), "a/2=0 b/1=0");
  assert.equal(await got({ payload: { series: "#", tags: "line=2" }, from: T + 3 * HOUR }), "a/2=3");
  assert.equal(await got({ from: new Date(T), to: "2026-01-01T00:30:00Z" }), "a/1=0 a/2=0");
  assert.equal(await got({ to: T + 3 * HOUR, range: "1h", query: { series: "b/+" } }), "b/1=2 b/1=3");
  assert.equal(
    await got({ payload: { series: "b/#", from: T + HOUR }, from: T + 2 * HOUR, query: { from: T + 3 * HOUR } }),
    "b/1=3",
  );
  assert.equal(await got({ payload: { mode: "last" } }), "a/1=3 a/2=3");
  assert.equal(await got({ payload: { series: "b/#", time: T, value: 1 } }), await got({}), "a point asks for nothing");
});

test("a snapshot is read as it was", async () => {
  const T = at("2026-01-01");
  const { ask, inject } = await start("then.db", { mode: "range", from: "2026-01-01" }, [
    { series: "a", time: T, value: 1 },
  ]);
  assert.equal(await inject("w", { control: { do: "snapshot", name: "before" } }), undefined);
  assert.equal(await inject("w", { payload: [{ series: "a", time: T, value: 2 }] }), undefined);
  const value = async (query: object) => ((await ask({ query })).payload as Point[])[0]!.value;
  assert.equal(await value({}), 2);
  assert.equal(await value({ asOf: "before" }), 1);
  assert.equal(await value({ asOf: "before", mode: "last" }), 1);
  const unknown = await inject("r", { query: { asOf: "never" } });
  assert.match(unknown!.message, /snapshot is "never"; allowed: before/);
});

test("what makes no sense is refused with field, value and what is allowed", async () => {
  const { inject } = await start("wrong.db");
  const wrong: [Message, RegExp][] = [
    [{ payload: { mode: "all" } }, /^msg\.payload\.mode is "all"; allowed: last, range, buckets$/],
    [{ payload: { mode: "range", limit: 0 } }, /^msg\.payload\.limit is 0; allowed: a whole number from 1 to/],
    [{ query: { mode: "buckets", every: "often" } }, /^msg\.query\.every is "often"; allowed: .*"1mo"/],
    [
      { query: { mode: "buckets", aggregates: "mean, median" } },
      /^msg\.query\.aggregates is "median"; allowed: mean, /,
    ],
    [{ query: { mode: "buckets", fill: "zero" } }, /^msg\.query\.fill is "zero"; allowed: null, none$/],
    [{ query: { mode: "buckets", zone: "Mars" } }, /^msg\.query\.zone is "Mars"; allowed: a zone/],
    [{ query: { mode: "range" }, from: "soon" }, /^msg\.from is "soon"; allowed: milliseconds/],
    [
      { query: { mode: "range", from: "2026-02-01", to: "2026-01-01" } },
      /^msg\.query\.from is .*; allowed: a time up to 2026-01-01T/,
    ],
    [{ query: { series: "a/#/b" } }, /^msg\.query\.series is "a\/#\/b"; allowed: /],
    [{ payload: { tags: 5 } }, /^msg\.payload\.tags is 5; allowed: /],
    [{ query: "all" }, /^msg\.query is "all"; allowed: an object/],
    [{ control: { do: "go" } }, /^msg\.control\.do is "go"; allowed: next, stop, reset$/],
  ];
  for (const [msg, expected] of wrong) assert.match((await inject("r", msg))?.message ?? "nothing", expected);
});

test("bad settings stay on the canvas with the reason", async () => {
  for (const [settings, expected] of [
    [{ mode: "sometimes" }, /mode is "sometimes"/],
    [{ from: "soon" }, /from is "soon"/],
    [{ every: "5x" }, /every is "5x"/],
    [{ aggregates: "stddev" }, /aggregates is "stddev"/],
    [{ pieceRows: -1 }, /pieceRows is -1/],
    [{ version: 3 }, /newer release/],
  ] as const) {
    const { inject } = await deploy(flow("settings.db", settings));
    assert.match((await inject("r", {}))?.message ?? "nothing", expected);
  }
});

test("flows of the first release go on as they were", async () => {
  const points = [1, 2].map((value) => ({ series: "a", time: at("2026-01-01") + value, value }));
  const old = { version: 1, mode: "range", range: "10000d" };
  const rows = await start("old.db", { ...old, output: "rows" }, points);
  assert.deepEqual((await rows.ask()).payload, points);
  const each = await start("old.db", { ...old, output: "points" });
  await each.ask();
  await until(() => each.out.length === 2, "a message each");
  assert.deepEqual(
    each.out.map(({ payload }) => payload),
    [1, 2],
  );
  const batched = await start("old.db", { ...old, output: "rows", batched: true });
  assert.ok(isFrame((await batched.ask()).payload));
});

test("only news: nothing is sent twice, also not after a restart; asked for anew, it is", async () => {
  const T = at("2026-01-01");
  const settings = { mode: "buckets", from: "2026-01-01", to: "2026-01-02", every: "1h", onlyChanged: true };
  const first = await start("news.db", settings, [{ series: "a", time: T, value: 1 }]);
  const quiet = async ({ inject, out, shown }: typeof first, msg: Message = {}) => {
    const before = out.length;
    assert.equal(await inject("r", msg), undefined);
    await until(() => shown.at(-1)?.text.includes("up-to-date"), "the status");
    assert.equal(out.length, before);
  };
  await first.ask();
  await quiet(first);
  await first.ask({ query: { aggregates: "max" } });
  await first.ask();
  const second = await start("news.db", settings);
  await quiet(second);
  assert.equal(await second.inject("w", { payload: [{ series: "a", time: T, value: 2 }] }), undefined);
  await second.ask();
  await quiet(second);
  assert.equal(await second.inject("r", { control: { do: "reset" } }), undefined);
  await second.ask();
});

/** 200 000 points: a long series, and many short ones. */
async function fill(inject: (id: string, msg: Message) => Promise<unknown>): Promise<void> {
  for (let part = 0; part < 10; part++) {
    const payload = Array.from({ length: 20_000 }, (_, i) => {
      const n = part * 20_000 + i;
      return { series: n < 150_000 ? "long" : `short/${n % 500}`, time: at("2026-01-01") + n * 1_000, value: n };
    });
    assert.equal(await inject("w", { payload }), undefined);
  }
}

test("200 000 points come in pieces, each at most as long as set, none lost, with parts that join understands", async () => {
  const { inject, collect, node } = await deploy(
    [
      ...flow("pieces.db").slice(0, 3),
      {
        id: "r",
        type: "vigia-read",
        version: 2,
        store: STORE,
        mode: "range",
        from: "2026-01-01",
        pieceRows: 7_000,
        wires: [["out", "j"]],
      },
      { id: "out", type: "helper" },
      { id: "j", type: "join", mode: "auto", wires: [["whole"]] },
      { id: "whole", type: "helper" },
    ],
    {},
    { core: ["sequence/17-split"] },
  );
  await fill(inject);
  const sizes: number[] = [];
  let parts: { index: number; count?: number }[] = [];
  node("out").on("input", (msg) => {
    sizes.push((msg.payload as unknown[]).length);
    parts.push((msg as Message).parts as never);
  });
  const whole = collect("whole");
  assert.equal(await inject("r", {}), undefined);
  await until(() => whole.length === 1, "the joined answer", 20_000);
  assert.equal(Math.max(...sizes), 7_000);
  assert.equal(sizes.length, Math.ceil(200_000 / 7_000));
  assert.equal(
    sizes.reduce((sum, size) => sum + size),
    200_000,
  );
  assert.deepEqual(
    parts.map(({ index }) => index),
    [...sizes.keys()],
  );
  assert.deepEqual(parts.map(({ count }) => count).filter(Boolean), [sizes.length]);
  const values = (whole[0]!.payload as Point[]).map(({ value }) => value!);
  assert.equal(new Set(values).size, 200_000);

  parts = [];
  sizes.length = 0;
  const buckets = {
    mode: "buckets",
    every: "10m",
    from: "2026-01-01",
    to: "2026-01-03T07:00:00Z",
    aggregates: "count",
  };
  assert.equal(await inject("r", { query: buckets }), undefined);
  await until(() => whole.length === 2, "the joined buckets", 20_000);
  assert.ok(Math.max(...sizes) <= 7_000);
  const counts = (whole[1]!.payload as Point[]).map(({ value }) => value!);
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    198_600,
  );
});

test("with a handshake a piece waits for the flow; stop ends the answer, the next question follows", async () => {
  const { inject, out, node } = await start("pace.db", {
    mode: "range",
    from: "2026-01-01",
    pieceRows: 10,
    handshake: true,
  });
  const payload = Array.from({ length: 35 }, (_, i) => ({ series: "a", time: at("2026-01-01") + i, value: i }));
  assert.equal(await inject("w", { payload }), undefined);
  node("r").receive({ topic: "first" } as never);
  node("r").receive({ topic: "second" } as never);
  await until(() => out.length === 1, "a piece");
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(out.length, 1, "the second one waits");
  node("r").receive({ control: { do: "next" } } as never);
  await until(() => out.length === 2, "the second piece");
  node("r").receive({ control: { do: "stop" } } as never);
  await until(() => out.length === 3, "the next answer");
  assert.deepEqual(
    out.map(({ topic }) => topic),
    ["first", "first", "second"],
  );
  for (let i = 0; i < 3; i++) {
    node("r").receive({ control: { do: "next" } } as never);
    await until(() => out.length === 4 + i, "a piece");
  }
  assert.deepEqual(
    out.map(({ parts }) => (parts as { count?: number }).count),
    [undefined, undefined, undefined, undefined, undefined, 4],
  );
});

test("a deploy in the middle of a long answer does not wait for the flow", async () => {
  const { inject, out, node } = await start("close.db", {
    mode: "range",
    from: "2026-01-01",
    pieceRows: 1,
    handshake: true,
  });
  const payload = [1, 2, 3].map((value) => ({ series: "a", time: at("2026-01-01") + value, value }));
  assert.equal(await inject("w", { payload }), undefined);
  node("r").receive({} as never);
  await until(() => out.length === 1, "a piece");
  const before = performance.now();
  await deploy([]);
  assert.ok(performance.now() - before < 5_000);
});
