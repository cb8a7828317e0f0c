import { createDecoder, type DecoderOptions } from "../../../lib/codecs/decoder.ts";
import type { Context, Decoded } from "../../../lib/codecs/intake.ts";
import type { Clock } from "../../../lib/points/clock.ts";
import type { Tags } from "../../../lib/points/series.ts";

/** 2026-11-25T00:00:00Z: after every time in the captures. */
export const NOW = Date.UTC(2026, 10, 25);

export const still: Clock = { now: () => NOW, after: () => () => {} };

export interface Seen {
  series: string;
  tags: Tags;
  time: number;
  value: number;
}

export function decodeAll(
  payload: Uint8Array | string,
  options: DecoderOptions = {},
  context: Context = { series: "topic" },
): { seen: Seen[]; decoded: Decoded; codes: string[] } {
  const seen: Seen[] = [];
  const decoded = createDecoder(options, still).decode(payload, context, (ref, time, value) => {
    seen.push({ series: ref.series, tags: ref.tags ?? {}, time, value });
  });
  return { seen, decoded, codes: decoded.rejected.map(({ error }) => error.code) };
}

/** `series=value` of each point, for short expectations. */
export function pairs(seen: readonly Seen[]): string[] {
  return seen.map(({ series, value }) => `${series}=${value}`);
}
