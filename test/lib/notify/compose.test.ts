import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ComposeSettings, compose, readEvent, TEMPLATE_NAMES } from "../../../lib/notify/compose.ts";
import { digestOf } from "../../../lib/notify/digest.ts";
import { type Dialect, LANGUAGES } from "../../../lib/notify/notification.ts";
import { compile } from "../../../lib/notify/template.ts";
import { FakeClock } from "../host/fake-clock.ts";
import { T } from "./helpers.ts";

const settings = (more: Partial<ComposeSettings> = {}): ComposeSettings => ({
  dialect: "text",
  language: "en",
  zone: "Europe/Madrid",
  clock: new FakeClock(T),
  ...more,
});

const EVENT = {
  event: "start",
  id: "Hot/1/start",
  key: "Hot/1",
  alarm: "Hot",
  series: "plant/compressor/temperature",
  unit: "°C",
  severity: "critical",
  state: "firing",
  value: 95.2,
  expected: 70,
  lower: 65,
  upper: 75.5,
  limit: 90,
  reason: "above 90 °C for 5 min",
  time: T,
  since: T - 300_000,
};

const english = (more: object) => compose({ payload: { ...EVENT, ...more } }, settings());
const spanish = (more: object) => compose({ payload: { ...EVENT, ...more } }, settings({ language: "es" }));

test("an alarm in words of both languages, in its unit and in local time", () => {
  const start = english({});
  assert.equal(start.title, "🔴 critical: temperature of plant/compressor 95.2 °C");
  assert.equal(
    start.text,
    [
      "Alarm: Hot",
      "KPI: temperature of plant/compressor",
      "Severity: critical",
      "Value: 95.2 °C",
      "Expected: 70 °C (65 to 75.5 °C)",
      "Limit: 90 °C",
      "Reason: above 90 °C for 5 min",
      "Since: 2 Mar 2026, 12:55:00 CET",
      "Time: 2 Mar 2026, 13:00:00 CET",
    ].join("\n"),
  );
  assert.deepEqual([start.key, start.incident, start.kind], ["Hot/1/start", "Hot/1", "start"]);
  const inicio = spanish({});
  assert.equal(inicio.title, "🔴 crítica: temperature de plant/compressor 95,2 °C");
  assert.match(inicio.text, /^Esperado: 70 °C \(de 65 a 75,5 °C\)$/m);
  assert.match(inicio.text, /^Hora: 2 mar 2026, 13:00:00 CET$/m);
});

test("each event has its own words and its kind", () => {
  const told = (more: object) => [english(more), spanish(more)].map(({ kind, title }) => `${kind} ${title}`);
  assert.deepEqual(told({ event: "severity", severity: "critical", previous: "warning" }), [
    "severity 🔴 now critical, was warning: temperature of plant/compressor 95.2 °C",
    "severity 🔴 ahora crítica, antes aviso: temperature de plant/compressor 95,2 °C",
  ]);
  assert.deepEqual(told({ event: "end", value: 71, duration: 720_000 }), [
    "end 🟢 over: temperature of plant/compressor 71 °C, lasted 12 min",
    "end 🟢 terminada: temperature de plant/compressor 71 °C, duró 12 min",
  ]);
  assert.deepEqual(told({ event: "nodata" }), [
    "start ⚫ no data: temperature of plant/compressor",
    "start ⚫ sin datos: temperature de plant/compressor",
  ]);
  assert.deepEqual(told({ event: "data-back", duration: 5_400_000 }), [
    "end 🟢 data back: temperature of plant/compressor 95.2 °C, missing for 90 min",
    "end 🟢 vuelven los datos: temperature de plant/compressor 95,2 °C, faltaron 90 min",
  ]);
  assert.deepEqual(
    told({ event: "shelved", severity: "minor" })[0],
    "update 🟡 shelved, minor: temperature of plant/compressor 95.2 °C",
  );
  assert.notEqual(english({ event: "nodata" }).incident, english({ event: "start" }).incident);
  assert.equal(english({ event: "nodata" }).incident, english({ event: "data-back" }).incident);
});

test("the event's zone goes before the channel's; one that does not exist does not", () => {
  assert.match(english({ zone: "America/New_York" }).text, /Time: 2 Mar 2026, 07:00:00 GMT-5$/);
  assert.match(english({ zone: "Nowhere/Land" }).text, /13:00:00 CET$/);
});

test("a deviation tells what was expected; the same one has the same key", () => {
  const msg = {
    topic: "plant/compressor/temperature",
    payload: 95.2,
    timestamp: T - 1_000,
    unit: "°C",
    tags: { site: "madrid" },
    deviation: {
      score: 9,
      p: 1e-6,
      expected: 70,
      lower: 65,
      upper: 75,
      direction: "above",
      alert: true,
      reason: "25 °C above",
    },
  };
  const found = compose(msg, settings());
  assert.equal(found.title, '🟣 unusual: temperature of plant/compressor{site="madrid"} 95.2 °C');
  assert.match(found.text, /^Expected: 70 °C \(65 to 75 °C\)\nReason: 25 °C above\nTime: 2 Mar 2026, 12:59:59 CET$/m);
  assert.equal(found.facts.event, "deviation");
  assert.equal(compose({ ...msg, _msgid: "other" }, settings({ clock: new FakeClock(T + 5) })).key, found.key);
  assert.notEqual(compose({ ...msg, timestamp: T }, settings()).key, found.key);
  const calm = compose({ ...msg, deviation: { ...msg.deviation, alert: false } }, settings());
  assert.equal(calm.title, 'temperature of plant/compressor{site="madrid"}: 95.2 °C');
});

test("points, texts, objects, lists and bytes are messages", () => {
  const of = (payload: unknown, more: object = {}) => {
    const { kind, title, text } = compose({ payload, ...more }, settings());
    assert.equal(kind, "message");
    return [title, text];
  };
  assert.equal(of({ series: "a/b", time: T, value: 3, unit: "%" })[0], "b of a: 3 %");
  assert.equal(of({ series: "a/b", time: T, value: null })[0], "b of a: no data");
  assert.deepEqual(of("hello\nworld"), ["hello", "hello\nworld"]);
  assert.deepEqual(of("hello", { topic: "door" }), ["door", "hello"]);
  assert.deepEqual(of("hello", { topic: "door", title: "Ring\r\nBcc: x" }), ["Ring Bcc: x", "hello"]);
  assert.equal(of(12_345.678, { topic: "n" })[0], "n: 12,346");
  assert.deepEqual(of({ a: 1, b: { c: [2] }, d: undefined, e: Number.NaN }, { topic: "o" }), [
    "o",
    'a: 1\nb: {"c":[2]}',
  ]);
  assert.deepEqual(of(["x", 2, null]), ["x", "x\n2\n"]);
  assert.deepEqual(of(Buffer.from("ñ")), ["ñ", "ñ"]);
  assert.deepEqual(of(undefined), ["message", "message"]);
});

test("the key is the event's id, else the message's, else of content and time", () => {
  const key = (more: object, at = T) => compose({ payload: "x", ...more }, settings({ clock: new FakeClock(at) })).key;
  assert.equal(key({ id: "mine", _msgid: "1" }), "mine");
  assert.equal(key({ _msgid: "1" }), key({ _msgid: "2" }));
  assert.notEqual(key({}), key({}, T + 1));
  assert.ok(key({ id: "long".repeat(100) }).length <= 200);
  assert.notEqual(key({ id: `${"x".repeat(300)}a` }), key({ id: `${"x".repeat(300)}b` }));
});

test("templates may name all that is documented, and are escaped for where they go", () => {
  const all = Object.keys(TEMPLATE_NAMES)
    .filter((name) => !["tags", "payload", "msg"].includes(name))
    .map((name) => `${name}={{${name}}}`)
    .join("\n");
  const text = compile(all, "text");
  const full = { ...EVENT, previous: "minor", worst: 99, duration: 60_000 };
  const written = compose({ payload: full }, settings({ templates: { text } })).text;
  for (const line of written.split("\n").slice(0, 1)) assert.match(line, /=./);
  assert.match(written, /^worst=99 °C$/m);
  assert.doesNotMatch(written, /=$/m, "nothing is empty");
  const markup = compile("<b>{{alarm}}</b> {{tags.site}} {{msg.who}} {{payload.reason}}", "html");
  const input = { payload: { ...EVENT, alarm: "<x>&", tags: { site: 'a"b' } }, who: "</b>" };
  const mail = compose(input, settings({ dialect: "html", templates: { html: markup } }));
  assert.equal(mail.html, "<b>&lt;x&gt;&amp;</b> a&quot;b &lt;/b&gt; above 90 °C for 5 min");
  const telegram = compose(input, settings({ dialect: "telegram-html", templates: { markup } }));
  assert.equal(telegram.markup, mail.html);
  assert.equal(compose(input, settings({ templates: { title: compile("  ", "title") } })).title.slice(0, 2), "🔴");
});

test("silent where the event or the message says so", () => {
  assert.equal(english({ silent: true }).silent, true);
  assert.equal(compose({ payload: "x", silent: true }, settings()).silent, true);
  assert.equal("silent" in english({}), false);
});

test("an event is read as far as it makes sense; other things are none", () => {
  assert.deepEqual(readEvent({ event: "start", alarm: "A", value: "high", time: "x", tags: 7, expected: Number.NaN }), {
    event: "start",
    alarm: "A",
  });
  for (const none of [undefined, null, 7, "start", [], {}, { event: "login", user: "x" }, { event: "", alarm: "A" }]) {
    assert.equal(readEvent(none), undefined);
  }
});

test("a digest counts by severity and shows twenty titles, in the language of the first", () => {
  const one = spanish({});
  const many = Array.from({ length: 1_234 }, (_, n) => ({ ...one, key: `k${n}`, title: `t${n} <b>` }));
  const digest = digestOf(many as [typeof one, ...(typeof one)[]], "telegram-html");
  assert.equal(digest.title, "🔔 1234 avisos en uno: 1234 crítica");
  assert.match(digest.text, /• t19 <b>\ny 1214 más$/);
  assert.match(digest.markup!, /• t19 &lt;b&gt;\n/);
});

const anything = fc.anything({ withDate: true, withNullPrototype: true, withBigInt: true, withTypedArray: true });
const strange = fc.oneof(anything, fc.constantFrom(Number.NaN, Infinity, "<b>", "{{x}}", new Date(Number.NaN)));
const event = fc.record(
  Object.fromEntries(
    [...Object.keys(EVENT), "previous", "worst", "duration", "zone", "tags", "silent"].map((name) => [
      name,
      fc.oneof(fc.constant((EVENT as Record<string, unknown>)[name]), strange),
    ]),
  ),
  { requiredKeys: [] },
);
const input = fc.record(
  {
    payload: fc.oneof(event, strange),
    topic: strange,
    title: strange,
    id: strange,
    timestamp: strange,
    deviation: strange,
  },
  { requiredKeys: ["payload"] },
);
const DIALECTS: Dialect[] = ["text", "html", "telegram-html", "telegram-markdown"];

test("whatever comes is told: no error, one line of title, nothing undefined, JSON keeps it as it is", () => {
  fc.assert(
    fc.property(input, fc.constantFrom(...LANGUAGES), fc.constantFrom(...DIALECTS), (msg, language, dialect) => {
      const written = compose(msg, settings({ language, dialect }));
      assert.deepEqual(JSON.parse(JSON.stringify(written)), written);
      assert.doesNotMatch(written.title, /[\r\n]/);
      assert.notEqual(written.title, "");
      assert.notEqual(written.text, "");
      // What stood there as text may say so; we do not.
      const given = JSON.stringify(msg, (_key, value) => (typeof value === "bigint" ? String(value) : value)) ?? "";
      if (/undefined|NaN|Invalid/.test(given)) return;
      for (const text of [written.title, written.text, written.html ?? "", written.markup ?? ""]) {
        assert.doesNotMatch(text, /undefined|NaN|Invalid Date/);
      }
    }),
    { numRuns: 1_500 },
  );
});
