import assert from "node:assert/strict";
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { seriesRef } from "../../../lib/points/series.ts";
import { Engine } from "../../../lib/store/engine.ts";
import { checkFile } from "../../../lib/store/maintenance.ts";
import { openStore } from "../../../lib/store/open.ts";
import type { Store } from "../../../lib/store/types.ts";
import {
  Bench,
  checkWhole,
  expireAll,
  flushAll,
  frameOf,
  logRows,
  ManualClock,
  type Row,
  rowsOf,
  START,
  sameRows,
  TINY,
} from "./fixtures.ts";
import { tempFolder } from "./temp-folder.ts";

const [A, B, C] = ["plant/a", "plant/b", "plant/c"].map((name) => seriesRef(name)) as [Row[0], Row[0], Row[0]];
const rows = (n: number, from = 0): Row[] => Array.from({ length: n }, (_, row) => [A, START + from + row, from + row]);

async function opened(t: TestContext, folder = tempFolder()): Promise<{ store: Store; file: string; copy: string }> {
  const file = join(folder, "kpis.db");
  const store = await openStore({ file, commitEvery: 1, commitPoints: 50, tuning: { ...TINY, headPoints: 400 } });
  t.after(() => store.close());
  return { store, file, copy: join(folder, "copy.db") };
}

function contentOf(file: string): ReturnType<typeof rowsOf> {
  const engine = new Engine(file, new ManualClock(), TINY);
  try {
    return rowsOf(engine.reading.read({}));
  } finally {
    engine.close();
  }
}

/** What `change` does to a copy of a file, from outside. */
function changed(file: string, name: string, change: string): string {
  const to = join(dirname(file), name);
  copyFileSync(file, to);
  const db = new DatabaseSync(to);
  db.exec(change);
  db.close();
  return to;
}

/** Writes garbage over the middle of a file. */
function damage(file: string): void {
  const handle = openSync(file, "r+");
  writeSync(handle, Buffer.alloc(8192, 0xa5), 0, 8192, Math.floor(statSync(file).size / 2));
  closeSync(handle);
}

test("a backup made while points come in holds the commits up to one of them", async (t) => {
  const { store, file, copy } = await opened(t);
  let n = 0;
  let done = false;
  const ingest = (async () => {
    // Each is a commit of its own.
    while (!done) await store.append(frameOf(rows(50, 50 * n++)));
  })();
  for (let round = 0; round < 4; round++) {
    const before = 50 * (n - 1);
    await store.backup(copy);
    const after = 50 * n;
    checkWhole(copy);
    const content = contentOf(copy);
    assert.equal(content.length % 50, 0, "whole commits");
    assert.ok(content.length >= before && content.length <= after, `${before} ${content.length} ${after}`);
    sameRows(content, rowsOf(frameOf(rows(content.length))));
  }
  done = true;
  await ingest;
  assert.deepEqual(
    readdirSync(dirname(file)).filter((name) => name.includes("making")),
    [],
  );
});

test("a backup replaces an earlier one, and nothing else", async (t) => {
  const { store, file, copy } = await opened(t);
  await store.append(frameOf(rows(30)));
  await store.backup(copy);
  await store.append(frameOf(rows(30, 30)));
  await store.backup(copy);
  assert.equal(contentOf(copy).length, 60);

  const folder = dirname(file);
  writeFileSync(join(folder, "letter.txt"), "Dear all");
  new DatabaseSync(join(folder, "photos.db")).exec("CREATE TABLE photo (id)");
  for (const name of ["letter.txt", "photos.db", "kpis.db"]) {
    const size = statSync(join(folder, name)).size;
    await assert.rejects(store.backup(join(folder, name)), { name: "VigiaError", code: "backup-exists" });
    assert.equal(statSync(join(folder, name)).size, size);
  }
  await assert.rejects(store.backup(join(folder, "nowhere", "copy.db")), { code: "store-unwritable" });

  const other = await openStore({ file: copy });
  await assert.rejects(store.backup(copy), { code: "store-locked", message: /copy\.db/ });
  await other.close();
  await store.backup(copy);
  assert.equal((await store.read({})).length, 60);
});

test("what a killed program wrote to an earlier backup is not read over the new one", async (t) => {
  const { store, copy } = await opened(t);
  await store.append(frameOf(rows(30)));
  await store.backup(copy);
  const engine = new Engine(copy, new ManualClock(), TINY);
  engine.commit([logRows(engine, frameOf([[B, START, 1]]))]);
  copyFileSync(`${copy}-wal`, `${copy}-left`);
  engine.close();
  copyFileSync(`${copy}-left`, `${copy}-wal`);
  await store.append(frameOf(rows(30, 30)));
  await store.backup(copy);
  assert.equal(existsSync(`${copy}-wal`), false);
  sameRows(contentOf(copy), rowsOf(frameOf(rows(60))));
});

test("a restore gives back what was there; numbers go on, and the file as it was stays beside it", async (t) => {
  const { store, file, copy } = await opened(t);
  await store.append(frameOf(rows(30)));
  await store.snapshot("early");
  await store.backup(copy);
  await store.append(frameOf([[B, START, 1], [C, START, 2], ...rows(500, 30)]));
  await store.delete({ keys: [A.key], to: START + 9 });
  const { seq } = await store.append(frameOf([[C, START + 1, 3]]));
  const waiting = store.append(frameOf([[C, START + 2, 4]]));
  const before = [...rowsOf(await store.read({ keys: [C.key] })).slice(0, 2), [C.key, START + 2, 4]];

  await store.restore(copy);
  const late = await waiting;
  assert.ok(late.seq > seq, "what waited was committed, to the file as it was");
  sameRows(rowsOf(await store.read({})), rowsOf(frameOf(rows(30))));
  assert.deepEqual(
    (await store.snapshots()).map(({ name }) => name),
    ["early"],
  );
  assert.deepEqual(
    contentOf(`${file}.before-restore`).filter(([key]) => key === C.key),
    before,
  );

  // The client still counts B and C among the series that the file knows.
  const next = await store.append(
    frameOf([
      [C, START + 3, 5],
      [B, START + 3, 6],
      [A, START + 1, 7],
    ]),
  );
  assert.ok(next.seq > late.seq);
  assert.deepEqual(rowsOf(await store.read({ from: START + 3, keys: [B.key, C.key] })), [
    [B.key, START + 3, 6],
    [C.key, START + 3, 5],
  ]);
  assert.equal((await store.read({ keys: [A.key] })).values[1], 7);
  assert.deepEqual(rowsOf((await store.replay(late.seq)).frame).length, 3);
  assert.equal((await store.check()).ok, true);
  await store.close();
  const again = await openStore({ file });
  assert.equal((await again.stats()).seq, next.seq);
  assert.equal((await again.read({})).length, 32);
  await again.close();
  assert.deepEqual(
    readdirSync(dirname(file)).filter((name) => /restoring|making/.test(name)),
    [],
  );
});

test("a restore of what is no whole store is refused and changes nothing", async (t) => {
  const { store, file, copy } = await opened(t);
  const folder = dirname(file);
  await store.append(frameOf(rows(2000)));
  await store.backup(copy);
  await store.append(frameOf(rows(10, 2000)));
  const damaged = changed(copy, "damaged.db", "UPDATE chunk SET data = zeroblob(100) WHERE id = 3");
  const newer = changed(copy, "newer.db", "UPDATE meta SET value = 3 WHERE key = 'format'");
  const torn = changed(copy, "torn.db", "PRAGMA user_version = 1");
  damage(torn);
  writeFileSync(join(folder, "letter.txt"), "Dear all, ".repeat(1000));
  new DatabaseSync(join(folder, "photos.db")).exec("CREATE TABLE photo (id)");
  const { seq } = await store.stats();
  for (const [wrong, code] of [
    [damaged, "store-corrupt"],
    [torn, "store-corrupt"],
    [newer, "store-version"],
    [join(folder, "letter.txt"), "store-corrupt"],
    [join(folder, "photos.db"), "store-corrupt"],
    [join(folder, "none.db"), "no-backup"],
  ] as const) {
    await assert.rejects(store.restore(wrong), { name: "VigiaError", code }, wrong);
    assert.equal((await store.read({})).length, 2010);
    assert.equal((await store.stats()).seq, seq);
  }
  assert.deepEqual(
    readdirSync(folder).filter((name) => /restor|making/.test(name)),
    [],
  );
  await store.append(frameOf(rows(1, 3000)));
});

test("no restore while another process has the file open: it would go on with the old one", async (t) => {
  const { store, file, copy } = await opened(t);
  await store.append(frameOf(rows(30)));
  await store.backup(copy);
  await store.append(frameOf(rows(30, 30)));
  for (const begin of ["SELECT 1", "BEGIN; SELECT * FROM series"]) {
    const reader = new DatabaseSync(file, { readOnly: true });
    reader.exec("SELECT count(*) FROM series");
    reader.exec(begin);
    await assert.rejects(store.restore(copy), { name: "VigiaError", code: "store-busy", message: /kpis\.db/ });
    assert.equal((await store.read({})).length, 60);
    reader.close();
  }
  await store.append(frameOf(rows(1, 60)));
  await store.restore(copy);
  assert.equal((await store.read({})).length, 30);
});

test("check finds what is wrong inside chunks, snapshots and rollups, and what SQLite finds", (t) => {
  const bench = new Bench(t, TINY, [{ series: "plant/b", keep: 1 }]);
  bench.commit(...rows(100), ...rows(400).map(([, time, value]): Row => [B, time, value]));
  bench.engine.snapshot("seen");
  bench.commit([A, START + 3, -1]);
  bench.clock.advance(86_400_000 * 2);
  expireAll(bench.engine);
  flushAll(bench.engine);
  const copy = join(tempFolder(), "copy.db");
  // Closing leaves nothing in the write-ahead log.
  bench.reopen();
  copyFileSync(bench.file, copy);
  assert.deepEqual(checkFile(copy), { ok: true, chunks: 13, points: 100, problems: [] });
  const living = "(SELECT min(id) FROM chunk WHERE died IS NULL)";
  for (const [name, change, problem] of [
    ["codec", `UPDATE chunk SET data = x'09000000' WHERE id = ${living}`, /codec is 9/],
    ["rows", `UPDATE chunk SET n = n + 1 WHERE id = ${living}`, /rows instead of/],
    ["range", `UPDATE chunk SET t1 = t1 + 1 WHERE id = ${living}`, /outside its range/],
    ["summary", `UPDATE chunk SET total = total + 1 WHERE id = ${living}`, /summary/],
    ["dead", "UPDATE chunk SET data = x'09000000' WHERE died IS NOT NULL", /of a snapshot: chunk codec/],
    ["rollup", "UPDATE rollup SET data = x'09000000'", /rollup \d+: rollup codec/],
    [
      "twice",
      `INSERT INTO chunk SELECT 9999, sid, t0, t1, n, born, died, filled, low, high, total, data FROM chunk WHERE id = ${living}`,
      /chunk \d+ overlaps chunk \d+/,
    ],
  ] as const) {
    const report = checkFile(changed(copy, `${name}.db`, change));
    assert.equal(report.ok, false, name);
    assert.match(report.problems[0]!, problem);
  }
  const torn = changed(copy, "torn.db", "PRAGMA user_version = 1");
  damage(torn);
  assert.equal(checkFile(torn).ok, false);
});
