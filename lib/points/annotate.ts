import { type Columns, isFrame } from "./frame.ts";
import type { Form, Message } from "./reader.ts";

/** What a node found out about one point; its numeric and boolean parts become columns in a Frame. */
export type Result = object;

function columnsOf(as: string, results: readonly (Result | undefined)[]): Columns {
  const columns: Record<string, Float64Array> = {};
  for (let row = 0; row < results.length; row++) {
    for (const [part, value] of Object.entries(results[row] ?? {})) {
      if (typeof value !== "number" && typeof value !== "boolean") continue;
      const name = `${as}.${part}`;
      columns[name] ??= new Float64Array(results.length).fill(Number.NaN);
      columns[name][row] = Number(value);
    }
  }
  return columns;
}

/**
 * Puts results beside the points they belong to, in the form the message came in. `results[row]` belongs to the
 * `row` that `Reader.read` visited. The message is changed, its payload is not: it may be shared by other wires.
 *
 * value, point: `msg[as]`. points: each Point gets `[as]`. object: `msg[as][key]`. frame: columns `as.part`.
 */
export function annotate(msg: Message, form: Form, as: string, results: readonly (Result | undefined)[]): void {
  const { payload } = msg;
  switch (form) {
    case "value":
    case "point":
      msg[as] = results[0];
      return;
    case "points":
      msg.payload = (payload as object[]).map((point, row) =>
        results[row] === undefined ? point : { ...point, [as]: results[row] },
      );
      return;
    case "object": {
      const keys = Object.keys(payload as object);
      const found = keys.flatMap((key, row): [string, Result][] => (results[row] ? [[key, results[row]]] : []));
      msg[as] = Object.fromEntries(found);
      return;
    }
    case "frame": {
      if (!isFrame(payload)) return;
      const padded = results.length === payload.length ? results : Array.from(payload.index, (_, row) => results[row]);
      msg.payload = payload.with(columnsOf(as, padded));
    }
  }
}

/** What `annotate` put beside the points of a message, by the row that `Reader.read` visits; not of a Frame. */
export function annotationsOf(msg: Message, as: string): (row: number) => unknown {
  const { payload } = msg;
  if (Array.isArray(payload)) return (row) => (payload[row] as Record<string, unknown> | undefined)?.[as];
  const all = msg[as];
  if (typeof payload !== "object" || payload === null || Object.hasOwn(payload, "value")) return () => all;
  if (typeof all !== "object" || all === null) return () => undefined;
  const keys = Object.keys(payload);
  return (row) => (Object.hasOwn(all, keys[row]!) ? (all as Record<string, unknown>)[keys[row]!] : undefined);
}
