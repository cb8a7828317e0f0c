import { duration, durationOrZero, number, type Validator } from "../editor/validate.ts";

/** A number above 0, or `max`. */
const speed: Validator = function (value, options) {
  if (value === "max" || Number(value) > 0) return true;
  const reason = this._("replay.invalid-speed");
  return options.label ? `${options.label}: ${reason}` : reason;
};

/** Needed when a file is played. */
const file: Validator = function (value, options) {
  const chosen = $("#node-input-source").val() ?? this.source;
  if (chosen !== "file" || String(value ?? "").trim() !== "") return true;
  const reason = this._("common.invalid.required");
  return options.label ? `${options.label}: ${reason}` : reason;
};

RED.nodes.registerType("vigia-replay", {
  category: "vigia",
  color: "#8FBBD9",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    source: { value: "synthetic" },
    kpis: { value: "plant" },
    custom: { value: '[{"series":"temperature","unit":"°C","level":20,"daily":5,"noise":0.5}]' },
    every: { value: "10s", required: true, validate: duration() },
    copies: { value: 1, validate: number(1, 100_000, { integer: true, blank: true }) },
    seed: { value: 1, validate: number(-1e15, 1e15, { blank: true }) },
    anomalies: { value: "", validate: duration({ blank: true }) },
    gaps: { value: "", validate: duration({ blank: true }) },
    file: { value: "", validate: file },
    precision: { value: "ms" },
    series: { value: "" },
    times: { value: "first-now" },
    speed: { value: "1", validate: speed },
    loop: { value: false },
    history: { value: "0s", required: true, validate: durationOrZero() },
    autostart: { value: true },
    store: { value: "", type: "vigia-store", required: false },
    batched: { value: false },
  },
  inputs: 1,
  outputs: 1,
  icon: "vigia-replay.svg",
  paletteLabel: "replay KPIs",
  inputLabels() {
    return this._("replay.in-control");
  },
  outputLabels() {
    return this._("replay.out-points");
  },
  label() {
    if (this.name) return this.name;
    if (this.source === "file") return String(this.file).split(/[\\/]/).at(-1) || this._("replay.label");
    return this._("replay.label-kpis", { kpis: this._(`replay.kpis-${this.kpis}`), every: this.every });
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    $("#node-input-custom").typedInput({ types: ["json"] });
    const rows = (names: string[]) => $(names.map((name) => `#node-input-${name}`).join(",")).closest(".form-row");
    const value = (name: string) => String($(`#node-input-${name}`).val());
    const show = () => {
      const made = value("source") === "synthetic";
      rows(["kpis", "every", "copies", "seed", "anomalies", "gaps"]).toggle(made);
      rows(["custom"]).toggle(made && value("kpis") === "custom");
      rows(["file", "precision", "loop"]).toggle(!made);
      // Synthetic KPIs have the times of the clock: only two of the choices make a difference.
      $("#node-input-times option").each((_, option) => {
        const own = $(option);
        own.prop("disabled", made && (own.val() === "last-now" || own.val() === "recorded"));
      });
      const now = made ? value("times") !== "present" : value("times") === "first-now";
      const past = !/^[0.\sa-z]*$/.test(value("history"));
      rows(["speed"]).toggle(!now && !past);
    };
    $("#node-input-source, #node-input-kpis, #node-input-times").on("change", show);
    $("#node-input-history").on("input change", show);
    show();
  },
});
