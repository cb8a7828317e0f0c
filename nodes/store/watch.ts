import type { Message } from "../../lib/points/reader.ts";
import { kpiPrefix, type StoreReading, storeKpis } from "../../lib/store/kpis.ts";
import type { Store } from "../../lib/store/types.ts";
import { clock } from "../shell.ts";

/** Gives the KPIs of a store itself, at round times; returns how to stop. */
export function watchStore(
  store: Store,
  { name, every, counts }: { name: string; every: number; counts: () => { written: number; waiting: number } },
  give: (kpis: Message) => void,
): () => void {
  const topic = kpiPrefix(name);
  let before: StoreReading | undefined;
  let cancel = () => {};
  let stopped = false;

  async function look(): Promise<void> {
    // A store that cannot be opened has no numbers, but what waits for it has one.
    const stats = await store.stats().catch(() => undefined);
    const now: StoreReading = { at: clock.now(), ...counts(), stats };
    if (stopped) return;
    if (before) give({ topic, payload: storeKpis(topic, before, now) });
    before = now;
    cancel = clock.after(every - (now.at % every), look);
  }

  void look();
  return () => {
    stopped = true;
    cancel();
  };
}
