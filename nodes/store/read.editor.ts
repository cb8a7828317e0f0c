import { seriesField } from "../editor/fields.ts";
import { bucket, moment, storedAggregates } from "../editor/history.ts";
import { duration, number, tags, zone } from "../editor/validate.ts";
import { outputSaved } from "./read-outputs.ts";

RED.nodes.registerType("vigia-read", {
  category: "vigia",
  color: "#DEB887",
  defaults: {
    name: { value: "" },
    version: { value: 2 },
    store: { value: "", type: "vigia-store", required: true, label: RED._("@vigia/node-red/read:common.store") },
    mode: { value: "last" },
    series: { value: "#" },
    seriesType: { value: "str" },
    tags: { value: "", label: RED._("@vigia/node-red/read:common.tags"), validate: tags() },
    range: { value: "1h", label: RED._("@vigia/node-red/read:read.range"), validate: duration({ blank: true }) },
    from: { value: "", label: RED._("@vigia/node-red/read:read.from"), validate: moment() },
    to: { value: "", label: RED._("@vigia/node-red/read:read.to"), validate: moment() },
    every: { value: "1h", label: RED._("@vigia/node-red/read:read.every"), validate: bucket() },
    zone: { value: "", label: RED._("@vigia/node-red/read:read.zone"), validate: zone() },
    aggregates: {
      value: "mean, min, max",
      label: RED._("@vigia/node-red/read:read.aggregates"),
      validate: storedAggregates(),
    },
    fill: { value: "null" },
    asOf: { value: "" },
    limit: {
      value: 100000,
      label: RED._("@vigia/node-red/read:read.limit"),
      validate: number(1, 1_000_000, { integer: true, blank: true }),
    },
    take: { value: "newest" },
    output: { value: "points" },
    onlyChanged: { value: false },
    pieceRows: {
      value: "",
      label: RED._("@vigia/node-red/read:read.piece-rows"),
      validate: number(0, 1_000_000, { integer: true, blank: true }),
    },
    handshake: { value: false },
  },
  inputs: 1,
  outputs: 1,
  icon: "vigia-read.svg",
  paletteLabel: "read KPIs",
  outputLabels() {
    return this._("read.out-answers");
  },
  label() {
    if (this.name) return this.name;
    if (this.mode === "range") return `${this.series} ${this.range}`;
    if (this.mode === "buckets") return `${this.aggregates} · ${this.every}`;
    return this._("read.label", { series: this.series });
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  onadd() {
    // Days are those of whoever wires it.
    this.zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  },
  oneditprepare() {
    seriesField(["str", "msg", "env"], "str");
    const mode = $("#node-input-mode");
    const output = $("#node-input-output").val(String(outputSaved(this)));
    const show = () => {
      const buckets = mode.val() === "buckets";
      const past = buckets || mode.val() === "range";
      $(".vigia-read-past").toggle(past);
      $(".vigia-read-buckets").toggle(buckets);
      $(".vigia-read-pieces").toggle(past && output.val() !== "chart");
    };
    mode.on("change", show);
    output.on("change", show);
    show();
  },
  oneditsave() {
    this.version = 2;
  },
});
