import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seriesRef } from "../../../lib/points/series.ts";
import { KeyedState, type Snapshot } from "../../../lib/state/keyed-state.ts";
import { applied, type Counter, counters, json, record, ref } from "./helpers.ts";

const filled = (n: number, maxSeries?: number) => {
  const state = new KeyedState(counters, maxSeries);
  for (let i = 0; i < n; i++) state.get(ref(i)).n = i + 1;
  return state;
};

test("one record a series, the same one every time", () => {
  const state = new KeyedState(counters);
  const first = state.get(ref(1));
  first.n = 5;
  assert.equal(state.get(ref(1)), first);
  assert.equal(state.peek(ref(1).key), first);
  assert.equal(state.peek(ref(2).key), undefined);
  assert.equal(state.size, 1, "a look does not make one");
  assert.deepEqual([...state.entries()], [[ref(1), { n: 5 }]]);
});

test("maxSeries is a bound: past it, a clear error, and the known series go on", () => {
  const state = filled(3, 3);
  assert.throws(() => state.get(ref("new")), {
    code: "too-many-series",
    message: /^series is "snew"; allowed: 3 series in this node \(setting maxSeries\), and none of them is idle$/,
  });
  assert.equal(state.size, 3);
  state.get(ref(0)).n++;
  assert.equal(new KeyedState(counters).maxSeries, 10_000);
});

test("idle series make room, a tenth at once, and are dropped from the file too", () => {
  const state = filled(40, 40);
  state.changes();
  for (const n of [3, 7, 9, 20, 30, 39]) state.get(ref(n)).n = 0;
  state.get(ref("new")).n = 1;
  assert.equal(state.size, 37, "four of six are gone");
  assert.deepEqual(
    state.changes().drop,
    [3, 7, 9, 20].map((n) => ref(n).key),
  );
  // A series that comes back starts anew.
  assert.equal(state.get(ref(3)).n, 0);
  assert.deepEqual(state.changes().drop, []);
});

test("a kind without `idle` never forgets", () => {
  const { idle: _, ...kind } = counters;
  const state = new KeyedState<Counter>(kind, 1);
  state.get(ref(1));
  assert.throws(() => state.get(ref(2)), { code: "too-many-series" });
});

test("changes are what was used since the last ones", () => {
  const state = filled(3);
  assert.equal(state.changes().put.length, 3);
  assert.deepEqual(state.changes(), { version: 2, put: [], drop: [] });
  state.get(ref(1)).n = 7;
  state.peek(ref(2).key);
  state.cursor = 17;
  state.shared = { late: 1 };
  const put = [[ref(1).key, { series: "s1", tags: { site: "x" }, data: { n: 7 } }]];
  assert.deepEqual(state.changes(), { version: 2, cursor: 17, shared: { late: 1 }, put, drop: [] });
});

/** All that may happen to a state between two saves. */
const actionArb = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("add" as const), n: fc.nat(8), by: fc.integer({ min: -2, max: 2 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("drop" as const), keys: fc.array(fc.nat(8), { maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop all" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("import" as const), n: fc.nat(8), value: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("save" as const), fails: fc.boolean() }) },
);

test("saved changes always add up to the state, also when saves fail in between", () => {
  fc.assert(
    fc.property(fc.array(actionArb, { maxLength: 40 }), (actions) => {
      const state = new KeyedState(counters, 6);
      let file: Snapshot | undefined;
      const save = (fails: boolean) => {
        const changes = state.changes();
        if (fails) state.keepChanged(changes);
        else file = applied(file, json(changes));
      };
      for (const action of actions) {
        if (action.do === "add") {
          try {
            state.get(ref(action.n)).n += action.by;
          } catch {
            assert.equal(state.size, 6);
          }
        } else if (action.do === "drop") state.drop(action.keys.map((n) => ref(n).key));
        else if (action.do === "drop all") state.drop();
        else if (action.do === "import") {
          if (state.size < 6)
            state.import({ any: { ...record({ n: action.value }, `s${action.n}`), tags: { site: "x" } } });
        } else save(action.fails);
        assert.ok(state.size <= 6);
      }
      save(false);
      assert.deepEqual(file, json(state.snapshot()));
      const back = new KeyedState(counters, 6);
      back.restore(file!);
      assert.deepEqual(back.snapshot(), state.snapshot());
    }),
    { numRuns: 300 },
  );
});

test("export, drop and import carry series from one node to another", () => {
  const from = filled(4);
  const to = new KeyedState(counters);
  to.get(ref(2)).n = 99;
  const keys = [ref(1).key, ref(2).key, "unknown"];
  const carried = json(from.export(keys));
  assert.deepEqual(Object.keys(carried), keys.slice(0, 2));
  assert.equal(from.drop(keys), 2);
  to.import(carried);
  assert.deepEqual(
    [...to.entries()].map(([{ series }, { n }]) => [series, n]),
    [
      ["s2", 3],
      ["s1", 2],
    ],
  );
  assert.equal(from.size, 2);
  assert.deepEqual(from.changes().drop, keys.slice(0, 2));
  assert.equal(to.changes().put.length, 2);
  assert.equal(from.drop(), 2, "all");
});

test("series of any name survive, also ones that JavaScript has plans for", () => {
  const state = new KeyedState(counters);
  const refs = ["__proto__", "constructor", "7", "a"].map((name) => seriesRef(name));
  for (const [n, own] of refs.entries()) state.get(own).n = n + 1;
  const back = new KeyedState(counters);
  back.restore(json(state.snapshot()));
  assert.deepEqual(
    refs.map(({ key }) => back.peek(key)?.n),
    [1, 2, 3, 4],
  );
});

test("an older version is brought up, and saved in the new form even where nothing came in", () => {
  const state = new KeyedState(counters);
  state.restore({ version: 1, cursor: 5, records: { s: record(7) } });
  assert.equal(state.peek("s")?.n, 7);
  assert.equal(state.cursor, 5);
  const { version, put } = state.changes();
  assert.deepEqual([version, put], [2, [["s", record({ n: 7 })]]]);
});

test("a version from the future is an error and changes nothing", () => {
  const state = filled(2);
  state.changes();
  const future: Snapshot = { version: 3, cursor: 9, records: { s: record({ x: 1 }) } };
  const expected = { code: "bad-state", value: 3, allowed: /up to 2: .*newer release/ };
  assert.throws(() => state.restore(future), expected);
  assert.throws(() => state.import(future.records, 3), expected);
  assert.equal(state.size, 2);
  assert.equal(state.cursor, undefined);
  assert.deepEqual(state.changes(), { version: 2, put: [], drop: [] });
});

test("more saved series than maxSeries are all kept; only new ones are refused", () => {
  const state = new KeyedState(counters, 2);
  state.restore(json(filled(3).snapshot()));
  assert.equal(state.size, 3);
  assert.equal(state.get(ref(2)).n, 3);
  assert.throws(() => state.get(ref("new")), { code: "too-many-series" });
});
