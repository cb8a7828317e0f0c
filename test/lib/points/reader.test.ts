import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameBuilder } from "../../../lib/points/frame.ts";
import { pointMessage } from "../../../lib/points/messages.ts";
import type { Point } from "../../../lib/points/point.ts";
import { Reader } from "../../../lib/points/reader.ts";
import { SeriesTable } from "../../../lib/points/series.ts";
import {
  assertComplaint,
  essence,
  essenceOf,
  NOW,
  nameArb,
  readAll,
  StandingClock,
  tagsArb,
  timeArb,
  valueArb,
} from "./helpers.ts";

const RESERVED = ["series", "time", "timestamp", "value", "unit", "tags"];

/** Values of one device at one time: what all forms of the contract can say. */
const deviceArb = fc.record({
  topic: nameArb,
  tags: tagsArb,
  unit: fc.option(nameArb, { nil: undefined }),
  time: timeArb,
  values: fc.uniqueArray(
    fc.tuple(
      nameArb.filter((key) => !RESERVED.includes(key)),
      valueArb,
    ),
    {
      minLength: 1,
      maxLength: 6,
      selector: ([key]) => key,
    },
  ),
});

test("the same points in every form", () => {
  fc.assert(
    fc.property(deviceArb, ({ topic, tags, unit, time, values }) => {
      const about = { ...(tags && { tags }), ...(unit !== undefined && { unit }) };
      const points: Point[] = values.map(([key, value]) => ({ series: `${topic}/${key}`, time, value, ...about }));
      const table = new SeriesTable();
      const builder = new FrameBuilder(1);
      for (const { series, value } of points) builder.add(table.ref(series, tags, unit), time, value ?? Number.NaN);
      const frame = builder.take();
      const expected = essenceOf(frame);

      const forms: Record<string, object[]> = {
        value: points.map(({ series, value }) => ({ topic: series, payload: value, timestamp: time, ...about })),
        text: points.map(({ series, value }) => ({
          topic: series,
          payload: String(value ?? "NaN"),
          timestamp: new Date(time).toISOString(),
          ...about,
        })),
        point: points.map((payload) => ({ payload })),
        points: [{ payload: points }],
        "points that take all but their value from the message": points.map(({ series, value }) => ({
          topic: series,
          payload: [{ value }],
          timestamp: new Date(time),
          ...about,
        })),
        object: [{ topic, payload: Object.fromEntries(values), timestamp: time, ...about }],
        "object that says all by itself": [
          { payload: { ...Object.fromEntries(values), series: topic, time, ...about } },
        ],
        frame: [{ payload: frame }],
        "frame in JSON": [{ payload: JSON.parse(JSON.stringify(frame)) }],
        "rows of a frame": [{ payload: Array.from(frame) }],
        "messages of a frame": points.map((_, row) => pointMessage(frame.ref(row), time, frame.values[row]!)),
      };
      for (const [form, messages] of Object.entries(forms)) {
        const visited = messages.flatMap((msg) => {
          const reading = readAll(msg as never);
          assert.equal(reading.error?.message, undefined, form);
          assert.equal(reading.points, reading.visited.length);
          return reading.visited;
        });
        assert.deepEqual(essence(visited), expected, form);
      }
    }),
    { numRuns: 200 },
  );
});

test("each form by its name", () => {
  const frame = new FrameBuilder().take();
  for (const [payload, form] of [
    [1, "value"],
    ["on", "value"],
    [{ value: 1 }, "point"],
    [[{ value: 1 }], "points"],
    [[], "points"],
    [{ a: 1 }, "object"],
    [frame, "frame"],
  ] as const) {
    const reading = readAll({ topic: "t", payload });
    assert.equal(reading.form, form);
    assert.equal(reading.error, undefined);
  }
});

test("`frame` hands a Frame on as it is and gathers every other form", () => {
  const reader = new Reader(new StandingClock());
  const { frame } = reader.frame({ topic: "t", payload: { a: 1, b: null }, timestamp: NOW });
  assert.deepEqual(
    [...frame],
    [
      { series: "t/a", time: NOW, value: 1 },
      { series: "t/b", time: NOW, value: null },
    ],
  );
  assert.equal(reader.frame({ payload: frame }).frame, frame);
});

test("values: numbers, booleans, numeric texts, states of any case, gaps", () => {
  const value = (payload: unknown) =>
    readAll({ topic: "t", payload }, { states: { Warm: 2.5, up: 7 } }).visited[0]?.value;
  for (const [payload, expected] of [
    [true, 1],
    [false, 0],
    [" -1.5e3 ", -1500],
    ["+.5", 0.5],
    ["5.", 5],
    ["ON", 1],
    [" offline ", 0],
    ["WARM", 2.5],
    ["up", 7],
    ["inf", Infinity],
    ["-Infinity", -Infinity],
    [Infinity, Infinity],
    [null, Number.NaN],
    ["nan", Number.NaN],
  ]) {
    assert.deepEqual(value(payload), expected, String(payload));
  }
  for (const payload of [
    "warmer",
    "",
    " ",
    "0x10",
    "1,5",
    "1_000",
    "toString",
    "__proto__",
    Number.NaN,
    1n,
    undefined,
  ]) {
    assert.equal(value(payload), undefined, String(payload));
  }
});

test("an object's keys that are no numbers are skipped and counted; bad names are told, the others read", () => {
  const reading = readAll({ topic: "t", payload: { a: 1, note: "warm", list: [1], "b\n": 2, c: "3" }, timestamp: NOW });
  assert.deepEqual(
    reading.visited.map(({ key, value, row }) => [key, value, row]),
    [
      ["t/a", 1, 0],
      ["t/c", 3, 4],
    ],
  );
  assert.deepEqual([reading.points, reading.skipped, reading.rejected], [2, 2, 1]);
  assert.match(reading.error!.message, /^msg\.payload \(a name\) is "t\/b\\n"; allowed: /);
  // Without a topic the keys are the names.
  assert.equal(readAll({ payload: { a: 1 } }).visited[0]!.key, "a");
});

test("an object in an object is not guessed at, and an object of no numbers at all is an error", () => {
  const { error } = readAll({ topic: "t", payload: { a: { b: 1 } } });
  assert.equal(error?.code, "bad-payload");
  assertComplaint(error);
});

test("good points beside bad ones are read, and every bad one is told", () => {
  const told: [string | undefined, number][] = [];
  const rows: number[] = [];
  const reading = new Reader(new StandingClock()).read(
    {
      topic: "t",
      payload: [
        { value: 1 },
        { value: "warm" },
        5,
        { value: 2, time: 17 },
        { value: 3, tags: { a: {} } },
        { value: 4 },
      ],
    },
    (_ref, _time, _value, row) => rows.push(row),
    (error, row) => told.push([error.field, row]),
  );
  assert.deepEqual(rows, [0, 5]);
  assert.deepEqual(told, [
    ["msg.payload[1].value", 1],
    ["msg.payload[2]", 2],
    ["msg.payload[3].time", 3],
    ["msg.payload[4].tags.a", 4],
  ]);
  assert.deepEqual([reading.points, reading.rejected, reading.error?.field], [2, 4, "msg.payload[1].value"]);
});

test("an error names the field in which the mistake is", () => {
  const field = (msg: object) => readAll(msg as never).error?.field;
  assert.equal(field({ payload: 1 }), "msg.topic");
  assert.equal(field({ topic: 5, payload: 1 }), "msg.topic");
  assert.equal(field({ topic: 5, payload: { a: 1 } }), "msg.topic");
  assert.equal(field({ topic: "t", payload: 1, timestamp: "noon" }), "msg.timestamp");
  assert.equal(field({ topic: "t", payload: 1, tags: "x" }), "msg.tags");
  assert.equal(field({ topic: "t", payload: 1, unit: 5 }), "msg.unit");
  assert.equal(field({ topic: "t", payload: "warm" }), "msg.payload");
  assert.equal(field({ topic: "t", payload: { value: "warm" } }), "msg.payload.value");
  assert.equal(field({ topic: "t", payload: { value: 1, series: 7 } }), "msg.payload.series");
  assert.equal(field({ topic: "t", payload: { value: 1, time: "noon" } }), "msg.payload.time");
  assert.equal(field({ topic: "t", payload: { value: 1, time: null, timestamp: "noon" } }), "msg.payload.timestamp");
  assert.equal(field({ topic: "t", payload: { value: 1, tags: { site: [] } } }), "msg.payload.tags.site");
  assert.equal(field({ topic: "t", payload: { value: 1 }, tags: { site: [] } }), "msg.tags.site");
  assert.equal(field({ topic: "t", payload: { value: 1, unit: {} } }), "msg.payload.unit");
  assert.equal(field({ topic: "t", payload: { value: 1, tags: {} }, unit: {} }), "msg.unit");
  assert.equal(field({ topic: "t", payload: { a: 1, time: "noon" } }), "msg.payload.time");
  assert.equal(field({ topic: "t", payload: { a: 1, series: {} } }), "msg.payload.series");
  assert.equal(readAll({ payload: 1 }, { series: () => undefined, seriesField: "msg.kpi" }).error?.field, "msg.kpi");
});

test("null is the same as absent for series, time, tags and unit", () => {
  const bare = readAll({ topic: "t", payload: { value: 1 }, timestamp: NOW, tags: { a: "b" }, unit: "m" });
  const nulls = { value: 1, series: null, time: null, timestamp: null, tags: null, unit: null };
  const filled = readAll({ topic: "t", payload: nulls, timestamp: NOW, tags: { a: "b" }, unit: "m" });
  assert.deepEqual(filled, bare);
  assert.equal(readAll({ topic: "t", payload: 1, timestamp: null, tags: null, unit: null }).visited[0]!.time, NOW);
});

test("without a time it is the arrival, strictly increasing per series in all forms", () => {
  const clock = new StandingClock();
  const step = fc.record({
    wait: fc.constantFrom(0, 0, 0, 1, 2, 1000, -5000),
    payload: fc.constantFrom<unknown>(1, { a: 1, b: 2 }, { value: 1 }, [{ value: 1 }, { value: 2, series: "t/a" }]),
    timestamp: fc.constantFrom(undefined, null),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      clock.time = NOW;
      const reader = new Reader(clock);
      const last = new Map<string, number>();
      for (const { wait, payload, timestamp } of steps) {
        clock.time += wait;
        for (const { key, time } of readAll({ topic: "t", payload, timestamp }, reader).visited) {
          const before = last.get(key);
          assert.equal(time, before === undefined ? clock.time : Math.max(clock.time, before + 1));
          last.set(key, time);
        }
      }
    }),
  );
});

test("arrival times stay strictly increasing with more series than are remembered", () => {
  const clock = new StandingClock();
  const reader = new Reader(clock);
  const time = (topic: string) => readAll({ topic, payload: 1 }, reader).visited[0]!.time;
  for (let n = 0; n < 5; n++) time("fast");
  assert.equal(time("fast"), NOW + 5);
  clock.time += 1;
  for (let n = 0; n < 12_000; n++) time(`s${n}`);
  clock.time += 1;
  for (let n = 12_000; n < 24_000; n++) time(`s${n}`);
  assert.equal(time("fast"), NOW + 6, "what runs ahead of the clock is not forgotten");
});

test("a Frame that was taken apart is told as what it is", () => {
  const builder = new FrameBuilder();
  builder.add(new SeriesTable().ref("a", { site: "x" }), NOW, 1);
  const frame = builder.take();
  const lost: Record<string, unknown> = {
    "a deep copy": {},
    "spread in a function node": { ...frame },
    "copied into a worker": structuredClone(frame),
    "as text": String(frame),
    "in a text": `now: ${frame}!`,
    "as text of a csv node": "times,values,index,dictionary,columns\n...",
    "objects as text": String({}),
    "times of a split": frame.times,
    "index of a split": frame.index,
    "dictionary of a split": frame.dictionary,
    "columns of a split": frame.columns,
  };
  for (const [how, payload] of Object.entries(lost)) {
    const { error, points } = readAll({ topic: "t", payload });
    assert.equal(error?.code, "frame-lost", how);
    assert.match(error!.message, /Frame.*(copy|copied|text|split)/s, how);
    assert.equal(points, 0);
  }
  assert.equal(readAll({ topic: "t", payload: Buffer.from("1") }).error?.code, "bad-payload");
});

/** Everything that a function node could put into a message. */
const anythingArb = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: true,
      withSparseArray: true,
      withObjectString: true,
      withBoxedValues: true,
      key: fc.oneof(nameArb, fc.constantFrom(...RESERVED)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      Symbol("s"),
      () => 1,
      class A {},
      new Date(Number.NaN),
      /x/,
      new Error("e"),
      Promise.resolve(),
      new WeakMap(),
      Object.create(Date.prototype),
      { [Symbol.toStringTag]: "Date" },
      { toJSON: () => undefined, toString: null },
      {
        toJSON: () => {
          throw new Error("no");
        },
      },
      Object.freeze({}),
      "\ud800",
      "x".repeat(600),
      "a\u0000b",
      Number.MAX_VALUE,
      -1,
      8.64e15 + 1,
      NOW / 1000,
      NOW * 1000,
      NOW * 1e6,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      { value: fc.anything(), series: fc.anything(), time: fc.anything(), tags: fc.anything(), unit: fc.anything() },
      { requiredKeys: ["value"] },
    ),
  },
);

test("whatever comes in: points, or an error that names the field, the value and what is allowed", () => {
  const arb = fc.record(
    { payload: anythingArb, topic: anythingArb, timestamp: anythingArb, tags: anythingArb, unit: anythingArb },
    { requiredKeys: ["payload"] },
  );
  // Half of the messages are good but for one property, else hardly anything gets past the payload.
  const mostlyGood = fc
    .tuple(fc.constantFrom("payload", "topic", "timestamp", "tags", "unit"), anythingArb, fc.constantFrom(1, { a: 1 }))
    .map(([property, value, payload]) => ({ topic: "t", payload, timestamp: NOW, [property]: value }));
  fc.assert(
    fc.property(fc.oneof(arb, mostlyGood), (msg) => {
      const { error, points, rejected, visited } = readAll(msg as never);
      assert.equal(visited.length, points);
      for (const { key, time, value } of visited) {
        assert.ok(key.length > 0 && Number.isInteger(time) && time <= NOW + 86_400_000 && typeof value === "number");
      }
      if (Array.isArray(msg.payload) && msg.payload.length === 0) return;
      assert.ok(points > 0 || error, "something comes of it");
      assert.equal(error !== undefined, rejected > 0);
      if (error) assertComplaint(error);
    }),
    { numRuns: 1500 },
  );
});
