import { DAY, type Zone } from "./zone.ts";

/** How fine values are written: as fine as what is seen, so that digits neither dance nor lie. */
export interface Precision {
  /** Largest minus smallest. */
  range: number;
  /** There are whole numbers only. */
  whole: boolean;
}

/** How numbers and times are written for this reader. */
export interface Format {
  /** A value and its unit, scaled where that reads better: 8.32 GB. */
  value(value: number | null | undefined, unit: string | undefined, as?: Precision): { number: string; unit: string };
  /** As one text. */
  text(value: number | null | undefined, unit: string | undefined): string;
  /** Without the unit, only with its prefix: 8.32 G. */
  bare(value: number | null | undefined, unit: string | undefined, as?: Precision): string;
  /** Labels of a value axis. */
  axis(values: readonly number[], unit: string | undefined): string[];
  /** Clock of a time, as fine as a step of `step` ms needs it. */
  clock(time: number, step: number): string;
  day(time: number): string;
  /** Labels of a time axis. Midnight is named by its day. */
  times(times: readonly number[], step: number): string[];
}

const PREFIXES: readonly [size: number, prefix: string][] = [
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];
/** Units that are spoken with prefixes. */
const SCALED = /^(?:B|bit|bps|Hz|W|Wh|V|A|J|Pa|Ω|m)(?:\/s)?$/;

function scaleOf(size: number, unit: string | undefined): [size: number, prefix: string] {
  if (unit === undefined || !SCALED.test(unit)) return [1, ""];
  return PREFIXES.find(([least]) => size >= least) ?? [1, ""];
}

/** Digits behind the point that tell steps of this size apart. */
const decimals = (step: number) => Math.min(12, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));

const extreme = (size: number) => size !== 0 && (size >= 1e15 || size < 1e-6);

export function formatFor(language: string, zone: Zone): Format {
  const numbers = new Map<string, Intl.NumberFormat>();
  const number = (value: number, options: Intl.NumberFormatOptions) => {
    const id = JSON.stringify(options);
    let format = numbers.get(id);
    if (!format) {
      format = new Intl.NumberFormat(language, options);
      numbers.set(id, format);
    }
    // A real minus sign, as wide as a digit.
    return format.format(value).replace("-", "−");
  };
  const clockFormat = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language, { hourCycle: "h23", timeZone: zone.name, ...options });
  const minutes = clockFormat({ hour: "2-digit", minute: "2-digit" });
  const seconds = clockFormat({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const fine = clockFormat({ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
  const day = clockFormat({ weekday: "short", day: "numeric", month: "short" });
  const date = clockFormat({ day: "numeric", month: "short" });
  const year = clockFormat({ year: "numeric" });
  const dayOfYear = clockFormat({ day: "numeric", month: "short", year: "numeric" });
  const month = clockFormat({ month: "short", year: "numeric" });

  const write = (value: number | null | undefined, unit: string | undefined, as?: Precision) => {
    if (value === null || value === undefined || !Number.isFinite(value)) return { number: "–", prefix: "" };
    const [scale, prefix] = scaleOf(Math.abs(value), unit);
    const scaled = value / scale;
    if (extreme(Math.abs(scaled))) {
      return { number: number(scaled, { notation: "scientific", maximumSignificantDigits: 4 }), prefix };
    }
    if (as && (as.range > 0 || as.whole)) {
      const range = as.range / scale;
      const digits = as.whole && scale === 1 ? 0 : decimals(range / 50);
      // More than four digits only where less would not show the range.
      const most = Math.max(3 - Math.floor(Math.log10(Math.abs(scaled) || 1)), decimals(range / 10));
      const shown = Math.min(digits, most, prefix === "" ? 6 : 2);
      return { number: number(scaled, { minimumFractionDigits: shown, maximumFractionDigits: shown }), prefix };
    }
    const options =
      Math.abs(scaled) >= 10_000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: prefix === "" ? 4 : 3 };
    return { number: number(scaled, options), prefix };
  };
  const value: Format["value"] = (value, unit, as) => {
    const { number, prefix } = write(value, unit, as);
    // "30 /s" reads better than "30 1/s".
    return { number, unit: number === "–" ? "" : prefix + (unit ?? "").replace(/^1\//, "/") };
  };
  const axis: Format["axis"] = (values, unit) => {
    const size = Math.max(...values.map(Math.abs), 0);
    const step = Math.abs((values[1] ?? size) - (values[0] ?? 0)) || size;
    const [scale, prefix] = scaleOf(size, unit);
    if (extreme(size)) {
      return values.map((v) => number(v, { notation: "scientific", maximumSignificantDigits: 3 }));
    }
    // Six digits and more are read in compact form, as long as neighbours still differ.
    if (prefix === "" && size >= 1e5 && step >= size / 1000) {
      return values.map((v) => number(v, { notation: "compact", maximumSignificantDigits: 4 }));
    }
    let digits = 0;
    while (digits < 12 && Math.abs(Math.round((step / scale) * 10 ** digits) - (step / scale) * 10 ** digits) > 1e-6)
      digits++;
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return values.map((v) => number(v / scale, options) + (v === 0 ? "" : prefix && `\u202f${prefix}`));
  };
  const clock = (time: number, step: number) => (step >= 60_000 ? minutes : step >= 1000 ? seconds : fine).format(time);
  return {
    value,
    text(raw, unit) {
      const parts = value(raw, unit);
      return parts.unit === "" ? parts.number : `${parts.number}\u202f${parts.unit}`;
    },
    bare(raw, unit, as) {
      const { number, prefix } = write(raw, unit, as);
      return number + (prefix && `\u202f${prefix}`);
    },
    axis,
    clock,
    day: (time) => (year.format(time) === year.format(Date.now()) ? day : dayOfYear).format(time),
    times: (times, step) =>
      times.map((time) => {
        if (step >= 28 * DAY) return month.format(time);
        return step >= DAY || (time + zone.offset(time)) % DAY === 0 ? date.format(time) : clock(time, step);
      }),
  };
}
