import { duration, required } from "../editor/validate.ts";

RED.nodes.registerType("vigia-store", {
  category: "config",
  paletteLabel: "KPI store",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    file: { value: "vigia/points.db", label: RED._("@vigia/node-red/store:store.file"), validate: required() },
    every: { value: "1s", label: RED._("@vigia/node-red/store:store.every"), validate: duration() },
  },
  label() {
    return this.name || this.file;
  },
});
