import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bandDown, bandUp, followBand, startBand } from "../../../lib/deviate/band.ts";
import { counterBase, unwrap } from "../../../lib/deviate/counter.ts";
import { ENERGY_BINS, ENERGY_TAIL, newBlock } from "../../../lib/deviate/layout.ts";
import { fade, mayTell, raisedBy, remember, startMemory } from "../../../lib/deviate/memory.ts";
import { bookPeak, chanceOf, peakQuantile, rarity, startPeaks, thresholdOf } from "../../../lib/deviate/peaks.ts";
import { believable, learnLevel, levelRatio, startScale, widen } from "../../../lib/deviate/scale.ts";
import { hourOfWeek, Slots } from "../../../lib/deviate/slots.ts";
import { startStill, stillness } from "../../../lib/deviate/still.ts";
import { startTail, surprise, TAIL_CAP } from "../../../lib/deviate/tail.ts";
import { clockWords, inWords } from "../../../lib/deviate/words.ts";
import { VigiaError } from "../../../lib/points/error.ts";
import { amountWords, durationWords } from "../../../lib/points/words.ts";
import { ZoneClock } from "../../../lib/points/zone.ts";
import { DAY, gaussians, HOUR, MONDAY, STEP, uniforms } from "./series.ts";

test("the tail's surprise is -ln of the chance to exceed, for tails it never was told about", () => {
  const kinds: Record<string, (u: number) => number> = {
    exponential: (u) => -Math.log(u),
    pareto: (u) => u ** (-1 / 3),
    lognormal: (u) => Math.exp(3 * (u - 0.5)),
  };
  for (const [name, quantile] of Object.entries(kinds)) {
    const block = newBlock();
    startTail(block, ENERGY_TAIL, ENERGY_BINS);
    const next = uniforms(1);
    const n = 200_000;
    let [beyond4, beyond6] = [0, 0];
    for (let i = 0; i < n; i++) {
      const found = surprise(block, ENERGY_TAIL, ENERGY_BINS, quantile(next()));
      assert.ok(found >= 0 && found <= TAIL_CAP);
      if (i < 20_000) continue;
      if (found > 4) beyond4++;
      if (found > 6) beyond6++;
    }
    const share = (count: number, at: number) => count / (n - 20_000) / Math.exp(-at);
    assert.ok(share(beyond4, 4) < 1.6, `${name}: ${share(beyond4, 4)} times as many beyond 4 as should be`);
    assert.ok(share(beyond6, 6) < 2.5, `${name}: ${share(beyond6, 6)} times as many beyond 6 as should be`);
    // What has an end has no tail; the others must not be blind.
    if (name !== "lognormal") assert.ok(share(beyond4, 4) > 0.5, `${name}: ${share(beyond4, 4)}`);
  }
});

test("a tail goes on when its weights would overflow", () => {
  const block = newBlock();
  startTail(block, ENERGY_TAIL, ENERGY_BINS);
  const next = uniforms(3);
  for (let i = 0; i < 400_000; i++) surprise(block, ENERGY_TAIL, ENERGY_BINS, -Math.log(next()));
  assert.ok(block.x.every(Number.isFinite) && block.f.every(Number.isFinite));
  assert.equal(surprise(block, ENERGY_TAIL, ENERGY_BINS, 1e3), TAIL_CAP);
});

test("the band misses 1 % on each side, whatever the distribution", () => {
  const gaussian = gaussians(5);
  const next = uniforms(6);
  const kinds = { gaussian, skew: () => -Math.log(next()), coarse: () => Math.round(gaussian()) };
  for (const [name, draw] of Object.entries(kinds)) {
    const block = newBlock();
    startBand(block);
    let [above, below, n] = [0, 0, 0];
    for (let i = 0; i < 60_000; i++) {
      const residual = draw();
      if (i > 10_000) {
        n++;
        if (residual > bandUp(block)) above++;
        if (-residual > bandDown(block)) below++;
      }
      followBand(block, residual, 1);
    }
    assert.ok(Math.abs(above / n - 0.01) < 0.004, `${name}: ${above / n} above`);
    assert.ok(below / n < 0.014, `${name}: ${below / n} below`);
  }
});

test("slots: the hour of the week starts on Monday, and every moment lies between two hours' middles", () => {
  assert.equal(hourOfWeek(MONDAY), 0);
  assert.equal(hourOfWeek(MONDAY + 9 * HOUR), 9);
  assert.equal(hourOfWeek(MONDAY - 1), 167);
  assert.equal(hourOfWeek(-DAY), 48);
  const slots = new Slots();
  const block = newBlock();
  for (let hour = 0; hour < 24; hour++) {
    slots.place(MONDAY + hour * HOUR);
    slots.learn(block, hour, Number.NaN, 1, 0);
  }
  const meanAt = (time: number) => {
    slots.place(time);
    return slots.mean(block);
  };
  assert.equal(meanAt(MONDAY + 9.5 * HOUR), 9);
  assert.equal(meanAt(MONDAY + 10 * HOUR), 9.5);
  assert.equal(meanAt(MONDAY + 3 * DAY + 10.25 * HOUR), 9.75);
  // Round the clock.
  assert.equal(meanAt(MONDAY), 11.5);
  fc.assert(
    fc.property(fc.integer({ min: -4e12, max: 4e12 }), (time) => {
      const mean = meanAt(time);
      return mean >= 0 && mean <= 23 && slots.hour === hourOfWeek(time) % 24 && slots.weekHour === hourOfWeek(time);
    }),
  );
});

test("slots: an empty neighbour is left out", () => {
  const slots = new Slots();
  const block = newBlock();
  slots.place(MONDAY);
  assert.ok(Number.isNaN(slots.mean(block)));
  slots.learn(block, 7, Number.NaN, 1, 0);
  assert.equal(slots.mean(block), 7);
  slots.place(MONDAY + 12 * HOUR);
  assert.ok(Number.isNaN(slots.mean(block)));
});

test("an absurd value is cut off, and believed when it comes again", () => {
  const block = newBlock();
  const gaussian = gaussians(8);
  startScale(block, 20);
  const push = (value: number, n: number) => {
    const cut = believable(block, value);
    levelRatio(block, cut, widen(block, cut));
    learnLevel(block, cut, n);
    return cut;
  };
  for (let n = 1; n <= 500; n++) push(20 + gaussian(), n);
  const once = push(1e300, 501);
  assert.ok(once > 100 && once < 500, `${once}`);
  assert.ok(widen(block, 20) < 5, "one of them does not make it blind");
  let cut = 0;
  for (let n = 502; n < 530; n++) cut = push(1e6, n);
  assert.equal(cut, 1e6);
  const constant = newBlock();
  startScale(constant, 5);
  assert.equal(believable(constant, 500), 500, "the first change of a constant is a change");
});

test("a counter that is reset goes on; what merely falls does not", () => {
  const block = newBlock();
  for (let i = 0; i < 100; i++) assert.equal(unwrap(block, 1_000 + i * 5), 1_000 + i * 5);
  assert.equal(unwrap(block, 3), 1_498);
  assert.equal(counterBase(block), 1_495);
  assert.equal(unwrap(block, 8), 1_503);
  const level = newBlock();
  for (let i = 0; i < 100; i++) unwrap(level, 100 + (i % 7));
  assert.equal(unwrap(level, 3), 3);
});

test("standing still is told when it never did, not where it rests", () => {
  const block = newBlock();
  startStill(block);
  const gaussian = gaussians(9);
  let time = MONDAY;
  let n = 0;
  const push = (value: number) => {
    time += STEP;
    return stillness(block, value, time, ++n, 0, 40);
  };
  for (let i = 0; i < 500; i++) assert.equal(push(20 + gaussian()), 0);
  const runOf = (value: number, length: number) => Math.max(...Array.from({ length }, () => push(value)));
  assert.equal(runOf(21.5, 11), 0);
  assert.ok(push(21.5) > 12);
  assert.equal(push(20), 0);
  assert.equal(runOf(21.5, 200), 0, "where it rested before");
  assert.equal(runOf(0, 1_000), 0, "at its lowest");
  const coarse = newBlock();
  startStill(coarse);
  const next = uniforms(2);
  let value = 0;
  for (let i = 1; i < 20_000; i++) {
    if (next() < 0.1) value = Math.round(next() * 10);
    const found = stillness(coarse, value, i * STEP, i, -1, 11);
    assert.ok(i < 120 || found < 10, `coarse values repeat: ${found} at ${i}`);
  }
});

test("alerts raise the bar, for points and for time", () => {
  const block = newBlock();
  startMemory(block);
  assert.equal(raisedBy(block), 0);
  assert.ok(mayTell(block, 0, HOUR));
  remember(block, 0, 3);
  assert.ok(!mayTell(block, 2 * HOUR, HOUR), "twelve points first");
  for (let i = 0; i < 12; i++) fade(block, STEP, HOUR);
  assert.ok(!mayTell(block, HOUR - 1, HOUR));
  assert.ok(mayTell(block, HOUR, HOUR));
  const after = raisedBy(block);
  assert.ok(after > 6 && after < 10);
  for (let i = 0; i < 2_000; i++) fade(block, STEP, HOUR);
  assert.ok(raisedBy(block) > 0.5 && raisedBy(block) < 1.5);
  for (let i = 0; i < 40_000; i++) fade(block, STEP, HOUR);
  assert.ok(raisedBy(block) < 0.01);
});

test("a series' own peaks set its threshold, a tenth of them may be faults", () => {
  const wild = newBlock();
  const calm = newBlock();
  startPeaks(wild);
  startPeaks(calm);
  assert.ok(peakQuantile(calm) > 9, "before it is known");
  const next = uniforms(4);
  for (let stretch = 0; stretch < 80; stretch++) {
    const [high, low] = [6 + 8 * next(), stretch % 20 === 0 ? 17 : 4 * next()];
    for (let i = 0; i < 256; i++) {
      bookPeak(wild, i === 100 ? high : 0);
      bookPeak(calm, i === 100 ? low : 0);
    }
  }
  assert.ok(peakQuantile(calm) < 5.5, `${peakQuantile(calm)}`);
  assert.ok(Math.abs(peakQuantile(wild) - 13.2) < 1, `${peakQuantile(wild)}`);
  const rare = rarity(2, 20_000);
  assert.ok(thresholdOf(wild, rare) > thresholdOf(calm, rare) + 5);
  assert.ok(thresholdOf(calm, rarity(0.1, 20_000)) > thresholdOf(calm, rare), "fewer alarms, higher threshold");
  const at = thresholdOf(calm, rare);
  assert.ok(Math.abs(chanceOf(calm, at) / (2 / 20_000) - 1) < 1e-9, "p at the threshold is the budget's");
  assert.equal(chanceOf(calm, 0), 1);
});

test("zones: the wall clock, also where it jumps", () => {
  const madrid = new ZoneClock("Europe/Madrid");
  const at = (text: string) => new Date(madrid.local(Date.parse(text))).toISOString().slice(0, 16);
  assert.equal(at("2026-01-15T08:00Z"), "2026-01-15T09:00");
  assert.equal(at("2026-03-29T00:59Z"), "2026-03-29T01:59");
  assert.equal(at("2026-03-29T01:00Z"), "2026-03-29T03:00");
  assert.equal(at("2026-10-25T00:59Z"), "2026-10-25T02:59");
  assert.equal(at("2026-10-25T01:00Z"), "2026-10-25T02:00");
  assert.equal(new ZoneClock().local(123_456), 123_456);
  const kathmandu = new ZoneClock("Asia/Kathmandu");
  assert.equal(kathmandu.local(MONDAY + 1) - MONDAY, 5.75 * HOUR + 1);
  assert.throws(
    () => new ZoneClock("Mars/Olympus"),
    (error) => error instanceof VigiaError && error.code === "bad-zone" && error.message.includes("Europe/Madrid"),
  );
});

test("words", () => {
  const off = { kind: "off", amount: 3.1, local: MONDAY + 9 * HOUR, lasted: 12 * 60_000 } as const;
  assert.equal(inWords({ ...off, when: "week-hour" }, "°C"), "3.1 °C above what Mondays at nine have been, for 12 min");
  assert.equal(
    inWords({ ...off, amount: -3.1, when: "hour" }, "°C"),
    "3.1 °C below what it has been at nine, for 12 min",
  );
  assert.equal(
    inWords({ ...off, when: "weekday", lasted: 3 * DAY }, "h"),
    "3.1 h above what Mondays have been, for 3 d",
  );
  assert.equal(inWords({ ...off, when: "any", lasted: 0 }, undefined), "3.1 above what it has been");
  assert.equal(
    inWords({ kind: "level", amount: -12, usual: 300, lasted: 90_000 }, "kW"),
    "12 kW below its level of 300 kW, for 90 s",
  );
  assert.equal(
    inWords({ kind: "unsteady", now: 4.14, usual: 1.26, lasted: 1_500_000 }, "bar"),
    "swings by ±4.1 bar around what is expected, usually by ±1.3 bar, for 25 min",
  );
  assert.equal(
    inWords({ kind: "still", value: 7.2, lasted: 2_400_000, longest: 300_000 }, "bar"),
    "has stood still at 7.2 bar, for 40 min, never before for more than 5 min",
  );
  assert.equal(inWords({ kind: "infinite", value: -Infinity }, "°C"), "is minus infinite");
  assert.deepEqual([0, 3, 9, 12, 15, 21].map(clockWords), [
    "midnight",
    "three at night",
    "nine",
    "noon",
    "three in the afternoon",
    "nine in the evening",
  ]);
  assert.deepEqual(
    [0, 0.04217, 3.123, 71.83, 12_412, 1e300, -3e-7].map((value) => amountWords(value, undefined)),
    ["0", "0.042", "3.1", "71.8", "12 400", "1e+300", "-3e-7"],
  );
  assert.deepEqual([1_500, 119_000, 720_000, 18_000_000, 259_200_000].map(durationWords), [
    "2 s",
    "119 s",
    "12 min",
    "5 h",
    "3 d",
  ]);
});
