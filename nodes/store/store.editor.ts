import { policiesAreValid, policiesTable } from "../editor/policies.ts";
import { duration, required } from "../editor/validate.ts";

RED.nodes.registerType("vigia-store", {
  category: "config",
  paletteLabel: "KPI store",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    file: { value: "vigia/points.db", label: RED._("@vigia/node-red/store:store.file"), validate: required() },
    every: { value: "1s", label: RED._("@vigia/node-red/store:store.every"), validate: duration() },
    readOnly: { value: false },
    policies: { value: [], label: RED._("@vigia/node-red/store:store.policy"), validate: policiesAreValid() },
  },
  label() {
    return this.name || this.file;
  },
  oneditprepare() {
    const list = $("#node-config-input-policy-list");
    list.data("policies", policiesTable(this, list));
    // Who only reads commits nothing.
    const readOnly = $("#node-config-input-readOnly");
    const rows = $("#node-config-input-every").closest(".form-row").add(".vigia-policies");
    const show = () => rows.toggle(!readOnly.prop("checked"));
    readOnly.on("change", show);
    show();
  },
  oneditsave() {
    this.policies = $("#node-config-input-policy-list").data("policies")();
  },
});
