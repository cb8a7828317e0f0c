import { VigiaError } from "../points/error.ts";
import type { Escape } from "./escape.ts";

type Part =
  | { kind: "text"; text: string }
  | { kind: "value"; path: readonly string[] }
  | { kind: "section"; path: readonly string[]; absent: boolean; parts: Part[] };

/** What a template can speak of: texts, numbers, and objects and lists of them. */
export type View = Readonly<Record<string, unknown>>;

export interface Template {
  render(view: View, escaped: Escape): string;
}

const TAG = /\{\{\s*([#^/!]?)\s*((?:(?!\}\}).)*?)\s*\}\}/gs;
const NAME = /^(?:\.|[\p{L}_$][\p{L}\p{N}_$-]*(?:\.[\p{L}\p{N}_$-]+)*)$/u;
const MAX_LENGTH = 32_768;
const MAX_DEPTH = 20;
const ALLOWED = "{{name}}, {{#name}}…{{/name}} (when there is one) and {{^name}}…{{/name}} (when there is none)";

const present = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== "" &&
  value !== false &&
  !(Array.isArray(value) && value.length === 0);

/** Own properties only: a template reads data, never an object's inherited parts. */
function own(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, name)) return undefined;
  const property = Object.getOwnPropertyDescriptor(holder, name);
  return property && "value" in property ? property.value : undefined;
}

function find(path: readonly string[], stack: readonly unknown[]): unknown {
  if (path[0] === ".") return stack.at(-1);
  for (let depth = stack.length - 1; depth >= 0; depth--) {
    const first = own(stack[depth], path[0]!);
    if (first !== undefined) return path.slice(1).reduce(own, first);
  }
  return undefined;
}

function write(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

function render(parts: readonly Part[], stack: readonly unknown[], escaped: Escape): string {
  let out = "";
  for (const part of parts) {
    if (out.length > MAX_LENGTH) break;
    if (part.kind === "text") out += part.text;
    else if (part.kind === "value") out += escaped(write(find(part.path, stack)));
    else {
      const value = find(part.path, stack);
      if (part.absent) {
        if (!present(value)) out += render(part.parts, stack, escaped);
      } else if (Array.isArray(value)) {
        for (const item of value) {
          out += render(part.parts, [...stack, item], escaped);
          if (out.length > MAX_LENGTH) break;
        }
      } else if (present(value)) out += render(part.parts, [...stack, value], escaped);
    }
  }
  return out;
}

/** A tag that stands alone on its line takes the line with it. Gives how much to cut before and after. */
function alone(source: string, start: number, end: number): { before: number; after: number } {
  const lineStart = source.lastIndexOf("\n", start - 1) + 1;
  const before = source.slice(lineStart, start);
  const after = /^[ \t]*(?:\r?\n|$)/.exec(source.slice(end));
  if (before.trim() !== "" || !after || (lineStart === 0 && start === 0 && end === source.length)) {
    return { before: 0, after: 0 };
  }
  return { before: before.length, after: after[0].length };
}

/**
 * Logic-less: `{{name}}` is replaced by the escaped value, `{{#name}}…{{/name}}` stays when there is one (once an item
 * when it is a list), `{{^name}}…{{/name}}` when there is none; `{{! … }}` is a comment. Nothing is ever written
 * unescaped, and there is nothing to call. Zero is a value; an empty text is none.
 * @throws VigiaError `bad-template` naming `field`
 */
export function compile(source: string, field: string): Template {
  const complain = (value: string) => new VigiaError("bad-template", { field, value, allowed: ALLOWED });
  if (source.length > MAX_LENGTH) {
    throw new VigiaError("bad-template", { field, value: source, allowed: `at most ${MAX_LENGTH} characters` });
  }
  const root: Part[] = [];
  const open: { name: string; parts: Part[] }[] = [{ name: "", parts: root }];
  const text = (piece: string) => {
    if (piece.includes("{{")) throw complain(piece.slice(piece.indexOf("{{")));
    if (piece !== "") open.at(-1)!.parts.push({ kind: "text", text: piece });
  };
  let at = 0;
  for (const match of source.matchAll(TAG)) {
    const [whole, sign = "", name = ""] = match;
    const end = match.index + whole.length;
    const { before, after } = sign === "" ? { before: 0, after: 0 } : alone(source, match.index, end);
    text(source.slice(at, Math.max(at, match.index - before)));
    at = end + after;
    if (sign === "!") continue;
    if (!NAME.test(name)) throw complain(whole);
    const path = name === "." ? ["."] : name.split(".");
    if (sign === "") open.at(-1)!.parts.push({ kind: "value", path });
    else if (sign === "/") {
      if (open.length === 1 || open.at(-1)!.name !== name) throw complain(whole);
      open.pop();
    } else {
      if (open.length > MAX_DEPTH) throw complain(whole);
      const parts: Part[] = [];
      open.at(-1)!.parts.push({ kind: "section", path, absent: sign === "^", parts });
      open.push({ name, parts });
    }
  }
  text(source.slice(at));
  if (open.length > 1) throw complain(`{{#${open.at(-1)!.name}}} without its {{/${open.at(-1)!.name}}}`);
  return { render: (view, escaped) => render(root, [view], escaped).slice(0, MAX_LENGTH) };
}
