import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { VigiaError } from "../../../lib/points/error.ts";
import { ZoneClock } from "../../../lib/points/zone.ts";
import { Grid } from "../../../lib/store/grid.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MADRID = "Europe/Madrid";
const at = (text: string) => Date.parse(text);
const texts = (edges: Float64Array) => Array.from(edges, (edge) => new Date(edge).toISOString().slice(0, 16));
const hours = (edges: Float64Array) => Array.from(edges.subarray(1), (edge, place) => (edge - edges[place]!) / HOUR);

test("a day begins at local midnight, and has 23 or 25 hours when the clock is changed", () => {
  const days = new Grid("1d", MADRID);
  const spring = days.edges(at("2026-03-28T12:00Z"), at("2026-03-30T12:00Z"));
  assert.deepEqual(texts(spring), ["2026-03-27T23:00", "2026-03-28T23:00", "2026-03-29T22:00", "2026-03-30T22:00"]);
  assert.deepEqual(hours(spring), [24, 23, 24]);
  assert.deepEqual(hours(days.edges(at("2026-10-24T12:00Z"), at("2026-10-26T12:00Z"))), [24, 25, 24]);
});

test("hours are hours on those days, longer parts keep to the wall clock", () => {
  const day = [at("2026-10-24T22:00Z"), at("2026-10-25T22:59Z")] as const;
  assert.equal(new Grid("1h", MADRID).edges(...day).length - 1, 25);
  assert.deepEqual(hours(new Grid("6h", MADRID).edges(...day)), [7, 6, 6, 6]);
  assert.deepEqual(hours(new Grid("6h", MADRID).edges(at("2026-03-28T23:00Z"), at("2026-03-29T21:59Z"))), [5, 6, 6, 6]);
});

test("hours begin with the hours of the zone, also where it is half an hour aside", () => {
  assert.deepEqual(texts(new Grid("1h", "Asia/Kolkata").edges(at("2026-01-01T10:10Z"), at("2026-01-01T10:40Z"))), [
    "2026-01-01T09:30",
    "2026-01-01T10:30",
    "2026-01-01T11:30",
  ]);
});

test("weeks begin on Monday, months and years on their first day", () => {
  const now = at("2026-11-25T12:00Z");
  const of = (every: string) => texts(new Grid(every, MADRID).edges(now, now));
  assert.deepEqual(of("1w"), ["2026-11-22T23:00", "2026-11-29T23:00"]);
  assert.deepEqual(of("7d"), of("1w"));
  assert.deepEqual(of("1mo"), ["2026-10-31T23:00", "2026-11-30T23:00"]);
  assert.deepEqual(of("3mo"), ["2026-09-30T22:00", "2026-12-31T23:00"]);
  assert.deepEqual(of("1y"), ["2025-12-31T23:00", "2026-12-31T23:00"]);
});

test("a midnight that the clock jumps over, a day that is left out, a midnight that comes twice", () => {
  // Beirut, 2022-03-27: 0:00 is 1:00. Apia has no 30 December 2011. Havana, 2022-11-06: 1:00 is 0:00 again.
  assert.deepEqual(
    hours(new Grid("1d", "Asia/Beirut").edges(at("2022-03-26T12:00Z"), at("2022-03-27T12:00Z"))),
    [24, 23],
  );
  assert.deepEqual(texts(new Grid("1d", "Pacific/Apia").edges(at("2011-12-29T12:00Z"), at("2011-12-30T12:00Z"))), [
    "2011-12-29T10:00",
    "2011-12-30T10:00",
    "2011-12-31T10:00",
  ]);
  assert.deepEqual(
    hours(new Grid("1d", "America/Havana").edges(at("2022-11-06T12:00Z"), at("2022-11-06T12:00Z"))),
    [25],
  );
});

test("what fits no day counts from 1970", () => {
  assert.deepEqual([...new Grid("7m", MADRID).edges(0, 7 * 60_000)], [0, 7 * 60_000, 14 * 60_000]);
  assert.equal(new Grid("90m").label, "1h30m");
});

test("what is no length is refused with what is one", () => {
  for (const wrong of ["", "often", "0mo", "1.5mo", 5, undefined]) {
    assert.throws(
      () => new Grid(wrong, "UTC", "msg.every"),
      ({ code, message }: VigiaError) => code === "bad-duration" && /^msg\.every is .*; allowed: .*"1mo"/.test(message),
    );
  }
  assert.throws(() => new Grid("1s").edges(0, 1e12), /buckets of all series is 1000000000; allowed: at most 5000000/);
});

const ZONES = [
  "UTC",
  MADRID,
  "America/St_Johns",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "America/Havana",
  "Pacific/Apia",
];
const LENGTHS = ["5m", "15m", "1h", "90m", "6h", "7h", "1d", "3d", "1w", "2w", "1mo", "3mo", "1y"];

test("edges ascend, hold the range and no bucket more, and are the same for any range", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.constantFrom(...LENGTHS),
      fc.integer({ min: at("1990-01-01"), max: at("2040-01-01") }),
      fc.integer({ min: 0, max: 40 * DAY }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (zone, every, from, length, part) => {
        const grid = new Grid(every, zone);
        const edges = grid.edges(from, from + length);
        assert.ok(edges[0]! <= from && edges[1]! > from, "the first bucket holds the beginning");
        assert.ok(edges.at(-1)! > from + length && edges.at(-2)! <= from + length, "the last one holds the end");
        for (let i = 1; i < edges.length; i++) assert.ok(edges[i]! > edges[i - 1]!, "ascending");
        const inside = from + Math.floor(part * length);
        const known = new Set(edges);
        for (const edge of grid.edges(inside, from + length)) assert.ok(known.has(edge), "one grid");
      },
    ),
    { numRuns: 400 },
  );
});

test("each edge of days is the first instant of a local day", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.integer({ min: at("1990-01-01"), max: at("2040-01-01") }),
      (zone, from) => {
        const clock = new ZoneClock(zone);
        const dayOf = (time: number) => Math.floor(clock.local(time) / DAY);
        for (const edge of new Grid("1d", zone).edges(from, from + 3 * DAY)) {
          assert.ok(dayOf(edge - 1) < dayOf(edge), new Date(edge).toISOString());
        }
      },
    ),
    { numRuns: 300 },
  );
});
