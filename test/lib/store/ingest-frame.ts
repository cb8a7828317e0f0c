import { seriesRef } from "../../../lib/points/series.ts";
import { type Row, START } from "./fixtures.ts";

const REFS = Array.from({ length: 30 }, (_, n) => seriesRef(`plant/${n}`, { line: n % 3 }));
const ROWS = 40;

/** The `n`th frame of a long ingest: every key comes once, about a fifth of the rows late. */
export function ingestFrame(n: number): Row[] {
  return Array.from({ length: ROWS }, (_, row): Row => {
    const place = n * ROWS + row;
    const late = place % 5 === 0 ? 3 : 0;
    return [REFS[place % REFS.length]!, START + (Math.floor(place / REFS.length) - late) * 1000 + late, place];
  });
}
