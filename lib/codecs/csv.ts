import { readRow } from "../points/csv-row.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import type { Reader } from "../points/reader.ts";
import { normalizeTags, type SeriesRef, type SeriesTable, type Tags } from "../points/series.ts";
import { parseNumber } from "../points/value.ts";
import type { Codec, Context, Intake } from "./intake.ts";
import { implausible, millisecondsOf, PLACES, type Precision } from "./precision.ts";
import { detach } from "./text.ts";

/** A column: its header, or its number from 1. */
export type Column = string | number;

export interface CsvOptions {
  /** Default: the first of tab, `;`, `|` and `,` that stands in the first row. */
  separator?: "," | ";" | "\t" | "|";
  /** Decimal sign of numbers. Default `.`. */
  decimal?: "." | ",";
  /** Whether the first row names the columns. Default: it does when none of its cells is a number or a time. */
  header?: boolean;
  /**
   * Column of the time. Default: the one named `time`, `timestamp`, `datetime`, `date` or `ts` (in any case; `date` and
   * `time` together are one time); else the first whose first value is an ISO 8601 text or a number that is a time
   * after the year 2000; else none: arrival.
   */
  time?: Column;
  /** Column of the series name. Default: the one named `series`; else the base from the topic. */
  series?: Column;
  /** Columns that become tags. Default none. */
  tags?: readonly Column[];
  /** Columns of values. Default: all others. */
  values?: readonly Column[];
}

/** First that stands in the first row. A comma comes last: in the other kinds of file it is the decimal sign. */
const SEPARATORS = ["\t", ";", "|", ","] as const;
const TIME_NAMES = ["time", "timestamp", "datetime", "date", "ts"];
const YEAR_2000 = Date.UTC(2000, 0, 1);
const CLOCK_TIME = /^\d{1,2}:\d{2}/;
const ISO_START = /^\d{4}-\d{2}-\d{2}/;

interface Roles {
  time: number;
  /** Column of the day when `time` is only a time of day; else -1. */
  day: number;
  series: number;
  unit: number;
  tags: readonly number[];
  values: readonly number[];
  /** What each value column adds to the series name; "" for the column named `value`. */
  names: readonly string[];
  /** Names of all columns. */
  columns: readonly string[];
}

export function csvSeparator(text: string): (typeof SEPARATORS)[number] | undefined {
  const bare = firstLine(text).replace(/"[^"]*"/g, "");
  return SEPARATORS.find((separator) => bare.includes(separator));
}

/** The first line that is neither empty nor a comment. */
function firstLine(text: string): string {
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf("\n", at);
    const next = found < 0 ? text.length : found + 1;
    const line = text.slice(at, next).trimEnd();
    if (line !== "" && line[0] !== "#") return line;
    at = next;
  }
  return "";
}

function columnNames(cells: readonly string[], header: boolean): string[] {
  const seen = new Map<string, number>();
  return cells.map((cell, at) => {
    const name = header && cell !== "" ? detach(cell) : `column${at + 1}`;
    const n = (seen.get(name) ?? 0) + 1;
    seen.set(name, n);
    // Two columns of one name must not become one series.
    return n === 1 ? name : `${name}-${n}`;
  });
}

function find(column: Column, columns: readonly string[], option: string): number {
  const at = typeof column === "number" ? column - 1 : columns.indexOf(column);
  if (columns[at] === undefined) {
    throw new VigiaError("bad-column", {
      field: `csv.${option}`,
      value: column,
      allowed: `one of the columns ${columns.map((name) => JSON.stringify(name)).join(", ")} or its number`,
    });
  }
  return at;
}

/**
 * Comma, semicolon or tab separated values. Each value column is one series, `base/header`; a column named `value`
 * adds nothing to the base. Cells that are no number are skipped and counted, empty cells are nothing at all.
 * Numeric times are milliseconds unless `precision` says otherwise. Lines that begin with `#` are comments.
 * A row with another number of cells or a bad time is rejected as a whole.
 *
 * O(text). Source: RFC 4180.
 */
export function csvCodec(
  reader: Reader,
  table: SeriesTable,
  options: CsvOptions = {},
  precision: Precision = "ms",
): Codec {
  const { decimal = "." } = options;

  const plain = (cell: string): string => (decimal === "," ? cell.replace(",", ".") : cell);

  /** Milliseconds or text of a time cell. */
  function timeIn(cell: string, field: string): number {
    const number = plain(cell);
    if (typeof parseNumber(number) !== "number") return reader.time(cell, field, "");
    try {
      const whole = millisecondsOf(number, precision);
      return reader.time(Number.isNaN(whole) ? Number(number) / 10 ** PLACES[precision] : whole, field, "");
    } catch {
      throw implausible(cell, precision, field);
    }
  }

  function isTime(cell: string): boolean {
    if (!/^\d{9,}/.test(cell) && !ISO_START.test(cell)) return false;
    try {
      return timeIn(cell, "") >= YEAR_2000;
    } catch {
      return false;
    }
  }

  function rolesOf(first: readonly string[], data: readonly string[], header: boolean): Roles {
    const columns = columnNames(first, header);
    const lower = columns.map((name) => name.toLowerCase());
    const named = (name: string) => (header ? lower.indexOf(name) : -1);
    let day = -1;
    let time: number;
    if (options.time !== undefined) time = find(options.time, columns, "time");
    else {
      time = TIME_NAMES.map(named).find((at) => at >= 0) ?? data.findIndex(isTime);
      const date = named("date");
      if (date >= 0 && date !== time && CLOCK_TIME.test(data[time] ?? "")) day = date;
    }
    const series = options.series === undefined ? named("series") : find(options.series, columns, "series");
    const unit = named("unit");
    const tags = (options.tags ?? []).map((column) => find(column, columns, "tags"));
    const taken = new Set([time, day, series, unit, ...tags]);
    const values =
      options.values?.map((column) => find(column, columns, "values")) ??
      columns.map((_, at) => at).filter((at) => !taken.has(at));
    const names = values.map((at) => (lower[at] === "value" ? "" : columns[at]!));
    return { time, day, series, unit, tags, values, names, columns };
  }

  return (text, context, intake) => {
    const separator = options.separator ?? csvSeparator(text) ?? ",";
    const cells: string[] = [];
    const rows = { at: 0, start: 0, number: 0 };

    /** The next row that is neither empty nor a comment; false at the end. */
    function next(): boolean {
      while (rows.at < text.length) {
        rows.start = rows.at;
        if (text[rows.at] === "#") {
          const found = text.indexOf("\n", rows.at);
          rows.at = found < 0 ? text.length : found + 1;
          continue;
        }
        const behind = readRow(text, rows.at, separator, cells);
        if (behind < 0) {
          rows.at = text.length;
          intake.reject(
            text.slice(rows.start),
            () =>
              new VigiaError("bad-row", { field: `row ${rows.number + 1}`, value: '"', allowed: "a closing quote" }),
          );
          return false;
        }
        rows.at = behind;
        if (cells.length === 1 && cells[0] === "") continue;
        rows.number++;
        return true;
      }
      return false;
    }

    try {
      if (!next()) return;
      const first = [...cells];
      const header = options.header ?? first.every((cell) => parseNumber(plain(cell)) === undefined && !isTime(cell));
      if (header && !next()) {
        if (intake.rejected.length === 0) {
          throw new VigiaError("bad-csv", {
            field: "msg.payload",
            value: text,
            allowed: "rows of data below the header",
          });
        }
        return;
      }
      const roles = rolesOf(first, cells, header);
      const shared = normalizeTags(context.tags, "msg.tags");
      const refs = new Map<string, (SeriesRef | undefined)[]>();
      do {
        try {
          readCells(cells, roles, shared, refs, context, intake, rows.number);
        } catch (thrown) {
          intake.reject(text.slice(rows.start, rows.at).trimEnd(), () => asVigiaError(thrown, "bad-row"));
        }
      } while (next());
    } catch (thrown) {
      intake.reject(text, () => asVigiaError(thrown, "bad-csv"));
    }
  };

  function readCells(
    cells: readonly string[],
    roles: Roles,
    shared: Tags | undefined,
    refs: Map<string, (SeriesRef | undefined)[]>,
    context: Context,
    intake: Intake,
    row: number,
  ): void {
    const { columns, values, names } = roles;
    // One empty cell more is a separator at the end of the line.
    if (cells.length !== columns.length && !(cells.length === columns.length + 1 && cells.at(-1) === "")) {
      throw new VigiaError("bad-row", {
        field: `row ${row}`,
        value: `${cells.length} cells`,
        allowed: `${columns.length} cells, as in the first row`,
      });
    }
    let time: number | undefined;
    if (roles.time >= 0) {
      const cell = cells[roles.time]!;
      const hour = cell.indexOf(":") === 1 ? `0${cell}` : cell;
      const stamp = roles.day < 0 ? cell : `${cells[roles.day]}T${hour}`;
      time = timeIn(stamp, `row ${row}, ${columns[roles.time]}`);
    } else if (context.timestamp !== undefined && context.timestamp !== null) {
      time = reader.time(context.timestamp, "msg.timestamp", "");
    }
    let identity = "";
    for (const at of roles.tags) identity += `${cells[at]}\u0001`;
    if (roles.series >= 0) identity += cells[roles.series];
    if (roles.unit >= 0) identity += `\u0002${cells[roles.unit]}`;
    let known = refs.get(identity);
    if (known === undefined) {
      known = [];
      refs.set(identity, known);
    }
    // Nothing is visited before the whole row is known to be good.
    const ready: { ref: SeriesRef; value: number }[] = [];
    let skipped = 0;
    for (let k = 0; k < values.length; k++) {
      const cell = cells[values[k]!]!;
      if (cell === "") continue;
      const value = reader.value(plain(cell));
      if (value === undefined) {
        skipped++;
        continue;
      }
      known[k] ??= refOf(cells, roles, names[k]!, shared, context);
      ready.push({ ref: known[k]!, value: value ?? Number.NaN });
    }
    for (const { ref, value } of ready) intake.point(ref, time ?? reader.time(undefined, "", ref.key), value);
    intake.skipped += skipped;
  }

  function refOf(
    cells: readonly string[],
    roles: Roles,
    name: string,
    shared: Tags | undefined,
    context: Context,
  ): SeriesRef {
    const own = (at: number) => (at >= 0 && cells[at] !== "" ? detach(cells[at]!) : undefined);
    const base = own(roles.series) ?? context.series;
    const bare = base === undefined || base === null || base === "";
    const series = name === "" ? base : bare ? name : `${base}/${name}`;
    const unit = own(roles.unit) ?? context.unit ?? undefined;
    if (roles.tags.length === 0) return table.ref(series, shared, unit);
    const tags: Record<string, string> = Object.assign(Object.create(null), shared);
    for (const at of roles.tags) tags[roles.columns[at]!] = own(at) ?? "";
    return table.ref(series, tags, unit);
  }
}
