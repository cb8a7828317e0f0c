import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkFilter, topicTemplate } from "../../../lib/mqtt/topic.ts";

test("series and tags out of a topic", () => {
  const cases: [string | undefined, string, { series: string; tags?: Record<string, string>; matched: boolean }][] = [
    [undefined, "a/b", { series: "a/b", matched: true }],
    ["#", "a/b", { series: "a/b", matched: true }],
    [
      "{site}/{device}/+",
      "madrid/pump/temp",
      { series: "temp", tags: { site: "madrid", device: "pump" }, matched: true },
    ],
    ["plant/{line}/#", "plant/3/a/b", { series: "plant/a/b", tags: { line: "3" }, matched: true }],
    ["{_}/+/{_}/+", "v1/a/telemetry/b", { series: "a/b", matched: true }],
    ["{site}/{device}", "madrid/pump", { series: "", tags: { site: "madrid", device: "pump" }, matched: true }],
    ["{site}/+", "madrid", { series: "madrid", matched: false }],
    ["{site}/+", "a/b/c", { series: "a/b/c", matched: false }],
    ["{site}/#", "madrid", { series: "madrid", matched: false }],
    ["plant/+", "Plant/a", { series: "Plant/a", matched: false }],
    ["{__proto__}/+", "x/y", { series: "y", tags: JSON.parse('{"__proto__":"x"}'), matched: true }],
  ];
  for (const [template, topic, expected] of cases) assert.deepEqual(topicTemplate(template)(topic), expected, template);
});

test("the same topic gives the same object, also after ten thousand others", () => {
  const read = topicTemplate("{site}/+");
  const first = read("a/b");
  assert.equal(read("a/b"), first);
  for (let n = 0; n < 10_001; n++) read(`site/${n}`);
  assert.deepEqual(read("a/b"), first);
});

test("a wrong template says what is allowed", () => {
  for (const template of ["", "#/a", "a/#/b", "{a}/{a}", "{}", "a{b}", "{a", "a+", "x#"]) {
    assert.throws(
      () => topicTemplate(template),
      (error: Error) => /^template is .*; allowed: segments between \//.test(error.message),
      template,
    );
  }
});

test("law: a topic that + and # take is its own series", () => {
  const topic = fc.array(fc.stringMatching(/^[^/+#{}]{0,5}$/), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(topic, fc.nat(5), (segments, plus) => {
      const n = Math.min(plus, segments.length - 1);
      const read = topicTemplate([...Array(n).fill("+"), "#"].join("/"));
      assert.deepEqual(read(segments.join("/")), { series: segments.join("/"), matched: true });
    }),
  );
});

test("subscription filters", () => {
  for (const filter of ["#", "a", "+", "a/+/b/#", "/", "$share/g/a/#", "+/+"]) checkFilter(filter, "topics[0].filter");
  for (const filter of ["", "a#", "#/a", "a/b+", "a\u0000", "x".repeat(65_536), 5, undefined]) {
    assert.throws(() => checkFilter(filter, "topics[0].filter"), /topics\[0\]\.filter/);
  }
});
