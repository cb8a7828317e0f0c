import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { Engine } from "../../../lib/store/engine.ts";
import { openStore } from "../../../lib/store/open.ts";
import {
  anyChoice,
  Dice,
  flushAll,
  frameOf,
  Ingest,
  logRows,
  ManualClock,
  Model,
  rowsOf,
  sameRows,
  TINY,
} from "./fixtures.ts";
import { tempFolder } from "./temp-folder.ts";

const HISTORIES = 240;
const STEPS = 45;

/** What a kill would leave: the files as they are on disk now. */
function copyFiles(file: string, to: string): void {
  for (const suffix of ["", "-wal"]) if (existsSync(file + suffix)) cpSync(file + suffix, to + suffix);
}

function checkChunks(file: string): void {
  const db = new DatabaseSync(file, { readOnly: true });
  const overlaps = db
    .prepare("SELECT 1 FROM chunk a JOIN chunk b ON a.sid = b.sid AND a.id < b.id AND a.t0 <= b.t1 AND b.t0 <= a.t1")
    .all();
  const { most } = db.prepare("SELECT max(n) AS most FROM chunk").get()!;
  db.close();
  assert.deepEqual(overlaps, []);
  assert.ok(Number(most) <= TINY.chunkPoints);
}

function checkEngine(engine: Engine, model: Model, dice: Dice, ingest: Ingest): void {
  const choice = anyChoice(dice, ingest);
  sameRows(rowsOf(engine.read(choice)), model.read(choice), JSON.stringify(choice));
  sameRows(rowsOf(engine.last({})), model.last());
  assert.deepEqual(
    engine.list({}).map(({ key, first, last }) => [key, first, last]),
    model.keys.map((key) => {
      const rows = model.read({ keys: [key] });
      return [key, rows[0]![1], rows.at(-1)![1]];
    }),
  );
  assert.equal(engine.seq, model.seq);

  const cursor = dice.int(0, model.seq);
  const limit = dice.int(1, 100);
  const replay = engine.replay(cursor, limit);
  assert.equal(replay.more, replay.cursor < model.seq);
  const replayed = rowsOf(replay.frame);
  const asked = model.replay(cursor, replay.cursor);
  // What is no longer kept misses at the start.
  sameRows(replayed, replay.complete ? asked : asked.slice(asked.length - replayed.length));
  if (replay.frame.length > limit) assert.equal(model.replay(replay.cursor - 1, replay.cursor).length, replayed.length);
}

function history(t: TestContext, seed: number, folder: string): void {
  const dice = new Dice(seed);
  const ingest = new Ingest(dice);
  const model = new Model();
  const clock = new ManualClock();
  let place = 0;
  let file = join(folder, `${seed}-0.db`);
  let engine = new Engine(file, clock, TINY);
  let flush: Generator<void, void, void> | undefined;
  try {
    for (let step = 0; step < STEPS; step++) {
      clock.advance(dice.int(0, 3000));
      const what = dice.next();
      if (what < 0.55) {
        const pieces = Array.from({ length: dice.int(1, 3) }, () => ingest.rows(dice.int(1, 25)));
        const seq = engine.commit(pieces.map((rows) => logRows(engine, frameOf(rows))));
        model.commit(seq, pieces.flat());
      } else if (what < 0.75) {
        // Some steps of a round, and more points before it goes on.
        flush ??= engine.flush();
        for (let n = dice.int(1, 6); n > 0 && flush; n--) if (flush.next().done) flush = undefined;
      } else if (what < 0.8) {
        flushAll(engine);
        flush = undefined;
        const counts = engine.list({}).map(({ count }) => count);
        assert.deepEqual(
          counts,
          model.keys.map((key) => model.read({ keys: [key] }).length),
        );
      } else if (what < 0.86) {
        engine.close();
        engine = new Engine(file, clock, TINY);
        flush = undefined;
      } else if (what < 0.9) {
        const copy = join(folder, `${seed}-${++place}.db`);
        copyFiles(file, copy);
        engine.close();
        file = copy;
        engine = new Engine(file, clock, TINY);
        flush = undefined;
      } else checkEngine(engine, model, dice, ingest);
    }
    sameRows(rowsOf(engine.read({})), model.read({}));
    checkEngine(engine, model, dice, ingest);
    checkChunks(file);
  } catch (thrown) {
    t.diagnostic(`seed ${seed}`);
    throw thrown;
  } finally {
    engine.close();
  }
}

test(`${HISTORIES} random histories of the engine are as the model says`, (t) => {
  const folder = tempFolder();
  for (let seed = 1; seed <= HISTORIES; seed++) history(t, seed, folder);
});

test("random histories through the worker are as the model says", { timeout: 60_000 }, async () => {
  const folder = tempFolder();
  for (let seed = 1001; seed <= 1008; seed++) {
    const dice = new Dice(seed);
    const ingest = new Ingest(dice);
    const model = new Model();
    const options = { file: join(folder, String(seed), "kpis.db"), commitEvery: 2, commitPoints: 60, tuning: TINY };
    mkdirSync(join(folder, String(seed)));
    let store = await openStore(options);
    try {
      for (let step = 0; step < 30; step++) {
        const many = Array.from({ length: dice.int(1, 6) }, () => ingest.rows(dice.int(1, 30)));
        const done = await Promise.all(many.map((rows) => store.append(frameOf(rows))));
        for (const [place, { points }] of done.entries()) assert.equal(points, many[place]!.length);
        // Several frames may have shared a commit, in their order.
        for (const seq of new Set(done.map((one) => one.seq))) {
          model.commit(seq, many.filter((_, place) => done[place]!.seq === seq).flat());
        }
        const choice = anyChoice(dice, ingest);
        sameRows(rowsOf(await store.read(choice)), model.read(choice), `seed ${seed}`);
        sameRows(rowsOf(await store.last({})), model.last(), `seed ${seed}`);
        if (dice.next() < 0.1) {
          await store.close();
          store = await openStore(options);
        }
      }
      sameRows(rowsOf(await store.read({})), model.read({}), `seed ${seed}`);
      assert.equal((await store.list({})).length, model.keys.length);
      assert.deepEqual(store.health, { state: "open" });
    } finally {
      await store.close();
    }
  }
});
