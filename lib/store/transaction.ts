import type { DatabaseSync } from "node:sqlite";

/** Runs all of `run` or nothing of it. */
export function transaction(db: DatabaseSync, run: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    run();
    db.exec("COMMIT");
  } catch (thrown) {
    try {
      db.exec("ROLLBACK");
    } catch {
      // SQLite rolls back by itself when the disk is full or fails.
    }
    throw thrown;
  }
}
