import { asVigiaError, VigiaError } from "../points/error.ts";
import type { Message, Reader } from "../points/reader.ts";
import type { Codec, Context, Intake } from "./intake.ts";

function badJson(text: string, thrown: unknown): VigiaError {
  const nan = /[:[,]\s*-?(?:NaN|Infinity)\b/.test(text) ? " (NaN and Infinity are no JSON: send null for a gap)" : "";
  return new VigiaError("bad-json", {
    field: "msg.payload",
    value: text,
    allowed: `JSON${nan}: ${asVigiaError(thrown).message}`,
  });
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** Hands a value to the reader of messages: the forms and rules are its own. */
export function readPayload(reader: Reader, payload: unknown, text: string, context: Context, intake: Intake): void {
  const message: Message = { topic: context.series, payload };
  if (context.tags !== undefined) message.tags = context.tags;
  if (context.unit !== undefined) message.unit = context.unit;
  if (context.timestamp !== undefined) message.timestamp = context.timestamp;
  const before = intake.rejected.length + intake.unlisted;
  const reading = reader.read(message, intake.visit, (error, row) => {
    intake.reject(JSON.stringify((payload as unknown[])[row]) ?? text, () => error);
  });
  intake.points += reading.points;
  intake.skipped += reading.skipped;
  // What concerns the whole payload is not told item by item.
  const told = intake.rejected.length + intake.unlisted - before;
  if (reading.error && told === 0) {
    const { error } = reading;
    intake.reject(text, () => error);
  }
}

/**
 * JSON as the contract has it: a value, a flat object of numbers, a Point, an array of Points; or several of these,
 * one a line (JSON Lines). O(text), one object tree in memory.
 */
export function jsonCodec(reader: Reader): Codec {
  const one = (text: string, payload: unknown, context: Context, intake: Intake): void => {
    // The reader takes an empty object for a Frame that was copied; here it is just one without numbers.
    if (isEmptyObject(payload)) {
      intake.reject(
        text,
        () =>
          new VigiaError("bad-payload", { field: "msg.payload", value: payload, allowed: "an object with a number" }),
      );
    } else readPayload(reader, payload, text, context, intake);
  };
  return (text, context, intake) => {
    let payload: unknown;
    try {
      payload = JSON.parse(text);
    } catch (thrown) {
      const lines = jsonLines(text);
      if (lines === undefined) intake.reject(text, () => badJson(text, thrown));
      else {
        for (const line of lines) {
          try {
            payload = JSON.parse(line);
          } catch (thrownByLine) {
            intake.reject(line, () => badJson(line, thrownByLine));
            continue;
          }
          one(line, payload, context, intake);
        }
      }
      return;
    }
    one(text, payload, context, intake);
  };
}

/** The lines of JSON Lines: the first one alone must be JSON, else the text is one broken document. */
function jsonLines(text: string): string[] | undefined {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length < 2) return undefined;
  try {
    JSON.parse(lines[0]!);
  } catch {
    return undefined;
  }
  return lines;
}
