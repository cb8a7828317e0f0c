import { type Frame, FrameBuilder } from "../points/frame.ts";
import type { Store } from "../store/types.ts";

/**
 * Of rows that a broker has sent once more: those that are new, and those that the store has already, with the same
 * value at the same time. After a crash nodes that read the store again know the second kind.
 * Cost: one read of the rows' series over their times.
 */
export async function splitRepeated(store: Pick<Store, "read">, frame: Frame): Promise<{ fresh: Frame; again: Frame }> {
  let from = Infinity;
  let to = -Infinity;
  for (const time of frame.times) {
    if (time < from) from = time;
    if (time > to) to = time;
  }
  const keys = frame.dictionary.map(({ key }) => key);
  const kept = await store.read({ keys, from, to });
  const known = new Map<string, Map<number, number>>();
  for (let row = 0; row < kept.length; row++) {
    const { key } = kept.ref(row);
    let times = known.get(key);
    if (!times) {
      times = new Map();
      known.set(key, times);
    }
    times.set(kept.times[row]!, kept.values[row]!);
  }
  const fresh = new FrameBuilder();
  const again = new FrameBuilder();
  for (let row = 0; row < frame.length; row++) {
    const ref = frame.ref(row);
    const time = frame.times[row]!;
    const value = frame.values[row]!;
    const times = known.get(ref.key);
    const same = times?.has(time) && Object.is(times.get(time), value);
    (same ? again : fresh).add(ref, time, value);
  }
  return { fresh: fresh.take(), again: again.take() };
}
