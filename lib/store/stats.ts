import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { sqliteWarning } from "./database.ts";
import type { Reading } from "./reading.ts";
import type { StoreStats } from "./types.ts";

export type EngineStats = Omit<StoreStats, "waiting">;

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** O(series). */
export function statsOf(db: DatabaseSync, file: string, reading: Reading, commits: number): EngineStats {
  const series = reading.list({});
  const sqlite = db.prepare("SELECT sqlite_version() AS version").get()!.version as string;
  const warning = sqliteWarning(sqlite);
  return {
    file,
    bytes: sizeOf(file) + sizeOf(`${file}-wal`),
    series: series.length,
    points: series.reduce((sum, { count }) => sum + count, 0),
    seq: reading.log.last,
    commits,
    sqlite,
    warnings: warning === undefined ? [] : [warning],
  };
}
