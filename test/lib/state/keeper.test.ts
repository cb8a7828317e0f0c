import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { VigiaError } from "../../../lib/points/error.ts";
import { StateDatabase } from "../../../lib/state/database.ts";
import { type KeeperOptions, StateKeeper } from "../../../lib/state/keeper.ts";
import { type Changes, KeyedState, type Snapshot } from "../../../lib/state/keyed-state.ts";
import { applied, counters, json, ManualClock, record, ref, tempFile } from "./helpers.ts";

/** A database that fails when it is told to, and answers when it is told to. */
class FakeDatabase {
  kept: Snapshot | undefined;
  broken = false;
  saves: Changes[] = [];
  /** Saves wait for it. */
  gate: Promise<void> | undefined;

  async load(): Promise<Snapshot | undefined> {
    if (this.broken) throw new VigiaError("failed", "disk I/O error");
    return this.kept;
  }

  async save(_node: string, changes: Changes): Promise<void> {
    const saved = json(changes);
    this.saves.push(saved);
    await this.gate;
    if (this.broken) throw new VigiaError("failed", "disk I/O error");
    this.kept = applied(this.kept, saved);
  }
}

function setUp(options: Partial<KeeperOptions> = {}, database = new FakeDatabase()) {
  const clock = new ManualClock();
  const state = new KeyedState(counters);
  const errors: VigiaError[] = [];
  const keeper = new StateKeeper(state, database as unknown as StateDatabase, {
    node: "n",
    clock,
    onError: (error) => errors.push(error),
    ...options,
  });
  return { clock, state, errors, keeper, database };
}

test("saves what changed every ten seconds, and nothing when nothing did", async () => {
  const { clock, state, keeper, database } = setUp();
  assert.equal(await keeper.restore(), false);
  await clock.advance(10_000);
  assert.equal(database.saves.length, 0);
  state.get(ref(1)).n = 1;
  await clock.advance(9_999);
  assert.equal(database.saves.length, 0);
  await clock.advance(1);
  assert.equal(database.saves.length, 1);
  state.get(ref(2)).n = 1;
  state.drop([ref(1).key]);
  await clock.advance(10_000);
  assert.deepEqual(
    database.saves[1]!.put.map(([key]) => key),
    [ref(2).key],
  );
  assert.deepEqual(database.kept, json(state.snapshot()));
});

test("restores, brings shared and cursor up to date before each save, saves at the end", async () => {
  const database = new FakeDatabase();
  database.kept = { version: 2, cursor: 4, shared: { late: 1 }, records: { s: record({ n: 3 }) } };
  let looks = 0;
  const { clock, state, keeper } = setUp(
    {
      beforeSave: () => {
        state.shared = { looks: ++looks };
        state.cursor = 10 + looks;
      },
    },
    database,
  );
  assert.equal(await keeper.restore(), true);
  assert.deepEqual([state.peek("s")?.n, state.cursor, state.shared], [3, 4, { late: 1 }]);
  state.get(ref(1)).n = 5;
  await keeper.close();
  assert.deepEqual([database.kept.cursor, database.kept.shared], [11, { looks: 1 }]);
  assert.deepEqual(database.kept.records[ref(1).key]?.data, { n: 5 });
  assert.equal(clock.timers, 0, "nothing goes on after the end");
});

test("a database that fails: told once, nothing lost, all saved when it works again", async () => {
  const { clock, state, errors, keeper, database } = setUp();
  await keeper.restore();
  state.get(ref(1)).n = 1;
  state.get(ref(2)).n = 2;
  await keeper.save();
  database.broken = true;
  state.get(ref(2)).n = 3;
  state.drop([ref(1).key]);
  await clock.advance(10_000);
  state.get(ref(3)).n = 4;
  await clock.advance(10_000);
  assert.equal(errors.length, 1);
  assert.match(errors[0]!.message, /disk I\/O error/);
  database.broken = false;
  await clock.advance(10_000);
  assert.deepEqual(database.kept, json(state.snapshot()));
  // It works again, so the next failure is news.
  database.broken = true;
  state.get(ref(2)).n = 9;
  await keeper.close();
  assert.equal(errors.length, 2);
});

test("an error before the save ends neither the runtime nor the saving", async () => {
  let broken = true;
  const { clock, state, errors, keeper, database } = setUp({
    beforeSave: () => {
      if (broken) throw new TypeError("no shared state yet");
    },
  });
  await keeper.restore();
  state.get(ref(1)).n = 1;
  await clock.advance(10_000);
  await clock.advance(10_000);
  assert.deepEqual(
    errors.map(({ code, message }) => [code, message]),
    [["state-unsaved", "no shared state yet"]],
  );
  broken = false;
  await clock.advance(10_000);
  assert.deepEqual(database.kept, json(state.snapshot()));
  await keeper.close();
});

test("saves never overlap, and the last one waits for the one that runs", async () => {
  const { clock, state, keeper, database } = setUp();
  await keeper.restore();
  let open = () => {};
  database.gate = new Promise((resolve) => {
    open = resolve;
  });
  state.get(ref(1)).n = 1;
  await clock.advance(10_000);
  state.get(ref(1)).n = 2;
  let closed = false;
  const closing = keeper.close().then(() => {
    closed = true;
  });
  await setImmediate();
  assert.equal(database.saves.length, 1);
  assert.equal(closed, false);
  open();
  await closing;
  assert.deepEqual(
    database.saves.map(({ put }) => put[0]![1].data),
    [{ n: 1 }, { n: 2 }],
  );
  assert.equal(clock.timers, 0);
});

test("a state that cannot be read is told, and stays as it is", async () => {
  const future = new FakeDatabase();
  future.kept = { version: 3, records: { s: record({ x: 1 }) } };
  const away = new FakeDatabase();
  away.kept = { version: 2, records: { s: record({ n: 1 }) } };
  away.broken = true;
  for (const [database, code] of [
    [future, "bad-state"],
    [away, "failed"],
  ] as const) {
    const before = json(database.kept);
    const { clock, state, keeper } = setUp({}, database);
    await assert.rejects(keeper.restore(), { name: "VigiaError", code });
    database.broken = false;
    state.get(ref(1)).n = 1;
    await clock.advance(60_000);
    await keeper.close();
    assert.deepEqual(database.kept, before);
  }
});

test("with a real file: what one keeper saved, the next one has", async () => {
  const path = tempFile();
  for (let round = 0; round < 3; round++) {
    const clock = new ManualClock();
    const database = new StateDatabase(path, clock);
    const state = new KeyedState(counters);
    const keeper = new StateKeeper(state, database, { node: "n", clock });
    assert.equal(await keeper.restore(), round > 0);
    const counter = state.get(ref(1));
    assert.equal(counter.n, round);
    counter.n++;
    await keeper.close();
    await database.close();
  }
});
