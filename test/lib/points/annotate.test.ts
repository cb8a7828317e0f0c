import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { annotate } from "../../../lib/points/annotate.ts";
import { type Frame, FrameBuilder } from "../../../lib/points/frame.ts";
import { type Message, Reader } from "../../../lib/points/reader.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { NOW, nameArb, StandingClock } from "./helpers.ts";

/** Reads, says the double of every value (nothing of gaps), annotates. */
function double(msg: Message): Message {
  const results: ({ twice: number; alert: boolean; reason: string } | undefined)[] = [];
  const { form } = new Reader(new StandingClock()).read(msg, (_ref, _time, value, row) => {
    if (!Number.isNaN(value)) results[row] = { twice: 2 * value, alert: value > 1, reason: "so" };
  });
  annotate(msg, form!, "d", results);
  return msg;
}

const said = (value: number) => ({ twice: 2 * value, alert: value > 1, reason: "so" });

test("a value and a Point: beside the payload", () => {
  assert.deepEqual(double({ topic: "t", payload: 2 }), { topic: "t", payload: 2, d: said(2) });
  assert.deepEqual(double({ topic: "t", payload: { value: 2 } }), { topic: "t", payload: { value: 2 }, d: said(2) });
  assert.deepEqual(double({ topic: "t", payload: null }), { topic: "t", payload: null, d: undefined });
});

test("an array: each Point has its own, the ones without stay as they are", () => {
  const payload = Object.freeze([Object.freeze({ value: 1 }), Object.freeze({ value: null }), "bad", { value: 3 }]);
  const msg = double({ topic: "t", payload });
  assert.deepEqual(msg.payload, [{ value: 1, d: said(1) }, { value: null }, "bad", { value: 3, d: said(3) }]);
  assert.equal((msg.payload as unknown[])[1], payload[1]);
  assert.deepEqual(payload, [{ value: 1 }, { value: null }, "bad", { value: 3 }], "the payload of other wires");
});

test("an object: by its keys", () => {
  const payload = Object.freeze({ a: 1, note: "x!", time: NOW, gap: null, b: "2" });
  const msg = double({ topic: "t", payload });
  assert.equal(msg.payload, payload);
  assert.deepEqual(msg.d, { a: said(1), b: said(2) });
  fc.assert(
    fc.property(fc.uniqueArray(nameArb, { minLength: 1, maxLength: 5 }), (keys) => {
      const { d } = double({
        topic: "t",
        payload: Object.fromEntries(keys.map((key, n) => [`${key}`, n])),
        timestamp: NOW,
      });
      const numbers = keys.filter((key) => !["series", "time", "timestamp", "value", "unit", "tags"].includes(key));
      assert.deepEqual(Object.keys(d as object).sort(), numbers.sort());
    }),
  );
});

test("a Frame: numbers and booleans become columns, NaN where nothing was said", () => {
  const builder = new FrameBuilder();
  for (const [row, value] of [1, Number.NaN, 3].entries()) builder.add(seriesRef("a"), NOW + row, value);
  const frame = builder.take();
  const msg = double({ payload: frame });
  const out = msg.payload as Frame;
  assert.deepEqual(Object.keys(out.columns), ["d.twice", "d.alert"]);
  assert.deepEqual([...out.columns["d.twice"]!], [2, Number.NaN, 6]);
  assert.deepEqual([...out.columns["d.alert"]!], [0, Number.NaN, 1]);
  assert.equal(out.values, frame.values);
  assert.deepEqual(frame.columns, {}, "the Frame of other wires");
  // The last rows may have no result, and no row need have one.
  annotate(msg, "frame", "e", [{ x: 1 }]);
  assert.deepEqual([...(msg.payload as Frame).columns["e.x"]!], [1, Number.NaN, Number.NaN]);
  const before = msg.payload as Frame;
  annotate(msg, "frame", "f", []);
  assert.deepEqual([...(msg.payload as Frame)], [...before]);
});

test("two nodes after each other do not disturb one another", () => {
  for (const payload of [2, { value: 2 }, [{ value: 2 }], { a: 2 }]) {
    const msg = double({ topic: "t", payload });
    const results: object[] = [];
    const { form, error } = new Reader(new StandingClock()).read(msg, (_ref, _time, _value, row) => {
      results[row] = { score: 1 };
    });
    assert.equal(error, undefined);
    annotate(msg, form!, "e", results);
    const holder = Array.isArray(msg.payload) ? (msg.payload[0] as Message) : msg;
    assert.ok(holder.d && holder.e);
  }
});
