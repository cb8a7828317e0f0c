import { VigiaError } from "./error.ts";

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/y;

export interface DurationLimits {
  /** Smallest allowed, ms. Default 1. */
  min?: number;
  /** Largest allowed, ms. Default none. */
  max?: number;
  /** What the caller takes besides durations, for the error: `or "1mo"`. */
  also?: string;
}

/**
 * Milliseconds of a duration such as `"5m"`, `"1h30m"`, `"7d"`, `"250ms"`.
 * @throws VigiaError `bad-duration` naming `field`.
 */
export function parseDuration(
  text: unknown,
  field: string,
  { min = 1, max = Infinity, also }: DurationLimits = {},
): number {
  const complain = (what: string) =>
    new VigiaError("bad-duration", { field, value: text, allowed: also === undefined ? what : `${what}; ${also}` });
  const form = 'a number with ms, s, m, h, d or w, such as "5m" or "1h30m"';
  if (typeof text !== "string") throw complain(form);
  const source = text.replace(/\s+/g, "");
  let total = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < source.length) {
    const part = PART.exec(source);
    if (!part) throw complain(form);
    total += Number(part[1]) * UNITS[part[2]!]!;
  }
  if (source === "") throw complain(form);
  total = Math.round(total);
  if (total < min) throw complain(`at least ${formatDuration(min)}`);
  // Past this, whole milliseconds cannot be told apart.
  const most = Math.min(max, Number.MAX_SAFE_INTEGER);
  if (total > most) throw complain(`at most ${formatDuration(most)}`);
  return total;
}

/** The shortest duration text: `90000` → `"1m30s"`; `0` → `"0s"`. */
export function formatDuration(ms: number): string {
  if (!(ms >= 1)) return "0s";
  let rest = Math.round(ms);
  let text = "";
  for (const unit of ["w", "d", "h", "m", "s", "ms"]) {
    const size = UNITS[unit]!;
    const n = Math.floor(rest / size);
    // Weeks only when they are whole: "10d" reads better than "1w3d".
    if (n === 0 || (unit === "w" && rest % size !== 0)) continue;
    text += `${n}${unit}`;
    rest -= n * size;
  }
  return text;
}
