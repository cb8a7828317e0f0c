import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { asVigiaError, show, VigiaError } from "../../../lib/points/error.ts";

test("a value is shown as one short line, whatever it is", () => {
  for (const [value, text] of [
    ["a\nb", '"a\\nb"'],
    [undefined, "undefined"],
    [null, "null"],
    [-0, "0"],
    [5n, "5"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [new Date(Number.NaN), "Invalid Date"],
    [new Float64Array(2), "Float64Array(16 bytes)"],
    [{ a: [1] }, '{"a":[1]}'],
    [{ toJSON: () => undefined }, "[object Object]"],
    [{ a: 5n }, "[object Object]"],
    [Symbol("s"), "Symbol(s)"],
  ] as const) {
    assert.equal(show(value), text);
  }
  const loop: { self?: unknown } = {};
  loop.self = loop;
  assert.equal(show(loop), "[object Object]");
  assert.equal(show("x".repeat(1000)).length, 80);
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withTypedArray: true,
    withNullPrototype: true,
  });
  fc.assert(fc.property(anything, (value) => assert.ok(show(value).length <= 80)));
  for (const odd of [Object.create(Date.prototype), Object.create(null), Object.create(Uint8Array.prototype)])
    show(odd);
});

test("an error names the field, the value and what is allowed", () => {
  const error = new VigiaError("bad-x", { field: "x", value: "y", allowed: "z" });
  assert.equal(error.message, 'x is "y"; allowed: z');
  assert.deepEqual(
    [error.name, error.code, error.field, error.value, error.allowed],
    ["VigiaError", "bad-x", "x", "y", "z"],
  );
});

test("foreign errors keep their message and become the cause", () => {
  const error = new TypeError("no");
  const ours = asVigiaError(error, "bad-y");
  assert.deepEqual([ours.code, ours.message, ours.cause], ["bad-y", "no", error]);
  assert.equal(asVigiaError(ours), ours);
  assert.equal(asVigiaError("text").message, "text");
  assert.equal(asVigiaError(undefined).code, "failed");
});
