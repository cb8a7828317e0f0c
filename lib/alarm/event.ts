import type { SeriesRef, Tags } from "../points/series.ts";
import type { Severity } from "./severity.ts";

export type EventKind = "start" | "severity" | "end" | "nodata" | "data-back";

/** What is told of an alarm: plain JSON. Times in ms since epoch, UTC; values in the unit of the KPI. */
export interface AlarmEvent {
  event: EventKind;
  /** Idempotency key: the same for this event however often it is sent. */
  id: string;
  /** Identity of the alarm: its name, the series and the tags. */
  key: string;
  alarm: string;
  series: string;
  tags?: Tags;
  unit?: string;
  /** At `end` the highest that was told in the incident, so that it goes wherever the others went. */
  severity: Severity;
  /** What it was before, with `severity`. */
  previous?: Severity;
  /** Of the alarm, also where the event is about missing data. */
  state: "firing" | "normal";
  value: number | null;
  /** What the deviation node expected, where it was known. */
  expected?: number;
  lower?: number;
  upper?: number;
  /** The limit of the rule, where it has one. */
  limit?: number;
  /** With `end`: the value that was farthest off. */
  worst?: number;
  /** One phrase for people. */
  reason: string;
  /** Event time. */
  time: number;
  /** Start of this incident; of the silence with `nodata` and `data-back`. */
  since: number;
  /** With `end` and `data-back`, ms. */
  duration?: number;
  /** IANA zone in which people want to read the times. */
  zone?: string;
}

/**
 * Identity as one text: `Too%20hot/plant/motor/temperature?site=madrid`. Encoded, so that no two alarms have the same,
 * and any system takes it for a key.
 */
export function alarmKey(alarm: string, { series, tags }: Pick<SeriesRef, "series" | "tags">): string {
  const path = series.split("/").map(encodeURIComponent).join("/");
  const pairs = Object.entries(tags ?? {}).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  return `${encodeURIComponent(alarm)}/${path}${pairs.length > 0 ? `?${pairs.join("&")}` : ""}`;
}

/** `generation` tells the incidents of one alarm apart, `n` the changes of severity in one incident. */
export const eventId = (key: string, generation: number, event: EventKind, n?: number): string =>
  `${key}/${generation}/${event}${n === undefined ? "" : `/${n}`}`;
