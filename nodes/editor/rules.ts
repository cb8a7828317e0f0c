// The table of rules in the alarm's dialog, with its CSV: the same library that reads the rules at run time checks them.
import {
  fieldsOf,
  parseRule,
  RULE_FIELDS,
  type RuleField,
  type RuleText,
  tidyRule,
  WHENS,
  type When,
} from "../../lib/alarm/rule.ts";
import { formatRulesCsv, parseRulesCsv } from "../../lib/alarm/rules-csv.ts";
import { SEVERITIES } from "../../lib/alarm/severity.ts";
import { asVigiaError } from "../../lib/points/error.ts";
import type { Validator } from "./validate.ts";

/** What is wrong with a rule: which field, and why in the language of the editor. */
function fault(node: EditorNode, rule: RuleText): { field: RuleField; reason: string } | undefined {
  try {
    parseRule(rule, (field) => field);
    return undefined;
  } catch (thrown) {
    const named = asVigiaError(thrown).field;
    const field = RULE_FIELDS.find((known) => known === named) ?? "when";
    return { field, reason: `${node._(`alarm.field.${field}`)}: ${node._(`alarm.allowed.${field}`)}` };
  }
}

/** All rules of a node, for its definition. */
export function rulesAreValid(): Validator {
  return function (value, options) {
    const rules: readonly RuleText[] = Array.isArray(value) ? value : [];
    for (const [at, rule] of rules.entries()) {
      const wrong = fault(this, tidyRule(rule));
      if (wrong) return `${options.label ?? ""} ${at + 1}: ${wrong.reason}`.trim();
    }
    return true;
  };
}

/** Fields by the line of the row on which they stand; when and severity are lists of choices. */
const LINES: readonly (readonly RuleField[])[] = [
  ["when", "limit", "low", "high", "severity"],
  ["series", "tags"],
  ["for", "keep", "off", "deadband"],
  ["text"],
];
const HINTS: Partial<Record<RuleField, string>> = {
  series: "plant/+/temperature, #",
  tags: "site=madrid; line=2",
  deadband: "2 / 5%",
  for: "0s",
};

const choices = (node: EditorNode, field: RuleField, values: readonly string[]): JQuery => {
  const select = $("<select>");
  for (const value of values)
    $("<option>")
      .val(value)
      .text(node._(`alarm.${field}-${value}`))
      .appendTo(select);
  return select;
};

function control(node: EditorNode, field: RuleField): JQuery {
  if (field === "when") return choices(node, field, WHENS);
  if (field === "severity") return choices(node, field, SEVERITIES);
  return $("<input>", { type: "text", placeholder: HINTS[field] ?? "" });
}

interface Row {
  rule: RuleText;
  fields: Map<RuleField, JQuery>;
}

/** What a row says now; what its kind of condition does not have is left out. */
function ruleOf({ fields }: Row): RuleText {
  const known = fieldsOf(String(fields.get("when")!.val()) as When);
  return tidyRule(Object.fromEntries(known.map((field) => [field, fields.get(field)!.val()])));
}

function fillRow(node: EditorNode, container: JQuery, row: Row): void {
  row.fields = new Map();
  const cells = new Map<RuleField, JQuery>();
  for (const line of LINES) {
    const box = $("<div>").css({ display: "flex", gap: "8px", "margin-bottom": "4px" }).appendTo(container);
    for (const field of line) {
      const cell = $("<label>").css({ flex: "1 1 0", "min-width": 0, width: "auto", margin: 0 }).appendTo(box);
      $("<span>")
        .css({ display: "block", "font-size": "smaller" })
        .text(node._(`alarm.field.${field}`))
        .appendTo(cell);
      const input = control(node, field).css({ width: "100%", "box-sizing": "border-box", margin: 0 }).appendTo(cell);
      input.addClass(`vigia-rule-${field}`).attr("title", node._(`alarm.allowed.${field}`));
      row.fields.set(field, input);
      cells.set(field, cell);
    }
  }
  cells.get("when")!.css("flex-grow", 2);
  cells.get("severity")!.css("flex-grow", 1.4);
  const reason = $("<div>", { class: "vigia-rule-reason", role: "alert" }).appendTo(container);
  reason.css({ color: "var(--red-ui-text-color-error)" });
  const values: RuleText = { when: "above", severity: "warning", ...row.rule };
  for (const [field, input] of row.fields) input.val(values[field] ?? "");

  const check = () => {
    const rule = ruleOf(row);
    const wrong = fault(node, rule);
    for (const [field, input] of row.fields) input.toggleClass("input-error", wrong?.field === field);
    reason.text(wrong?.reason ?? "");
  };
  const show = () => {
    const known = fieldsOf(String(row.fields.get("when")!.val()) as When);
    for (const [field, cell] of cells) cell.toggle(known.includes(field));
    // An empty field says what it counts as.
    row.fields.get("keep")!.attr("placeholder", /alert|band|score/.test(ruleOf(row).when ?? "") ? "5m" : "0s");
    check();
  };
  row.fields.get("when")!.on("change", show);
  for (const input of row.fields.values()) input.on("input change", check);
  show();
}

/** The table in `list`, with buttons that bring rules in as CSV and take them out. */
export function rulesTable(node: EditorNode, list: JQuery, csv: JQuery): { rules(): RuleText[] } {
  list.editableList<Row>({
    addButton: node._("alarm.add-rule"),
    sortable: true,
    removable: true,
    height: "auto",
    addItem: (container, _index, row) => fillRow(node, container, row),
  });
  const fill = (rules: readonly RuleText[]) => {
    list.editableList("empty");
    for (const rule of rules) list.editableList("addItem", { rule });
  };
  const rules = () =>
    list
      .editableList("items")
      .toArray()
      .map((item) => ruleOf($(item).data("data") as Row));
  fill(Array.isArray(node.rules) ? node.rules : []);

  const panel = csv.find(".vigia-csv-panel").hide();
  const text = csv.find("textarea");
  const outcome = csv.find(".vigia-csv-outcome");
  csv.find(".vigia-csv-import").on("click", () => void panel.toggle());
  csv.find<HTMLInputElement>("input[type=file]").on("change", async function () {
    const file = this.files?.[0];
    if (file) text.val(await file.text());
  });
  csv.find(".vigia-csv-use").on("click", () => {
    try {
      const read = parseRulesCsv(String(text.val()));
      fill(read);
      outcome.text(node._("alarm.csv-taken", { n: read.length }));
    } catch (thrown) {
      outcome.text(asVigiaError(thrown).message);
    }
  });
  csv.find(".vigia-csv-export").on("click", () => {
    const url = URL.createObjectURL(new Blob([formatRulesCsv(rules())], { type: "text/csv" }));
    $("<a>", { href: url, download: `${node.alarm || node.name || "alarm"}.csv` })[0]!.click();
    setTimeout(() => URL.revokeObjectURL(url), 1_000);
  });
  return { rules };
}
