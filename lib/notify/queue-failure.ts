import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { asVigiaError, VigiaError } from "../points/error.ts";

/** SQLite's primary result codes. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** SQLite wants whole pages: less free space than this is a full disk. */
const NOTHING_FREE = 65_536;

/** `undefined` of what is no error of SQLite. */
function codeOf(thrown: unknown): number | undefined {
  return thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number"
    ? thrown.errcode & 0xff
    : undefined;
}

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < NOTHING_FREE;
  } catch {
    return false;
  }
}

export function isDamaged(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === CORRUPT || code === NOTADB;
}

/** The database itself is well: it can be used again as it is. */
export function isPassing(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === undefined || code === FULL || code === BUSY || code === LOCKED;
}

/** Anything that went wrong with the file of the queue, under a code that stays and with what can be done about it. */
export function queueFailure(thrown: unknown, file: string): VigiaError {
  const error = (code: string, message: string) => new VigiaError(code, message, { cause: thrown });
  switch (codeOf(thrown)) {
    case FULL:
      return error("queue-disk-full", `disk full: no room for ${file}`);
    case IOERR:
      return isFull(dirname(file))
        ? error("queue-disk-full", `disk full: no room for ${file}`)
        : error("queue-io", `disk error or quota reached: ${file} cannot be read or written`);
    case READONLY:
    case CANTOPEN:
      return error("queue-unwritable", `${file} cannot be written: give this user the right to write in its folder`);
    case BUSY:
    case LOCKED:
      return error("queue-locked", `${file} is in use by another Node-RED: give each a folder of its own`);
    case CORRUPT:
    case NOTADB:
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
