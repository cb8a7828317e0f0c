import { seriesField } from "../editor/fields.ts";
import { template } from "../editor/validate.ts";

RED.nodes.registerType("vigia-decode", {
  category: "vigia",
  color: "#8FBBD9",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    format: { value: "auto" },
    precision: { value: "auto" },
    series: { value: "topic" },
    seriesType: { value: "msg" },
    template: { value: "#", label: RED._("@vigia/node-red/decode:common.template"), validate: template() },
    batched: { value: false },
  },
  inputs: 1,
  outputs: 2,
  icon: "vigia-decode.svg",
  paletteLabel: "decode KPIs",
  outputLabels(index) {
    return this._(index === 0 ? "decode.out-points" : "decode.out-rejected");
  },
  label() {
    return this.name || (this.format === "auto" ? this._("decode.label") : this.format);
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    seriesField();
    const format = $("#node-input-format");
    const show = () =>
      $("#node-input-precision")
        .closest(".form-row")
        .toggle(format.val() !== "json" && format.val() !== "number");
    format.on("change", show);
    show();
  },
});
