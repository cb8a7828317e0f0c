import { seriesField } from "../editor/fields.ts";
import { duration, number } from "../editor/validate.ts";

RED.nodes.registerType("vigia-write", {
  category: "vigia",
  color: "#DEB887",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    store: { value: "", type: "vigia-store", required: true, label: RED._("@vigia/node-red/write:common.store") },
    series: { value: "topic" },
    seriesType: { value: "msg" },
    maxWaiting: {
      value: 100000,
      label: RED._("@vigia/node-red/write:write.max-waiting"),
      validate: number(1, 10_000_000, { integer: true, blank: true }),
    },
    kpis: { value: false },
    every: {
      value: "1m",
      label: RED._("@vigia/node-red/write:common.every"),
      validate: duration({ blank: true }),
    },
  },
  inputs: 1,
  outputs: 3,
  icon: "vigia-write.svg",
  paletteLabel: "store KPIs",
  outputLabels(index) {
    return this._(["write.out-stored", "write.out-answers", "write.out-kpis"][index]!);
  },
  label() {
    return this.name || this._("write.label");
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    seriesField();
  },
});
