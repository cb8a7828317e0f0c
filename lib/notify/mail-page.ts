import { html } from "./escape.ts";
import type { Kind } from "./notification.ts";
import type { Row } from "./story.ts";

export interface Page {
  language: string;
  title: string;
  /** Label and text, one line each. */
  rows?: readonly Row[];
  /** Plain text; its line ends stay. */
  text?: string;
  kind: Kind;
  severity?: string | undefined;
}

const COLOURS: Readonly<Record<string, string>> = {
  critical: "#d32f2f",
  major: "#ef6c00",
  error: "#ef6c00",
  minor: "#c79100",
  warning: "#c79100",
  info: "#1976d2",
};
const OVER = "#2e7d32";
const OTHER = "#607d8b";

function colourOf({ kind, severity }: Page): string {
  if (kind === "end") return OVER;
  return (severity !== undefined && Object.hasOwn(COLOURS, severity) && COLOURS[severity]) || OTHER;
}

const rowHtml = ([label, text]: Row): string =>
  `<tr><td style="padding:4px 16px 4px 0;vertical-align:top;opacity:.7;white-space:nowrap">${html(label)}</td>` +
  `<td style="padding:4px 0;vertical-align:top;word-break:break-word">${html(text)}</td></tr>`;

/**
 * A page for mail programs: styles in place, one column that fits a phone, and no colours of text and ground, so that
 * it is light or dark as the reader has it. All that is given is escaped.
 */
export function mailPage(page: Page): string {
  const { language, title, rows = [], text = "" } = page;
  const table =
    rows.length === 0
      ? ""
      : `<table role="presentation" style="border-collapse:collapse;font-size:15px">${rows.map(rowHtml).join("")}</table>`;
  const words = text === "" ? "" : `<p style="margin:0;font-size:15px;white-space:pre-wrap">${html(text)}</p>`;
  return (
    `<!doctype html><html lang="${html(language)}"><head><meta charset="utf-8">` +
    '<meta name="viewport" content="width=device-width,initial-scale=1">' +
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">' +
    `<title>${html(title)}</title></head>` +
    '<body style="margin:0;padding:16px;font-family:system-ui,-apple-system,Segoe UI,Roboto,sans-serif;line-height:1.4">' +
    `<div style="max-width:600px;border-left:6px solid ${colourOf(page)};padding:4px 0 4px 16px">` +
    `<h1 style="margin:0 0 12px;font-size:19px;line-height:1.3;word-break:break-word">${html(title)}</h1>` +
    `${table}${words}</div></body></html>`
  );
}
