import { number, required } from "../editor/validate.ts";

RED.nodes.registerType("vigia-broker", {
  category: "vigia",
  color: "#8FBBD9",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    port: {
      value: 1883,
      label: RED._("@vigia/node-red/broker:broker.port"),
      validate: number(0, 65535, { integer: true }),
    },
    host: { value: "127.0.0.1", label: RED._("@vigia/node-red/broker:broker.host"), validate: required() },
  },
  credentials: { user: { type: "text" }, password: { type: "password" } },
  inputs: 0,
  outputs: 0,
  icon: "vigia-broker.svg",
  paletteLabel: "MQTT broker",
  label() {
    return this.name || `MQTT broker :${this.port}`;
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
});
