import type { Clock } from "../points/clock.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import { Reader, type Visit } from "../points/reader.ts";
import { SeriesTable } from "../points/series.ts";
import { type CsvOptions, csvCodec, csvSeparator } from "./csv.ts";
import { type Codec, type Context, type Decoded, type Format, Intake } from "./intake.ts";
import { jsonCodec, readPayload } from "./json.ts";
import { lineProtocolCodec, looksLikeLineProtocol } from "./line-protocol.ts";
import { checkPrecision, type Precision } from "./precision.ts";
import { excerpt, textOf } from "./text.ts";

export const FORMATS: readonly ("auto" | Format)[] = ["auto", "json", "number", "line-protocol", "csv"];

export interface DecoderOptions {
  /** Default `auto`. */
  format?: "auto" | Format;
  /** Unit of numeric times in line protocol (default `ns`) and CSV (default `ms`). JSON is always in ms. */
  precision?: Precision;
  csv?: CsvOptions;
  /** More state texts and their numbers, on top of `DEFAULT_STATES`. Case does not matter. */
  states?: Readonly<Record<string, number>>;
  /** How far after now a time may lie, ms. Default one day. */
  ahead?: number;
  /** Longer payloads are rejected: reading one holds up everything else. Default 16 MiB. */
  maxBytes?: number;
}

/** Turns payloads into points. Holds the arrival times of series without a time, so keep one for a source. */
export interface Decoder {
  /** Visits the points of `payload` and tells what became of it. Never throws. O(payload). */
  decode(payload: Uint8Array | string, context: Context, visit: Visit): Decoded;
}

/** No number or state is longer: looking at a whole file for one would be dear. */
const MAX_VALUE = 256;
/** What stands at the start of JSON that is no bare number, word or list of quoted CSV cells. */
const JSON_START = /^\s*[[{]/;
const JSON_STRING = /^\s*"/;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * A decoder of one format, or of any (`auto`): **JSON if it begins with `{`, `[` or is a quoted JSON text, else a plain
 * number or state, else line protocol if its first line reads `measurement field=…`, else CSV if its first line has a
 * separator.** The choice depends on the payload alone.
 *
 * @throws VigiaError `bad-config` when an option is not allowed
 */
export function createDecoder(options: DecoderOptions, clock: Clock, table: SeriesTable = new SeriesTable()): Decoder {
  const { format = "auto", precision, csv, states, ahead, maxBytes = 16 * 1024 * 1024 } = options;
  if (!FORMATS.includes(format)) {
    throw new VigiaError("bad-config", { field: "format", value: format, allowed: FORMATS.join(", ") });
  }
  checkPrecision(precision);
  const reader = new Reader(clock, { ...(states && { states }), ...(ahead !== undefined && { ahead }) }, table);
  const codecs: Record<Format, Codec> = {
    json: jsonCodec(reader),
    number: (text, context, intake) => readPayload(reader, text, text, context, intake),
    "line-protocol": lineProtocolCodec(reader, table, precision),
    csv: csvCodec(reader, table, csv, precision),
  };

  function detect(text: string): Format | undefined {
    if (JSON_START.test(text)) return "json";
    if (JSON_STRING.test(text) && isJson(text)) return "json";
    if (text === "null") return "json";
    if (text.length <= MAX_VALUE && reader.value(text) !== undefined) return "number";
    if (looksLikeLineProtocol(text)) return "line-protocol";
    if (csvSeparator(text) !== undefined) return "csv";
    return undefined;
  }

  return {
    decode(payload, context, visit) {
      const intake = new Intake(visit);
      let text: string;
      try {
        text = textOf(payload, maxBytes);
      } catch (thrown) {
        intake.reject(excerpt(payload), () => asVigiaError(thrown));
        return intake;
      }
      const found = format === "auto" ? detect(text) : format;
      intake.format = found;
      if (found === undefined) {
        intake.reject(
          text,
          () =>
            new VigiaError("unknown-format", {
              field: "msg.payload",
              value: text,
              allowed: "JSON, a number, a known state, line protocol (measurement field=1) or CSV",
            }),
        );
      } else codecs[found](text, context, intake);
      return intake;
    },
  };
}
