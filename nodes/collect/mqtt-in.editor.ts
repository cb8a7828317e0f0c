import { mqttTopics, number, required, template } from "../editor/validate.ts";

/** A URL, or an embedded broker of this flow: its id, which the editor keeps right when flows are copied. */
function brokerField(node: EditorNode): void {
  const embedded = RED.nodes.filterNodes({ type: "vigia-broker" });
  const options = embedded.map(({ id, name, port }) => ({
    value: id,
    label: name || `${node._("mqtt-in.embedded")} :${port}`,
  }));
  const types: { value: string; label: string; options?: unknown[] }[] = [{ value: "url", label: "URL" }];
  if (options.length > 0) types.push({ value: "node", label: node._("mqtt-in.embedded"), options });
  const own = String(node.broker);
  const field = $("#node-input-broker");
  field.typedInput({ types });
  field.typedInput("type", own.includes("://") || options.length === 0 ? "url" : "node");
  field.typedInput("value", own);
}

RED.nodes.registerType("vigia-mqtt-in", {
  category: "vigia",
  color: "#8FBBD9",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    broker: {
      value: "mqtt://127.0.0.1:1883",
      type: "vigia-broker",
      label: RED._("@vigia/node-red/mqtt-in:mqtt-in.broker"),
      validate: required(),
    },
    topics: { value: "#", label: RED._("@vigia/node-red/mqtt-in:mqtt-in.topics"), validate: mqttTopics() },
    qos: { value: "1" },
    protocol: { value: "4" },
    clientId: { value: "" },
    tls: { value: "", type: "tls-config", required: false },
    format: { value: "auto" },
    precision: { value: "auto" },
    template: { value: "#", label: RED._("@vigia/node-red/mqtt-in:common.template"), validate: template() },
    retained: { value: "take" },
    ackWhen: { value: "received" },
    store: {
      value: "",
      type: "vigia-store",
      label: RED._("@vigia/node-red/mqtt-in:common.store"),
      validate(value, options) {
        const ackWhen = $("#node-input-ackWhen").val() ?? this.ackWhen;
        if (ackWhen !== "stored" || (value && value !== "_ADD_")) return true;
        return `${options.label ? `${options.label}: ` : ""}${this._("mqtt-in.needs-store")}`;
      },
    },
    maxOutstanding: {
      value: 4000,
      label: RED._("@vigia/node-red/mqtt-in:mqtt-in.max-outstanding"),
      validate: number(1, 65535, { integer: true, blank: true }),
    },
    batched: { value: false },
  },
  credentials: { user: { type: "text" }, password: { type: "password" } },
  inputs: 0,
  outputs: 2,
  icon: "vigia-mqtt-in.svg",
  paletteLabel: "MQTT KPIs",
  outputLabels(index) {
    return this._(index === 0 ? "mqtt-in.out-points" : "mqtt-in.out-rejected");
  },
  label() {
    return this.name || (this.topics === "#" ? "MQTT KPIs" : this.topics);
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    brokerField(this);
    const toggle = (source: string, rows: string, when: (value: unknown) => boolean) => {
      const select = $(source);
      const show = () => $(rows).closest(".form-row").toggle(when(select.val()));
      select.on("change", show);
      show();
    };
    toggle("#node-input-ackWhen", "#node-input-store, #node-input-maxOutstanding", (value) => value === "stored");
    toggle("#node-input-format", "#node-input-precision", (value) => value !== "json" && value !== "number");
  },
});
