import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { VigiaError } from "../points/error.ts";
import type { Changes, Json, SavedRecord, Snapshot } from "./keyed-state.ts";

const FORMAT = 1;
/** What no node has saved for this long belongs to a node that is gone. */
const FORGET_AFTER = 90 * 86_400_000;

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS node (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, cursor INTEGER, shared TEXT, saved INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS record (
    node TEXT NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (node, key)
  ) WITHOUT ROWID;
`;

/** The file that keeps the states of all nodes: one row a series. Synchronous; a save is one transaction with fsync. */
export class StateFile {
  readonly #db: DatabaseSync;

  /** @throws VigiaError `bad-state` when a newer release wrote the file; SQLite errors. */
  constructor(file: string, now: number) {
    mkdirSync(dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file, { timeout: 5_000 });
    const format = Number(this.#db.prepare("PRAGMA user_version").get()?.user_version);
    if (format > FORMAT) {
      this.#db.close();
      throw new VigiaError("bad-state", { field: `format of ${file}`, value: format, allowed: `up to ${FORMAT}` });
    }
    this.#db.exec(SCHEMA);
    this.#db.exec(`PRAGMA user_version = ${FORMAT}`);
    const old = this.#db.prepare("SELECT id FROM node WHERE saved < ?").all(now - FORGET_AFTER);
    for (const { id } of old) this.forget(String(id));
  }

  load(node: string): Snapshot | undefined {
    const head = this.#db.prepare("SELECT version, cursor, shared FROM node WHERE id = ?").get(node);
    if (!head) return undefined;
    const records: Record<string, SavedRecord> = {};
    for (const row of this.#db.prepare("SELECT key, record FROM record WHERE node = ?").iterate(node)) {
      records[String(row.key)] = JSON.parse(String(row.record)) as SavedRecord;
    }
    const snapshot: Snapshot = { version: Number(head.version), records };
    if (head.cursor !== null) snapshot.cursor = Number(head.cursor);
    if (head.shared !== null) snapshot.shared = JSON.parse(String(head.shared)) as Json;
    return snapshot;
  }

  save(node: string, { version, cursor, shared, put, drop }: Changes, now: number): void {
    this.#transaction(() => {
      this.#db
        .prepare("INSERT OR REPLACE INTO node (id, version, cursor, shared, saved) VALUES (?, ?, ?, ?, ?)")
        .run(node, version, cursor ?? null, shared === undefined ? null : JSON.stringify(shared), now);
      const remove = this.#db.prepare("DELETE FROM record WHERE node = ? AND key = ?");
      for (const key of drop) remove.run(node, key);
      const insert = this.#db.prepare("INSERT OR REPLACE INTO record (node, key, record) VALUES (?, ?, ?)");
      for (const [key, record] of put) insert.run(node, key, JSON.stringify(record));
    });
  }

  forget(node: string): void {
    this.#transaction(() => {
      this.#db.prepare("DELETE FROM record WHERE node = ?").run(node);
      this.#db.prepare("DELETE FROM node WHERE id = ?").run(node);
    });
  }

  close(): void {
    this.#db.close();
  }

  #transaction(run: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      run();
      this.#db.exec("COMMIT");
    } catch (thrown) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw thrown;
    }
  }
}
