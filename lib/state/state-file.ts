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
  /** Nodes that loaded or saved since the file was opened: not gone, however long they had nothing to save. */
  readonly #alive = new Set<string>();

  /** @throws VigiaError `bad-state` when a newer release wrote the file; SQLite errors. */
  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file, { timeout: 5_000 });
    try {
      const format = Number(this.#db.prepare("PRAGMA user_version").get()?.user_version);
      if (format > FORMAT) {
        throw new VigiaError("bad-state", { field: `format of ${file}`, value: format, allowed: `up to ${FORMAT}` });
      }
      this.#db.exec(SCHEMA);
      this.#db.exec(`PRAGMA user_version = ${FORMAT}`);
    } catch (thrown) {
      this.#db.close();
      throw thrown;
    }
  }

  load(node: string): Snapshot | undefined {
    this.#alive.add(node);
    // One transaction: another process may save in between.
    return this.#transaction("BEGIN", () => {
      const head = this.#db.prepare("SELECT version, cursor, shared FROM node WHERE id = ?").get(node);
      if (!head) return undefined;
      const records: [string, SavedRecord][] = [];
      for (const row of this.#db.prepare("SELECT key, record FROM record WHERE node = ?").iterate(node)) {
        records.push([String(row.key), JSON.parse(String(row.record)) as SavedRecord]);
      }
      const snapshot: Snapshot = { version: Number(head.version), records: Object.fromEntries(records) };
      if (head.cursor !== null) snapshot.cursor = Number(head.cursor);
      if (head.shared !== null) snapshot.shared = JSON.parse(String(head.shared)) as Json;
      return snapshot;
    });
  }

  save(node: string, { version, cursor, shared, put, drop }: Changes, now: number): void {
    this.#alive.add(node);
    this.#transaction("BEGIN IMMEDIATE", () => {
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
    this.#alive.delete(node);
    this.#transaction("BEGIN IMMEDIATE", () => {
      this.#db.prepare("DELETE FROM record WHERE node = ?").run(node);
      this.#db.prepare("DELETE FROM node WHERE id = ?").run(node);
    });
  }

  /** Also forgets the nodes that are gone: only here it is known who is still there. */
  close(now: number): void {
    try {
      this.#transaction("BEGIN IMMEDIATE", () => {
        const touch = this.#db.prepare("UPDATE node SET saved = ? WHERE id = ?");
        for (const node of this.#alive) touch.run(now, node);
        this.#db.prepare("DELETE FROM node WHERE saved < ?").run(now - FORGET_AFTER);
        this.#db.exec("DELETE FROM record WHERE node NOT IN (SELECT id FROM node)");
      });
    } finally {
      this.#db.close();
    }
  }

  #transaction<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", run: () => T): T {
    this.#db.exec(begin);
    try {
      const result = run();
      this.#db.exec("COMMIT");
      return result;
    } catch (thrown) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw thrown;
    }
  }
}
