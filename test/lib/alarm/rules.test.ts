import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { holds } from "../../../lib/alarm/condition.ts";
import { NO_EVIDENCE } from "../../../lib/alarm/evidence.ts";
import { Pace } from "../../../lib/alarm/pace.ts";
import {
  fieldsOf,
  parseRule,
  parseRules,
  RULE_FIELDS,
  type RuleText,
  rulesFor,
  WHENS,
} from "../../../lib/alarm/rule.ts";
import { formatRulesCsv, parseRulesCsv } from "../../../lib/alarm/rules-csv.ts";
import { SEVERITIES } from "../../../lib/alarm/severity.ts";
import { valueWords } from "../../../lib/alarm/words.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { assertComplaint } from "../points/helpers.ts";

const rule = (text: RuleText) => parseRule(text, (field) => field);
const on = (text: RuleText, value: number, active = false, evidence = {}) =>
  holds(rule(text), active, value, { ...NO_EVIDENCE, ...evidence }, { lower: Number.NaN, upper: Number.NaN });

test("each kind of condition, on and over", () => {
  const cases: [RuleText, number[], boolean[], boolean[]][] = [
    [
      { when: "above", limit: "80", deadband: "5%" },
      [80, 81, 77, 76],
      [false, true, false, false],
      [true, true, true, false],
    ],
    [
      { when: "below", limit: "10", off: "12" },
      [10, 9, 11, 12],
      [false, true, false, false],
      [true, true, true, false],
    ],
    [
      { when: "outside", low: "1", high: "3", deadband: "0.5" },
      [1, 0.9, 2.6, 2],
      [false, true, false, false],
      [true, true, true, false],
    ],
    [
      { when: "inside", low: "1", high: "3", deadband: "50%" },
      [1, 3, 4, 4.1],
      [true, true, false, false],
      [true, true, true, false],
    ],
    [{ when: "equals", limit: "down", off: "up" }, [0, 1, 2], [true, false, false], [true, false, true]],
    [{ when: "differs", limit: "1" }, [0, 1], [true, false], [true, false]],
  ];
  for (const [text, values, starts, stays] of cases) {
    assert.deepEqual(
      values.map((value) => on(text, value)),
      starts,
      `${text.when}, on`,
    );
    assert.deepEqual(
      values.map((value) => on(text, value, true)),
      stays,
      `${text.when}, off`,
    );
  }
});

test("conditions on what the deviation node found; without it nothing changes", () => {
  const band = { lower: 10, upper: 20 };
  assert.deepEqual(
    [9, 15, 21].map((value) => on({ when: "band" }, value, false, band)),
    [true, false, true],
  );
  assert.deepEqual(
    [8, 21, 23].map((value) => on({ when: "band", limit: "2" }, value, false, band)),
    [false, false, true],
  );
  assert.deepEqual(
    [19.5, 19].map((value) => on({ when: "band", deadband: "10%" }, value, true, band)),
    [true, false],
  );
  assert.equal(on({ when: "band" }, 15), undefined);
  assert.deepEqual(
    [6, 8].map((score) => on({ when: "score", limit: "7" }, 0, false, { score })),
    [false, true],
  );
  assert.equal(on({ when: "score", limit: "7" }, 0), undefined);
  assert.equal(on({ when: "alert" }, 0), undefined);
  assert.equal(on({ when: "alert" }, 0, false, { alert: true }), true);
  assert.deepEqual(
    ["alert", "band", "score", "above"].map((when) => rule({ when, ...(/s|above/.test(when) && { limit: "1" }) }).keep),
    [300_000, 300_000, 300_000, 0],
  );
});

test("of each severity and kind the first row that fits a series counts, the most severe first", () => {
  const rules = parseRules([
    { series: "plant/+/temperature", tags: "site=madrid", when: "above", limit: "70" },
    { series: "plant/#", when: "above", limit: "80" },
    { series: "plant/#", when: "above", limit: "95", severity: "critical" },
    { when: "below", limit: "0" },
  ]);
  const limits = (name: string, tags?: object) => rulesFor(rules, seriesRef(name, tags)).map(({ limit }) => limit);
  assert.deepEqual(limits("plant/a/temperature", { site: "madrid" }), [95, 70, 0]);
  assert.deepEqual(limits("plant/a/temperature"), [95, 80, 0]);
  assert.deepEqual(limits("lab"), [0]);
  for (const none of [undefined, "", []])
    assert.deepEqual(
      parseRules(none).map(({ when, rank }) => [when, rank]),
      [["alert", 2]],
    );
});

test("a wrong rule says which field, what stood there and what is allowed", () => {
  const wrong: [RuleText, string][] = [
    [{}, "when"],
    [{ when: "over" }, "when"],
    [{ when: "above" }, "limit"],
    [{ when: "above", limit: "80,5" }, "limit"],
    [{ when: "above", limit: "80", off: "90" }, "off"],
    [{ when: "above", limit: "80", off: "70", deadband: "5" }, "deadband"],
    [{ when: "above", limit: "80", deadband: "-5%" }, "deadband"],
    [{ when: "above", limit: "80", low: "5" }, "low"],
    [{ when: "outside", low: "5", high: "4" }, "high"],
    [{ when: "alert", limit: "3" }, "limit"],
    [{ when: "alert", severity: "bad" }, "severity"],
    [{ when: "alert", for: "5 minutes" }, "for"],
    [{ when: "alert", series: "a/#/b" }, "series"],
    [{ when: "alert", tags: "site" }, "tags"],
    [{ when: "alert", text: "x".repeat(201) }, "text"],
  ];
  for (const [text, field] of wrong) {
    assert.throws(
      () => rule(text),
      (error) => {
        assertComplaint(error);
        assert.equal(error.field, field, JSON.stringify(text));
        return true;
      },
    );
  }
  assert.throws(
    () => parseRules([{ when: "alert" }, { when: "above" }]),
    /^VigiaError: rules\[1\]\.limit is ""; allowed: a number/,
  );
  assert.throws(() => parseRules("x"), /rules is "x"/);
});

test("CSV: any separator, order and quotes; errors name line, field and value", () => {
  const expected = [
    { series: "a/#", when: "above", limit: "80.5", severity: "major" },
    { series: "b", tags: "site=x;line=2", when: "alert", text: 'say "hi", twice' },
  ];
  for (const sign of [",", ";", "\t"]) {
    const text = [
      "when,limit,series,severity,tags,text",
      "above,80.5,a/#,major,,",
      "# a comment",
      "",
      'alert,,b,,"site=x;line=2","say ""hi"", twice"',
    ]
      .map((line) =>
        line.includes('"')
          ? line.replace("alert,,b,,", ["alert", "", "b", "", ""].join(sign)).replace('2","', `2"${sign}"`)
          : line.replaceAll(",", sign),
      )
      .join("\r\n");
    assert.deepEqual(parseRulesCsv(`\uFEFF${text}`), expected);
  }
  assert.throws(
    () => parseRulesCsv("when,limit\nabove,80\n\nabove,hot\n"),
    /line 4, limit is "hot"; allowed: a number/,
  );
  assert.throws(() => parseRulesCsv("when,limits\n"), /line 1, column 2 is "limits"; allowed: .*limit/);
  assert.throws(() => parseRulesCsv("series\na\n"), /line 2, when is ""; allowed: above/);
  assert.throws(() => parseRulesCsv(""), /line 1 is ""; allowed: a header/);
  assert.throws(() => parseRulesCsv("when\nalert,1\n"), /line 2 is "2 cells"; allowed: 1 cells/);
  assert.throws(() => parseRulesCsv('when\n"alert'), /line 2 is .*closing quote/);
});

const textArb = fc
  .string({ unit: fc.constantFrom("a", "b", " ", ",", ";", '"', "#", "=", "ñ"), maxLength: 12 })
  .map((text) => text.trim());
const ruleArb: fc.Arbitrary<RuleText> = fc
  .record({
    when: fc.constantFrom(...WHENS),
    severity: fc.constantFrom(...SEVERITIES, undefined),
    series: fc.constantFrom(undefined, "a/#", "#,b/+", "a b"),
    tags: fc.constantFrom(undefined, "site=x;line=2"),
    text: textArb,
    for: fc.constantFrom(undefined, "5m"),
  })
  .map((made) => {
    const values: RuleText = { ...(made as RuleText), limit: "3", low: "1", high: "2" };
    const known = fieldsOf(made.when);
    return Object.fromEntries(
      RULE_FIELDS.filter((field) => known.includes(field) && values[field]).map((field) => [field, values[field]]),
    );
  });

test("law: what is exported comes back the same", () => {
  fc.assert(
    fc.property(fc.array(ruleArb, { maxLength: 6 }), (rules) => {
      assert.deepEqual(parseRulesCsv(formatRulesCsv(rules)), rules);
    }),
  );
});

test("the interval: neither bursts nor lost points move it, and it comes back as it was", () => {
  const pace = new Pace();
  const gaps = [1, 60, 60, 60, 1, 60, 60, 120, 60, 60, 3_600, 60, 60, 1, 60, 60];
  for (const [i, gap] of gaps.entries()) {
    pace.push(gap);
    if (i < 7) assert.ok(Number.isNaN(pace.interval));
    else assert.equal(pace.interval, 60);
  }
  const again = Pace.load(JSON.parse(JSON.stringify(pace.save())));
  for (let i = 0; i < 40; i++) {
    pace.push(10);
    again.push(10);
    assert.equal(again.interval, pace.interval);
  }
  assert.equal(pace.interval, 10);
});

test("values are short, and never look like the limit they broke", () => {
  assert.deepEqual(
    [
      valueWords(82.34, "°C"),
      valueWords(12_345.6, undefined),
      valueWords(80.004, "V", 80),
      valueWords(0.00012346, "A"),
    ],
    ["82.34 °C", "12346", "80.004 V", "0.0001235 A"],
  );
});
