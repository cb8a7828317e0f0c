import { isUtf8 } from "node:buffer";
import { VigiaError } from "../points/error.ts";

const BOM = 0xfeff;
const SHOWN = 1_000;

/** A text of its own: a slice would keep the whole payload that it was cut from in memory. */
export function detach(slice: string): string {
  return Buffer.from(slice, "utf16le").toString("utf16le");
}

/** The start of a payload, for people; wrong bytes become U+FFFD. */
export function excerpt(payload: Uint8Array | string): string {
  return typeof payload === "string" ? payload.slice(0, SHOWN) : utf8(payload.subarray(0, SHOWN));
}

function utf8(bytes: Uint8Array): string {
  return Buffer.isBuffer(bytes)
    ? bytes.toString("utf8")
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/**
 * The text of a payload, without a byte order mark and without the NUL that C programs send at the end.
 * @throws VigiaError `too-large`, `bad-encoding`, `empty-payload`
 */
export function textOf(payload: Uint8Array | string, maxBytes: number): string {
  if (payload.length > maxBytes) {
    throw new VigiaError("too-large", {
      field: "msg.payload",
      value: `${payload.length} bytes`,
      allowed: `at most ${maxBytes} bytes`,
    });
  }
  let text: string;
  if (typeof payload === "string") text = payload;
  else {
    text = utf8(payload);
    // A real U+FFFD is valid UTF-8, so its absence proves nothing is wrong and its presence asks for a look.
    if (text.includes("\ufffd") && !isUtf8(payload)) {
      throw new VigiaError("bad-encoding", {
        field: "msg.payload",
        value: excerpt(payload),
        allowed: "text in UTF-8; these bytes are binary or another encoding",
      });
    }
  }
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  const start = text.charCodeAt(0) === BOM ? 1 : 0;
  if (start > 0 || end < text.length) text = text.slice(start, end);
  if (text.trim() === "") {
    throw new VigiaError("empty-payload", {
      field: "msg.payload",
      value: text,
      allowed: "a payload that is not empty",
    });
  }
  return text;
}
