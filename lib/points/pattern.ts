import { VigiaError } from "./error.ts";
import type { SeriesRef, Tags } from "./series.ts";

/** Which series. All given parts must fit; an empty filter is every series. */
export interface SeriesFilter {
  /**
   * One pattern or several (any may fit). As MQTT: `+` is one segment, `#` at the end is all that follows (and the
   * name before it); `*` is any text inside a segment. Without wildcards it is the whole name.
   */
  series?: string | readonly string[];
  /** Each named tag must have this value; `*` as value: the tag exists. */
  tags?: Tags;
}

const ESCAPE = /[.*+?^${}()|[\]\\]/g;

function segment(text: string): string {
  // As MQTT, also an empty one: `a/+` is `a/` too.
  if (text === "+") return "[^/]*";
  return text
    .split("*")
    .map((part) => part.replace(ESCAPE, "\\$&"))
    .join("[^/]*");
}

function compile(pattern: string, field: string): (series: string) => boolean {
  const parts = pattern.split("/");
  const hash = parts.indexOf("#");
  if (
    pattern === "" ||
    (hash >= 0 && hash !== parts.length - 1) ||
    parts.some((p) => p.length > 1 && p.includes("#"))
  ) {
    throw new VigiaError("bad-pattern", {
      field,
      value: pattern,
      allowed: 'a series name, with + for one segment, * inside a segment and # as the last segment ("plant/+/#")',
    });
  }
  if (pattern === "#") return () => true;
  if (!/[+*#]/.test(pattern)) return (series) => series === pattern;
  const open = hash >= 0 ? parts.slice(0, -1) : parts;
  const body = open.map(segment).join("/");
  const expression = new RegExp(`^${body}${hash >= 0 ? "(?:/.*)?" : ""}$`, "s");
  return (series) => expression.test(series);
}

/** @throws VigiaError `bad-pattern` naming `field` */
export function seriesFilter(
  filter: SeriesFilter,
  field = "series",
): (ref: Pick<SeriesRef, "series" | "tags">) => boolean {
  const patterns = filter.series === undefined ? [] : [filter.series].flat();
  const tests = patterns.map((pattern) => compile(pattern, field));
  const tags = Object.entries(filter.tags ?? {});
  return (ref) =>
    (tests.length === 0 || tests.some((test) => test(ref.series))) &&
    tags.every(([name, value]) => {
      const own = ref.tags?.[name];
      return own !== undefined && (value === "*" || own === value);
    });
}
