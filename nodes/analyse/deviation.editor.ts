import { seriesField } from "../editor/fields.ts";
import { duration, durationOrZero, number, required, zone } from "../editor/validate.ts";

RED.nodes.registerType("vigia-deviation", {
  category: "vigia",
  color: "#87A980",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    falseAlarms: { value: 2, required: true, label: "falseAlarms", validate: number(0.01, 10_000) },
    direction: { value: "both" },
    least: { value: 0, label: "least", validate: number(0, 1e300, { blank: true }) },
    leastPercent: { value: 0, label: "leastPercent", validate: number(0, 10_000, { blank: true }) },
    holdOff: { value: "2h", required: true, label: "holdOff", validate: durationOrZero() },
    warmUp: { value: "1d", required: true, label: "warmUp", validate: durationOrZero() },
    liveWithin: { value: "10m", required: true, label: "liveWithin", validate: duration() },
    zone: { value: "UTC", label: "zone", validate: zone() },
    as: { value: "deviation", required: true, label: "as", validate: required() },
    series: { value: "topic" },
    seriesType: { value: "msg" },
    store: { value: "", type: "vigia-store", required: false },
    maxSeries: { value: 10000, label: "maxSeries", validate: number(1, 10_000_000, { integer: true, blank: true }) },
  },
  inputs: 1,
  outputs: 2,
  icon: "vigia-deviation.svg",
  paletteLabel: "deviation",
  outputLabels(index) {
    return this._(index === 0 ? "deviation.out-all" : "deviation.out-alerts");
  },
  label() {
    return this.name || this._("deviation.label");
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    seriesField();
    const field = $("#node-input-zone");
    // A new node takes the zone of whoever wires it.
    if (field.val() === "") field.val(Intl.DateTimeFormat().resolvedOptions().timeZone);
  },
});
