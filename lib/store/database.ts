import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { VigiaError } from "../points/error.ts";
import { LITTLE_ENDIAN } from "./chunk-codec.ts";
import { migrateFromFirst, TABLES } from "./migrate.ts";
import { transaction } from "./transaction.ts";

/** "VIGI": what `file` and others say of the database. */
const APPLICATION_ID = 0x56494749;
/** Grows when an older release could no longer read the file. */
const FORMAT = 2;

const OLDEST_SAFE_SQLITE = [3, 51, 3];

const PRAGMAS = `
  PRAGMA page_size = 4096;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -8192;
  PRAGMA journal_size_limit = 16777216;
`;

const SCHEMA = `
  PRAGMA application_id = ${APPLICATION_ID};
  CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE series (
    sid INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, series TEXT NOT NULL, tags TEXT, unit TEXT,
    flushed INTEGER NOT NULL DEFAULT 0, changed INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE log (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, data BLOB NOT NULL);
  INSERT INTO meta VALUES ('format', ${FORMAT}), ('trimmed', 0);
  ${TABLES}
`;

/** @throws VigiaError `store-unwritable`. Asked before SQLite, which would open read-only without a word. */
export function checkWritable(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    accessSync(dirname(file), constants.W_OK);
    if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new VigiaError("store-unwritable", `${file} and its folder must be writable: ${why}`, { cause: thrown });
  }
}

/** The format of a file. @throws VigiaError `store-corrupt` for another program's database, `store-version` for a newer one */
export function formatOf(db: DatabaseSync, file: string): number {
  const id = db.prepare("PRAGMA application_id").get()?.application_id;
  if (id !== APPLICATION_ID) {
    throw new VigiaError("store-corrupt", `${file} is the database of another program. Name another file`);
  }
  const format = db.prepare("SELECT value FROM meta WHERE key = 'format'").get()?.value;
  if (typeof format === "number" && format <= FORMAT) return format;
  throw new VigiaError(
    "store-version",
    `${file} has format ${format}, and this release reads formats up to ${FORMAT}: a newer @vigia/node-red wrote it. ` +
      "Update the package or name another file",
  );
}

/**
 * The database, new or known, ready to write.
 * @throws VigiaError `store-corrupt` for another program's database, `store-version` for a newer format; SQLite errors.
 */
export function openDatabase(file: string): DatabaseSync {
  if (!LITTLE_ENDIAN) throw new VigiaError("store-platform", "the store needs a little-endian processor");
  const db = new DatabaseSync(file, { timeout: 1000 });
  try {
    // A kill before the first transaction leaves a database without tables.
    const isNew =
      db.prepare("PRAGMA application_id").get()?.application_id === 0 &&
      db.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
    const format = isNew ? FORMAT : formatOf(db, file);
    db.exec(PRAGMAS);
    if (isNew) transaction(db, () => db.exec(SCHEMA));
    else if (format < FORMAT) transaction(db, () => migrateFromFirst(db));
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/**
 * What is wrong with a version of SQLite; `undefined` when nothing is. 3.7.0 to 3.51.2 can damage a database when two
 * connections write and checkpoint at the same time. Ours is the only writer, another program's could be a second one.
 */
export function sqliteWarning(version: string): string | undefined {
  const parts = version.split(".").map(Number);
  for (const [place, oldest] of OLDEST_SAFE_SQLITE.entries()) {
    const part = parts[place] ?? 0;
    if (part > oldest) return undefined;
    if (part < oldest) {
      return `SQLite ${version} can damage a file that two programs write at once: update Node.js, and until then only read the file from elsewhere`;
    }
  }
  return undefined;
}

/**
 * To read only, while another process writes.
 * @throws VigiaError `store-corrupt`, `store-version`; `store-old` for a format that only a writer brings up to date
 */
export function openForReading(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 1000, readOnly: true });
  try {
    const format = formatOf(db, file);
    if (format < FORMAT) {
      throw new VigiaError(
        "store-old",
        `${file} has the old format ${format}: open it once to write, which updates it`,
      );
    }
    db.exec("PRAGMA cache_size = -8192");
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}
