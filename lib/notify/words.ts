import { formatSeries, type Tags } from "../points/series.ts";
import type { Language } from "./notification.ts";

/** All that is said in one language. `…` stands for what the name says. */
export interface Phrases {
  locale: string;
  severities: Readonly<Record<string, string>>;
  of: (name: string, place: string) => string;
  now: (severity: string, previous: string) => string;
  alarm: string;
  over: string;
  lasted: (duration: string) => string;
  noData: string;
  dataBack: string;
  missing: (duration: string) => string;
  unusual: string;
  message: string;
  range: (lower: string, upper: string) => string;
  atLeast: (lower: string) => string;
  atMost: (upper: string) => string;
  labels: Readonly<
    Record<"alarm" | "series" | "severity" | "value" | "expected" | "limit" | "worst" | "reason" | "since", string> &
      Record<"duration" | "time", string>
  >;
  digest: (count: string) => string;
  others: string;
  more: (count: string) => string;
  test: string;
  testText: string;
}

const EN: Phrases = {
  locale: "en-GB",
  severities: {},
  of: (name, place) => `${name} of ${place}`,
  now: (severity, previous) => (previous === "" ? `now ${severity}` : `now ${severity}, was ${previous}`),
  alarm: "alarm",
  over: "over",
  lasted: (duration) => `lasted ${duration}`,
  noData: "no data",
  dataBack: "data back",
  missing: (duration) => `missing for ${duration}`,
  unusual: "unusual",
  message: "message",
  range: (lower, upper) => `${lower} to ${upper}`,
  atLeast: (lower) => `at least ${lower}`,
  atMost: (upper) => `at most ${upper}`,
  labels: {
    alarm: "Alarm",
    series: "KPI",
    severity: "Severity",
    value: "Value",
    expected: "Expected",
    limit: "Limit",
    worst: "Worst",
    reason: "Reason",
    since: "Since",
    duration: "Lasted",
    time: "Time",
  },
  digest: (count) => `${count} notifications in one`,
  others: "without severity",
  more: (count) => `and ${count} more`,
  test: "Test of Vigía",
  testText: "This channel works: alarms will arrive here.",
};

const ES: Phrases = {
  locale: "es",
  severities: {
    critical: "crítica",
    major: "grave",
    error: "error",
    minor: "leve",
    warning: "aviso",
    info: "información",
  },
  of: (name, place) => `${name} de ${place}`,
  now: (severity, previous) => (previous === "" ? `ahora ${severity}` : `ahora ${severity}, antes ${previous}`),
  alarm: "alarma",
  over: "terminada",
  lasted: (duration) => `duró ${duration}`,
  noData: "sin datos",
  dataBack: "vuelven los datos",
  missing: (duration) => `faltaron ${duration}`,
  unusual: "inusual",
  message: "mensaje",
  range: (lower, upper) => `de ${lower} a ${upper}`,
  atLeast: (lower) => `al menos ${lower}`,
  atMost: (upper) => `como mucho ${upper}`,
  labels: {
    alarm: "Alarma",
    series: "KPI",
    severity: "Gravedad",
    value: "Valor",
    expected: "Esperado",
    limit: "Límite",
    worst: "Peor valor",
    reason: "Motivo",
    since: "Desde",
    duration: "Duró",
    time: "Hora",
  },
  digest: (count) => `${count} avisos en uno`,
  others: "sin gravedad",
  more: (count) => `y ${count} más`,
  test: "Prueba de Vigía",
  testText: "Este canal funciona: las alarmas llegarán aquí.",
};

export const PHRASES: Readonly<Record<Language, Phrases>> = { en: EN, es: ES };

const ICONS: Readonly<Record<string, string>> = {
  critical: "🔴",
  major: "🟠",
  error: "🟠",
  minor: "🟡",
  warning: "🟡",
  info: "🔵",
};

export const NO_SEVERITY = "🔔";

export function severityIcon(severity: string | undefined): string {
  return (severity !== undefined && Object.hasOwn(ICONS, severity) && ICONS[severity]) || NO_SEVERITY;
}

/** The severity as people call it; one that is not known stays as it is. */
export function severityWord(severity: string, { severities }: Phrases): string {
  return Object.hasOwn(severities, severity) ? severities[severity]! : severity;
}

/** Four digits, but whole numbers keep all of theirs: `95.23`, `12,346`, `4E-5`. */
export function numberWords(value: number, unit: string | undefined, { locale }: Phrases): string {
  const size = Math.abs(value);
  const odd = Number.isFinite(value) && size !== 0 && (size >= 1e15 || size < 1e-4);
  const options: Intl.NumberFormatOptions =
    size >= 1_000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 };
  const format = odd ? { notation: "scientific" as const, maximumSignificantDigits: 4 } : options;
  // Minus zero is zero to people.
  const text = new Intl.NumberFormat(locale, format).format(value === 0 ? 0 : value);
  return unit === undefined ? text : `${text} ${unit}`;
}

/** Local time with its zone: "2 Mar 2026, 13:00:00 CET". The zone must be a known one. */
export function timeWords(time: number, zone: string, { locale }: Phrases): string {
  return new Intl.DateTimeFormat(locale, {
    timeZone: zone,
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  }).format(time);
}

export function isZone(zone: unknown): zone is string {
  if (typeof zone !== "string" || zone === "") return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** A series name apart: its last segment and what is before it. */
export function nameAndPlace(series: string): { name: string; place: string } {
  const at = series.lastIndexOf("/");
  return at > 0 && at < series.length - 1
    ? { name: series.slice(at + 1), place: series.slice(0, at) }
    : { name: series, place: "" };
}

/** `plant/compressor/temperature` → "temperature of plant/compressor". Tags tell KPIs of one name apart. */
export function seriesWords(series: string, tags: Tags | undefined, { of }: Phrases): string {
  const { name, place } = nameAndPlace(series);
  const words = place === "" ? name : of(name, place);
  return tags ? formatSeries({ series: words, tags }) : words;
}
