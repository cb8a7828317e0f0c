import type { Point } from "../points/point.ts";
import type { StoreStats } from "./types.ts";

/** What was counted until some moment. */
export interface StoreReading {
  /** ms */
  at: number;
  /** Points written by the node that asks. */
  written: number;
  /** Points of that node that wait. */
  waiting: number;
  /** `undefined` while the store does not answer. */
  stats: StoreStats | undefined;
}

/** `vigia/store/<name>`; a name with wildcards in it could not be asked for. */
export const kpiPrefix = (name: string): string => `vigia/store/${name.replace(/[/+#*]+/g, "-")}`;

/** How a store does, as KPIs below `prefix`; gaps where nobody knows. */
export function storeKpis(prefix: string, before: StoreReading, now: StoreReading): Point[] {
  const seconds = (now.at - before.at) / 1_000;
  const rate = (count: number) => (seconds > 0 ? Math.max(0, count) / seconds : null);
  const { stats } = now;
  const commits = stats && before.stats ? rate(stats.commits - before.stats.commits) : null;
  const kpi = (kind: string, value: number | null, unit: string): Point => ({
    series: `${prefix}/${kind}`,
    time: now.at,
    value,
    unit,
  });
  return [
    kpi("points-per-second", rate(now.written - before.written), "1/s"),
    kpi("commits-per-second", commits, "1/s"),
    kpi("waiting", stats?.waiting ?? now.waiting, "points"),
    kpi("bytes", stats?.bytes ?? null, "B"),
    kpi("series", stats?.series ?? null, "series"),
    kpi("points", stats?.points ?? null, "points"),
  ];
}
