import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { show } from "../../../lib/points/error.ts";
import { readTime } from "../../../lib/points/time.ts";
import { assertComplaint, NOW, timeArb } from "./helpers.ts";

const LATEST = NOW + 86_400_000;
const read = (value: unknown) => readTime(value, LATEST, "msg.timestamp");
const complaint = (value: unknown) => {
  try {
    read(value);
  } catch (thrown) {
    assertComplaint(thrown);
    return thrown;
  }
  return assert.fail(`${show(value)} is no time`);
};

/** `+05:30` and the like, with its minutes. */
const zoneArb = fc.integer({ min: -14 * 60, max: 14 * 60 }).map((minutes) => {
  const abs = Math.abs(minutes);
  const two = (n: number) => String(n).padStart(2, "0");
  return { minutes, text: `${minutes < 0 ? "-" : "+"}${two(Math.floor(abs / 60))}:${two(abs % 60)}` };
});

test("one time in all its forms", () => {
  fc.assert(
    fc.property(timeArb, zoneArb, (time, zone) => {
      const iso = new Date(time).toISOString();
      const there = new Date(time + zone.minutes * 60_000).toISOString().slice(0, -1);
      const forms = [
        time,
        String(time),
        ` ${time}.25 `,
        new Date(time),
        iso,
        iso.toLowerCase(),
        iso.slice(0, -1),
        iso.replace("T", " "),
        iso.replace(".", ","),
        iso.replace("Z", "999Z"),
        `${there}${zone.text}`,
        `${there} ${zone.text.replace(":", "")}`,
      ];
      for (const form of forms) assert.equal(read(form), time, String(form));
    }),
  );
});

test("a text without a zone is UTC, on whatever gateway", () => {
  const before = process.env.TZ;
  try {
    for (const zone of ["America/New_York", "Asia/Kolkata", "UTC"]) {
      process.env.TZ = zone;
      // In New York these are in the hour that there is not, and in the one that there is twice.
      assert.equal(read("2025-03-09T02:30:00"), Date.UTC(2025, 2, 9, 2, 30));
      assert.equal(read("2025-11-02 01:30"), Date.UTC(2025, 10, 2, 1, 30));
      assert.equal(read("2025-11-02"), Date.UTC(2025, 10, 2));
    }
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
});

test("whole milliseconds: numbers are rounded, more digits of a text are cut", () => {
  assert.equal(read(NOW + 0.49), NOW);
  assert.equal(read(NOW + 0.5), NOW + 1);
  assert.equal(read(`${NOW}.5`), NOW + 1);
  assert.equal(read("2026-01-01T00:00:00.123999Z"), Date.UTC(2026, 0, 1) + 123);
  assert.equal(read("2026-01-01T00:00:00.5Z"), Date.UTC(2026, 0, 1) + 500);
});

test("what is no time is an error", () => {
  const bad: unknown[] = [
    undefined,
    null,
    true,
    {},
    [],
    Symbol("now"),
    1n,
    "",
    "noon",
    "1e12",
    "2026-13-01",
    "2026-02-30",
    "2026-02-29T12:00:00Z",
    "2026-01-01T25:00Z",
    "2026-01-01T12:00:00+99:00",
    "01/02/2026",
    "Sun Mar 01 2026",
    Number.NaN,
    Infinity,
    new Date(Number.NaN),
    Object.create(Date.prototype),
    { [Symbol.toStringTag]: "Date" },
  ];
  for (const value of bad) {
    const { code, field, allowed } = complaint(value);
    assert.equal(code, "bad-time", show(value));
    assert.equal(field, "msg.timestamp");
    assert.match(allowed!, /ISO 8601/);
  }
  assert.equal(read("2024-02-29"), Date.UTC(2024, 1, 29), "a leap day is one");
});

test("an implausible time is an error that says which unit it looks like, never a guess", () => {
  fc.assert(
    fc.property(timeArb, (time) => {
      const hint = (value: unknown) => {
        const { code, message } = complaint(value);
        assert.equal(code, "implausible-time");
        return /looks like (\w+)/.exec(message)?.[1];
      };
      assert.equal(hint(Math.floor(time / 1000)), "seconds");
      assert.equal(hint(String(Math.floor(time / 1000))), "seconds");
      if (time > Date.UTC(1980, 0, 1)) {
        assert.equal(hint(time * 1e3), "microseconds");
        assert.equal(hint(time * 1e6), "nanoseconds");
      }
    }),
  );
  assert.match(
    complaint(NOW / 1000).message,
    /^msg\.timestamp is 1772366400; .*1971-01-01 to 2026-03-02T12:00:00.000Z; .*seconds/,
  );
});

test("the plausible range is from 1971 to a given time, both included", () => {
  assert.equal(read(Date.UTC(1971, 0, 1)), Date.UTC(1971, 0, 1));
  assert.equal(read(LATEST), LATEST);
  assert.equal(complaint(Date.UTC(1971, 0, 1) - 1).code, "implausible-time");
  assert.equal(complaint(LATEST + 1).code, "implausible-time");
  assert.equal(complaint(new Date(LATEST + 1)).code, "implausible-time");
  assert.equal(complaint("2126-03-01").code, "implausible-time");
});
