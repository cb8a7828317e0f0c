import { duration, required } from "../editor/validate.ts";

const GROUPS = ["cpu", "load", "memory", "disk", "network", "temperature", "process"];

RED.nodes.registerType("vigia-host", {
  category: "vigia",
  color: "#8FBBD9",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    every: { value: "10s", label: RED._("@vigia/node-red/host:common.every"), validate: duration() },
    series: { value: "host", label: RED._("@vigia/node-red/host:host.prefix"), validate: required() },
    groups: {
      value: "cpu,load,memory,disk,network,temperature,process",
      label: RED._("@vigia/node-red/host:host.groups"),
      validate: required(),
    },
    batched: { value: false },
  },
  inputs: 0,
  outputs: 1,
  icon: "vigia-host.svg",
  paletteLabel: "this host",
  outputLabels() {
    return this._("host.out-points");
  },
  label() {
    return this.name || this._("host.label", { every: this.every });
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    const groups = {
      value: "groups",
      multiple: true,
      options: GROUPS.map((value) => ({ value, label: this._(`host.group.${value}`) })),
    };
    $("#node-input-groups").typedInput({ types: [groups] });
  },
});
