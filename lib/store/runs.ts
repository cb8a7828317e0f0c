import { Head } from "./head.ts";
import type { LogRows } from "./log-codec.ts";
import type { Samples } from "./samples.ts";

/** Where a stretch of rows of one series ends, and whether its times ascend. */
function runFrom({ sids, times }: LogRows, start: number): { end: number; ascends: boolean } {
  const sid = sids[start];
  let ascends = true;
  let end = start + 1;
  for (; end < sids.length && sids[end] === sid; end++) if (!(times[end]! > times[end - 1]!)) ascends = false;
  return { end, ascends };
}

/**
 * Rows by series, each in order of time, of equal times the last. Rows that are so already, as histories mostly are, are
 * not copied. O(n), O(n log n) for others.
 */
export function bySeries(rows: LogRows): Map<number, Samples> {
  const whole = new Map<number, Samples>();
  const heads = new Map<number, Head>();
  for (let start = 0; start < rows.sids.length; ) {
    const sid = rows.sids[start]!;
    const { end, ascends } = runFrom(rows, start);
    const piece = { times: rows.times.subarray(start, end), values: rows.values.subarray(start, end) };
    start = end;
    const known = whole.get(sid);
    if (ascends && !known && !heads.has(sid)) {
      whole.set(sid, piece);
      continue;
    }
    const head = heads.get(sid) ?? new Head();
    if (known) pushAll(head, known);
    whole.delete(sid);
    pushAll(head, piece);
    heads.set(sid, head);
  }
  for (const [sid, head] of heads) whole.set(sid, head.samples());
  return whole;
}

function pushAll(head: Head, { times, values }: Samples): void {
  for (let row = 0; row < times.length; row++) head.push(times[row]!, values[row]!);
}
