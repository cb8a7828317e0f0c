// The embedded store beside a table with a row a point in the same SQLite, on the same points, in one run.
//
//   npm run bench -- store [--points 10000000] [--series 1000] [--year] [--draw FILE.svg]
//
// --series may be a list (1000,10000,100000), whose growth --draw draws. --year: a twentieth of a year of 1 000 KPIs at a minute.
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { Frame } from "../lib/points/frame.ts";
import { type SeriesRef, seriesRef } from "../lib/points/series.ts";
import { openStore } from "../lib/store/open.ts";
import type { Store } from "../lib/store/types.ts";
import { type Column, gaugeOnGrid, mixed } from "./support/columns.ts";
import { draw } from "./support/draw.ts";

const { values: args } = parseArgs({
  options: {
    points: { type: "string", default: "10000000" },
    series: { type: "string", default: "1000" },
    year: { type: "boolean", default: false },
    draw: { type: "string" },
  },
});
const digits = (n: number) => Number(n.toPrecision(3));
const millions = (points: number, ms: number) => digits(points / ms / 1000);
const print = (result: object) => console.log(JSON.stringify({ bench: "store", ...result }));
const folder = mkdtempSync(join(tmpdir(), "vigia-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => join(folder, `${++files}.db`);
const sizeOf = (file: string) =>
  ["", "-wal"].reduce((sum, suffix) => sum + (statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0), 0);
const since = (start: number) => performance.now() - start;
const percentile = (sorted: number[], part: number) => sorted[Math.floor(part * (sorted.length - 1))]!;

const refsOf = (n: number): SeriesRef[] =>
  Array.from({ length: n }, (_, i) => seriesRef(`site-${i % 50}/device-${i % 997}/kpi-${i}`, { rack: i % 20 }));

/** Commit `k` holds point `k` of each series, a thousand series a commit. */
function* commits(columns: readonly Column[], refs: readonly SeriesRef[]): Generator<Frame> {
  const n = columns[0]!.times.length;
  const size = 1000;
  for (let row = 0; row < n; row++) {
    for (let start = 0; start < columns.length; start += size) {
      const some = columns.slice(start, start + size);
      yield new Frame(
        refs.slice(start, start + size),
        Uint32Array.from(some, (_, i) => i),
        Float64Array.from(some, ({ times }) => times[row]!),
        Float64Array.from(some, ({ values }) => values[row]!),
      );
    }
  }
}

async function ingest(store: Store, frames: Iterable<Frame>) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const start = performance.now();
  const waits: number[] = [];
  const inFlight = new Set<Promise<unknown>>();
  let points = 0;
  let making = 0;
  delay.enable();
  const iterator = frames[Symbol.iterator]();
  for (;;) {
    // Making the points is not the store's work.
    const asked = performance.now();
    const { value: frame } = iterator.next() as IteratorResult<Frame, undefined>;
    making += since(asked);
    if (!frame) break;
    points += frame.length;
    const sent = performance.now();
    const one: Promise<unknown> = store.append(frame).then(() => {
      waits.push(since(sent));
      inFlight.delete(one);
    });
    inFlight.add(one);
    if (inFlight.size >= 4) await Promise.race(inFlight);
    // As between two nodes of a flow.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(inFlight);
  const ms = since(start) - making;
  delay.disable();
  waits.sort((a, b) => a - b);
  return { points, ms, waits, delay };
}

/** A table with a row a point, written and read as its docs say. */
class RowTable {
  readonly file = newFile();
  readonly #db = new DatabaseSync(this.file);

  constructor() {
    this.#db.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      CREATE TABLE point (sid INTEGER, time INTEGER, value REAL, PRIMARY KEY (sid, time)) WITHOUT ROWID`);
  }

  ingest(frames: Iterable<Frame>, most: number) {
    const insert = this.#db.prepare("INSERT OR REPLACE INTO point VALUES (?, ?, ?)");
    let points = 0;
    let ms = 0;
    for (const { dictionary, index, times, values } of frames) {
      const start = performance.now();
      this.#db.exec("BEGIN");
      for (let row = 0; row < times.length; row++) {
        const sid = Number(dictionary[index[row]!]!.series.split("-").at(-1));
        insert.run(sid, times[row]!, values[row]!);
      }
      this.#db.exec("COMMIT");
      ms += since(start);
      points += times.length;
      if (points >= most) break;
    }
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return { points, ms };
  }

  /** A series whole, into typed arrays. */
  read(sid: number) {
    const start = performance.now();
    const n = this.#db.prepare("SELECT count(*) AS n FROM point WHERE sid = ?").get(sid)!.n as number;
    const times = new Float64Array(n);
    const values = new Float64Array(n);
    let row = 0;
    for (const point of this.#db.prepare("SELECT time, value FROM point WHERE sid = ?").iterate(sid)) {
      times[row] = point.time as number;
      values[row++] = point.value as number;
    }
    return { n, ms: since(start) };
  }

  close(): void {
    this.#db.close();
  }
}

/** Best of a few: what a machine with neighbours can do when they rest. */
async function best(times: number, run: (n: number) => Promise<number> | number): Promise<number> {
  let least = Infinity;
  for (let n = 0; n < times; n++) least = Math.min(least, await run(n));
  return least;
}

async function compare(points: number, series: number) {
  const rows = Math.max(1, Math.floor(points / series));
  const columns = Array.from({ length: series }, (_, i) => mixed(i, rows));
  const refs = refsOf(series);
  const file = newFile();
  let store = await openStore({ file, commitPoints: 1000 });
  const ours = await ingest(store, commits(columns, refs));
  const table = new RowTable();
  const theirs = table.ingest(commits(columns, refs), Math.min(points, 2_000_000));
  const ratio = ours.points / ours.ms / (theirs.points / theirs.ms);
  print({
    what: "durable ingest, 1 000 points a commit",
    series,
    points: ours.points,
    millionsPerSecond: millions(ours.points, ours.ms),
    rowTableMillionsPerSecond: millions(theirs.points, theirs.ms),
    ratio: digits(ratio),
    promise: 5,
    ackMs: { p50: digits(percentile(ours.waits, 0.5)), p99: digits(percentile(ours.waits, 0.99)) },
    mainLoopDelayMs: { p99: digits(ours.delay.percentile(99) / 1e6), max: digits(ours.delay.max / 1e6) },
  });
  await store.close();

  // All of it in chunks, as it is after hours.
  const loaded = newFile();
  store = await openStore({ file: loaded });
  const bulk = await load(store, columns, refs);
  await store.close();
  print({
    what: "bulk",
    series,
    millionsPerSecond: millions(bulk.points, bulk.ms),
    promise: 10,
    bytesPerPoint: digits(sizeOf(loaded) / bulk.points),
    promisedBytes: 3.6,
    rowTableBytesPerPoint: digits(sizeOf(table.file) / theirs.points),
  });

  store = await openStore({ file: loaded });
  const oneOf = (n: number) => refs[(n * 37) % refs.length]!.key;
  const read = await best(200, async (n) => {
    const start = performance.now();
    const frame = await store.read({ keys: [oneOf(n)] });
    return since(start) / frame.length;
  });
  const readTable = await best(50, (n) => {
    const { n: found, ms } = table.read((n * 37) % refs.length);
    return ms / found;
  });
  const inThread = await inOneThread(loaded, refs);
  const edges = Float64Array.from({ length: 501 }, (_, i) => {
    const { times } = columns[0]!;
    return Math.floor(times[0]! + (i / 500) * (times.at(-1)! + 1 - times[0]!));
  });
  const buckets = await best(200, async () => {
    const start = performance.now();
    await store.aggregate({ keys: [refs[0]!.key], edges, aggregates: ["mean", "min", "max"] });
    return since(start);
  });
  print({
    what: "read one series whole",
    series,
    rows,
    millionsPerSecond: digits(1 / read / 1000),
    inItsThread: digits(inThread),
    rowTableMillionsPerSecond: digits(1 / readTable / 1000),
    ratio: digits(readTable / read),
    promise: { ratio: 8, millionsPerSecond: 60 },
    fiveHundredBucketsMs: digits(buckets),
    promisedBucketsMs: 0.5,
  });
  await store.close();
  table.close();
  return {
    series,
    ingest: digits(ours.points / ours.ms / 1000),
    table: digits(theirs.points / theirs.ms / 1000),
    read: digits(inThread),
    bytes: digits(sizeOf(loaded) / bulk.points),
  };
}

/** Rows a second, in millions, without the way to another thread and back. */
async function inOneThread(file: string, refs: readonly SeriesRef[]): Promise<number> {
  const { FileReader } = await import("../lib/store/file-reader.ts");
  const reader = new FileReader(file);
  const ms = await best(300, (n) => {
    const start = performance.now();
    const frame = reader.query((reading) => reading.read({ keys: [refs[(n * 37) % refs.length]!.key] }));
    return since(start) / frame.length;
  });
  reader.close();
  return 1 / ms / 1000;
}

/** A million points a call, two calls on their way. */
async function load(store: Store, columns: readonly Column[], refs: readonly SeriesRef[]) {
  const size = Math.max(1, Math.floor(1_000_000 / columns[0]!.times.length));
  const frames: Frame[] = [];
  for (let start = 0; start < columns.length; start += size) {
    const some = columns.slice(start, start + size);
    const n = some[0]!.times.length;
    frames.push(
      new Frame(
        refs.slice(start, start + size),
        Uint32Array.from({ length: n * some.length }, (_, row) => Math.floor(row / n)),
        concat(some.map(({ times }) => times)),
        concat(some.map(({ values }) => values)),
      ),
    );
  }
  const start = performance.now();
  let before: Promise<unknown> = Promise.resolve();
  for (const frame of frames) {
    const loading = store.load(frame);
    await before;
    before = loading;
  }
  await before;
  return { ms: since(start), points: frames.reduce((sum, { length }) => sum + length, 0) };
}

function concat(arrays: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}

/** 1 000 KPIs of one decimal a minute, through the log as live points come: a twentieth of a year, the rest reckoned. */
async function year(): Promise<void> {
  const series = 1000;
  const rows = 2 * Math.round((365 * 1440) / 40);
  const columns = Array.from({ length: series }, (_, i) => gaugeOnGrid(i, rows));
  const refs = refsOf(series);
  const file = newFile();
  const store = await openStore({ file, commitPoints: 1000 });
  const frames = [...commits(columns, refs)];
  const before = process.memoryUsage().rss;
  const half = await ingest(store, frames.slice(0, rows / 2));
  const halfBytes = sizeOf(file);
  const { points, ms } = await ingest(store, frames.slice(rows / 2));
  const memory = process.memoryUsage().rss;
  await store.close();
  const again = await openStore({ file });
  const end = columns[0]!.times.at(-1)!;
  const week = await best(100, async (n) => {
    const start = performance.now();
    await again.read({ keys: [refs[n % series]!.key], from: end - 7 * 86_400_000, to: end });
    return since(start);
  });
  await again.close();
  const bytes = sizeOf(file);
  // The log and the write-ahead log are of one size whatever the time; what grows is the chunks.
  const growth = (bytes - halfBytes) / points;
  print({
    what: "a twentieth of a year, 1 000 KPIs a minute, one decimal",
    points: half.points + points,
    seconds: digits((half.ms + ms) / 1000),
    megabytes: digits(bytes / 1e6),
    yearMegabytes: digits((bytes + 19 * growth * (half.points + points)) / 1e6),
    promisedYearMegabytes: 600,
    bytesPerPointMore: digits(growth),
    memoryGrowthMegabytes: digits((memory - before) / 1e6),
    weekOfOneKpiMs: digits(week),
    promisedWeekMs: 5,
  });
}

const sizes = args.series.split(",").map(Number);
const growth: { series: number; ingest: number; table: number; read: number; bytes: number }[] = [];
for (const series of sizes) growth.push(await compare(Number(args.points), series));
if (args.draw) {
  const line = (name: string, value: (one: (typeof growth)[number]) => number) => ({
    name,
    points: growth.map((one) => [one.series, value(one)] as const),
  });
  const lines = [
    line("ingest, M points/s", ({ ingest }) => ingest),
    line("the same, a row a point", ({ table }) => table),
    line("read one series, M rows/s", ({ read }) => read),
    line("bytes a point", ({ bytes }) => bytes),
  ];
  writeFileSync(args.draw, draw(`${Number(args.points) / 1e6} M points, by the number of series`, "series", lines));
}
const grid = newFile();
const store = await openStore({ file: grid });
const columns = Array.from({ length: 100 }, (_, i) => gaugeOnGrid(i, 40_000));
const { points } = await load(store, columns, refsOf(100));
await store.close();
print({ what: "one decimal, on the clock", bytesPerPoint: digits(sizeOf(grid) / points), promisedBytes: 0.9 });
if (args.year) await year();
