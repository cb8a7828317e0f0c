import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeAll, NOW, pairs } from "./helpers.ts";

const read = (text: string, precision: "ns" | "us" | "ms" | "s" = "ns") =>
  decodeAll(text, { format: "line-protocol", precision });

test("one point a field, with the field as tag", () => {
  assert.deepEqual(read("cpu,host=a usr=1.5,sys=2i,up=t 1795491600000000000").seen, [
    { series: "cpu", tags: { field: "usr", host: "a" }, time: 1_795_491_600_000, value: 1.5 },
    { series: "cpu", tags: { field: "sys", host: "a" }, time: 1_795_491_600_000, value: 2 },
    { series: "cpu", tags: { field: "up", host: "a" }, time: 1_795_491_600_000, value: 1 },
  ]);
});

test("precisions, rounded to the nearest millisecond", () => {
  for (const [text, precision, ms] of [
    ["1795491600", "s", 1_795_491_600_000],
    ["1795491600123", "ms", 1_795_491_600_123],
    ["1795491600123500", "us", 1_795_491_600_124],
    ["1795491600123499999", "ns", 1_795_491_600_123],
    ["1795491600123500000", "ns", 1_795_491_600_124],
  ] as const) {
    assert.equal(read(`m v=1 ${text}`, precision).seen[0]!.time, ms, text);
  }
});

test("escapes of the reference manual", () => {
  const { seen } = read("my\\ m\\,x,a\\ b=c\\,d\\=e,plain=x\\y f\\ 1=1");
  assert.deepEqual(seen[0], {
    series: "my m,x",
    tags: { "a b": "c,d=e", plain: "x\\y", field: "f 1" },
    time: NOW,
    value: 1,
  });
});

test("texts are skipped and counted, also with line ends, quotes and = inside", () => {
  const { seen, decoded } = read('m s="a\nb=\\"1\\", x" \nm v=1,s="\\\\",w=2\n');
  assert.deepEqual(pairs(seen), ["m=1", "m=2"]);
  assert.equal(decoded.skipped, 2);
  assert.equal(decoded.rejected.length, 0);
});

test("a bad line is rejected whole, with its text and reason; the others are kept", () => {
  const cases: [string, RegExp][] = [
    ["m", /a measurement, a blank and field=value/],
    [",t=a v=1", /measurement/],
    ["m,t v=1", /a tag is "t"/],
    ["m,t= v=1", /a tag is "t="/],
    ["m,field=a v=1", /tells the fields of a line apart/],
    ["m v", /field=value/],
    ["m =1", /a name before the =/],
    ["m v=", /field v is ""/],
    ["m v=1,", /field=value/],
    ["m v=abc", /field v is "abc"/],
    ["m v=0x10", /field v is "0x10"/],
    ["m v=Infinity", /field v is "Infinity"/],
    ["m v=1.5i", /field v is "1.5i"/],
    ["m v=-1u", /field v is "-1u"/],
    ["m v=9223372036854775808i", /field v/],
    ["m v=-9223372036854775809i", /field v/],
    ["m v=18446744073709551616u", /field v/],
    ['m v="open', /a closing quote/],
    ['m v="a"x', /nothing behind it/],
    ["m v=1 yesterday", /timestamp is "yesterday"/],
    ["m v=1 1e18", /timestamp is "1e18"/],
    ["m v=1 1795491600000000000 x", /nothing behind it/],
    ["m ok=1,v=1 17", /timestamp is "17"/],
  ];
  for (const [line, reason] of cases) {
    const { seen, decoded } = read(`a v=1\n${line}\nb v=2\n`);
    assert.deepEqual(pairs(seen), ["a=1", "b=2"], line);
    assert.deepEqual(
      decoded.rejected.map(({ text }) => text),
      [line],
    );
    assert.match(decoded.rejected[0]!.error.message, reason, line);
  }
});

test("integers at their limits", () => {
  const values = read("m a=9223372036854775807i,b=-9223372036854775808i,c=18446744073709551615u").seen;
  assert.deepEqual(
    values.map(({ value }) => value),
    [2 ** 63, -(2 ** 63), 2 ** 64],
  );
});

test("the same head under other tags of the topic is another series", () => {
  const a = decodeAll("m v=1", {}, { tags: { site: "a" } }).seen[0]!;
  const b = decodeAll("m v=1", {}, { tags: { site: "b" } }).seen[0]!;
  assert.notDeepEqual(a.tags, b.tags);
});

const escapeKey = (text: string) => text.replace(/[,= ]/g, "\\$&");
/** Names that line protocol can carry: a backslash before a separator has no spelling of its own. */
const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .filter((text) => !/[\u0000-\u001f\u007f\\"#]/.test(text) && text.trim() === text && text !== "field");

test("law: encode, then decode", () => {
  const line = fc.record({
    measurement: name,
    tags: fc.dictionary(name, name, { maxKeys: 3 }),
    fields: fc.dictionary(name, fc.double({ noNaN: true, noDefaultInfinity: true }), { minKeys: 1, maxKeys: 4 }),
    time: fc.integer({ min: Date.UTC(1972, 0, 1), max: NOW }),
  });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const text = lines
        .map(({ measurement, tags, fields, time }) => {
          const head = [
            measurement.replace(/[, ]/g, "\\$&"),
            ...Object.entries(tags).map(([key, value]) => `${escapeKey(key)}=${escapeKey(value)}`),
          ];
          const body = Object.entries(fields).map(([key, value]) => `${escapeKey(key)}=${value}`);
          return `${head.join(",")} ${body.join(",")} ${time}000000`;
        })
        .join("\n");
      const { seen, decoded } = read(text === "" ? "\n#" : text);
      assert.deepEqual(decoded.rejected, []);
      const sorted = (tags: object) => Object.entries(tags).sort();
      assert.deepEqual(
        seen.map((point) => [point.series, sorted(point.tags), point.time, point.value]),
        lines.flatMap(({ measurement, tags, fields, time }) =>
          Object.entries(fields).map(([field, value]) => [
            measurement,
            sorted({ ...tags, field }),
            time,
            // The text of -0 is "0".
            value === 0 ? 0 : value,
          ]),
        ),
      );
    }),
  );
});

test("law: a decimal is the double that Number reads", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^-?\d{1,12}(\.\d{0,8})?$/), (text) => {
      assert.ok(Object.is(read(`m v=${text}`).seen[0]!.value, Number(text)));
    }),
  );
});
