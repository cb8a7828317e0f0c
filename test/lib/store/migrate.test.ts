import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Engine } from "../../../lib/store/engine.ts";
import { FileReader } from "../../../lib/store/file-reader.ts";
import { backUp, prepareRestore } from "../../../lib/store/maintenance.ts";
import { firstFormat } from "./first-format.ts";
import { checkWhole, flushAll, frameOf, logRows, ManualClock, rowsOf, START, sameRows, TINY } from "./fixtures.ts";
import { Model } from "./model.ts";
import { tempFolder } from "./temp-folder.ts";

test("a file of format 1 keeps all its points and its numbers, and goes on", () => {
  const file = join(tempFolder(), "kpis.db");
  const { rows, late, seq } = firstFormat(file, { chunks: 6, chunkPoints: 40 });
  const model = new Model();
  model.load(0, rows);
  model.commit(seq, late);
  const open = () => new Engine(file, new ManualClock(), TINY);
  let engine = open();
  const check = () => {
    sameRows(rowsOf(engine.reading.read({})), model.read({}));
    sameRows(rowsOf(engine.reading.last({})), model.last());
    const edges = [START - 1, START + 25_000, START + 1e9];
    const frame = engine.reading.aggregate({ edges, aggregates: ["count", "min"] });
    const expected = model.aggregate(edges, ["count", "min"]).flatMap(({ buckets }) => buckets);
    assert.deepEqual(
      [...frame.columns.count!].map((count, row) => [count, frame.columns.min![row]]),
      expected,
    );
  };
  try {
    assert.equal(engine.seq, seq);
    check();
    assert.deepEqual(rowsOf(engine.reading.replay(seq - 1).frame), model.replay(seq - 1, seq), "what was in the log");
    assert.deepEqual(
      engine.reading.list({}).map(({ series, tags, unit }) => [series, tags, unit]),
      [
        ["plant/0", { line: "0" }, "°C"],
        ["plant/1", undefined, undefined],
        ["plant/2", undefined, undefined],
      ],
    );
    const more = rows.slice(0, 30).map(([ref, time, value]) => [ref, time + 7, -value] as const);
    model.commit(engine.commit([logRows(engine, frameOf(more))]), more);
    assert.equal(engine.seq, seq + 1);
    check();
    engine.snapshot("migrated");
    flushAll(engine);
    model.delete({ to: START + 10_000 });
    engine.delete({ to: START + 10_000 });
    check();
    engine.close();
    engine = open();
    check();
  } finally {
    engine.close();
  }
  checkWhole(file);
  const db = new DatabaseSync(file, { readOnly: true });
  assert.deepEqual(db.prepare("SELECT value FROM meta WHERE key = 'format'").get(), { __proto__: null, value: 2 });
  db.close();
});

test("who only reads, or copies, says that a file of format 1 must be opened to write first", () => {
  const folder = tempFolder();
  const file = join(folder, "kpis.db");
  firstFormat(file, { chunks: 2, chunkPoints: 10 });
  assert.throws(() => new FileReader(file), { name: "VigiaError", code: "store-old", message: /format 1/ });
  assert.throws(() => backUp(file, join(folder, "copy.db")), { code: "store-old" });
  assert.throws(() => prepareRestore(file, join(folder, "copy.db"), 1), { code: "store-old" });
});
