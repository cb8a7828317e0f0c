import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createDecoder, FORMATS } from "../../../lib/codecs/decoder.ts";
import { MAX_LISTED } from "../../../lib/codecs/intake.ts";
import { SeriesTable } from "../../../lib/points/series.ts";
import { decodeAll, NOW, pairs, still } from "./helpers.ts";

test("auto tells the formats apart by the payload alone", () => {
  const cases: [string, string | undefined][] = [
    ['{"a":1}', "json"],
    ["  [1]", "json"],
    ["{broken", "json"],
    ['"23.5"', "json"],
    ["null", "json"],
    ["23.5", "number"],
    [" -1e3\n", "number"],
    ["NaN", "number"],
    ["true", "number"],
    ["ON", "number"],
    ["cpu value=1", "line-protocol"],
    ["# note\n\ncpu,host=a value=1i 1795491600000000000", "line-protocol"],
    ["time,a\n2026-01-01,1", "csv"],
    ['"time","a"\n"2026-01-01","1"', "csv"],
    ["1,2,3", "csv"],
    ["hello world", undefined],
    ["idle", undefined],
  ];
  for (const [text, format] of cases) assert.equal(decodeAll(text).decoded.format, format, text);
});

test("JSON in every form of the contract", () => {
  assert.deepEqual(decodeAll("23.5", { format: "json" }).seen, [{ series: "topic", tags: {}, time: NOW, value: 23.5 }]);
  const object = decodeAll('{"a":1,"b":true,"c":"on","d":"text","e":{"f":1},"g":null,"time":1795491600000}');
  assert.deepEqual(pairs(object.seen), ["topic/a=1", "topic/b=1", "topic/c=1", "topic/g=NaN"]);
  assert.equal(object.seen[0]!.time, 1_795_491_600_000);
  assert.equal(object.decoded.skipped, 2);
  const point = decodeAll('{"series":"s","time":"2026-11-24T03:40:00Z","value":1,"tags":{"k":"v"}}');
  assert.deepEqual(point.seen, [{ series: "s", tags: { k: "v" }, time: Date.UTC(2026, 10, 24, 3, 40), value: 1 }]);
  assert.deepEqual(pairs(decodeAll('[{"series":"a","value":1},{"series":"b","value":2}]').seen), ["a=1", "b=2"]);
});

test("every bad item of an array is told with its text and place", () => {
  const { seen, decoded } = decodeAll('[{"series":"a","value":1},{"value":"x"},7,{"value":2,"time":5}]');
  assert.deepEqual(pairs(seen), ["a=1"]);
  assert.deepEqual(
    decoded.rejected.map(({ text, error }) => [text, error.code, error.field]),
    [
      ['{"value":"x"}', "bad-value", "msg.payload[1].value"],
      ["7", "bad-point", "msg.payload[2]"],
      ['{"value":2,"time":5}', "implausible-time", "msg.payload[3].time"],
    ],
  );
});

test("JSON Lines: one document a line, bad lines told apart", () => {
  const { seen, decoded } = decodeAll('{"a":1}\n{"a":2}\n\n{"a":\n{"b":3}\n');
  assert.deepEqual(pairs(seen), ["topic/a=1", "topic/a=2", "topic/b=3"]);
  assert.deepEqual(
    decoded.rejected.map(({ text }) => text),
    ['{"a":'],
  );
});

test("what is wrong is said in the user's words", () => {
  const message = (text: string, options = {}) => decodeAll(text, options).decoded.rejected[0]?.error.message ?? "";
  assert.match(message('{"a":NaN}'), /send null for a gap/);
  assert.match(message("{}"), /an object with a number/);
  assert.match(message("hello"), /JSON, a number, a known state, line protocol/);
  assert.match(message("m v=1 1795491600000"), /in ns since 1970; it has the length of ms: set the precision/);
  assert.match(message("time,a\n1795491600,1"), /in ms since 1970; it has the length of s: set the precision/);
  assert.throws(() => createDecoder({ format: "xml" as never }, still), /format is "xml"; allowed: auto, json/);
  assert.throws(() => createDecoder({ precision: "h" as never }, still), /precision is "h"; allowed: ns, us, ms, s/);
});

test("without a time on the wire each series takes its arrival, strictly increasing, in every format", () => {
  const decoder = createDecoder({}, still);
  const times: Record<string, number[]> = {};
  for (const payload of ["1", "1", "m v=1\nm v=2", "v,w\n1,2\n3,4", '{"v":9}']) {
    decoder.decode(payload, { series: "topic" }, (ref, time) => {
      times[ref.key] ??= [];
      times[ref.key]!.push(time - NOW);
    });
  }
  assert.deepEqual(Object.values(times), [
    [0, 1],
    [0, 1],
    [0, 1, 2],
    [0, 1],
  ]);
});

test("a time of the message serves points that bring none", () => {
  const timestamp = NOW - 5_000;
  for (const payload of ["1", '{"a":1}', "m v=1", "a,b\n1,2"]) {
    const { seen } = decodeAll(payload, {}, { series: "topic", timestamp });
    assert.ok(seen.length > 0);
    for (const { time } of seen) assert.equal(time, timestamp, payload);
  }
});

test("tags of the topic go to every point", () => {
  for (const payload of ["1", '{"a":1}', "m,k=v x=1", "a,b\n1,2"]) {
    const { seen } = decodeAll(payload, {}, { series: "topic", tags: { site: "madrid" } });
    for (const { tags } of seen) assert.equal(tags.site, "madrid", payload);
  }
  assert.equal(decodeAll("m,site=lugo x=1", {}, { tags: { site: "madrid" } }).seen[0]!.tags.site, "lugo");
});

test("tags are read by what stands in them, whether the object is the same or not", () => {
  const decoder = createDecoder({}, still);
  for (const payload of ["1", "m v=1", "a,b\n1,2"]) {
    const sites: (string | undefined)[] = [];
    const decode = (tags: object) => {
      decoder.decode(payload, { series: "topic", tags }, (ref, _time, _value, row) => {
        if (row === 0) sites.push(ref.tags?.site);
      });
    };
    const loose = { site: "a" };
    decode(loose);
    loose.site = "b";
    decode(loose);
    const fixed = Object.freeze({ site: "c" });
    decode(fixed);
    decode(fixed);
    decode(Object.freeze({ site: "d" }));
    assert.deepEqual(sites, ["a", "b", "c", "c", "d"], payload);
  }
});

test("traps of the wire", () => {
  assert.deepEqual(pairs(decodeAll(Buffer.from("\ufeff23.5")).seen), ["topic=23.5"]);
  assert.deepEqual(pairs(decodeAll(Buffer.from('\ufeff{"a":1}')).seen), ["topic/a=1"]);
  assert.deepEqual(pairs(decodeAll(Buffer.from("23.5\0")).seen), ["topic=23.5"]);
  assert.deepEqual(pairs(decodeAll(new Uint8Array([50, 51])).seen), ["topic=23"]);
  assert.deepEqual(pairs(decodeAll("m v=1\r\nm v=2\r\n").seen), ["m=1", "m=2"]);
  assert.deepEqual(pairs(decodeAll("a,b\r\n1,2\r\n").seen), ["topic/a=1", "topic/b=2"]);
  for (const payload of ["", "\0", "\ufeff", " \n"]) assert.deepEqual(decodeAll(payload).codes, ["empty-payload"]);
  assert.deepEqual(decodeAll(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])).codes, ["bad-encoding"]);
  assert.deepEqual(decodeAll("x".repeat(101), { maxBytes: 100 }).codes, ["too-large"]);
  assert.deepEqual(decodeAll("m v=1e400").codes, ["bad-line"]);
  assert.deepEqual(decodeAll("m v=NaN").codes, ["bad-line"]);
  assert.deepEqual(decodeAll('{"value":1e400}').seen[0]!.value, Number.POSITIVE_INFINITY);
  // A text that does hold U+FFFD is no error.
  assert.deepEqual(pairs(decodeAll(Buffer.from('{"\ufffd":1}')).seen), ["topic/\ufffd=1"]);
});

test("__proto__ is a name as any other", () => {
  assert.deepEqual(pairs(decodeAll('{"__proto__":1,"constructor":2}').seen), [
    "topic/__proto__=1",
    "topic/constructor=2",
  ]);
  const line = decodeAll("m,__proto__=x __proto__=1").seen[0]!;
  assert.deepEqual(Object.entries(line.tags).sort(), [
    ["__proto__", "x"],
    ["field", "__proto__"],
  ]);
  assert.deepEqual(pairs(decodeAll("__proto__,a\n1,2").seen), ["topic/__proto__=1", "topic/a=2"]);
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

test("rubbish of a megabyte is counted, not listed", () => {
  const { decoded } = decodeAll("x\n".repeat(500_000), { format: "line-protocol" });
  assert.equal(decoded.rejected.length, MAX_LISTED);
  assert.equal(decoded.unlisted, 500_000 - MAX_LISTED);
});

const anyFormat = fc.constantFrom(...FORMATS);
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  fc.stringMatching(/^[mt,= \\"i0-9.\n#;e-]{0,60}$/),
  fc.array(fc.stringMatching(/^[a-z0-9,;".\r]{0,20}$/)).map((lines) => lines.join("\n")),
);

test("law: no text and no bytes ever throw, and the counts agree with what was visited", () => {
  const check = (payload: string | Uint8Array, format: (typeof FORMATS)[number]) => {
    const { seen, decoded } = decodeAll(payload, { format });
    assert.equal(decoded.points, seen.length);
    for (const { time, series } of seen) assert.ok(Number.isInteger(time) && series !== "");
  };
  fc.assert(fc.property(anyText, anyFormat, check));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), anyFormat, check));
});

test("law: the same payload gives the same format and points each time", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const one = decodeAll(text);
      const two = decodeAll(text);
      assert.equal(one.decoded.format, two.decoded.format);
      assert.deepEqual(one.seen, two.seen);
    }),
  );
});

test("law: what JSON.stringify writes comes back", () => {
  const point = fc.record({
    series: fc.stringMatching(/^[a-z/]{1,20}$/),
    time: fc.integer({ min: Date.UTC(1972, 0, 1), max: NOW }),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }),
  });
  fc.assert(
    fc.property(fc.array(point, { minLength: 1 }), (points) => {
      const { seen } = decodeAll(JSON.stringify(points));
      // JSON has no -0.
      assert.deepEqual(
        seen,
        points.map(({ series, time, value }) => ({ series, tags: {}, time, value: value === 0 ? 0 : value })),
      );
    }),
  );
});

test("a shared series table gives the same reference for the same series in every format", () => {
  const table = new SeriesTable();
  const decoder = createDecoder({}, still, table);
  const refs = new Set<unknown>();
  for (const payload of ["1", "1", '{"series":"topic","value":3}', "value,\n7,\n"]) {
    decoder.decode(payload, { series: "topic" }, (ref) => refs.add(ref));
  }
  assert.equal(refs.size, 1);
});
