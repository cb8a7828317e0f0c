import { dirname } from "node:path";
import { asVigiaError, VigiaError } from "../points/error.ts";
import { nothingFree, SQLITE, sqliteCode } from "../work/sqlite-error.ts";

export function isDamaged(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code === SQLITE.CORRUPT || code === SQLITE.NOTADB;
}

/** The database itself is well: it can be used again as it is. */
export function isPassing(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code === undefined || code === SQLITE.FULL || code === SQLITE.BUSY || code === SQLITE.LOCKED;
}

/** Anything that went wrong with the file of the queue, under a code that stays and with what can be done about it. */
export function queueFailure(thrown: unknown, file: string): VigiaError {
  const error = (code: string, message: string) => new VigiaError(code, message, { cause: thrown });
  switch (sqliteCode(thrown)) {
    case SQLITE.FULL:
      return error("queue-disk-full", `disk full: no room for ${file}`);
    case SQLITE.IOERR:
      return nothingFree(dirname(file))
        ? error("queue-disk-full", `disk full: no room for ${file}`)
        : error("queue-io", `disk error or quota reached: ${file} cannot be read or written`);
    case SQLITE.READONLY:
    case SQLITE.CANTOPEN:
      return error("queue-unwritable", `${file} cannot be written: give this user the right to write in its folder`);
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return error("queue-locked", `${file} is in use by another Node-RED: give each a folder of its own`);
    case SQLITE.CORRUPT:
    case SQLITE.NOTADB:
      return error("queue-corrupt", `${file} is damaged`);
    default:
      if (
        thrown instanceof Error &&
        "code" in thrown &&
        /^E(ACCES|PERM|ROFS|NOTDIR|EXIST)$/.test(String(thrown.code))
      ) {
        return error("queue-unwritable", `${file} cannot be written: ${thrown.message}`);
      }
      if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOSPC") {
        return error("queue-disk-full", `disk full: no room for ${file}`);
      }
      return asVigiaError(thrown, "queue-failed");
  }
}
