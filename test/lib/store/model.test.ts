import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { seriesFilter } from "../../../lib/points/pattern.ts";
import type { SeriesRef } from "../../../lib/points/series.ts";
import type { Aggregate } from "../../../lib/store/buckets.ts";
import { Engine } from "../../../lib/store/engine.ts";
import { openStore } from "../../../lib/store/open.ts";
import type { StorePolicy } from "../../../lib/store/types.ts";
import {
  checkWhole,
  copyFiles,
  Dice,
  expireAll,
  flushAll,
  frameOf,
  Ingest,
  logRows,
  ManualClock,
  rowsOf,
  START,
  sameNumber,
  sameRows,
  TINY,
} from "./fixtures.ts";
import { Model, WIDTHS } from "./model.ts";
import { tempFolder } from "./temp-folder.ts";

const HISTORIES = Number(process.env.STORE_HISTORIES ?? 250);
const STEPS = 60;
const HALF_HOUR = 1_800_000;
const DAY = 86_400_000;
const NAMES: readonly Aggregate[] = ["count", "min", "max", "sum", "mean", "first", "last", "p0", "p50", "p99.9"];

/** The first that fits counts, so their order tells. */
function somePolicies(dice: Dice): StorePolicy[] {
  const days = (least: number, most: number) => dice.int(least, most) * DAY;
  const policies: StorePolicy[] = [
    {
      series: "plant-0/machine-0/+",
      keep: days(1, 3),
      rollups: { "5m": days(0, 6), "1h": days(0, 9), "1d": days(2, 20) },
    },
    { series: "plant-0/#", keep: days(1, 4) + 5000, precision: dice.int(0, 3) },
    { tags: { n: "1" }, keep: days(2, 5), rollups: { "1d": 0 }, resolution: 3 * HALF_HOUR + 1 },
    { series: "plant-1/#", precision: dice.pick([0, "float32"]) },
  ];
  return policies.filter(() => dice.next() < 0.8);
}

/** One long life of a file. */
class History {
  readonly #dice: Dice;
  readonly #ingest: Ingest;
  readonly #model: Model;
  readonly #clock = new ManualClock();
  readonly #folder: string;
  readonly #policies: StorePolicy[] | undefined;
  /** What each fingerprint stood for. */
  readonly #known = new Map<string, string>();
  /** Longest time between two steps, ms. */
  readonly #pause: number;
  #file: string;
  #engine: Engine;
  #flush: Generator<void, void, void> | undefined;
  #copies = 0;
  #names = 0;

  constructor(seed: number, folder: string) {
    const dice = new Dice(seed);
    this.#dice = dice;
    // Every other history is as long as days, with policies.
    const long = seed % 2 === 0;
    this.#ingest = new Ingest(dice, long ? HALF_HOUR : 1);
    this.#pause = long ? 12 * 2 * HALF_HOUR : 3000;
    this.#policies = long ? somePolicies(dice) : undefined;
    const compiled = (this.#policies ?? []).map((policy) => ({ policy, fits: seriesFilter(policy) }));
    this.#model = new Model((ref: SeriesRef) => compiled.find(({ fits }) => fits(ref))?.policy ?? {});
    this.#folder = folder;
    this.#file = join(folder, `${seed}.db`);
    this.#engine = this.#open();
  }

  run(): void {
    for (let step = 0; step < STEPS; step++) {
      this.#clock.advance(this.#dice.int(0, this.#pause));
      this.#step();
    }
    this.#check();
    sameRows(rowsOf(this.#engine.reading.read({})), this.#model.read({}));
    for (const name of this.#model.snapshots) {
      sameRows(rowsOf(this.#engine.reading.read({ asOf: name })), this.#model.read({}, name), name);
    }
    this.#checkChunks();
  }

  close(): void {
    this.#engine.close();
  }

  #open(): Engine {
    this.#flush = undefined;
    return new Engine(this.#file, this.#clock, TINY, this.#policies);
  }

  #step(): void {
    const steps: [number, () => void][] = [
      [40, () => this.#commit()],
      [6, () => this.#load()],
      [14, () => this.#flushSome()],
      [5, () => this.#flushAll()],
      [8, () => this.#expire()],
      [5, () => this.#delete()],
      [5, () => this.#snapshot()],
      [3, () => this.#dropSnapshot()],
      [5, () => this.#reopen()],
      [4, () => this.#goOnWithCopy()],
      [15, () => this.#check()],
    ];
    let place = this.#dice.next() * steps.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, run] of steps) {
      place -= weight;
      if (place >= 0) continue;
      run();
      return;
    }
  }

  #commit(): void {
    const pieces = Array.from({ length: this.#dice.int(1, 3) }, () => this.#ingest.rows(this.#dice.int(1, 25)));
    this.#model.commit(this.#engine.commit(pieces.map((rows) => logRows(this.#engine, frameOf(rows)))), pieces.flat());
  }

  #load(): void {
    const rows = this.#ingest.rows(this.#dice.int(1, 60));
    this.#model.load(this.#engine.load(logRows(this.#engine, frameOf(rows))), rows);
  }

  /** Some steps of a round, and more points before it goes on. */
  #flushSome(): void {
    this.#flush ??= this.#engine.flush();
    for (let n = this.#dice.int(1, 6); n > 0 && this.#flush; n--) if (this.#flush.next().done) this.#flush = undefined;
  }

  #flushAll(): void {
    const before = this.#engine.reading.fingerprint({});
    flushAll(this.#engine);
    assert.equal(this.#engine.reading.fingerprint({}), before, "a flush changes nothing");
    const counts = this.#engine.reading.list({}).map(({ key, count }) => [key, count]);
    assert.deepEqual(
      counts,
      this.#model.keys.map((key) => [key, this.#model.read({ keys: [key] }).length]),
    );
  }

  #expire(): void {
    expireAll(this.#engine);
    this.#model.expire(this.#clock.now());
    this.#changed();
  }

  #delete(): void {
    const { keys, from, to } = this.#ingest.choice();
    const query = { ...(keys && { keys }), ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
    assert.equal(this.#engine.delete(query), this.#model.delete(query), JSON.stringify(query));
    this.#changed();
  }

  #snapshot(): void {
    const name = `snapshot ${this.#names++}`;
    this.#engine.snapshot(name);
    this.#model.snapshot(name);
    this.#flush = undefined;
    assert.throws(() => this.#engine.snapshot(name), { code: "snapshot-exists" });
    assert.deepEqual(this.#engine.reading.snapshots.list().at(-1), { name, at: this.#clock.now() });
  }

  #dropSnapshot(): void {
    const [name] = this.#model.snapshots;
    if (name === undefined) return;
    this.#engine.dropSnapshot(name);
    this.#model.dropSnapshot(name);
    assert.throws(() => this.#engine.reading.read({ asOf: name }), { code: "no-snapshot", field: "snapshot" });
  }

  #reopen(): void {
    const before = this.#engine.reading.fingerprint({});
    this.#engine.close();
    this.#engine = this.#open();
    assert.equal(this.#engine.reading.fingerprint({}), before, "opening changes nothing");
  }

  #goOnWithCopy(): void {
    const copy = join(this.#folder, `${this.#copies++}-${this.#file.split("/").at(-1)}`);
    copyFiles(this.#file, copy);
    this.#engine.close();
    this.#file = copy;
    this.#engine = this.#open();
  }

  /** Deletes and expiries are commits too. */
  #changed(): void {
    assert.ok(this.#engine.seq >= this.#model.seq);
    this.#model.seq = this.#engine.seq;
  }

  #check(): void {
    this.#checkReads();
    this.#checkReplay();
    this.#checkAggregates();
    this.#checkFingerprints();
  }

  #checkReads(): void {
    const { reading } = this.#engine;
    const model = this.#model;
    const choice = this.#ingest.choice();
    sameRows(rowsOf(reading.read(choice)), model.read(choice), JSON.stringify(choice));
    for (const asOf of model.snapshots) {
      sameRows(
        rowsOf(reading.read({ ...choice, asOf })),
        model.read(choice, asOf),
        JSON.stringify({ ...choice, asOf }),
      );
    }
    sameRows(rowsOf(reading.last({})), model.last());
    assert.deepEqual(
      reading.list({}).map(({ key, first, last }) => [key, first, last]),
      model.keys.map((key) => {
        const rows = model.read({ keys: [key] });
        return [key, rows[0]![1], rows.at(-1)![1]];
      }),
    );
    assert.deepEqual(
      reading.snapshots.list().map(({ name }) => name),
      model.snapshots,
    );
    assert.equal(this.#engine.seq, model.seq);
  }

  #checkReplay(): void {
    const model = this.#model;
    const cursor = this.#dice.int(0, model.seq);
    const limit = this.#dice.int(1, 100);
    const replay = this.#engine.reading.replay(cursor, limit);
    assert.equal(replay.more, replay.cursor < model.seq);
    const replayed = rowsOf(replay.frame);
    const asked = model.replay(cursor, replay.cursor);
    // What is no longer kept misses at the start.
    sameRows(replayed, replay.complete ? asked : asked.slice(asked.length - replayed.length));
    if (replay.frame.length > limit)
      assert.equal(model.replay(replay.cursor - 1, replay.cursor).length, replayed.length);
  }

  #checkAggregates(): void {
    const align = this.#dice.pick([1, ...Object.values(WIDTHS)]);
    const few = this.#dice.int(2, 12);
    const times = Array.from({ length: few }, () => Math.floor(this.#ingest.someTime() / align) * align);
    const edges = [...new Set([...times, START - 3 * DAY, START + 30 * DAY])].sort((a, b) => a - b);
    const aggregates = this.#dice.next() < 0.4 ? NAMES.slice(0, 5) : NAMES;
    const keys = this.#dice.next() < 0.5 ? this.#ingest.someKeys() : undefined;
    for (const asOf of [undefined, ...this.#model.snapshots]) {
      const query = { edges, aggregates, ...(keys && { keys }), ...(asOf !== undefined && { asOf }) };
      const frame = this.#engine.reading.aggregate(query);
      const expected = this.#model.aggregate(edges, aggregates, keys, asOf);
      const n = edges.length - 1;
      assert.deepEqual(
        frame.dictionary.map(({ key }) => key),
        expected.map(({ key }) => key),
        JSON.stringify(query),
      );
      assert.equal(frame.length, n * expected.length);
      for (const [place, { key, buckets }] of expected.entries()) {
        for (const [bucket, numbers] of buckets.entries()) {
          const row = place * n + bucket;
          assert.deepEqual([frame.ref(row).key, frame.times[row]], [key, edges[bucket]]);
          for (const [at, name] of aggregates.entries()) {
            // The largest doubles overflow, or not, as they are added up.
            if ((name === "sum" || name === "mean") && hasHuge(numbers)) continue;
            sameNumber(
              frame.columns[name]![row]!,
              numbers[at]!,
              `${name} of bucket ${bucket}, ${key}, ${JSON.stringify(query)}`,
            );
          }
        }
      }
    }
  }

  /** Equal ones stand for equal points, of each series and of all together. */
  #checkFingerprints(): void {
    for (const keys of [undefined, ...this.#ingest.refs.map(({ key }) => [key])]) {
      const fingerprint = `${keys} ${this.#engine.reading.fingerprint(keys ? { keys } : {})}`;
      const content = this.#model
        .read(keys ? { keys } : {})
        .flat()
        .join();
      assert.equal(content, this.#known.get(fingerprint) ?? content, `fingerprint ${fingerprint}`);
      this.#known.set(fingerprint, content);
    }
  }

  #checkChunks(): void {
    checkWhole(this.#file);
    const db = new DatabaseSync(this.#file, { readOnly: true });
    const { most } = db.prepare("SELECT max(n) AS most FROM chunk").get()!;
    const { dead } = db
      .prepare("SELECT (SELECT count(died) FROM chunk) + (SELECT count(died) FROM rollup) AS dead")
      .get()!;
    db.close();
    assert.ok(Number(most) <= TINY.chunkPoints);
    if (this.#model.snapshots.length === 0) assert.equal(dead, 0, "nothing is kept that nobody sees");
  }
}

const hasHuge = ([, low, high]: readonly number[]) => [low!, high!].some((value) => Math.abs(value) > 1e300);

test(`${HISTORIES} random histories of the engine are as the model says`, (t: TestContext) => {
  const folder = tempFolder();
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const history = new History(seed, folder);
    try {
      history.run();
    } catch (thrown) {
      t.diagnostic(`seed ${seed}`);
      throw thrown;
    } finally {
      history.close();
    }
  }
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
        const choice = ingest.choice();
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
