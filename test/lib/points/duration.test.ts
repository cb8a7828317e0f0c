import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../../../lib/points/duration.ts";
import { VigiaError } from "../../../lib/points/error.ts";

const parse = (text: unknown) => parseDuration(text, "every");

test("what is formatted is parsed back", () => {
  const durations = fc.oneof(
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    fc.integer({ min: 1, max: 400_000_000 }),
    fc
      .tuple(fc.nat(60), fc.constantFrom(1, 1000, 60_000, 3_600_000, 86_400_000, 604_800_000))
      .map(([n, size]) => (n + 1) * size),
  );
  fc.assert(
    fc.property(durations, (ms) => {
      const text = formatDuration(ms);
      assert.match(text, /^(\d+(w|d|h|m|s|ms))+$/);
      assert.equal(parse(text), ms);
      assert.equal(parse(text.replace(/(?<=[a-z])(?=\d)/g, "  ")), ms, "spaces do not matter");
    }),
  );
});

test("parts add up, in any order and with fractions", () => {
  assert.equal(parse("5m"), 300_000);
  assert.equal(parse("1h30m"), 5_400_000);
  assert.equal(parse("30m1h"), 5_400_000);
  assert.equal(parse("1.5h"), 5_400_000);
  assert.equal(parse("7d"), parse("1w"));
  assert.equal(parse("250ms"), 250);
  assert.equal(parse("0.0006s"), 1, "rounded to 1 ms");
  assert.equal(parse(" 1 h 1 s "), 3_601_000);
});

test("the text that reads best", () => {
  for (const [ms, text] of [
    [0, "0s"],
    [Number.NaN, "0s"],
    [1, "1ms"],
    [90_000, "1m30s"],
    [864_000_000, "10d"],
    [1_209_600_000, "2w"],
    [86_400_001, "1d1ms"],
  ] as const) {
    assert.equal(formatDuration(ms), text);
  }
});

test("anything else is an error that names the field and what is allowed", () => {
  for (const bad of [
    "",
    " ",
    "5",
    "5 minutes",
    "m",
    "-5m",
    "5m!",
    "1e3s",
    "5.m",
    "5M",
    5,
    null,
    undefined,
    {},
    ["5m"],
  ]) {
    assert.throws(() => parse(bad), { name: "VigiaError", code: "bad-duration", field: "every", value: bad });
  }
  assert.throws(() => parse("soon"), { message: /^every is "soon"; allowed: a number with ms, s, m, h, d or w/ });
  fc.assert(
    fc.property(
      fc.oneof(fc.anything(), fc.string({ unit: fc.constantFrom("1", "9", ".", "m", "s", "h", " ") })),
      (raw) => {
        try {
          assert.ok(Number.isSafeInteger(parse(raw)));
        } catch (thrown) {
          assert.ok(thrown instanceof VigiaError && thrown.code === "bad-duration", String(thrown));
        }
      },
    ),
  );
});

test("limits, both included", () => {
  const limits = { min: 1000, max: 60_000 };
  assert.equal(parseDuration("1s", "every", limits), 1000);
  assert.equal(parseDuration("1m", "every", limits), 60_000);
  assert.throws(() => parseDuration("999ms", "every", limits), { allowed: "at least 1s" });
  assert.throws(() => parseDuration("61s", "every", limits), { allowed: "at most 1m" });
  assert.throws(() => parse("0s"), { allowed: "at least 1ms" });
  assert.equal(parseDuration("0s", "lateness", { min: 0 }), 0);
  assert.throws(() => parse(`${"9".repeat(400)}d`), { allowed: /^at most / }, "no duration is infinite");
});
