import type { DatabaseSync } from "node:sqlite";
import { decodeChunk, encodeChunk } from "./chunk-codec.ts";
import { summaryOf } from "./summary.ts";

/**
 * Format 2: packed chunks with summaries and the snapshots that see them, rollups.
 *
 * series.flushed: what this series had in log rows up to that seq is in chunks. series.changed: the last commit that had
 * points of it, when it was flushed last. Chunks of one series that live (died IS NULL) never overlap, nor do those that
 * a snapshot sees: born at or before it, and not dead by then. The index of the living holds all that is needed to look
 * for chunks, so that looking never reads any. Pieces of rollups are born and die as chunks do.
 */
export const TABLES = `
  CREATE TABLE chunk (
    id INTEGER PRIMARY KEY, sid INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, n INTEGER NOT NULL,
    born INTEGER NOT NULL, died INTEGER,
    filled INTEGER NOT NULL, low REAL, high REAL, total REAL,
    data BLOB NOT NULL
  );
  CREATE INDEX chunk_time ON chunk (sid, t0, t1, n) WHERE died IS NULL;
  CREATE INDEX chunk_dead ON chunk (sid, t0, t1) WHERE died IS NOT NULL;
  CREATE TABLE snapshot (name TEXT PRIMARY KEY, version INTEGER NOT NULL UNIQUE, at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE rollup (
    id INTEGER PRIMARY KEY, sid INTEGER NOT NULL, width INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,
    n INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER, data BLOB NOT NULL
  );
  CREATE INDEX rollup_time ON rollup (sid, width, t0, t1, n, died);
  INSERT INTO meta VALUES ('version', 1), ('least', 0), ('tended', 0);
`;

/** From format 1, whose chunks were raw; inside a transaction. O(points), memory: a chunk. */
export function migrateFromFirst(db: DatabaseSync): void {
  db.exec(
    "DROP INDEX chunk_time; ALTER TABLE chunk RENAME TO chunk_first; ALTER TABLE series ADD COLUMN changed INTEGER NOT NULL DEFAULT 0",
  );
  db.exec(TABLES);
  db.exec("UPDATE series SET changed = flushed");
  const insert = db.prepare(
    "INSERT INTO chunk (id, sid, t0, t1, n, born, filled, low, high, total, data) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?)",
  );
  for (const { id, sid, t0, t1, n, data } of db.prepare("SELECT * FROM chunk_first").iterate()) {
    const samples = decodeChunk(data as Uint8Array);
    const { filled, low, high, total } = summaryOf(samples.values);
    insert.run(id!, sid!, t0!, t1!, n!, filled, low, high, total, encodeChunk(samples));
  }
  db.exec("DROP TABLE chunk_first; UPDATE meta SET value = 2 WHERE key = 'format'");
}
