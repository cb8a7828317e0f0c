import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { seriesRef } from "../../../lib/points/series.ts";
import { FileReader } from "../../../lib/store/file-reader.ts";
import { openStore } from "../../../lib/store/open.ts";
import type { Reading } from "../../../lib/store/reading.ts";
import { childOf } from "./children.ts";
import { Bench, expireAll, flushAll, frameOf, type Row, rowsOf, START, sameRows, TINY } from "./fixtures.ts";
import { tempFolder } from "./temp-folder.ts";

const A = seriesRef("plant/a");
const DAY = 86_400_000;
const edges = [START, START + 20_000 * DAY];

/** What one moment shows of series that always have the same points: by series, all the same. */
function same(all: number[][], what: string): number[] {
  assert.equal(all.length, 6, what);
  for (const one of all) assert.deepEqual(one, all[0], what);
  return all[0]!;
}

/** The last commit that is seen; everything in one answer fits together. */
function look(reading: Reading): number {
  const sum = reading.aggregate({ series: "expired/#", edges, aggregates: ["count", "last", "max"] });
  const { count, last, max } = sum.columns;
  const [points, newest] = same(
    sum.dictionary.map((_, row) => [count![row]!, last![row]!, max![row]!]),
    "rollups and points are all that was committed",
  ) as [number, number];
  assert.equal(points, newest + 1);
  const left = reading.read({ series: "deleted/#" });
  const times = left.dictionary.map(({ key }) => [...reading.read({ keys: [key] }).times]);
  if (left.length > 0) same(times, "a delete is of one moment");
  for (const { name } of reading.snapshots.list()) {
    const past = reading.aggregate({ series: "expired/#", edges, aggregates: ["count"], asOf: name });
    assert.deepEqual(
      same(
        [...past.values].map((n) => [n]),
        "snapshot",
      ),
      [Number(name) + 1],
    );
  }
  assert.equal(reading.list({ series: "new/#" }).length, Math.floor(newest / 10) + 1, "new series are seen");
  return newest;
}

test("another process that only reads sees one moment in each answer, whatever the writer does", {
  timeout: 60_000,
}, async (t) => {
  const file = join(tempFolder(), "kpis.db");
  const { lines } = childOf(t, "tended-child.ts", file);
  await once(lines, "line");
  let written = 0;
  lines.on("line", (line) => {
    written = Number(line);
  });
  let reader = new FileReader(file);
  t.after(() => reader.close());
  let seen = 0;
  for (let asked = 0; asked < 300; asked++) {
    if (asked % 3 === 2) {
      // Opening happens at any moment too.
      reader.close();
      reader = new FileReader(file);
    }
    const known = written;
    const newest = reader.query(look);
    assert.ok(newest >= Math.max(seen, known), "what was on disk before it was asked for");
    seen = newest;
    if (asked % 3 === 0) await once(lines, "line");
  }
  t.diagnostic(`${seen} commits seen`);
});

test("a store that is opened to read only reads, and refuses whatever writes", async (t) => {
  const bench = new Bench(t, TINY, [{ keep: DAY }]);
  bench.commit([A, START, 1]);
  const store = await openStore({ file: bench.file, readOnly: true });
  t.after(() => store.close());
  assert.equal((await store.read({})).length, 1);
  bench.commit([A, START + 1, 2], [seriesRef("plant/b"), START, 3]);
  assert.deepEqual(rowsOf(await store.last({})), [
    [A.key, START + 1, 2],
    ["plant/b", START, 3],
  ]);
  assert.equal((await store.list({})).length, 2);
  const fingerprint = await store.fingerprint({ keys: [A.key] });
  flushAll(bench.engine);
  bench.engine.snapshot("before");
  bench.clock.advance(3 * DAY);
  expireAll(bench.engine);
  assert.deepEqual(rowsOf(await store.read({})), []);
  assert.notEqual(await store.fingerprint({ keys: [A.key] }), fingerprint);
  sameRows(rowsOf(await store.read({ asOf: "before" })), bench.rows({ asOf: "before" }));
  assert.equal((await store.stats()).seq, bench.engine.seq);
  assert.equal((await store.check()).ok, true);
  const frame = frameOf([[A, START, 1] satisfies Row]);
  for (const write of [
    () => store.append(frame),
    () => store.load(frame),
    () => store.delete({}),
    () => store.snapshot("mine"),
    () => store.dropSnapshot("before"),
    () => store.restore(bench.file),
  ]) {
    await assert.rejects(write(), { name: "VigiaError", code: "store-read-only" });
  }
});

test("to read only makes no file", async () => {
  const file = join(tempFolder(), "none.db");
  await assert.rejects(openStore({ file, readOnly: true }), { name: "VigiaError", code: "store-unwritable" });
  assert.equal(existsSync(file), false);
});
