import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy, tidyPolicy } from "../../../lib/store/policy-text.ts";

const DAY = 86_400_000;
const parse = (raw: Record<string, unknown>) => parsePolicy(tidyPolicy(raw), (field) => `row 1, ${field}`);

test("an empty policy keeps everything as it is", () => {
  assert.deepEqual(parse({}), {});
  assert.deepEqual(parse({ series: " ", precision: "exact", keep: "", other: "x" }), {});
});

test("texts become what the store takes", () => {
  assert.deepEqual(
    parse({
      series: "plant/#, line/+",
      tags: "site=madrid; kind=*",
      keep: "90d",
      "5m": "1y",
      "1h": "0s",
      precision: "2",
      resolution: "1s",
    }),
    {
      series: ["plant/#", "line/+"],
      tags: { site: "madrid", kind: "*" },
      keep: 90 * DAY,
      rollups: { "5m": 366 * DAY, "1h": 0 },
      precision: 2,
      resolution: 1_000,
    },
  );
  assert.equal(parse({ precision: "float32" }).precision, "float32");
});

test("each field says what is allowed in it", () => {
  for (const [raw, expected] of [
    [{ series: "a#" }, /^row 1, series is "a#"/],
    [{ tags: "=x" }, /^row 1, tags is "=x"; allowed: name=value/],
    [{ keep: "0d" }, /^row 1, keep is "0d"; allowed: at least 1ms/],
    [{ keep: "0y" }, /^row 1, keep is "0y"; allowed: .*; or years: "5y"/],
    [{ keep: "1y6mo" }, /^row 1, keep is "1y6mo"/],
    [{ "1d": "5y" }, /^row 1, 1d is "5y"; allowed: nothing, as long as points are kept for good/],
    [{ precision: "double" }, /^row 1, precision is "double"; allowed: exact, float32/],
    [{ resolution: "0s" }, /^row 1, resolution is "0s"; allowed: at least 1ms/],
  ] as const) {
    assert.throws(
      () => parse(raw),
      ({ message }: Error) => expected.test(message),
      String(expected),
    );
  }
});
