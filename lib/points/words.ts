/** Three digits, and no more digits than that after the point: `3.1`, `0.042`, `12 400`. */
export function amountWords(value: number, unit: string | undefined): string {
  const size = Math.abs(value);
  let text: string;
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) text = value.toPrecision(3).replace(/\.?0+(?=e|$)/, "");
  else {
    text = String(Number(value.toPrecision(size < 10 ? 2 : 3)));
    if (size >= 10_000) text = text.replace(/\B(?=(\d{3})+$)/g, " ");
  }
  return unit === undefined ? text : `${text} ${unit}`;
}

/** `720000` → "12 min". */
export function durationWords(ms: number): string {
  const of = (n: number, unit: string) => `${Math.round(n)} ${unit}`;
  if (ms < 120_000) return of(ms / 1_000, "s");
  if (ms < 7_200_000) return of(ms / 60_000, "min");
  if (ms < 172_800_000) return of(ms / 3_600_000, "h");
  return of(ms / 86_400_000, "d");
}
