import type { Frame } from "../points/frame.ts";

/** How far a series has come in a saved state. */
export interface Progress {
  /** Commit of its newest point that came with one; 0: none did. */
  seq: number;
  /** Its newest time, ms. */
  latest: number;
}

/** Smaller than the number of any commit: a frame of it holds nothing new of known series. */
export const NO_COMMIT = -1;

/**
 * Rows of a commit that a state may hold already: of known series what is not in it yet, of others none or
 * (`strangers`) all. A series whose points came without a commit number is known by its newest time alone.
 * Reads all `progress` before it gives the first row.
 */
export function missingRows(
  { dictionary, index, times }: Frame,
  seq: number,
  progress: (key: string) => Progress | undefined,
  strangers = false,
): number[] {
  const before = dictionary.map(({ key }) => progress(key));
  const rows: number[] = [];
  for (let row = 0; row < index.length; row++) {
    const known = before[index[row]!];
    if (!known) {
      if (strangers) rows.push(row);
      continue;
    }
    // A state may be saved between two messages of one commit: within that one, the newest time tells.
    const byTime = known.seq === 0 || seq === known.seq;
    if (byTime ? times[row]! > known.latest : seq > known.seq) rows.push(row);
  }
  return rows;
}
