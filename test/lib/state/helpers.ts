import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../../lib/points/clock.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import type { Changes, Json, RecordKind, SavedRecord, Snapshot } from "../../../lib/state/keyed-state.ts";

/** The simplest record that can be changed: a number. */
export interface Counter {
  n: number;
}

export const counters: RecordKind<Counter> = {
  version: 2,
  create: () => ({ n: 0 }),
  save: ({ n }) => ({ n }),
  // Version 1 kept the bare number.
  load: (data, version) => ({ n: version === 1 ? (data as number) : (data as { n: number }).n }),
  idle: ({ n }) => n === 0,
};

export const ref = (n: number | string) => seriesRef(`s${n}`, { site: "x" });

export const record = (data: Json, series = "s"): SavedRecord => ({ series, data });

/** What a file holds after some changes were saved to it. */
export function applied(snapshot: Snapshot | undefined, { put, drop, ...head }: Changes): Snapshot {
  const records = new Map(Object.entries(snapshot?.records ?? {}));
  for (const key of drop) records.delete(key);
  for (const [key, saved] of put) records.set(key, saved);
  return { ...head, records: Object.fromEntries(records) };
}

export const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const folders: string[] = [];

after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A file that is gone after the last test. */
export function tempFile(name = "state.db"): string {
  const folder = mkdtempSync(join(tmpdir(), "vigia-state-"));
  folders.push(folder);
  return join(folder, name);
}

/** Time that passes only when it is told to. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  #timers = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Runs what is due, and lets promises settle. */
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.run();
    }
    await setImmediate();
  }
}
