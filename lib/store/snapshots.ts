import type { DatabaseSync, StatementSync } from "node:sqlite";
import { VigiaError } from "../points/error.ts";

/** The store as it was at some moment. */
export interface SnapshotInfo {
  name: string;
  /** When it was made, ms. */
  at: number;
}

/**
 * Named versions. Chunks are never changed, only born and dead: a snapshot is a number, and sees the chunks that were
 * born at or before it and had not died by then.
 */
export class Snapshots {
  readonly #all: StatementSync;
  readonly #next: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #setNext: StatementSync;
  readonly #sweeps: readonly StatementSync[];

  constructor(db: DatabaseSync) {
    this.#all = db.prepare("SELECT name, version, at FROM snapshot ORDER BY version");
    this.#next = db.prepare("SELECT value FROM meta WHERE key = 'version'");
    this.#insert = db.prepare("INSERT INTO snapshot (name, version, at) VALUES (?, ?, ?)");
    this.#delete = db.prepare("DELETE FROM snapshot WHERE name = ?");
    this.#setNext = db.prepare("UPDATE meta SET value = ? WHERE key = 'version'");
    this.#sweeps = ["chunk", "rollup"].map((table) =>
      db.prepare(`
        DELETE FROM ${table} WHERE died IS NOT NULL AND NOT EXISTS
          (SELECT 1 FROM snapshot WHERE version >= ${table}.born AND version < ${table}.died)`),
    );
  }

  /** What is written now is born in this version, and no snapshot sees it. */
  get version(): number {
    return this.#next.get()!.value as number;
  }

  /** The newest version that a snapshot sees; 0 when there is none. */
  get newest(): number {
    return this.#rows().at(-1)?.version ?? 0;
  }

  list(): SnapshotInfo[] {
    return this.#rows().map(({ name, at }) => ({ name, at }));
  }

  /** @throws VigiaError `no-snapshot` */
  versionOf(name: string): number {
    const rows = this.#rows();
    const found = rows.find((row) => row.name === name);
    if (found) return found.version;
    throw new VigiaError("no-snapshot", {
      field: "snapshot",
      value: name,
      allowed: rows.map((row) => row.name).join(", ") || "none: there are no snapshots",
    });
  }

  /** Inside a transaction; the heads must be in chunks. @throws VigiaError `snapshot-exists` */
  create(name: string, at: number): void {
    if (this.#rows().some((row) => row.name === name)) {
      throw new VigiaError("snapshot-exists", { field: "snapshot", value: name, allowed: "a name that is not taken" });
    }
    const { version } = this;
    this.#insert.run(name, version, at);
    this.#setNext.run(version + 1);
  }

  /** Inside a transaction: what only this snapshot saw goes with it. O(dead chunks). @throws VigiaError `no-snapshot` */
  drop(name: string): void {
    this.versionOf(name);
    this.#delete.run(name);
    for (const sweep of this.#sweeps) sweep.run();
  }

  #rows(): { name: string; version: number; at: number }[] {
    return this.#all.all() as never;
  }
}
