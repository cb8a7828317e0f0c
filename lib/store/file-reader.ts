import type { DatabaseSync } from "node:sqlite";
import { openForReading } from "./database.ts";
import { storeFailure } from "./failure.ts";
import { Reading } from "./reading.ts";
import { type EngineStats, statsOf } from "./stats.ts";

/** Reads a file that another process may write meanwhile; each question is answered of one moment. For one thread. */
export class FileReader {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #reading: Reading;
  #version = -1;
  #tended = -1;

  /** @throws VigiaError `store-corrupt`, `store-version`, `store-old`, `store-unwritable` (no such file), … */
  constructor(file: string) {
    this.#file = file;
    let db: DatabaseSync | undefined;
    try {
      db = openForReading(file);
      this.#db = db;
      // It writes no chunks.
      db.exec("BEGIN");
      this.#reading = new Reading(db, 1);
      db.exec("COMMIT");
    } catch (thrown) {
      db?.close();
      throw storeFailure(thrown, file);
    }
  }

  query<T>(ask: (reading: Reading) => T): T {
    try {
      this.#db.exec("BEGIN");
      try {
        this.#refresh();
        return ask(this.#reading);
      } finally {
        this.#db.exec("COMMIT");
      }
    } catch (thrown) {
      throw storeFailure(thrown, this.#file);
    }
  }

  stats(): EngineStats {
    return this.query((reading) => statsOf(this.#db, this.#file, reading, 0));
  }

  close(): void {
    this.#db.close();
  }

  /** O(1) when nothing was written, O(new points) after commits, O(series + chunks + log) after a flush. */
  #refresh(): void {
    // The first question of a transaction decides which moment it sees.
    const tended = this.#db.prepare("SELECT value FROM meta WHERE key = 'tended'").get()!.value as number;
    const version = this.#db.prepare("PRAGMA data_version").get()!.data_version as number;
    if (tended !== this.#tended) this.#reading.reload();
    else if (version !== this.#version) this.#reading.advance();
    this.#tended = tended;
    this.#version = version;
  }
}
