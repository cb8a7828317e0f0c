import { DatabaseSync } from "node:sqlite";
import { VigiaError } from "../points/error.ts";
import { isBusy } from "./failure.ts";

/**
 * Says that `file` has its one writer, by an exclusive transaction on a second, empty database beside it. The kernel
 * frees it when the process dies in any way; SQLite keeps threads of one process apart as well. The file `.lock` stays:
 * removing it could take it from under the next holder.
 */
export class FileLock {
  readonly #db: DatabaseSync;

  /** @throws VigiaError `store-locked` */
  constructor(file: string) {
    this.#db = new DatabaseSync(`${file}.lock`);
    try {
      this.#db.exec("BEGIN EXCLUSIVE");
    } catch (thrown) {
      this.#db.close();
      if (!isBusy(thrown)) throw thrown;
      throw new VigiaError(
        "store-locked",
        `${file} is in use by another runtime (another Node-RED, or another store with the same file), and a file ` +
          "has only one writer: stop the other one or name another file",
        { cause: thrown },
      );
    }
  }

  release(): void {
    this.#db.close();
  }
}
