import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seriesFilter } from "../../../lib/points/pattern.ts";
import { nameArb } from "./helpers.ts";

const fits = (pattern: string, series: string) => seriesFilter({ series: pattern })({ series });

test("a pattern without wildcards is the whole name, whatever is in it", () => {
  const literal = nameArb.filter((name) => !/[+*#]/.test(name));
  fc.assert(
    fc.property(literal, literal, (a, b) => {
      assert.ok(fits(a, a));
      assert.equal(fits(a, b), a === b);
    }),
  );
  assert.ok(!fits("a.b", "axb"));
  assert.ok(!fits("a", "a/b"));
});

test("+ is one segment, # all that follows and the name before it, * any text inside a segment", () => {
  for (const [pattern, yes, no] of [
    ["#", ["a", "a/b", "/"], []],
    ["a/#", ["a", "a/", "a/b", "a/b/c"], ["ab", "b/a"]],
    ["+", ["a", "a b"], ["a/b"]],
    ["a/+", ["a/b", "a/"], ["a", "a/b/c"]],
    ["+/+/c", ["a/b/c", "//c"], ["a/c", "a/b/c/d"]],
    ["a/+/#", ["a/b", "a/b/c/d"], ["a", "b/b"]],
    ["cpu*", ["cpu", "cpu0", "cpu.x"], ["cpu/0", "xcpu"]],
    ["*/temp*_c", ["a/temp_c", "a/temperature_c"], ["a/b/temp_c", "a/temp_f"]],
    ["a+b", ["a+b"], ["aab", "ab"]],
    ["(a|b)/+", ["(a|b)/x"], ["a/x"]],
  ] as const) {
    for (const series of yes) assert.ok(fits(pattern, series), `${pattern} fits ${series}`);
    for (const series of no) assert.ok(!fits(pattern, series), `${pattern} does not fit ${series}`);
  }
});

test("as MQTT says, for every pattern of segments", () => {
  const segment = fc.constantFrom("a", "b", "+", "");
  const names = fc.array(fc.constantFrom("a", "b", ""), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 3 }), fc.boolean(), names, (parts, open, name) => {
      const pattern = open ? [...parts, "#"] : parts;
      if (pattern.join("/") === "") return;
      const expected =
        (open ? name.length >= parts.length : name.length === parts.length) &&
        parts.every((part, i) => part === "+" || part === name[i]);
      assert.equal(fits(pattern.join("/"), name.join("/")), expected);
    }),
    { numRuns: 500 },
  );
});

test("a # elsewhere, and nothing at all, is an error", () => {
  for (const bad of ["", "a/#/b", "a#", "#/a", "a/b#"]) {
    assert.throws(() => seriesFilter({ series: bad }, "kpis"), { code: "bad-pattern", field: "kpis", value: bad });
  }
});

test("any of several patterns, and all of the tags", () => {
  const tagged = { series: "a/b", tags: { site: "x", line: "1" } };
  assert.ok(seriesFilter({})(tagged));
  assert.ok(seriesFilter({ series: ["c", "a/+"] })(tagged));
  assert.ok(!seriesFilter({ series: ["c", "d"] })(tagged));
  assert.ok(seriesFilter({ tags: { site: "x", line: "*" } })(tagged));
  assert.ok(!seriesFilter({ tags: { site: "x", shift: "*" } })(tagged));
  assert.ok(!seriesFilter({ series: "a/b", tags: { site: "y" } })(tagged));
  assert.ok(!seriesFilter({ tags: { site: "*" } })({ series: "a/b" }));
});
