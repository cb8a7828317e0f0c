import { dirname } from "node:path";
import { asVigiaError, VigiaError } from "../points/error.ts";
import { isSqliteError, nothingFree, SQLITE, sqliteCode } from "../work/sqlite-error.ts";

/** True when another connection holds what was asked for. */
export function isBusy(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code === SQLITE.BUSY || code === SQLITE.LOCKED;
}

/** Anything that went wrong with `file`, under a code that stays and with a reason that a user can act on. */
export function storeFailure(thrown: unknown, file: string): VigiaError {
  if (!isSqliteError(thrown)) return asVigiaError(thrown, "store-failed");
  const error = (code: string, reason: string) => new VigiaError(code, reason, { cause: thrown });
  const detail = `${thrown.errstr}, SQLite code ${thrown.errcode}`;
  switch (sqliteCode(thrown)) {
    case SQLITE.FULL:
      return error("store-disk-full", `disk full: no room for ${file}`);
    case SQLITE.IOERR:
      if (nothingFree(dirname(file))) return error("store-disk-full", `disk full: no room for ${file}`);
      return error("store-io", `disk error or quota reached: ${file} cannot be read or written (${detail})`);
    case SQLITE.READONLY:
      return error("store-read-only", `file is read-only: ${file} cannot be written`);
    case SQLITE.CANTOPEN:
      return error("store-unwritable", `${file} cannot be opened or created (${detail})`);
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return error("store-busy", `another program holds ${file} locked (${detail})`);
    case SQLITE.CORRUPT:
      return error("store-corrupt", `${file} is damaged (${detail}): restore it from a copy, or name another file`);
    case SQLITE.NOTADB:
      return error("store-corrupt", `${file} is not a store: it is no SQLite database. Name another file`);
    default:
      return error("store-failed", `${file}: ${thrown.message} (${detail})`);
  }
}
