import { readRow } from "../points/csv-row.ts";
import { VigiaError } from "../points/error.ts";
import { parseRule, RULE_FIELDS, type RuleField, type RuleText, tidyRule } from "./rule.ts";

const SEPARATORS = ["\t", ";", ","] as const;
const QUOTED = /["\r\n,;\t]|^\s|\s$|^#/;

function columnsOf(header: readonly string[]): RuleField[] {
  const names = header.map((cell) => cell.trim().toLowerCase());
  return names.map((name, at) => {
    const field = RULE_FIELDS.find((known) => known === name);
    if (field !== undefined && names.indexOf(name) === at) return field;
    throw new VigiaError("bad-csv", {
      field: `line 1, column ${at + 1}`,
      value: header[at],
      allowed: `each of these once: ${RULE_FIELDS.join(", ")}`,
    });
  });
}

/**
 * Rules from a CSV with a header of `RULE_FIELDS`, in any order; `when` must be among them. The separator is the first
 * of tab, `;` and `,` that stands in the header; quotes as in RFC 4180, decimal point, tags as `k=v;k2=v2`. Lines that
 * are empty or begin with `#` are left out. Each rule was checked. O(text).
 * @throws VigiaError `bad-csv`, and as `parseRule`, naming `line 3, limit`
 */
export function parseRulesCsv(source: string): RuleText[] {
  const text = source.replace(/^\uFEFF/, "");
  const cells: string[] = [];
  const rules: RuleText[] = [];
  let columns: RuleField[] | undefined;
  let separator = ",";
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const start = at;
    const here = line;
    const end = text.indexOf("\n", start);
    const plain = text.slice(start, end < 0 ? text.length : end);
    if (columns === undefined) separator = SEPARATORS.find((sign) => plain.includes(sign)) ?? ",";
    const behind = plain.startsWith("#") ? start + plain.length + 1 : readRow(text, start, separator, cells);
    if (behind < 0) throw new VigiaError("bad-csv", { field: `line ${here}`, value: '"', allowed: "a closing quote" });
    at = behind;
    line += text.slice(start, at).split("\n").length - 1;
    if (plain.startsWith("#") || cells.every((cell) => cell === "")) continue;
    if (columns === undefined) {
      columns = columnsOf(cells);
      continue;
    }
    if (cells.slice(columns.length).some((cell) => cell !== "")) {
      throw new VigiaError("bad-csv", {
        field: `line ${here}`,
        value: `${cells.length} cells`,
        allowed: `${columns.length} cells, as in the header`,
      });
    }
    const rule = tidyRule(Object.fromEntries(columns.map((field, i) => [field, cells[i]])));
    parseRule(rule, (field) => `line ${here}, ${field}`);
    rules.push(rule);
  }
  if (columns === undefined || !columns.includes("when")) {
    throw new VigiaError("bad-csv", {
      field: "line 1",
      value: columns?.join(",") ?? "",
      allowed: `a header with at least when, of ${RULE_FIELDS.join(", ")}`,
    });
  }
  return rules;
}

const cellOf = (text: string) => (QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The same as `parseRulesCsv` reads, with commas and a line end after each row. */
export function formatRulesCsv(rules: readonly RuleText[]): string {
  const rows = rules.map((rule) => RULE_FIELDS.map((field) => cellOf(rule[field] ?? "")).join(","));
  return [RULE_FIELDS.join(","), ...rows].map((row) => `${row}\n`).join("");
}
