import { asVigiaError, VigiaError } from "../points/error.ts";
import type { Reader } from "../points/reader.ts";
import { normalizeTags, type SeriesRef, type SeriesTable, seriesKey, type Tags } from "../points/series.ts";
import { parseNumber } from "../points/value.ts";
import type { Codec, Context, Intake } from "./intake.ts";
import { implausible, millisecondsOf, type Precision } from "./precision.ts";
import { detach } from "./text.ts";

const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const BLANK = 32;
const QUOTE = 34;
const HASH = 35;
const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const EQUALS = 61;
const BACKSLASH = 92;

const POWERS = Array.from({ length: 16 }, (_, n) => 10 ** n);
const MAX_CACHED = 20_000;
const INT64_MAX = 9_223_372_036_854_775_807n;
const UINT64_MAX = 18_446_744_073_709_551_615n;

/** `measurement,tag=value …` of a line, read once, and the series of each field that was seen behind it. */
interface Head {
  measurement: string;
  tags: Record<string, string>;
  fields: Map<string, SeriesRef>;
}

/** The heads that were seen under the same tags of the context. */
interface Scope {
  tags: Tags | undefined;
  heads: Map<string, Head>;
}

/** Splits at `at` where no backslash stands before it. */
function splitUnescaped(text: string, at: string): string[] {
  if (!text.includes("\\")) return text.split(at);
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === at) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

const unescapeMeasurement = (text: string) => (text.includes("\\") ? text.replace(/\\([, ])/g, "$1") : text);
const unescapeKey = (text: string) => (text.includes("\\") ? text.replace(/\\([,= ])/g, "$1") : text);

function complaint(field: string, value: unknown, allowed: string): VigiaError {
  return new VigiaError("bad-line", { field, value, allowed });
}

function readHead(text: string, contextTags: Tags | undefined): Head {
  const [measurement = "", ...pairs] = splitUnescaped(text, ",");
  if (measurement === "") throw complaint("measurement", measurement, "a name before the first comma or blank");
  const tags: Record<string, string> = Object.assign(Object.create(null), contextTags);
  for (const pair of pairs) {
    const [key = "", value = "", ...more] = splitUnescaped(pair, "=");
    if (key === "" || value === "" || more.length > 0) {
      throw complaint("a tag", pair, "name=value, with \\ before a comma, blank or = inside");
    }
    tags[unescapeKey(key)] = unescapeKey(value);
  }
  if ("field" in tags) {
    throw complaint("tag field", tags.field, "another name: `field` is the tag that tells the fields of a line apart");
  }
  return { measurement: unescapeMeasurement(measurement), tags, fields: new Map() };
}

/**
 * A plain decimal of at most 15 digits, NaN for all else. Equal to `Number`: both the digits and the power of ten are
 * exact, so their quotient is rounded once (Clinger 1990, the fast path of every strtod).
 */
function readDecimal(text: string, from: number, to: number): number {
  const negative = text.charCodeAt(from) === MINUS;
  let i = negative ? from + 1 : from;
  if (to - i > 16) return Number.NaN;
  let digits = 0;
  let n = 0;
  let point = -1;
  for (; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      digits = digits * 10 + (code - 48);
      n++;
    } else if (code === POINT && point < 0) point = n;
    else return Number.NaN;
  }
  if (n === 0 || n > 15) return Number.NaN;
  const value = point < 0 ? digits : digits / POWERS[n - point]!;
  return negative ? -value : value;
}

/** `undefined`: not a number of line protocol. */
function readNumber(text: string): number | undefined {
  switch (text) {
    case "t":
    case "T":
    case "true":
    case "True":
    case "TRUE":
      return 1;
    case "f":
    case "F":
    case "false":
    case "False":
    case "FALSE":
      return 0;
  }
  const suffix = text.charCodeAt(text.length - 1);
  if (suffix === 105 || suffix === 117) {
    const digits = text.slice(0, -1);
    if (!(suffix === 105 ? /^-?\d+$/ : /^\d+$/).test(digits)) return undefined;
    if (digits.length > 18) {
      const exact = BigInt(digits);
      if (suffix === 117 ? exact > UINT64_MAX : exact > INT64_MAX || exact < -INT64_MAX - 1n) return undefined;
    }
    return Number(digits);
  }
  const number = parseNumber(text);
  return number === undefined || number === null || !Number.isFinite(number) ? undefined : number;
}

/**
 * InfluxDB line protocol. Series = measurement; tags = those of the line and `field` = name of the field, beside the
 * context's own; one point a field. Booleans are 1 and 0; texts are skipped and counted; a bad line is rejected as a
 * whole, as the server does. `i` and `u` integers past 2^53 become the nearest double. Times are rounded to 1 ms.
 *
 * O(text); keeps the series of up to 20 000 heads and fields.
 * Source: InfluxDB 1.8 and 2.7 line protocol reference; the captures of InfluxDB 1.6.7 in the tests.
 */
export function lineProtocolCodec(reader: Reader, table: SeriesTable, precision: Precision = "ns"): Codec {
  const scopes = new Map<string, Scope>();
  let byTags = new WeakMap<object, Scope>();
  let cached = 0;
  const refs: SeriesRef[] = [];
  const values: number[] = [];

  const remember = (): void => {
    if (++cached <= MAX_CACHED) return;
    scopes.clear();
    byTags = new WeakMap();
    cached = 1;
  };

  /** @throws VigiaError `bad-tags` */
  const scopeOf = (given: unknown): Scope => {
    // Tags of a topic are one frozen object: known by what they are, not by what stands in them.
    const frozen = typeof given === "object" && given !== null && Object.isFrozen(given) ? given : undefined;
    let scope = frozen && byTags.get(frozen);
    if (scope !== undefined) return scope;
    const tags = normalizeTags(given, "msg.tags");
    const key = tags === undefined ? "" : seriesKey("", tags);
    scope = scopes.get(key);
    if (scope === undefined) {
      scope = { tags, heads: new Map() };
      scopes.set(key, scope);
      remember();
    }
    if (frozen) byTags.set(frozen, scope);
    return scope;
  };

  const headOf = (scope: Scope, text: string): Head => {
    const own = detach(text);
    const head = readHead(own, scope.tags);
    scope.heads.set(own, head);
    remember();
    return head;
  };

  const refOf = (head: Head, name: string): SeriesRef => {
    const own = detach(name);
    const ref = table.ref(head.measurement, { ...head.tags, field: unescapeKey(own) }, undefined, "line");
    head.fields.set(own, ref);
    remember();
    return ref;
  };

  return (text, context, intake) => {
    const end = text.length;
    let scope: Scope;
    try {
      scope = scopeOf(context.tags);
    } catch (thrown) {
      intake.reject(text, () => asVigiaError(thrown));
      return;
    }

    let at = 0;
    while (at < end) {
      const first = text.charCodeAt(at);
      if (first <= BLANK && (first === BLANK || first === NEWLINE || first === RETURN || first === TAB)) {
        at++;
        continue;
      }
      const start = at;
      if (first === HASH) {
        at = nextLine(text, at);
        continue;
      }
      try {
        at = line(text, start, end, scope, context, intake);
      } catch (thrown) {
        // Where a quote was never closed, the next line is the best place to go on.
        at = nextLine(text, thrown instanceof Trouble ? thrown.at : start);
        intake.reject(text.slice(start, at).trimEnd(), () =>
          thrown instanceof Trouble ? thrown.error() : asVigiaError(thrown, "bad-line"),
        );
      }
    }
  };

  /** Reads one line from `at` and returns the place behind it. Visits nothing before all of it was read. */
  function line(text: string, at: number, end: number, scope: Scope, context: Context, intake: Intake): number {
    let i = at;
    let code: number;
    for (; ; i++) {
      code = text.charCodeAt(i);
      if (code === BACKSLASH && text.charCodeAt(i + 1) !== NEWLINE) i++;
      else if (code === BLANK) break;
      else if (code === NEWLINE || i >= end)
        throw trouble(at, "line", text.slice(at, i), "a measurement, a blank and field=value");
    }
    const headText = text.slice(at, i);
    const head = scope.heads.get(headText) ?? headOf(scope, headText);
    while (text.charCodeAt(i) === BLANK) i++;

    let n = 0;
    let skipped = 0;
    for (; ; i++) {
      const nameAt = i;
      for (; ; i++) {
        code = text.charCodeAt(i);
        if (code === EQUALS) break;
        if (code === BACKSLASH && text.charCodeAt(i + 1) !== NEWLINE) i++;
        else if (code === BLANK || code === COMMA || code === NEWLINE || i >= end) {
          throw trouble(i, "a field", text.slice(nameAt, i), "field=value");
        }
      }
      if (i === nameAt) throw trouble(i, "a field", "=", "a name before the =");
      const name = text.slice(nameAt, i++);
      if (text.charCodeAt(i) === QUOTE) {
        const quoteAt = i++;
        while (i < end && text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1;
        if (i >= end) throw trouble(quoteAt, `field ${name}`, '"', "a closing quote");
        i++;
        skipped++;
        code = text.charCodeAt(i);
      } else {
        const valueAt = i;
        for (code = text.charCodeAt(i); code > BLANK && code !== COMMA; code = text.charCodeAt(++i));
        let value: number | undefined = readDecimal(text, valueAt, i);
        if (Number.isNaN(value)) value = readNumber(text.slice(valueAt, i));
        if (value === undefined) {
          throw trouble(i, `field ${name}`, text.slice(valueAt, i), 'a number (1.5, 3i, 3u), true, false or a "text"');
        }
        refs[n] = head.fields.get(name) ?? refOf(head, name);
        values[n++] = value;
      }
      if (code !== COMMA) break;
    }

    while (code === BLANK || code === RETURN || code === TAB) code = text.charCodeAt(++i);
    let time: number | undefined;
    if (code !== NEWLINE && i < end) {
      const timeAt = i;
      while (code > BLANK) code = text.charCodeAt(++i);
      const timeEnd = i;
      while (code === BLANK || code === RETURN || code === TAB) code = text.charCodeAt(++i);
      const ms = millisecondsOf(text, precision, timeAt, timeEnd);
      if (Number.isNaN(ms) || (code !== NEWLINE && i < end)) {
        const allowed = `a whole number of ${precision}, and nothing behind it`;
        throw trouble(i, "timestamp", text.slice(timeAt, timeEnd), allowed);
      }
      try {
        time = reader.time(ms, "timestamp", "");
      } catch {
        throw badTime(i, text.slice(timeAt, timeEnd), precision);
      }
    } else if (context.timestamp !== undefined && context.timestamp !== null) {
      time = reader.time(context.timestamp, "msg.timestamp", "");
    }
    for (let k = 0; k < n; k++) {
      const ref = refs[k]!;
      intake.point(ref, time ?? reader.time(undefined, "", ref.key), values[k]!);
    }
    intake.skipped += skipped;
    return i;
  }
}

/** Where a line went wrong. Thrown often and mostly thrown away, so it is no Error and carries no stack. */
class Trouble {
  readonly at: number;
  readonly error: () => VigiaError;

  constructor(at: number, error: () => VigiaError) {
    this.at = at;
    this.error = error;
  }
}

function trouble(at: number, field: string, value: string, allowed: string): Trouble {
  return new Trouble(at, () => complaint(field, value, allowed));
}

function badTime(at: number, digits: string, precision: Precision): Trouble {
  return new Trouble(at, () => implausible(digits, precision, "timestamp"));
}

function nextLine(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found < 0 ? text.length : found + 1;
}

const LOOKS_LIKE = /^[ \t]*(?:\\.|[^\\\s,])+(?:,(?:\\.|[^\\\s,=])+=(?:\\.|[^\\\s,=])*)* +(?:\\.|[^\\\s,=])+=[^\s,]/;

/** Whether the first line that is no comment has the form `measurement[,tag=value] field=…`. */
export function looksLikeLineProtocol(text: string): boolean {
  let at = 0;
  while (at < text.length) {
    const next = nextLine(text, at);
    const line = text.slice(at, next).trim();
    if (line !== "" && line[0] !== "#") return LOOKS_LIKE.test(line.length > 4_096 ? line.slice(0, 4_096) : line);
    at = next;
  }
  return false;
}
