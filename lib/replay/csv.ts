import { type FileHandle, open } from "node:fs/promises";
import { basename, extname } from "node:path";
import { type CsvOptions, csvCodec } from "../codecs/csv.ts";
import { type Codec, Intake, type Rejected } from "../codecs/intake.ts";
import type { Precision } from "../codecs/precision.ts";
import type { Clock } from "../points/clock.ts";
import { VigiaError } from "../points/error.ts";
import { Reader } from "../points/reader.ts";
import { type SeriesRef, SeriesTable, type Tags } from "../points/series.ts";
import type { Batch, Place, Recording, Tick } from "./recording.ts";

export interface CsvRecordingOptions {
  file: string;
  clock: Clock;
  /** Base of the series names. Default: the file's name without its ending. */
  series?: string;
  tags?: Tags;
  /** Unit of numeric times. Default `ms`. */
  precision?: Precision;
  csv?: CsvOptions;
  table?: SeriesTable;
  /** Rows that could not be read. */
  onRejected?: (rejected: readonly Rejected[], more: number) => void;
  /** Bytes read at once. Default 256 KiB. */
  chunk?: number;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;
/** A row longer than this is no row: an open quote, or another kind of file. */
const MAX_ROW = 16 * 1_024 * 1_024;
/** Bytes looked at in each step of the search for a time. */
const PROBE = 8_192;
/** Given to the codec as the time of rows that have none of their own. */
const NO_TIME = Date.UTC(1_971, 0, 2);

interface Layout {
  /** What stands before every chunk, so that the codec can read it by itself: the row that names the columns. */
  head: string;
  codec: Codec;
  /** Where the rows begin, bytes. */
  start: number;
}

/** Rows of bytes that end with a row's end: the length of the last whole row, 0 when there is none. */
function wholeRows(bytes: Buffer): number {
  let end = bytes.lastIndexOf(NEWLINE);
  if (bytes.indexOf(QUOTE) < 0) return end + 1;
  // A line end inside of quotes ends no row.
  let quotes = 0;
  for (let at = 0; at <= end; at++) if (bytes[at] === QUOTE) quotes++;
  while (end >= 0 && quotes % 2 === 1) {
    const before = end === 0 ? -1 : bytes.lastIndexOf(NEWLINE, end - 1);
    for (let at = before + 1; at <= end; at++) if (bytes[at] === QUOTE) quotes--;
    end = before;
  }
  return end + 1;
}

/**
 * A CSV file as a recording; what the columns mean is said in `CsvOptions`, and `timestamp,value` needs none.
 * Rows are played in the order of the file; those that follow each other with one time are one tick.
 * Memory: a chunk, whatever the size of the file. `find` is a binary search and expects times in order.
 */
export class CsvRecording implements Recording {
  readonly live = false;
  readonly #options: CsvRecordingOptions;
  readonly #series: string;
  readonly #table: SeriesTable;
  readonly #chunk: number;
  #layout: Layout | undefined;

  constructor(options: CsvRecordingOptions) {
    this.#options = options;
    this.#series = options.series || basename(options.file, extname(options.file));
    this.#table = options.table ?? new SeriesTable();
    this.#chunk = options.chunk ?? 256 * 1_024;
  }

  /** @throws VigiaError `no-file`, `bad-csv`, `no-time` */
  async *read(place?: Place): AsyncGenerator<Batch> {
    const handle = await this.#open();
    try {
      const layout = await this.#lay(handle);
      let at = Math.max(place?.at ?? 0, layout.start);
      for (;;) {
        const bytes = await this.#rows(handle, at);
        if (bytes.length === 0) return;
        const ticks = this.#decode(layout, bytes, true);
        if (ticks.length > 0) yield { at, ticks };
        at += bytes.length;
      }
    } finally {
      await handle.close();
    }
  }

  async bounds(): Promise<{ first: number; last: number } | undefined> {
    const handle = await this.#open();
    try {
      const layout = await this.#lay(handle);
      const first = await this.#firstTick(handle, layout, layout.start);
      if (!first) return undefined;
      const { size } = await handle.stat();
      // Half-read rows at the front are no harm: the last one counts. Trailing rubbish may need a longer look.
      for (let span = this.#chunk; ; span *= 4) {
        const from = Math.max(layout.start, size - span);
        const bytes = await this.#bytes(handle, from, size - from);
        const last = this.#decode(layout, this.#fromRow(bytes, from, layout), false).at(-1);
        if (last) return { first: first.time, last: last.time };
        if (from === layout.start || span > MAX_ROW) return { first: first.time, last: first.time };
      }
    } finally {
      await handle.close();
    }
  }

  async find(time: number): Promise<Place> {
    const handle = await this.#open();
    try {
      const layout = await this.#lay(handle);
      let low = layout.start;
      let high = (await handle.stat()).size;
      // `low` is always the start of a row before `time`, or of the file.
      while (high - low > this.#chunk) {
        const middle = low + Math.floor((high - low) / 2);
        const bytes = await this.#bytes(handle, middle, Math.min(this.#chunk, PROBE));
        const skipped = bytes.indexOf(NEWLINE) + 1;
        const rows = bytes.subarray(skipped, skipped + wholeRows(bytes.subarray(skipped)));
        const first = skipped === 0 ? undefined : this.#decode(layout, rows, false)[0];
        if (first && first.time < time) low = middle + skipped;
        else high = middle;
      }
      for (let at = low; ; ) {
        const bytes = await this.#rows(handle, at);
        if (bytes.length === 0) return { at, skip: 0 };
        const skip = this.#decode(layout, bytes, false).findIndex((tick) => tick.time >= time);
        if (skip >= 0) return { at, skip };
        at += bytes.length;
      }
    } finally {
      await handle.close();
    }
  }

  async #open(): Promise<FileHandle> {
    const { file } = this.#options;
    try {
      const handle = await open(file);
      if ((await handle.stat()).isFile()) return handle;
      await handle.close();
      throw Object.assign(new Error("not a file"), { code: "not a file" });
    } catch (thrown) {
      const reason = (thrown as NodeJS.ErrnoException).code ?? "";
      throw new VigiaError(
        "no-file",
        { field: "file", value: file, allowed: `a CSV file that can be read (${reason})` },
        { cause: thrown },
      );
    }
  }

  /** Reads the first rows to know whether they name the columns. */
  async #lay(handle: FileHandle): Promise<Layout> {
    if (this.#layout) return this.#layout;
    const { clock, precision } = this.#options;
    const reader = new Reader(clock, {}, this.#table);
    const codecFor = (csv: CsvOptions) => csvCodec(reader, this.#table, csv, precision);
    const bytes = await this.#rows(handle, 0);
    let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    let row = "";
    while (start < bytes.length && (row.trim() === "" || row.startsWith("#"))) {
      const rest = bytes.subarray(start);
      const end = rest.indexOf(NEWLINE) + 1 || rest.length;
      row = rest.toString("utf8", 0, end);
      start += end;
    }
    // Alone, a row that names columns holds no points.
    const alone = new Intake(() => {});
    codecFor(this.#options.csv ?? {})(row, { timestamp: NO_TIME }, alone);
    const header = this.#options.csv?.header ?? (alone.points === 0 && alone.skipped === 0);
    this.#layout = {
      head: header ? row : "",
      codec: codecFor({ ...this.#options.csv, header }),
      start: header ? start : start - Buffer.byteLength(row),
    };
    return this.#layout;
  }

  async #bytes(handle: FileHandle, at: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(buffer, filled, length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  /** Whole rows from `at`, about a chunk of them; empty at the end of the file. */
  async #rows(handle: FileHandle, at: number): Promise<Buffer> {
    for (let length = this.#chunk; ; length *= 2) {
      const bytes = await this.#bytes(handle, at, length);
      // The last row needs no line end.
      if (bytes.length < length) return bytes;
      const whole = wholeRows(bytes);
      if (whole > 0) return bytes.subarray(0, whole);
      if (length >= MAX_ROW) {
        throw new VigiaError("bad-csv", {
          field: "file",
          value: this.#options.file,
          allowed: `rows of less than ${MAX_ROW} bytes (from byte ${at} on there is no end of a row)`,
        });
      }
    }
  }

  /** Without the row that was cut at the front. */
  #fromRow(bytes: Buffer, from: number, layout: Layout): Buffer {
    return from === layout.start ? bytes : bytes.subarray(bytes.indexOf(NEWLINE) + 1);
  }

  async #firstTick(handle: FileHandle, layout: Layout, from: number): Promise<Tick | undefined> {
    for (let at = from; ; ) {
      const bytes = await this.#rows(handle, at);
      if (bytes.length === 0) return undefined;
      const [tick] = this.#decode(layout, bytes, false);
      if (tick) return tick;
      at += bytes.length;
    }
  }

  #decode({ head, codec }: Layout, bytes: Buffer, report: boolean): Tick[] {
    const ticks: Tick[] = [];
    let time = Number.NaN;
    let refs: SeriesRef[] = [];
    let values: number[] = [];
    const intake = new Intake((ref, at, value) => {
      if (at === NO_TIME) {
        throw new VigiaError("no-time", {
          field: "file",
          value: this.#options.file,
          allowed: "a column of times: ISO 8601, or numbers in the unit of the setting `precision`",
        });
      }
      if (at !== time) {
        time = at;
        refs = [];
        values = [];
        ticks.push({ time, refs, values });
      }
      refs.push(ref);
      values.push(value);
    });
    const { tags, onRejected } = this.#options;
    codec(head + bytes.toString("utf8"), { series: this.#series, tags, timestamp: NO_TIME }, intake);
    const refused = intake.rejected.find(({ error }) => error.code === "no-time" || error.code === "bad-column");
    if (refused) throw refused.error;
    if (report && intake.rejected.length > 0) onRejected?.(intake.rejected, intake.unlisted);
    return ticks;
  }
}
