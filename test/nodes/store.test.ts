import assert from "node:assert/strict";
import { test } from "node:test";
import type { Point } from "../../lib/points/point.ts";
import { deploy, until, withRuntime } from "./runtime.ts";

withRuntime();

const T = Date.UTC(2026, 0, 1);
const flow = (file: string) => [
  { id: "5700000000000001", type: "vigia-store", file, every: "20ms" },
  { id: "w", type: "vigia-write", store: "5700000000000001", wires: [["stored"]] },
  { id: "stored", type: "helper" },
  { id: "r", type: "vigia-read", store: "5700000000000001", wires: [["out"]] },
  { id: "out", type: "helper" },
];

test("what was written is there after a restart, once, and read by pattern, tags and range", async () => {
  const first = await deploy(flow("a.db"));
  const stored = first.collect("stored");
  for (let i = 0; i < 3; i++) {
    for (let twice = 0; twice < 2; twice++) {
      assert.equal(
        await first.inject("w", { topic: "p/t", payload: i, timestamp: T + i, tags: { site: "x" }, unit: "°C" }),
        undefined,
      );
    }
  }
  await first.inject("w", { topic: "p", payload: { a: 1, b: null, c: "text" }, timestamp: T });
  await until(() => stored.length === 7, "seven stored messages");
  assert.ok((stored[0]!.stored as { seq: number }).seq > 0);

  const second = await deploy(flow("a.db"));
  const out = second.collect("out");
  const ask = async (query: object): Promise<Point[]> => {
    const before = out.length;
    assert.equal(await second.inject("r", { query }), undefined);
    await until(() => out.length > before, "an answer");
    return out.at(-1)!.payload as Point[];
  };
  assert.deepEqual(await ask({ mode: "range", series: "p/t", from: T, to: T + 1 }), [
    { series: "p/t", time: T, value: 0, tags: { site: "x" }, unit: "°C" },
    { series: "p/t", time: T + 1, value: 1, tags: { site: "x" }, unit: "°C" },
  ]);
  assert.deepEqual(
    (await ask({ series: "p/+" })).map(({ series, value }) => [series, value]),
    [
      ["p/a", 1],
      ["p/b", null],
      ["p/t", 2],
    ],
  );
  assert.deepEqual(
    (await ask({ tags: { site: "x" } })).map(({ value }) => value),
    [2],
  );
  assert.deepEqual(await ask({ series: "nothing" }), []);
});

test("questions that make no sense are answered with the reason", async () => {
  const { inject } = await deploy(flow("b.db"));
  assert.match(
    (await inject("r", { query: { mode: "all" } }))!.message,
    /msg\.query\.mode is "all"; allowed: last, range/,
  );
  assert.match((await inject("r", { query: { mode: "range", from: "soon" } }))!.message, /msg\.query\.from is "soon"/);
  assert.match((await inject("r", { query: { series: "a/#/b" } }))!.message, /series is "a\/#\/b"/);
  assert.match((await inject("w", { payload: 1 }))!.message, /msg\.topic is undefined/);
});

test("without a store, or with a file that cannot be, the flow lives and says why", async () => {
  const missing = await deploy([{ id: "w", type: "vigia-write", wires: [] }]);
  assert.equal((await missing.inject("w", { topic: "a", payload: 1 }))?.code, "no-store");
  const bad = await deploy(flow("/dev/null/points.db"));
  assert.equal((await bad.inject("r", {}))?.code, "store-unwritable");
  const [store, ...others] = flow("c.db");
  const wrong = await deploy([{ ...store!, every: "soon" }, ...others]);
  assert.match((await wrong.inject("w", { topic: "a", payload: 1 }))!.message, /every is "soon"/);
});
