import type { Tags } from "../points/series.ts";

/** What goes from the server to the page, besides the packets of points. No Node API here: the page reads this too. */

/** KPIs that a page shows at once, and that one request may name. */
export const MOST_SHOWN = 60;

/** What the page is told about itself. */
export interface PageSettings {
  /** Title. */
  name: string;
  /** IANA zone of the time axes; empty: the viewer's. */
  zone: string;
  /** Time span that is shown first, ms. */
  range: number;
}

export interface ListedKpi {
  id: string;
  series: string;
  tags?: Tags;
  unit?: string;
  /** Time of the newest point, ms; `null`: none is known. */
  time: number | null;
  value: number | null;
}

export interface Listing {
  /** The server's clock, ms: the age of a KPI is `now - time`. */
  now: number;
  /** KPIs that are known. */
  total: number;
  /** KPIs that fit the request; `kpis` may hold fewer. */
  matched: number;
  /** There is a store behind this page. */
  history: boolean;
  kpis: ListedKpi[];
  /** Code of what is wrong with the store: values may be missing. */
  warning?: string;
}

/** First event of each stream. */
export interface HelloEvent {
  now: number;
  /** The stream goes on where the page was. */
  resumed: boolean;
  /** Something comes at least this often, ms. */
  beat: number;
}

/** In columns; a value `null` is a gap. */
export type FreshPoints = [id: string, times: number[], values: (number | null)[]];

export interface PointsEvent {
  now: number;
  points: FreshPoints[];
  /** KPIs of which points are missing. */
  lost: string[];
}
