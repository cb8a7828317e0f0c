import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cut, ESCAPES, html, line, markdownV2, plain, topic } from "../../../lib/notify/escape.ts";
import { DeliveryError, scrubber } from "../../../lib/notify/failure.ts";
import { compile } from "../../../lib/notify/template.ts";

/** Half a character. */
const HALF = /\p{Cs}/u;
const nasty = fc.string({ unit: fc.constantFrom(..."<>&\"'`*_[]()~#+-=|{}.!\\/$ \r\n\0\u202e\ud83d", "é", "🔴", "a") });

test("no text can leave its place in any dialect", () => {
  fc.assert(
    fc.property(nasty, (text) => {
      assert.doesNotMatch(html(text), /[<>"'`]|&(?!(?:amp|lt|gt|quot|#39|#96);)/);
      // Each special character has its backslash.
      assert.doesNotMatch(markdownV2(text).replace(/\\[\\_*[\]()~`>#+\-=|{}.!]/g, ""), /[_*[\]()~`>#+\-=|{}.!\\]/);
      assert.doesNotMatch(line(text), /[\r\n\0\u202e]/);
      assert.doesNotMatch(topic(text), /[+#\0\r\n]|^\$/);
      assert.doesNotMatch(plain(text), HALF);
    }),
    { numRuns: 2_000 },
  );
});

test("what is cut ends between characters, and says so", () => {
  assert.equal(cut("abc", 3), "abc");
  assert.equal(cut("abcd", 3), "ab…");
  assert.equal(cut("a🔴bc", 3), "a…");
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.nat(20),
      (text, n) => cut(text, n + 1).length <= n + 1 && !HALF.test(cut(text, n + 1)),
    ),
  );
});

test("a template writes nothing unescaped, and finds only data", () => {
  const show = (source: string, view: object, dialect: keyof typeof ESCAPES = "text") =>
    compile(source, "text").render(view as Record<string, unknown>, ESCAPES[dialect]);
  assert.equal(show("{{a}} {{a.b}} {{none}}", { a: { b: "<" } }, "html"), " &lt; ");
  assert.equal(show("{{#l}}[{{.}}]{{/l}}{{^l}}none{{/l}}", { l: [1, 0] }), "[1][0]");
  assert.equal(show("{{#l}}x{{/l}}{{^l}}none{{/l}}", { l: [] }), "none");
  assert.equal(show("{{#n}}{{n}}{{/n}}", { n: 0 }), "0");
  assert.equal(show("a\n{{#b}}\nc\n{{/b}}\nd", { b: true }), "a\nc\nd");
  assert.equal(show("{{constructor}}{{__proto__}}{{a.constructor.name}}", { a: {} }), "");
  const trap = Object.defineProperty({}, "a", { get: () => assert.fail("called") });
  assert.equal(show("{{a}}", trap), "");
  fc.assert(fc.property(nasty, (text) => !/[<>]/.test(show("{{x}}{{#y}}{{.}}{{/y}}", { x: text, y: [text] }, "html"))));
});

test("a template that is none is an error which names the field", () => {
  for (const source of [
    "{{",
    "{{a",
    "{{#a}}",
    "{{/a}}",
    "{{#a}}{{/b}}",
    "{{a b}}",
    "{{&a}}",
    "{{{a}}}",
    "{{>a}}",
    "{{#a}}".repeat(30),
  ]) {
    assert.throws(() => compile(source, "title"), { code: "bad-template", field: "title" }, source);
  }
});

test("secrets are hidden in whatever form they come back", () => {
  const secret = 'p@ss w/ö"rd';
  const scrub = scrubber({ user: "u", secret });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret), base64(secret), base64(`\0u\0${secret}`)];
  for (const form of forms) {
    const said = scrub(`before ${form} after`);
    assert.match(said, /^before .*\*\*\*.* after$/);
    assert.ok(!said.includes(form.replace(/^"|"$/g, "")));
  }
  assert.equal(scrubber({ secret: "" })("as it is"), "as it is");
  assert.equal(new DeliveryError("x", "y").cause, undefined);
});
