import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFor } from "../../../nodes/show/page/format.ts";
import { Track } from "../../../nodes/show/page/track.ts";
import { View } from "../../../nodes/show/page/view.ts";
import { ticksOf, zoneOf } from "../../../nodes/show/page/zone.ts";

// The parts of the page that need no browser.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const madrid = zoneOf("Europe/Madrid");
const shown = (times: readonly number[], step: number) => formatFor("en-GB", madrid).times(times, step);

test("ticks stand at round times of the wall clock, midnight is named by its day", () => {
  const from = Date.UTC(2026, 0, 1, 20, 20);
  const { times, step } = ticksOf(from, from + 12 * HOUR, 2 * HOUR, madrid);
  assert.equal(step, 2 * HOUR);
  assert.deepEqual(shown(times, step), ["22:00", "2 Jan", "02:00", "04:00", "06:00", "08:00"]);
});

test("ticks across both changes of summer time: the night of 23 and that of 25 hours", () => {
  const spring = ticksOf(Date.UTC(2026, 2, 28, 22), Date.UTC(2026, 2, 29, 6), HOUR, madrid);
  assert.deepEqual(shown(spring.times, HOUR), [
    "23:00",
    "29 Mar",
    "01:00",
    "03:00",
    "04:00",
    "05:00",
    "06:00",
    "07:00",
    "08:00",
  ]);
  const autumn = ticksOf(Date.UTC(2026, 9, 24, 22), Date.UTC(2026, 9, 25, 5), 3 * HOUR, madrid);
  assert.deepEqual(shown(autumn.times, 3 * HOUR), ["25 Oct", "03:00", "06:00"]);
  const days = ticksOf(Date.UTC(2026, 9, 20), Date.UTC(2026, 9, 28), DAY, madrid);
  assert.deepEqual(shown(days.times, DAY).slice(2, 5), ["23 Oct", "24 Oct", "25 Oct"]);
  assert.ok(days.times.every((time) => (time + madrid.offset(time)) % DAY === 0));
});

test("weeks begin on Monday, months on their first, a half-hour zone has its own hours", () => {
  const weeks = ticksOf(Date.UTC(2026, 0, 1), Date.UTC(2026, 1, 1), 5 * DAY, madrid);
  assert.deepEqual(
    weeks.times.map((time) => new Date(time + madrid.offset(time)).getUTCDay()),
    [1, 1, 1, 1],
  );
  const months = ticksOf(Date.UTC(2025, 10, 15), Date.UTC(2026, 3, 15), 20 * DAY, madrid);
  assert.deepEqual(shown(months.times, months.step), ["Dec 2025", "Jan 2026", "Feb 2026", "Mar 2026", "Apr 2026"]);
  const india = zoneOf("Asia/Kolkata");
  const hours = ticksOf(Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 2), HOUR, india);
  assert.deepEqual(formatFor("en-GB", india).times(hours.times, HOUR), ["06:00", "07:00"]);
  assert.equal(zoneOf("Nowhere/None").name, new Intl.DateTimeFormat().resolvedOptions().timeZone);
});

test("values: as fine as what is seen, in the reader's own way", () => {
  const en = formatFor("en-GB", madrid);
  const es = formatFor("es", madrid);
  assert.equal(en.text(8_321_499_136, "B"), "8.32\u202fGB");
  assert.equal(en.text(-0.00042, "m/s"), "−0.00042\u202fm/s");
  assert.equal(es.text(1013.25, "hPa"), "1013\u202fhPa");
  assert.equal(en.text(30.98, "1/s"), "30.98\u202f/s");
  assert.equal(en.text(null, "°C"), "–");
  assert.equal(en.text(1.5e-9, undefined), "1.5E−9");
  const seen = { range: 3, whole: false };
  assert.deepEqual(
    [21, 21.456, 20.9].map((value) => en.value(value, "°C", seen).number),
    ["21.00", "21.46", "20.90"],
  );
  assert.equal(en.value(5, undefined, { range: 3, whole: true }).number, "5");
  assert.equal(en.value(22.987, "°C", { range: 0.12, whole: false }).number, "22.99");
  assert.equal(en.value(1234.5678, undefined, { range: 0.01, whole: false }).number, "1,234.568");
  assert.equal(en.value(1234.5678, undefined, { range: 900, whole: false }).number, "1,235");
  assert.deepEqual(en.axis([3.4e9, 3.405e9, 3.41e9], "B"), ["3.400\u202fG", "3.405\u202fG", "3.410\u202fG"]);
  assert.deepEqual(en.axis([0, 100_000], "B/s"), ["0", "100\u202fk"]);
  assert.deepEqual(en.axis([40, 42.5, 45], "%"), ["40.0", "42.5", "45.0"]);
  assert.deepEqual(es.axis([0, 0.5, 1], "bar"), ["0,0", "0,5", "1,0"]);
});

test("the view follows the clock until it is moved, and again when it reaches the present", () => {
  let now = 1_000_000;
  let changes = 0;
  const view = new View(
    10_000,
    () => now,
    () => changes++,
  );
  now += 5000;
  view.tick();
  assert.deepEqual([view.from, view.to], [995_000, 1_005_000]);
  view.zoom(0.5);
  assert.deepEqual([view.live, view.from, view.to], [true, 1_000_000, 1_005_000]);
  view.pan(-1);
  assert.deepEqual([view.live, view.from, view.to], [false, 995_000, 1_000_000]);
  now += 60_000;
  view.tick();
  assert.equal(view.to, 1_000_000);
  view.zoom(2, 995_000);
  assert.deepEqual([view.from, view.to], [995_000, 1_005_000]);
  view.pan(100);
  assert.deepEqual([view.live, view.to - view.from], [true, 10_000]);
  view.show(5, 6);
  assert.equal(view.to - view.from, 1000, "not shorter than a second");
  view.follow();
  assert.deepEqual([view.live, view.from, view.to], [true, now - 10_000, now]);
  assert.equal(changes, 6);
});

function loaded(times: number[], values: number[], width = 1): Track {
  const track = new Track();
  track.asking();
  track.load({ from: 0, to: Infinity, width }, times, values);
  return track;
}

test("a track takes points in any order, each once, and those that came while a window was on its way", () => {
  const track = loaded([10, 20, 30], [1, 2, 3]);
  track.add([40, 25, 40], [4, 2.5, 4.5]);
  assert.deepEqual(track.times, [10, 20, 25, 30, 40]);
  track.asking();
  track.add([50], [5]);
  track.load({ from: 20, to: Infinity, width: 1 }, [20, 40], [2, 4]);
  assert.deepEqual(
    [track.times, track.values],
    [
      [20, 40, 50],
      [2, 4, 5],
    ],
  );
  track.add([60, 5], [null, 9]);
  assert.deepEqual(track.times, [20, 40, 50, 60], "5 is before the window");
  assert.deepEqual(track.last, { time: 60, value: null });
});

test("a window of the past is not carried on by the stream", () => {
  const track = new Track();
  track.load({ from: 0, to: 100, width: 1 }, [10, 90], [1, 2]);
  track.add([95, 500], [3, 4]);
  assert.deepEqual(track.times, [10, 90, 95]);
  assert.equal(track.last?.time, 500);
});

test("known gaps stay gaps, and a silence is one", () => {
  const times = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 200, 210];
  const values = times.map((time) => (time === 50 ? Number.NaN : 1));
  const [drawn, shownValues] = loaded(times, values).drawn();
  assert.equal(shownValues[drawn.indexOf(50)], null);
  assert.equal(drawn[10], 145);
  assert.equal(shownValues[10], null);
  assert.equal(drawn.length, times.length + 1);
});

test("a chart that nobody looks at does not grow for ever", () => {
  const track = loaded([0], [0]);
  for (let time = 1; time <= 30_000; time++) track.add([time], [time]);
  assert.ok(track.times.length <= 20_001);
  assert.equal(track.loaded, undefined);
});

test("the view in numbers: extremes exact, the mean not drawn aside by a thinned spike", () => {
  assert.equal(loaded([1], [Number.NaN]).stats(0, 9), undefined);
  assert.deepEqual(loaded([1, 2, 3, 9], [1, 2, 6, 100]).stats(1, 3), {
    min: 1,
    max: 6,
    mean: 3,
    about: false,
    whole: true,
  });
  const times: number[] = [];
  const values: number[] = [];
  for (let bucket = 0; bucket < 100; bucket++) {
    times.push(...[0, 2, 5, 9].map((time) => bucket * 10 + time));
    values.push(10, bucket === 50 ? 1000 : 11, 9, 10);
  }
  const stats = loaded(times, values, 10).stats(0, 1000)!;
  assert.deepEqual([stats.min, stats.max, stats.mean, stats.about], [9, 1000, 10, true]);
});
