import { Frame, FrameBuilder } from "../points/frame.ts";
import type { SeriesFilter } from "../points/pattern.ts";
import type { Aggregate } from "./aggregates.ts";
import type { RangeQuery, Store } from "./types.ts";

/** Which series, and of which time of the store. */
type Choice = SeriesFilter & Pick<RangeQuery, "asOf">;

/** What is asked of a store: last values, points, or aggregates in buckets. */
export type Question =
  | { mode: "last"; choice: Choice }
  | { mode: "range"; choice: Choice; from: number; to: number; limit: number; take: "oldest" | "newest" }
  | {
      mode: "buckets";
      choice: Choice;
      /** Beginnings of the buckets, and the end of the last one, ms. */
      edges: Float64Array;
      /** How long a bucket is, for people and tags. */
      window: string;
      aggregates: readonly Aggregate[];
      /** Buckets without values: a gap, or no row at all. */
      fill: "null" | "none";
    };

type Buckets = Extract<Question, { mode: "buckets" }>;

/** Rows `keep` of a frame. */
function pick({ dictionary, index, times, values, columns }: Frame, keep: Uint32Array): Frame {
  const of = (column: Float64Array) => Float64Array.from(keep, (row) => column[row]!);
  const kept = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, of(column)]));
  return new Frame(
    dictionary,
    keep.map((row) => index[row]!),
    of(times),
    of(values),
    kept,
  );
}

/** Without the buckets in which nothing was. */
function filled(frame: Frame): Frame {
  const columns = Object.entries(frame.columns);
  const something = (row: number) =>
    columns.some(([name, column]) => !Number.isNaN(column[row]) && !(name === "count" && column[row] === 0));
  const rows = Array.from({ length: frame.length }, (_, row) => row).filter(something);
  return rows.length === frame.length ? frame : pick(frame, Uint32Array.from(rows));
}

async function readBuckets(store: Store, question: Buckets, edges: Float64Array, keys?: string[]): Promise<Frame> {
  const { choice, aggregates, fill } = question;
  const frame = await store.aggregate({ ...choice, ...(keys && { keys }), edges, aggregates });
  return fill === "none" ? filled(frame) : frame;
}

/**
 * The whole answer: rows by series, then time; of buckets a column by the name of each aggregate.
 * @throws VigiaError as `Store`
 */
export async function answer(store: Store, question: Question): Promise<Frame> {
  const { choice } = question;
  if (question.mode === "buckets") return readBuckets(store, question, question.edges);
  if (question.mode === "range") {
    const { from, to, limit, take } = question;
    return store.read({ ...choice, from, to, limit, take });
  }
  return choice.asOf === undefined ? store.last(choice) : store.read({ ...choice, limit: 1, take: "newest" });
}

export interface Piece {
  frame: Frame;
  /** Nothing comes behind it. */
  last: boolean;
}

/**
 * All rows of an answer in pieces of at most `rows`, in the same order; the next one is read when it is asked for. One
 * piece at least. Without the `limit` of the question: pieces are for long answers.
 */
export async function* pieces(store: Store, question: Question, rows: number): AsyncGenerator<Piece> {
  if (question.mode === "range") yield* rangePieces(store, question, rows);
  else if (question.mode === "buckets") yield* bucketPieces(store, question, rows);
  else yield { frame: await answer(store, question), last: true };
}

/** Identities in the answer, in its order. */
const keysOf = ({ dictionary, index }: Frame): string[] => [...new Set(index)].map((slot) => dictionary[slot]!.key);

async function* rangePieces(
  store: Store,
  { choice, from, to }: Extract<Question, { mode: "range" }>,
  rows: number,
): AsyncGenerator<Piece> {
  const keys = keysOf(await store.read({ ...choice, from, to, limit: 1 }));
  const piece = new FrameBuilder(rows);
  for (const [place, key] of keys.entries()) {
    for (let next: number | undefined = from; next !== undefined; ) {
      const room = rows - piece.length;
      // One row more than there is room for tells whether there is more.
      const frame: Frame = await store.read({ ...choice, keys: [key], from: next, to, limit: room + 1 });
      const taken = Math.min(room, frame.length);
      for (let row = 0; row < taken; row++) piece.add(frame.ref(row), frame.times[row]!, frame.values[row]!);
      next = frame.length > room ? frame.times[room] : undefined;
      const last = next === undefined && place === keys.length - 1;
      if (piece.length === rows && !last) yield { frame: piece.take(), last };
    }
  }
  yield { frame: piece.take(), last: true };
}

async function* bucketPieces(store: Store, question: Buckets, rows: number): AsyncGenerator<Piece> {
  const { choice, edges } = question;
  const n = edges.length - 1;
  const whole = Float64Array.of(edges[0]!, edges[n]!);
  const keys = keysOf(await store.aggregate({ ...choice, edges: whole, aggregates: ["count"] }));
  // Several short series in a piece, or a long one in several pieces.
  const series = Math.max(1, Math.floor(rows / n));
  for (let at = 0; at < keys.length; at += series) {
    for (let start = 0; start < n; start += rows) {
      const end = Math.min(n, start + rows);
      const frame = await readBuckets(store, question, edges.slice(start, end + 1), keys.slice(at, at + series));
      const last = at + series >= keys.length && end === n;
      if (last || frame.length > 0) yield { frame, last };
    }
  }
  if (keys.length === 0) yield { frame: await answer(store, question), last: true };
}
