import { DatabaseSync } from "node:sqlite";
import { seriesRef } from "../../../lib/points/series.ts";
import { type Row, START } from "./fixtures.ts";

const REFS = [seriesRef("plant/0", { line: 0 }, "°C"), seriesRef("plant/1"), seriesRef("plant/2")];
const ODD = [Number.NaN, Infinity, -0, 0.1, 1e300];

/** Codec 0: eight bytes of which the first is 0, all times, all values. */
function rawChunk(rows: readonly Row[]): Uint8Array {
  const numbers = Float64Array.from([0, ...rows.map(([, time]) => time), ...rows.map(([, , value]) => value)]);
  return new Uint8Array(numbers.buffer);
}

function logRow(rows: readonly Row[]): Uint8Array {
  const numbers = new Float64Array([...rows.map(([, time]) => time), ...rows.map(([, , value]) => value)]);
  const sids = Uint32Array.from(rows, ([ref]) => REFS.indexOf(ref));
  return Buffer.concat([Buffer.from(numbers.buffer), Buffer.from(sids.buffer)]);
}

/**
 * Writes a file as the first release did: two of three series have chunks, one is in the log alone, and the log also has
 * rows that are in chunks already. Gives what is in chunks and what of the log is in none.
 */
export function firstFormat(file: string, { chunks, chunkPoints }: { chunks: number; chunkPoints: number }) {
  const db = new DatabaseSync(file);
  db.exec(`
    PRAGMA page_size = 4096;
    PRAGMA journal_mode = WAL;
    BEGIN;
    PRAGMA application_id = ${0x56494749};
    CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE series (
      sid INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, series TEXT NOT NULL, tags TEXT, unit TEXT,
      flushed INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE log (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE TABLE chunk (
      id INTEGER PRIMARY KEY, sid INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, n INTEGER NOT NULL,
      data BLOB NOT NULL
    );
    CREATE INDEX chunk_time ON chunk (sid, t0, t1, n);
    INSERT INTO meta VALUES ('format', 1), ('trimmed', 4);
  `);
  const flushed = 6;
  for (const [sid, { key, series, tags, unit }] of REFS.entries()) {
    db.prepare("INSERT INTO series VALUES (?, ?, ?, ?, ?, ?)").run(
      sid,
      key,
      series,
      tags ? JSON.stringify(tags) : null,
      unit ?? null,
      sid < 2 ? flushed : 0,
    );
  }
  const rows: Row[] = [];
  const insert = db.prepare("INSERT INTO chunk (sid, t0, t1, n, data) VALUES (?, ?, ?, ?, ?)");
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (const [sid, ref] of REFS.slice(0, 2).entries()) {
      const held = Array.from({ length: chunkPoints }, (_, row): Row => {
        const n = chunk * chunkPoints + row;
        return [ref, START + n * 1000, n % 13 === 0 ? ODD[n % ODD.length]! : n + sid / 8];
      });
      insert.run(sid, held[0]![1], held.at(-1)![1], held.length, rawChunk(held));
      for (const row of held) rows.push(row);
    }
  }
  const end = START + chunks * chunkPoints * 1000;
  const log = db.prepare("INSERT INTO log VALUES (?, ?, ?)");
  for (const seq of [5, flushed]) log.run(seq, START, logRow(rows.slice(0, 5)));
  // One late, one that replaces, one new, and the series that has no chunk.
  const late: Row[] = [
    [REFS[0]!, START + 1500, -1],
    [REFS[0]!, START + 2000, -2],
    [REFS[1]!, end, -3],
    [REFS[2]!, START, -4],
  ];
  log.run(flushed + 1, START, logRow(late));
  db.exec("COMMIT");
  db.close();
  return { rows, late, seq: flushed + 1 };
}
