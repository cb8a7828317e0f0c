import { VigiaError } from "../points/error.ts";
import { type Frame, FrameBuilder } from "../points/frame.ts";
import { aggregateRef, formatSeries } from "../points/series.ts";
import type { Question } from "./history.ts";
import type { Store } from "./types.ts";

/** FlowFuse Dashboard 2 sends each row with 180 bytes to each browser: more than this makes its page slow. */
export const CHART_ROWS = 2_000;
/** Rows that a thinned bucket has at most. */
const THIN_ROWS = 5;

const orNull = (value: number) => (Number.isNaN(value) ? null : value);

/** Beginnings and ends of the runs of rows of one series. */
function* runs({ index }: Frame): Generator<[start: number, end: number]> {
  for (let start = 0; start < index.length; ) {
    let end = start + 1;
    while (end < index.length && index[end] === index[start]) end++;
    yield [start, end];
    start = end;
  }
}

/** Points that can be stored: of buckets each aggregate is a series of its own, tagged with `agg` and `window`. O(n). */
export function pointsOf(frame: Frame, question: Question): Frame {
  if (question.mode !== "buckets") return frame;
  const { aggregates, window } = question;
  const built = new FrameBuilder(frame.length * aggregates.length);
  for (const [start, end] of runs(frame)) {
    for (const name of aggregates) {
      const ref = aggregateRef(frame.ref(start), name, window, name === "count");
      const column = frame.columns[name]!;
      for (let row = start; row < end; row++) built.add(ref, frame.times[row]!, column[row]!);
    }
  }
  return built.take();
}

/** One row of a table: a time of a series, with its value or its aggregates by name. */
export interface Row {
  time: number;
  series: string;
  tags?: Readonly<Record<string, string>>;
  unit?: string;
  [value: string]: unknown;
}

export function rowsOf(frame: Frame, question: Question): Row[] {
  const named: readonly [string, Float64Array][] =
    question.mode === "buckets"
      ? question.aggregates.map((name) => [name, frame.columns[name]!])
      : [["value", frame.values]];
  return Array.from(frame.times, (time, at) => {
    const { series, tags, unit } = frame.ref(at);
    const row: Row = { time, series, ...(tags && { tags }), ...(unit !== undefined && { unit }) };
    for (const [name, column] of named) row[name] = orNull(column[at]!);
    return row;
  });
}

export interface ChartRow {
  /** ms */
  x: number;
  /** `null` makes a gap in the line. */
  y: number | null;
  series: string;
}

/**
 * Rows for a `ui-chart` of FlowFuse Dashboard 2, series behind series, always in the same order: the chart colours its
 * lines by it. @throws VigiaError `too-many-rows`
 */
export function chartOf(frame: Frame, question: Question): ChartRow[] {
  const aggregates = question.mode === "buckets" ? question.aggregates : undefined;
  const size = frame.length * (aggregates?.length ?? 1);
  if (size > CHART_ROWS) {
    const allowed = `${CHART_ROWS}: longer buckets, a shorter range, fewer series or aggregates`;
    throw new VigiaError("too-many-rows", { field: "rows of the chart", value: size, allowed });
  }
  const rows: ChartRow[] = [];
  const add = (name: string, column: Float64Array, start: number, end: number) => {
    for (let row = start; row < end; row++) rows.push({ x: frame.times[row]!, y: orNull(column[row]!), series: name });
  };
  for (const [start, end] of runs(frame)) {
    const name = formatSeries(frame.ref(start));
    if (!aggregates) add(name, frame.values, start, end);
    for (const aggregate of aggregates ?? []) {
      const line = aggregates!.length > 1 ? `${name} ${aggregate}` : name;
      add(line, frame.columns[aggregate]!, start, end);
    }
  }
  return rows;
}

/** Points of a range, so few that a chart can take them; of many the telling ones. @throws VigiaError `too-many-rows` */
export async function thinForChart(
  store: Store,
  { choice, from, to }: Extract<Question, { mode: "range" }>,
): Promise<Frame> {
  const series = (await store.list(choice)).filter(({ first, last }) => first <= to && last >= from);
  const buckets = Math.floor(CHART_ROWS / THIN_ROWS / Math.max(1, series.length));
  if (buckets === 0) {
    const allowed = `at most ${CHART_ROWS / THIN_ROWS}`;
    throw new VigiaError("too-many-rows", { field: "series of the chart", value: series.length, allowed });
  }
  // Equal parts of the time in which there are points.
  const start = Math.max(from, Math.min(...series.map(({ first }) => first), to));
  const end = Math.max(start + 1, Math.min(to, Math.max(...series.map(({ last }) => last), start)));
  return store.thin({ ...choice, from: start, to: end, buckets });
}
