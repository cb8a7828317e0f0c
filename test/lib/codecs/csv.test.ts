import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CsvOptions } from "../../../lib/codecs/csv.ts";
import { decodeAll, NOW, pairs } from "./helpers.ts";

const read = (text: string, csv: CsvOptions = {}, precision?: "s" | "ms") =>
  decodeAll(text, { format: "csv", csv, ...(precision && { precision }) });

const AT = Date.UTC(2026, 10, 24, 3, 40);

test("a header names the series, a named column is the time", () => {
  for (const name of ["time", "Timestamp", "date", "ts", "DATETIME"]) {
    const { seen, decoded } = read(`temp,${name},hum\n21.5,2026-11-24T03:40:00Z,40\n22,2026-11-24T03:41:00Z,\n`);
    assert.deepEqual(pairs(seen), ["topic/temp=21.5", "topic/hum=40", "topic/temp=22"]);
    assert.deepEqual(
      seen.map(({ time }) => time - AT),
      [0, 0, 60_000],
    );
    assert.equal(decoded.skipped, 0);
  }
});

test("the time is found by content where no name tells it", () => {
  assert.deepEqual(read("when;a\n2026-11-24 03:40;1").seen, [{ series: "topic/a", tags: {}, time: AT, value: 1 }]);
  assert.deepEqual(read(`5,${AT},7`).seen, [
    { series: "topic/column1", tags: {}, time: AT, value: 5 },
    { series: "topic/column3", tags: {}, time: AT, value: 7 },
  ]);
  assert.deepEqual(
    read("1795491600\t7", {}, "s").seen.map(({ time }) => time),
    [AT],
  );
  assert.deepEqual(
    read("1795491600.25\t7", {}, "s").seen.map(({ time }) => time),
    [AT + 250],
  );
});

test("date and time in two columns are one time", () => {
  assert.deepEqual(read("date,time,a\n2026-11-24,3:40,1").seen, [{ series: "topic/a", tags: {}, time: AT, value: 1 }]);
  assert.deepEqual(read("time,date,a\n03:40:00,2026-11-24,1").seen[0]!.time, AT);
});

test("without a time column: arrival", () => {
  assert.deepEqual(read("a;b\n1;2").seen, [
    { series: "topic/a", tags: {}, time: NOW, value: 1 },
    { series: "topic/b", tags: {}, time: NOW, value: 2 },
  ]);
});

test("long form: a column of the series, one called value, one of the unit", () => {
  const { seen } = read("time,series,value,unit\n2026-11-24T03:40,plant/a,1,°C\n2026-11-24T03:40,plant/b,2,bar");
  assert.deepEqual(pairs(seen), ["plant/a=1", "plant/b=2"]);
});

test("roles that are told: by header or by number", () => {
  const { seen } = read("id,when,site,a,b,note\n7,2026-11-24T03:40,madrid,1,2,x", {
    time: "when",
    series: "id",
    tags: ["site"],
    values: [4, "b"],
  });
  assert.deepEqual(seen, [
    { series: "7/a", tags: { site: "madrid" }, time: AT, value: 1 },
    { series: "7/b", tags: { site: "madrid" }, time: AT, value: 2 },
  ]);
  const wrong = read("a,b\n1,2", { time: "t" });
  assert.deepEqual(wrong.codes, ["bad-column"]);
  assert.match(wrong.decoded.rejected[0]!.error.message, /csv.time is "t"; allowed: one of the columns "a", "b"/);
});

test("decimal comma", () => {
  const text = "time;a\n2026-11-24T03:40;1,5\n2026-11-24T03:41;-2,25e1";
  assert.deepEqual(pairs(read(text, { decimal: "," }).seen), ["topic/a=1.5", "topic/a=-22.5"]);
  assert.equal(read(text).decoded.skipped, 2);
});

test("quotes, line ends in quotes, comments, empty lines", () => {
  const { seen, decoded } = read(
    '# made by a logger\n"time","a, ""b"""\n\n"2026-11-24T03:40","1"\n# note\n"2026-11-24T03:41","x\ny"\n',
  );
  assert.deepEqual(pairs(seen), ['topic/a, "b"=1']);
  assert.equal(decoded.skipped, 1);
});

test("states are numbers, other texts are skipped, empty cells are nothing, NaN is a gap", () => {
  const { seen, decoded } = read("a,b,c,d\non,idle,,NaN");
  assert.deepEqual(pairs(seen), ["topic/a=1", "topic/d=NaN"]);
  assert.equal(decoded.skipped, 1);
});

test("bad rows are rejected with their text, the others are kept", () => {
  const { seen, decoded } = read("time,a\n2026-11-24T03:40,1\nyesterday,2\n2026-11-24T03:41\n2026-11-24T03:42,3,\n");
  assert.deepEqual(pairs(seen), ["topic/a=1", "topic/a=3"]);
  assert.deepEqual(
    decoded.rejected.map(({ text, error }) => [text, error.code, error.field]),
    [
      ["yesterday,2", "bad-time", "row 3, time"],
      ["2026-11-24T03:41", "bad-row", "row 4"],
    ],
  );
  assert.deepEqual(read('a,b\n1,"open').codes, ["bad-row"]);
  assert.deepEqual(read("a,b").codes, ["bad-csv"]);
});

test("columns of one name stay two series", () => {
  assert.deepEqual(pairs(read("a,a,\n1,2,3").seen), ["topic/a=1", "topic/a-2=2", "topic/column3=3"]);
});

test("a first row is a header unless it has a number or a time", () => {
  assert.deepEqual(pairs(read("on,off\nup,down").seen), ["topic/on=1", "topic/off=0"]);
  assert.deepEqual(pairs(read("on,off\nup,down", { header: false }).seen).length, 4);
  assert.deepEqual(pairs(read("1,2\n3,4", { header: true }).seen), ["topic/1=3", "topic/2=4"]);
});

test("law: encode, then decode, with any separator", () => {
  const cell = fc.double({ noNaN: true, noDefaultInfinity: true });
  const table = fc.record({
    separator: fc.constantFrom(",", ";", "\t", "|"),
    header: fc.uniqueArray(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 10 }).map((text) => `k${text}`.trim()),
      { minLength: 1, maxLength: 4, selector: (text) => text.toLowerCase() },
    ),
    rows: fc.array(
      fc.record({
        time: fc.integer({ min: Date.UTC(2001, 0, 1), max: NOW }),
        values: fc.array(cell, { minLength: 4 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  });
  fc.assert(
    fc.property(table, ({ separator, header, rows }) => {
      fc.pre(header.every((name) => !/[\u0000-\u001f\u007f]/.test(name)));
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const text = [
        ["time", ...header.map(quote)].join(separator),
        ...rows.map(({ time, values }) => [time, ...values.slice(0, header.length)].join(separator)),
      ].join("\r\n");
      const { seen, decoded } = read(text);
      assert.deepEqual(decoded.rejected, []);
      assert.deepEqual(
        seen.map(({ series, time, value }) => [series, time, value]),
        rows.flatMap(({ time, values }) =>
          header.map((name, at) => [`topic/${name}`, time, values[at] === 0 ? 0 : values[at]]),
        ),
      );
    }),
  );
});
