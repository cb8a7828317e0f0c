import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { Frame, FrameBuilder, isFrame } from "../../../lib/points/frame.ts";
import { frameMessages } from "../../../lib/points/messages.ts";
import { type SeriesRef, SeriesTable } from "../../../lib/points/series.ts";
import { essence, essenceOf, NOW, nameArb, readAll, tagsArb, timeArb, valueArb } from "./helpers.ts";

const rowsArb = fc.array(
  fc.record({
    series: nameArb,
    tags: tagsArb,
    unit: fc.option(nameArb, { nil: undefined }),
    time: timeArb,
    value: valueArb,
  }),
  { maxLength: 20 },
);

type Row = [ref: SeriesRef, time: number, value: number];

function frameOf(rows: readonly Row[]): Frame {
  const builder = new FrameBuilder(1);
  for (const row of rows) builder.add(...row);
  return builder.take();
}

const table = new SeriesTable();
const a = table.ref("a", { site: "x" }, "°C");
const b = table.ref("b");
const sample = frameOf([
  [a, NOW, 1],
  [b, NOW + 1, Number.NaN],
  [a, NOW + 2, Infinity],
]);

test("rows as Points: NaN is a gap, tags and unit only where there are any", () => {
  assert.equal(sample.length, 3);
  assert.deepEqual(sample.point(1), { series: "b", time: NOW + 1, value: null });
  assert.deepEqual(
    [...sample],
    [
      { series: "a", time: NOW, value: 1, tags: { site: "x" }, unit: "°C" },
      { series: "b", time: NOW + 1, value: null },
      { series: "a", time: NOW + 2, value: Infinity, tags: { site: "x" }, unit: "°C" },
    ],
  );
  assert.deepEqual(
    [...sample],
    Array.from(sample, (_, row) => sample.point(row)),
  );
});

test("a Frame is immutable", () => {
  assert.ok(Object.isFrozen(sample));
  assert.throws(() => Object.assign(sample, { times: new Float64Array(3) }), TypeError);
  assert.throws(() => Object.assign(sample, { more: 1 }), TypeError);
});

test("`with` adds columns to another Frame and shares the rest", () => {
  const score = Float64Array.of(1, 2, Number.NaN);
  const scored = sample.with({ "d.score": score });
  assert.notEqual(scored, sample);
  assert.deepEqual(sample.columns, {});
  for (const part of ["times", "values", "index", "dictionary"] as const) assert.equal(scored[part], sample[part]);
  assert.equal(scored.columns["d.score"], score);
  assert.deepEqual(scored.point(0), { ...sample.point(0), "d.score": 1 });
  assert.deepEqual(scored.point(2), { ...sample.point(2), "d.score": null });
  const again = scored.with({ "d.score": Float64Array.of(7, 7, 7), e: Float64Array.of(0, 0, 0) });
  assert.deepEqual(Object.keys(again.columns), ["d.score", "e"]);
  assert.equal(again.point(0)["d.score" as "value"], 7);
  assert.equal(scored.point(0)["d.score" as "value"], 1);
});

test("columns of another length are an error, whatever they are called", () => {
  for (const name of ["score", "times", "values"]) {
    assert.throws(() => sample.with({ [name]: new Float64Array(2) }), {
      code: "bad-frame",
      message: `${name} is 2; allowed: 3 rows`,
    });
  }
  const short = new Float64Array(1);
  assert.throws(() => new Frame([a], new Uint32Array(2), short, new Float64Array(2)), { field: "times" });
  assert.throws(() => new Frame([a], new Uint32Array(2), short, short, { times: new Float64Array(2) }), {
    field: "times",
  });
  assert.throws(() => new Frame([a], new Uint32Array(2), new Float64Array(2), short), { field: "values" });
});

test("in JSON it is an array of Points that any reader takes, infinities and all", () => {
  assert.equal(
    JSON.stringify({ payload: sample }),
    `{"payload":[${[
      `{"series":"a","time":${NOW},"value":1,"tags":{"site":"x"},"unit":"°C"}`,
      `{"series":"b","time":${NOW + 1},"value":null}`,
      `{"series":"a","time":${NOW + 2},"value":"Infinity","tags":{"site":"x"},"unit":"°C"}`,
    ].join()}]}`,
  );
  const scored = sample.with({ score: Float64Array.of(-Infinity, Number.NaN, 2) });
  assert.deepEqual(
    JSON.parse(JSON.stringify(scored)).map((point: { score: unknown }) => point.score),
    ["-Infinity", null, 2],
  );
  fc.assert(
    fc.property(rowsArb, (rows) => {
      const refs = new SeriesTable();
      const frame = frameOf(
        rows.map(({ series, tags, unit, time, value }) => [refs.ref(series, tags, unit), time, value ?? Number.NaN]),
      );
      const back = readAll({ payload: JSON.parse(JSON.stringify(frame)) });
      assert.equal(back.error, undefined);
      assert.deepEqual(
        back.visited.map(({ key, time, value }) => ({ key, time, value })),
        Array.from(frame, (_, row) => ({ key: frame.ref(row).key, time: frame.times[row], value: frame.values[row] })),
      );
    }),
  );
});

test("what Node-RED needs: a tag against cloning, a plain constructor for the debug sidebar", () => {
  assert.equal(Object.prototype.toString.call(sample), "[object Frame]");
  assert.equal(String(sample), "[object Frame]");
  assert.equal(sample.constructor, Object);
  assert.ok(sample instanceof Frame);
  assert.match(inspect(sample), /times/);
});

test("a Frame is known by its brand, also one of another copy of the package, and no copy of one has it", async () => {
  assert.ok(isFrame(sample));
  const other: typeof import("../../../lib/points/frame.ts") = await import(
    `${import.meta.resolve("../../../lib/points/frame.ts")}?other`
  );
  const foreign = new other.Frame(sample.dictionary, sample.index, sample.times, sample.values);
  assert.ok(!(foreign instanceof Frame));
  assert.ok(isFrame(foreign));
  assert.deepEqual(essence(readAll({ payload: foreign }).visited), essenceOf(sample));
  for (const not of [
    { ...sample },
    structuredClone(sample),
    JSON.parse(JSON.stringify(sample)),
    {},
    null,
    undefined,
    "Frame",
    Frame,
  ]) {
    assert.ok(!isFrame(not));
  }
});

test("a builder gives what was added, in order, and starts anew", () => {
  fc.assert(
    fc.property(fc.array(rowsArb, { maxLength: 4 }), fc.integer({ min: 0, max: 8 }), (batches, capacity) => {
      const refs = new SeriesTable();
      const builder = new FrameBuilder(capacity);
      const taken: [Frame, Row[]][] = [];
      for (const rows of batches) {
        const expected = rows.map(
          ({ series, tags, unit, time, value }): Row => [refs.ref(series, tags, unit), time, value ?? Number.NaN],
        );
        for (const row of expected) builder.add(...row);
        assert.equal(builder.length, rows.length);
        taken.push([builder.take(), expected]);
        assert.equal(builder.length, 0);
      }
      // Looked at in the end: a later batch must not have written into an earlier one.
      for (const [frame, expected] of taken) {
        assert.deepEqual(
          Array.from(frame, (_, row): Row => [frame.ref(row), frame.times[row]!, frame.values[row]!]),
          expected,
        );
        assert.equal(new Set(frame.dictionary).size, frame.dictionary.length);
        assert.equal(frame.dictionary.length, new Set(frame.index).size, "no entry that no row has");
      }
    }),
  );
});

test("a source sends one message a point, or the Frame", () => {
  assert.deepEqual(frameMessages(sample, false), [
    { topic: "a", payload: 1, timestamp: NOW, tags: { site: "x" }, unit: "°C" },
    { topic: "b", payload: null, timestamp: NOW + 1 },
    { topic: "a", payload: Infinity, timestamp: NOW + 2, tags: { site: "x" }, unit: "°C" },
  ]);
  const batched = frameMessages(sample, true);
  assert.equal(batched.length, 1);
  assert.equal(batched[0]!.payload, sample);
  const empty = new FrameBuilder().take();
  assert.deepEqual([frameMessages(empty, false), frameMessages(empty, true)], [[], []]);
});
