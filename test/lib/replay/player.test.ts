import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Point } from "../../../lib/points/point.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { Player, type PlayerOptions } from "../../../lib/replay/player.ts";
import type { Batch, Recording, Tick } from "../../../lib/replay/recording.ts";
import { Synthetic } from "../../../lib/replay/synthetic.ts";
import { FakeClock } from "../host/fake-clock.ts";

const MINUTE = 60_000;
const FIRST = Date.UTC(2020, 0, 1);
const ref = seriesRef("k");

/** One point a minute from 2020 on: 0, 1, 2 …; batches of `size`. */
function minutes(count: number, size = 7): Recording {
  const ticks: Tick[] = Array.from({ length: count }, (_, i) => ({
    time: FIRST + i * MINUTE,
    refs: [ref],
    values: [i],
  }));
  return {
    live: false,
    async *read(place = { at: 0, skip: 0 }): AsyncGenerator<Batch> {
      for (let at = place.at; at < count; at += size) yield { at, ticks: ticks.slice(at, at + size) };
    },
    async find(time) {
      const at = ticks.findIndex((tick) => tick.time >= time);
      return { at: at < 0 ? count : at, skip: 0 };
    },
    async bounds() {
      return count === 0 ? undefined : { first: FIRST, last: FIRST + (count - 1) * MINUTE };
    },
  };
}

function play(recording: Recording, options: Partial<PlayerOptions> = {}, clock = new FakeClock()) {
  const points: Point[] = [];
  const frames: number[] = [];
  const errors: string[] = [];
  const player = new Player({
    recording,
    clock,
    emit: (frame) => {
      frames.push(frame.length);
      points.push(...frame);
    },
    onError: (error) => errors.push(error.code),
    ...options,
  });
  return { player, points, frames, errors, clock, start: clock.now(), values: () => points.map(({ value }) => value) };
}

test("real time: the first row now, the others when they are due, with the times of the clock", async () => {
  const { player, points, clock, start, values } = play(minutes(5));
  player.start();
  await clock.advance(0);
  assert.deepEqual(values(), [0]);
  await clock.advance(MINUTE - 1);
  assert.deepEqual(values(), [0]);
  await clock.advance(1);
  assert.deepEqual(
    points.map(({ time }) => time),
    [start, start + MINUTE],
  );
  await clock.advance(10 * MINUTE);
  assert.deepEqual(values(), [0, 1, 2, 3, 4]);
  assert.equal(points.at(-1)!.time, start + 4 * MINUTE);
  assert.deepEqual(player.state, { state: "ended", points: 5, laps: 0, recorded: FIRST + 4 * MINUTE });
});

test("sixty times as fast, with times as recorded", async () => {
  const { player, points, clock, values } = play(minutes(10), { speed: 60, times: "recorded" });
  player.start();
  await clock.advance(2_999);
  assert.deepEqual(values(), [0, 1, 2]);
  await clock.advance(1);
  assert.deepEqual(points[3], { series: "k", time: FIRST + 3 * MINUTE, value: 3 });
});

test("as fast as it goes: all rows, Frames no larger than asked, room for others between them", async () => {
  const { player, frames, clock, values } = play(minutes(100, 40), { speed: Infinity, times: "recorded", maxRows: 16 });
  player.start();
  await clock.advance(0);
  assert.deepEqual(
    values(),
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.deepEqual(frames, [16, 16, 16, 16, 16, 16, 4]);
});

test("back-pressure: nothing more before the promise of the last Frame is settled; its rejection is an error", async () => {
  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
  let given = 0;
  const { player, clock, errors } = play(minutes(20), {
    speed: Infinity,
    times: "recorded",
    maxRows: 5,
    emit: (frame) => {
      given += frame.length;
      return new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
    },
  });
  player.start();
  await clock.advance(1_000);
  assert.equal(given, 5);
  assert.equal(player.snapshot().place.skip, 0, "not given before it is taken");
  settle!.resolve();
  await clock.advance(1_000);
  assert.equal(given, 10);
  settle!.reject(new Error("full"));
  await clock.advance(1_000);
  assert.deepEqual(errors, ["failed"]);
  assert.equal(player.state.state, "failed");
  player.resume();
  await clock.advance(1_000);
  assert.equal(given, 15, "the refused rows again");
});

test("last-now: the last row is now, none later", async () => {
  const { player, points, clock, start } = play(minutes(5), { speed: Infinity, times: "last-now" });
  player.start();
  await clock.advance(0);
  assert.deepEqual(
    points.map(({ time }) => (time - start) / MINUTE),
    [-4, -3, -2, -1, 0],
  );
});

test("present: the moment of playing, strictly increasing", async () => {
  const { player, points, clock, start } = play(minutes(5), { speed: Infinity, times: "present" });
  player.start();
  await clock.advance(0);
  assert.deepEqual(
    points.map(({ time }) => time - start),
    [0, 1, 2, 3, 4],
  );
});

test("loop: rounds follow each other at the interval of the recording, times go on", async () => {
  const { player, points, clock, start, values } = play(minutes(3), { loop: true });
  player.start();
  await clock.advance(7 * MINUTE);
  assert.deepEqual(values(), [0, 1, 2, 0, 1, 2, 0, 1]);
  assert.deepEqual(
    points.map(({ time }) => (time - start) / MINUTE),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  assert.equal(player.state.laps, 2);
  await player.stop();
});

test("history: the past at once in large Frames, then live; a short recording is looped or moved to its end", async () => {
  const long = play(minutes(100), { history: 50 * MINUTE });
  long.player.start();
  await long.clock.advance(0);
  assert.equal(long.points.length, 51);
  assert.equal(long.points.at(-1)!.time, long.start);
  await long.clock.advance(2 * MINUTE);
  assert.equal(long.points.length, 53);
  assert.equal(long.points.at(-1)!.time, long.start + 2 * MINUTE);

  const short = play(minutes(10), { history: 50 * MINUTE });
  short.player.start();
  await short.clock.advance(0);
  assert.equal(short.points.at(-1)!.time, short.start);
  assert.equal(short.player.state.state, "ended");

  const looped = play(minutes(10), { history: 50 * MINUTE, loop: true });
  looped.player.start();
  await looped.clock.advance(0);
  assert.equal(looped.points.length, 51);
  assert.equal(looped.points.at(-1)!.time, looped.start);
  await looped.player.stop();
});

test("pause and resume: nothing in between, then the next row one interval later", async () => {
  const { player, points, clock, start, values } = play(minutes(10));
  player.start();
  await clock.advance(2 * MINUTE);
  player.pause();
  await clock.advance(60 * MINUTE);
  assert.deepEqual(values(), [0, 1, 2]);
  assert.equal(player.state.state, "paused");
  player.resume();
  await clock.advance(MINUTE);
  assert.deepEqual(values(), [0, 1, 2, 3]);
  assert.equal(points.at(-1)!.time, start + 63 * MINUTE);
});

test("seek, also while paused; past the end it ends", async () => {
  const { player, clock, values } = play(minutes(50));
  player.start();
  await clock.advance(0);
  player.seek(FIRST + 40 * MINUTE);
  await clock.advance(MINUTE);
  assert.deepEqual(values(), [0, 40, 41]);
  player.pause();
  player.seek(FIRST + 20 * MINUTE);
  await clock.advance(MINUTE);
  assert.equal(values().length, 3);
  player.resume();
  await clock.advance(MINUTE);
  assert.deepEqual(values().slice(3), [20, 21]);
  player.seek(FIRST + 999 * MINUTE);
  await clock.advance(0);
  assert.equal(player.state.state, "ended");
});

test("commands in quick succession are all obeyed", async () => {
  const { player, clock, values } = play(minutes(50));
  player.start();
  player.pause();
  player.seek(FIRST + 30 * MINUTE);
  await clock.advance(MINUTE);
  assert.deepEqual(values(), []);
  player.seek(FIRST + 40 * MINUTE);
  player.resume();
  await clock.advance(MINUTE);
  assert.deepEqual(values(), [40, 41]);
  player.start();
  void player.stop();
  await clock.advance(MINUTE);
  assert.equal(player.state.state, "stopped");
  assert.equal(values().length, 2);
});

test("stop goes back to the beginning", async () => {
  const { player, clock, values } = play(minutes(10));
  player.start();
  await clock.advance(MINUTE);
  await player.stop();
  await clock.advance(10 * MINUTE);
  assert.equal(player.state.state, "stopped");
  player.start();
  await clock.advance(0);
  assert.deepEqual(values(), [0, 1, 0]);
});

test("an empty recording and one that cannot be read are errors", async () => {
  const empty = play(minutes(0));
  empty.player.start();
  await empty.clock.advance(0);
  assert.deepEqual(empty.errors, ["empty-recording"]);
  const broken = play({ ...minutes(3), bounds: () => Promise.reject(new Error("gone")) });
  broken.player.start();
  await broken.clock.advance(0);
  assert.deepEqual(broken.errors, ["failed"]);
});

test("a speed that would give times of the future is refused", () => {
  assert.throws(() => play(minutes(3), { speed: 2 }), { code: "bad-setting", field: "speed" });
  assert.throws(() => play(minutes(3), { speed: 2, times: "recorded", history: 1 }), { code: "bad-setting" });
  assert.throws(() => play(minutes(3), { speed: 0, times: "recorded" }), { code: "bad-setting", field: "speed" });
});

const synthetic = () => new Synthetic({ seed: 1, step: MINUTE, kpis: [{ series: "s", level: 10, noise: 1 }] });

test("a live recording: from now on, each point at its time; its past when asked; a hole is filled up to `history`", async () => {
  const live = play(synthetic());
  live.player.start();
  await live.clock.advance(2.5 * MINUTE);
  assert.deepEqual(
    live.points.map(({ time }) => (time - live.start) / MINUTE),
    [0, 1, 2],
  );

  const past = play(synthetic(), { history: 10 * MINUTE });
  past.player.start();
  await past.clock.advance(0);
  assert.equal(past.points.length, 11);
  await past.player.close();
  const saved = JSON.parse(JSON.stringify(past.player.snapshot()));

  for (const [away, first] of [
    [5, 1],
    [60, 50],
  ] as const) {
    const clock = new FakeClock(past.start + away * MINUTE);
    const next = play(synthetic(), { history: 10 * MINUTE }, clock);
    next.player.restore(saved);
    await clock.advance(0);
    assert.equal(next.points[0]!.time, past.start + first * MINUTE);
    assert.equal(next.points.at(-1)!.time, past.start + away * MINUTE);
  }
});

test("a live recording at another speed gets present times", async () => {
  const { player, points, clock, start } = play(synthetic(), { speed: 60, times: "present" });
  player.start();
  await clock.advance(3_000);
  assert.deepEqual(
    points.map(({ time }) => time - start),
    [0, 1_000, 2_000, 3_000],
  );
});

test("an anomaly injected while it plays is in the next point", async () => {
  const recording = synthetic();
  const { player, clock, values } = play(recording);
  player.start();
  await clock.advance(MINUTE);
  recording.inject([{ kind: "shift", at: clock.now(), for: 5 * MINUTE, size: 1_000 }]);
  player.refresh();
  await clock.advance(MINUTE);
  assert.equal(values().length, 3);
  assert.ok(values()[2]! > 900);
});

test("a clock that was set back or forward moves nothing twice", async () => {
  const { player, clock, values } = play(minutes(10));
  player.start();
  await clock.advance(0);
  clock.jump(3 * MINUTE);
  await clock.advance(MINUTE);
  assert.deepEqual(values(), [0, 1, 2, 3, 4]);
});

test("a snapshot from the future is refused", () => {
  const { player } = play(minutes(1));
  assert.throws(() => player.restore({ ...player.snapshot(), version: 2 as 1 }), { code: "bad-state" });
});

test("law: whenever it is closed and restored, every row comes once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 20 * MINUTE }), { maxLength: 5 }),
      fc.constantFrom<Partial<PlayerOptions>>(
        {},
        { times: "recorded", speed: 7 },
        { times: "present", speed: 3 },
        { times: "last-now", speed: Infinity, maxRows: 4 },
      ),
      fc.integer({ min: 1, max: 9 }),
      async (stops, options, size) => {
        const clock = new FakeClock();
        const all: unknown[] = [];
        let run = play(minutes(40, size), options, clock);
        run.player.start();
        for (const wait of stops) {
          await clock.advance(wait);
          await run.player.close();
          all.push(...run.values());
          const saved = JSON.parse(JSON.stringify(run.player.snapshot()));
          clock.jump(wait);
          run = play(minutes(40, size), options, clock);
          run.player.restore(saved);
        }
        await clock.advance(200 * MINUTE);
        all.push(...run.values());
        assert.deepEqual(
          all,
          Array.from({ length: 40 }, (_, i) => i),
        );
        assert.equal(run.player.state.state, "ended");
      },
    ),
    { numRuns: 60 },
  );
});
