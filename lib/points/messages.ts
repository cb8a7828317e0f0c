import type { Frame } from "./frame.ts";
import type { Message } from "./reader.ts";
import type { SeriesRef } from "./series.ts";

/** One point in Node-RED's own habit: `topic` is the series, `payload` the value, `timestamp` the time in ms. */
export function pointMessage(ref: SeriesRef, time: number, value: number): Message {
  const msg: Message = { topic: ref.series, payload: Number.isNaN(value) ? null : value, timestamp: time };
  if (ref.tags) msg.tags = ref.tags;
  if (ref.unit !== undefined) msg.unit = ref.unit;
  return msg;
}

/** What a source sends: one message a point, or the whole Frame as one message. */
export function frameMessages(frame: Frame, batched: boolean): Message[] {
  if (frame.length === 0) return [];
  if (batched) return [{ payload: frame }];
  const out: Message[] = [];
  for (let row = 0; row < frame.length; row++) {
    out.push(pointMessage(frame.ref(row), frame.times[row]!, frame.values[row]!));
  }
  return out;
}
