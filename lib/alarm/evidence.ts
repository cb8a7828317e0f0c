import type { Frame } from "../points/frame.ts";

/** What a deviation node found out about a point, as far as it was there; NaN is unknown. */
export interface Evidence {
  score: number;
  expected: number;
  /** 98 % of the points lie between the two. */
  lower: number;
  upper: number;
  alert: boolean;
  /** In words; empty without an alert. */
  reason: string;
}

/** Of a point that nobody annotated. Do not write into it. */
export const NO_EVIDENCE: Readonly<Evidence> = Object.freeze({
  score: Number.NaN,
  expected: Number.NaN,
  lower: Number.NaN,
  upper: Number.NaN,
  alert: false,
  reason: "",
});

const numberOf = (value: unknown) => (typeof value === "number" ? value : Number.NaN);

/** Reads the annotation of one point: `msg.deviation` or the property of the same name of a Point. */
export function evidenceOf(annotation: unknown): Readonly<Evidence> {
  if (typeof annotation !== "object" || annotation === null) return NO_EVIDENCE;
  const { score, expected, lower, upper, alert, reason } = annotation as Record<string, unknown>;
  return {
    score: numberOf(score),
    expected: numberOf(expected),
    lower: numberOf(lower),
    upper: numberOf(upper),
    alert: alert === true || alert === 1,
    reason: typeof reason === "string" ? reason : "",
  };
}

/** The words of a Frame's alerts by row, which are in its message: `msg.deviation.reasons`. */
export function reasonsOf(annotation: unknown): Readonly<Record<number, unknown>> {
  const { reasons } = (annotation ?? {}) as { reasons?: unknown };
  return typeof reasons === "object" && reasons !== null ? (reasons as Record<number, unknown>) : {};
}

/** Reads the columns `as.score` … of a Frame into one object that is used again for every row; O(1) a row. */
export function evidenceRows(
  { columns }: Frame,
  as: string,
  reasons: Readonly<Record<number, unknown>> = {},
): (row: number) => Readonly<Evidence> {
  const score = columns[`${as}.score`];
  const expected = columns[`${as}.expected`];
  const lower = columns[`${as}.lower`];
  const upper = columns[`${as}.upper`];
  const alert = columns[`${as}.alert`];
  if (!score && !lower && !upper && !alert) return () => NO_EVIDENCE;
  const evidence: Evidence = { ...NO_EVIDENCE };
  return (row) => {
    evidence.score = score?.[row] ?? Number.NaN;
    evidence.expected = expected?.[row] ?? Number.NaN;
    evidence.lower = lower?.[row] ?? Number.NaN;
    evidence.upper = upper?.[row] ?? Number.NaN;
    evidence.alert = alert?.[row] === 1;
    const reason = evidence.alert ? reasons[row] : "";
    evidence.reason = typeof reason === "string" ? reason : "";
    return evidence;
  };
}
