import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { asVigiaError, VigiaError } from "../points/error.ts";

const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** SQLite's own shared memory wants whole pages: less free space than this is a full disk. */
const NOTHING_FREE = 65_536;

function isSqlite(thrown: unknown): thrown is Error & { errcode: number; errstr: string } {
  return thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number";
}

function nothingFree(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize < NOTHING_FREE;
  } catch {
    return false;
  }
}

/** True when another connection holds what was asked for. */
export function isBusy(thrown: unknown): boolean {
  return isSqlite(thrown) && [BUSY, LOCKED].includes(thrown.errcode & 0xff);
}

/** Anything that went wrong with `file`, under a code that stays and with a reason that a user can act on. */
export function storeFailure(thrown: unknown, file: string): VigiaError {
  if (!isSqlite(thrown)) return asVigiaError(thrown, "store-failed");
  const error = (code: string, reason: string) => new VigiaError(code, reason, { cause: thrown });
  const detail = `${thrown.errstr}, SQLite code ${thrown.errcode}`;
  switch (thrown.errcode & 0xff) {
    case FULL:
      return error("store-disk-full", `disk full: no room for ${file}`);
    case IOERR:
      // Not every place where SQLite meets a full disk is told apart from a failing one.
      if (nothingFree(file)) return error("store-disk-full", `disk full: no room for ${file}`);
      return error("store-io", `disk error or quota reached: ${file} cannot be read or written (${detail})`);
    case READONLY:
      return error("store-read-only", `file is read-only: ${file} cannot be written`);
    case CANTOPEN:
      return error("store-unwritable", `${file} cannot be opened or created (${detail})`);
    case BUSY:
    case LOCKED:
      return error("store-busy", `another program holds ${file} locked (${detail})`);
    case CORRUPT:
      return error("store-corrupt", `${file} is damaged (${detail}): restore it from a copy, or name another file`);
    case NOTADB:
      return error("store-corrupt", `${file} is not a store: it is no SQLite database. Name another file`);
    default:
      return error("store-failed", `${file}: ${thrown.message} (${detail})`);
  }
}
