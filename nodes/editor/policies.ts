// The table of policies in the store's dialog; the library that reads them at run time checks them.
import { asVigiaError } from "../../lib/points/error.ts";
import {
  POLICY_FIELDS,
  type PolicyField,
  type PolicyText,
  parsePolicy,
  tidyPolicy,
} from "../../lib/store/policy-text.ts";
import type { Validator } from "./validate.ts";

const LINES: readonly (readonly PolicyField[])[] = [
  ["series", "tags"],
  ["keep", "5m", "1h", "1d"],
  ["precision", "resolution"],
];
const HINTS: Partial<Record<PolicyField, string>> = {
  series: "plant/+/temperature, #",
  tags: "site=madrid; line=2",
  resolution: "1ms",
};
const PRECISIONS = ["exact", "float32", ...Array.from({ length: 10 }, (_, digits) => String(9 - digits))];

/** What is wrong with a policy: which field, and why in the language of the editor. */
function fault(node: EditorNode, policy: PolicyText): { field: PolicyField; reason: string } | undefined {
  try {
    parsePolicy(policy, (field) => field);
    return undefined;
  } catch (thrown) {
    const named = asVigiaError(thrown).field;
    const field = POLICY_FIELDS.find((known) => known === named) ?? "series";
    return { field, reason: `${node._(`store.field.${field}`)}: ${node._(`store.allowed.${field}`)}` };
  }
}

/** All policies of a store, for its definition. */
export function policiesAreValid(): Validator {
  return function (value, options) {
    const policies: readonly PolicyText[] = Array.isArray(value) ? value : [];
    for (const [at, policy] of policies.entries()) {
      const wrong = fault(this, tidyPolicy(policy));
      if (wrong) return `${options.label ?? ""} ${at + 1}: ${wrong.reason}`.trim();
    }
    return true;
  };
}

function control(node: EditorNode, field: PolicyField): JQuery {
  if (field !== "precision") {
    const placeholder = HINTS[field] ?? node._("store.for-good");
    return $("<input>", { type: "text", placeholder });
  }
  const select = $("<select>");
  for (const value of PRECISIONS) {
    const key = /^\d$/.test(value) ? "digits" : value;
    $("<option>")
      .val(value)
      .text(node._(`store.precision-${key}`, { n: value }))
      .appendTo(select);
  }
  return select;
}

interface Row {
  policy: PolicyText;
  fields: Map<PolicyField, JQuery>;
}

function policyOf({ fields }: Row): PolicyText {
  const policy = tidyPolicy(Object.fromEntries([...fields].map(([field, input]) => [field, input.val()])));
  if (policy.precision === "exact") delete policy.precision;
  return policy;
}

function fillRow(node: EditorNode, container: JQuery, row: Row): void {
  row.fields = new Map();
  for (const line of LINES) {
    const box = $("<div>").css({ display: "flex", gap: "8px", "margin-bottom": "4px" }).appendTo(container);
    for (const field of line) {
      const cell = $("<label>").css({ flex: "1 1 0", "min-width": 0, width: "auto", margin: 0 }).appendTo(box);
      $("<span>")
        .css({ display: "block", "font-size": "smaller" })
        .text(node._(`store.field.${field}`))
        .appendTo(cell);
      const input = control(node, field).css({ width: "100%", "box-sizing": "border-box", margin: 0 }).appendTo(cell);
      input.addClass(`vigia-policy-${field}`).attr("title", node._(`store.allowed.${field}`));
      input.val(row.policy?.[field] ?? (field === "precision" ? "exact" : ""));
      row.fields.set(field, input);
    }
  }
  const reason = $("<div>", { class: "vigia-policy-reason", role: "alert" }).appendTo(container);
  reason.css({ color: "var(--red-ui-text-color-error)" });
  const check = () => {
    const wrong = fault(node, policyOf(row));
    for (const [field, input] of row.fields) input.toggleClass("input-error", wrong?.field === field);
    reason.text(wrong?.reason ?? "");
  };
  for (const input of row.fields.values()) input.on("input change", check);
  check();
}

/** The table in `list`; gives what its rows say. */
export function policiesTable(node: EditorNode, list: JQuery): () => PolicyText[] {
  list.editableList<Row>({
    addButton: node._("store.add-policy"),
    sortable: true,
    removable: true,
    height: "auto",
    addItem: (container, _index, row) => fillRow(node, container, row),
  });
  for (const policy of Array.isArray(node.policies) ? node.policies : []) list.editableList("addItem", { policy });
  return () =>
    list
      .editableList("items")
      .toArray()
      .map((item) => policyOf($(item).data("data") as Row));
}
