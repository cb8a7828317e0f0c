import { seriesField } from "../editor/fields.ts";
import { duration, number, tags } from "../editor/validate.ts";

RED.nodes.registerType("vigia-read", {
  category: "vigia",
  color: "#DEB887",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    store: { value: "", type: "vigia-store", required: true, label: RED._("@vigia/node-red/read:common.store") },
    mode: { value: "last" },
    series: { value: "#" },
    seriesType: { value: "str" },
    tags: { value: "", label: RED._("@vigia/node-red/read:common.tags"), validate: tags() },
    range: { value: "1h", label: RED._("@vigia/node-red/read:read.range"), validate: duration() },
    limit: {
      value: 100000,
      label: RED._("@vigia/node-red/read:read.limit"),
      validate: number(1, 1_000_000, { integer: true, blank: true }),
    },
    output: { value: "rows" },
    batched: { value: false },
  },
  inputs: 1,
  outputs: 1,
  icon: "vigia-read.svg",
  paletteLabel: "read KPIs",
  outputLabels() {
    return this._("read.out-points");
  },
  label() {
    if (this.name) return this.name;
    return this.mode === "range" ? `${this.series} ${this.range}` : this._("read.label", { series: this.series });
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    seriesField(["str", "msg", "env"], "str");
    const range = $("#node-input-range, #node-input-limit").closest(".form-row");
    const mode = $("#node-input-mode");
    const show = () => range.toggle(mode.val() === "range");
    mode.on("change", show);
    show();
  },
});
