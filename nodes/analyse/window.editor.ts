import { seriesField } from "../editor/fields.ts";
import { aggregates, duration, durationOrZero, number } from "../editor/validate.ts";

RED.nodes.registerType("vigia-window", {
  category: "vigia",
  color: "#87A980",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    every: { value: "1m", label: RED._("@vigia/node-red/window:window.every"), validate: duration() },
    lateness: { value: "5s", label: RED._("@vigia/node-red/window:window.lateness"), validate: durationOrZero() },
    aggregates: { value: "mean", label: RED._("@vigia/node-red/window:window.aggregates"), validate: aggregates() },
    stamp: { value: "start" },
    series: { value: "topic" },
    seriesType: { value: "msg" },
    store: { value: "", type: "vigia-store", required: false },
    maxSeries: {
      value: 10000,
      label: RED._("@vigia/node-red/window:window.max-series"),
      validate: number(1, 10_000_000, { integer: true, blank: true }),
    },
    batched: { value: false },
  },
  inputs: 1,
  outputs: 2,
  icon: "vigia-window.svg",
  paletteLabel: "KPI window",
  outputLabels(index) {
    return this._(index === 0 ? "window.out-results" : "window.out-late");
  },
  label() {
    return this.name || `${this.aggregates} ${this.every}`;
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    seriesField();
  },
});
