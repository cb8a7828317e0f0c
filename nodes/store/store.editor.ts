import { duration, required } from "../editor/validate.ts";

RED.nodes.registerType("vigia-store", {
  category: "config",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    file: { value: "vigia/points.db", required: true, validate: required() },
    every: { value: "1s", required: true, validate: duration() },
  },
  label() {
    return this.name || this.file;
  },
});
