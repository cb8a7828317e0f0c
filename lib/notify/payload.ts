import { plain } from "./escape.ts";
import { isFields } from "./event.ts";

const MAX_ITEMS = 50;
const MAX_VALUE = 2_000;

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    // Circular, or a part that throws: what it is will do.
    return Object.prototype.toString.call(value);
  }
}

function inline(value: unknown, time: (ms: number) => string): string {
  if (value === undefined || value === null || typeof value === "function" || typeof value === "symbol") return "";
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  if (typeof value === "string") return value;
  if (Object.prototype.toString.call(value) === "[object Date]") {
    const ms = Number(value);
    return Number.isNaN(ms) ? "" : time(ms);
  }
  return typeof value === "object" ? jsonOf(value) : String(value);
}

function lines(parts: string[], all: number): string {
  return all > MAX_ITEMS ? [...parts, "…"].join("\n") : parts.join("\n");
}

/**
 * Any payload as plain text: bytes as UTF-8, an object as lines of `name: value`, a list as one line an item.
 * What is absent (also NaN) is empty. Never throws.
 */
export function payloadText(payload: unknown, time: (ms: number) => string): string {
  const short = (value: unknown) => inline(value, time).slice(0, MAX_VALUE);
  if (payload instanceof Uint8Array) return plain(new TextDecoder().decode(payload));
  if (Array.isArray(payload)) return plain(lines(payload.slice(0, MAX_ITEMS).map(short), payload.length));
  if (isFields(payload) && Object.prototype.toString.call(payload) === "[object Object]") {
    const entries = Object.entries(payload);
    const told = entries.slice(0, MAX_ITEMS).map(([name, value]) => [name, short(value)] as const);
    const shown = told.filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${value}`);
    return plain(lines(shown, entries.length));
  }
  return plain(inline(payload, time));
}
