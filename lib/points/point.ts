import type { Tags } from "./series.ts";

/** One measurement of one KPI. */
export interface Point {
  /** Path-like name: `plant-3/compressor-a/temperature`. */
  series: string;
  /** Event time, milliseconds since epoch, UTC. */
  time: number;
  /** `null`: a known gap. */
  value: number | null;
  tags?: Tags;
  unit?: string;
}
