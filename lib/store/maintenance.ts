import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { asVigiaError, VigiaError } from "../points/error.ts";
import { decodeChunk } from "./chunk-codec.ts";
import { formatOf, openDatabase, openForReading } from "./database.ts";
import { storeFailure } from "./failure.ts";
import { FileLock } from "./lock.ts";
import { decodeRollup } from "./rollup-codec.ts";
import { type Summary, summaryOf } from "./summary.ts";
import type { CheckReport } from "./types.ts";

const MOST_PROBLEMS = 100;
const CHUNKS = "SELECT id, sid, t0, t1, n, filled, low, high, total, data FROM chunk";

/** What was written to a file, and its name, is on disk. */
function sync(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** A database that is no longer wanted, or was never finished. */
export function remove(file: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
}

/** Only a copy of the store is overwritten, never the store. @throws VigiaError `backup-exists` */
function checkTarget(file: string, to: string): void {
  const [source, target] = [file, to].map((path) => statSync(path, { throwIfNoEntry: false }));
  if (!target || target.size === 0) return;
  try {
    if (target.ino === source?.ino && target.dev === source.dev) throw new Error("the store itself");
    const db = new DatabaseSync(to, { readOnly: true });
    try {
      formatOf(db, to);
    } finally {
      db.close();
    }
  } catch {
    const allowed = "a new file, or an earlier backup, which is replaced";
    throw new VigiaError("backup-exists", { field: "backup file", value: to, allowed });
  }
}

/** A whole copy under the name `to`; while it is being made it has another name. */
function copy(file: string, to: string, finish: (copied: string) => void): void {
  const making = `${to}.making`;
  remove(making);
  try {
    const db = openForReading(file);
    try {
      db.prepare("VACUUM INTO ?").run(making);
    } finally {
      db.close();
    }
    finish(making);
    sync(making);
    // What was written to an earlier copy would be read over this one.
    for (const suffix of ["-wal", "-shm"]) rmSync(to + suffix, { force: true });
    renameSync(making, to);
    sync(dirname(to));
  } catch (thrown) {
    remove(making);
    throw thrown;
  }
}

/**
 * A copy of a store as it is at this moment, for a thread of its own: writers and readers go on. O(bytes).
 * @throws VigiaError `backup-exists`, `store-locked` (the earlier copy is in use as a store), `store-disk-full`, …
 */
export function backUp(file: string, to: string): void {
  checkTarget(file, to);
  let lock: FileLock | undefined;
  try {
    // Somebody may have opened the earlier copy as a store.
    if (existsSync(`${to}.lock`)) lock = new FileLock(to);
    copy(file, to, () => {});
  } catch (thrown) {
    throw asVigiaError(storeFailure(thrown, to), "backup-failed");
  } finally {
    lock?.release();
  }
}

/**
 * A copy of a backup that can take the place of a store whose last commit was `seq`; its commits go on behind that.
 * @throws VigiaError `no-backup`, `store-corrupt`, `store-version`, …
 */
export function prepareRestore(backup: string, to: string, seq: number): void {
  if (!existsSync(backup)) {
    throw new VigiaError("no-backup", { field: "backup file", value: backup, allowed: "a file that a backup wrote" });
  }
  let place = backup;
  try {
    const { problems } = checkFile(backup);
    if (problems.length > 0) throw new VigiaError("store-corrupt", `${backup} is damaged: ${problems[0]}`);
    place = to;
    copy(backup, to, (copied) => {
      const db = openDatabase(copied);
      db.exec("PRAGMA journal_mode = DELETE");
      db.prepare("UPDATE meta SET value = max(value, ?) WHERE key = 'least'").run(seq);
      db.close();
    });
  } catch (thrown) {
    throw storeFailure(thrown, place);
  }
}

/**
 * Puts a prepared file in the place of another, which stays beside it as `*.before-restore`. A kill at any moment leaves
 * one of them under its name.
 */
export function putInPlace(prepared: string, file: string): void {
  const before = `${file}.before-restore`;
  rmSync(before, { force: true });
  try {
    linkSync(file, before);
  } catch {
    // Not every file system has links.
    copyFileSync(file, before);
    sync(before);
  }
  renameSync(prepared, file);
  sync(dirname(file));
}

interface PieceRow {
  id: number;
  sid: number;
  t0: number;
  t1: number;
  n: number;
  data: Uint8Array;
}

type ChunkRow = PieceRow & Summary;

interface RollupRow extends PieceRow {
  width: number;
}

function problemOfTimes(times: Float64Array, { t0, t1, n }: PieceRow): string | undefined {
  if (times.length !== n) return `${times.length} rows instead of ${n}`;
  if (times[0] !== t0 || times[n - 1] !== t1) return "times outside its range";
  for (let row = 1; row < n; row++) if (!(times[row]! > times[row - 1]!)) return "times out of order";
  return undefined;
}

/** What is wrong with a piece, also when looking fails. */
function problemOf(look: () => string | undefined): string | undefined {
  try {
    return look();
  } catch (thrown) {
    return asVigiaError(thrown).message;
  }
}

function problemOfChunk(row: ChunkRow): string | undefined {
  const { times, values } = decodeChunk(row.data);
  const { filled, low, high, total } = summaryOf(values);
  const fits = filled === row.filled && low === row.low && high === row.high && total === row.total;
  return problemOfTimes(times, row) ?? (fits ? undefined : "its summary is of other values");
}

/** Reads all of a file. O(points). @throws VigiaError `store-corrupt`, `store-version`, `store-old` */
export function checkFile(file: string): CheckReport {
  const db = openForReading(file);
  const problems: string[] = [];
  const found = (problem: string) => {
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
  };
  let chunks = 0;
  let points = 0;
  try {
    for (const { integrity_check: line } of db.prepare("PRAGMA integrity_check").all()) {
      if (line !== "ok") found(`SQLite: ${line}`);
    }
    let before: ChunkRow | undefined;
    for (const each of db.prepare(`${CHUNKS} WHERE died IS NULL ORDER BY sid, t0`).iterate()) {
      const row = each as unknown as ChunkRow;
      const problem = problemOf(() => problemOfChunk(row));
      if (problem) found(`chunk ${row.id}: ${problem}`);
      if (before?.sid === row.sid && row.t0 <= before.t1) found(`chunk ${row.id} overlaps chunk ${before.id}`);
      before = row;
      chunks++;
      points += row.n;
    }
    for (const each of db.prepare(`${CHUNKS} WHERE died IS NOT NULL`).iterate()) {
      const row = each as unknown as ChunkRow;
      const problem = problemOf(() => problemOfChunk(row));
      if (problem) found(`chunk ${row.id} of a snapshot: ${problem}`);
    }
    for (const each of db.prepare("SELECT id, sid, width, t0, t1, n, data FROM rollup").iterate()) {
      const row = each as unknown as RollupRow;
      const problem = problemOf(() => problemOfTimes(decodeRollup(row.data, row.width).times, row));
      if (problem) found(`rollup ${row.id}: ${problem}`);
    }
  } catch (thrown) {
    // So damaged that it cannot be read to its end.
    found(storeFailure(thrown, file).message);
  } finally {
    db.close();
  }
  return { ok: problems.length === 0, chunks, points, problems };
}
