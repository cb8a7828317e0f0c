import { statfsSync } from "node:fs";

/** SQLite's primary result codes that somebody can do something about. */
export const SQLITE = {
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const;

/** SQLite's own shared memory wants whole pages: less free space than this is a full disk. */
const NOTHING_FREE = 65_536;

export function isSqliteError(thrown: unknown): thrown is Error & { errcode: number; errstr: string } {
  return thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number";
}

/** The primary result code; `undefined` of what is no error of SQLite. */
export function sqliteCode(thrown: unknown): number | undefined {
  return isSqliteError(thrown) ? thrown.errcode & 0xff : undefined;
}

/** Not every place where SQLite meets a full disk is told apart by it from a failing one. */
export function nothingFree(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < NOTHING_FREE;
  } catch {
    return false;
  }
}
