import type { ListedKpi } from "../../../lib/live/wire.ts";
import { el } from "./dom.ts";
import { Track } from "./track.ts";

/** A KPI that the page shows, and its points. */
export interface Kpi extends ListedKpi {
  track: Track;
}

export function kpiOf(listed: ListedKpi): Kpi {
  const track = new Track();
  if (listed.time !== null) track.hear(listed.time, listed.value);
  return { ...listed, track };
}

/** `plant-3/compressor-a/temperature` → `["plant-3", "compressor-a"]` and `temperature`. */
export function nameOf({ series }: Pick<ListedKpi, "series">): { path: string[]; last: string } {
  const parts = series.split("/");
  const last = parts.pop()!;
  return { path: parts, last };
}

export const tagsOf = ({ tags }: Pick<ListedKpi, "tags">) =>
  Object.entries(tags ?? {}).map(([name, value]) => `${name}=${value}`);

/** The name with its last part strong, and the tags. A path breaks after its slashes, not inside its words. */
export function nameParts(kpi: Pick<ListedKpi, "series" | "tags">): Node[] {
  const { path, last } = nameOf(kpi);
  const prefix = el("span", { class: "path" });
  const end = el("span", { class: "last" }, last);
  for (const [i, part] of path.entries()) prefix.append(...(i > 0 ? ["/", el("wbr")] : []), part);
  if (path.length > 0) end.prepend(el("span", { class: "path" }, "/"), el("wbr"));
  return [
    prefix,
    end,
    ...tagsOf(kpi).flatMap((tag) => [document.createTextNode(" "), el("span", { class: "tag" }, tag)]),
  ];
}

/** Charts: one a KPI; or, grouped, one for all with the same last part of the name and the same unit, up to `most`. */
export function chartsOf(kpis: readonly Kpi[], grouped: boolean, most: number): Kpi[][] {
  if (!grouped) return kpis.map((kpi) => [kpi]);
  const charts: Kpi[][] = [];
  const open = new Map<string, Kpi[]>();
  for (const kpi of kpis) {
    const group = `${nameOf(kpi).last}\n${kpi.unit ?? ""}`;
    let chart = open.get(group);
    if (!chart || chart.length >= most) {
      chart = [];
      open.set(group, chart);
      charts.push(chart);
    }
    chart.push(kpi);
  }
  return charts;
}
