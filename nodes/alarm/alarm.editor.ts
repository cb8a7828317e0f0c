import { seriesField } from "../editor/fields.ts";
import { rulesAreValid, rulesTable } from "../editor/rules.ts";
import { duration, number, oneOfOr, required, zone } from "../editor/validate.ts";

RED.nodes.registerType("vigia-alarm", {
  category: "vigia",
  color: "#E49191",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    alarm: { value: "" },
    rules: {
      value: [{ when: "alert", severity: "warning" }],
      label: RED._("@vigia/node-red/alarm:alarm.rule"),
      validate: rulesAreValid(),
    },
    noData: {
      value: "off",
      required: true,
      label: RED._("@vigia/node-red/alarm:alarm.no-data"),
      validate: oneOfOr(["off", "learned"], duration(), "alarm.invalid-no-data"),
    },
    noDataSeverity: { value: "warning" },
    liveWithin: {
      value: "10m",
      required: true,
      label: RED._("@vigia/node-red/alarm:alarm.live-within"),
      validate: duration(),
    },
    zone: { value: "", label: RED._("@vigia/node-red/alarm:alarm.zone"), validate: zone() },
    deviation: {
      value: "deviation",
      required: true,
      label: RED._("@vigia/node-red/alarm:alarm.deviation"),
      validate: required(),
    },
    as: { value: "alarm", required: true, label: RED._("@vigia/node-red/alarm:alarm.as"), validate: required() },
    series: { value: "topic" },
    seriesType: { value: "msg" },
    store: { value: "", type: "vigia-store", required: false },
    maxSeries: {
      value: 10000,
      label: RED._("@vigia/node-red/alarm:alarm.max-series"),
      validate: number(1, 10_000_000, { integer: true, blank: true }),
    },
  },
  inputs: 1,
  outputs: 2,
  icon: "vigia-alarm.svg",
  paletteLabel: "alarm",
  outputLabels(index) {
    return this._(index === 0 ? "alarm.out-events" : "alarm.out-all");
  },
  label() {
    return this.name || this.alarm || this._("alarm.label");
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    seriesField();
    const { rules } = rulesTable(this, $("#node-input-rule-list"), $("#node-input-rule-csv"));
    $("#node-input-rule-list").data("rules", rules);
  },
  oneditsave() {
    this.rules = $("#node-input-rule-list").data("rules")();
  },
});
