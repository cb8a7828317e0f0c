import { duration, durationOrZero, number, type Validator } from "../editor/validate.ts";

/** Valid when `fits` says so; it is given how to know what is chosen in the dialog, or else in the node. */
function validator(key: string, fits: (value: string, chosen: (name: string) => unknown) => boolean): Validator {
  return function (value, options) {
    if (fits(String(value ?? "").trim(), (name) => $(`#node-input-${name}`).val() ?? this[name])) return true;
    const reason = this._(key);
    return options.label ? `${options.label}: ${reason}` : reason;
  };
}

function isList(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

const speed = validator("replay.invalid-speed", (value) => value === "max" || Number(value) > 0);
const file = validator("common.invalid.required", (value, chosen) => chosen("source") !== "file" || value !== "");
const custom = validator(
  "replay.invalid-custom",
  (value, chosen) => chosen("source") === "file" || chosen("kpis") !== "custom" || isList(value),
);

RED.nodes.registerType("vigia-replay", {
  category: "vigia",
  color: "#8FBBD9",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    source: { value: "synthetic" },
    kpis: { value: "plant" },
    custom: { value: '[{"series":"temperature","unit":"°C","level":20,"daily":5,"noise":0.5}]', validate: custom },
    every: { value: "10s", label: RED._("@vigia/node-red/replay:common.every"), validate: duration() },
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
    history: { value: "0s", label: RED._("@vigia/node-red/replay:replay.history"), validate: durationOrZero() },
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
      const past = /[1-9]/.test(value("history"));
      rows(["speed"]).toggle(!now && !past);
    };
    $("#node-input-source, #node-input-kpis, #node-input-times").on("change", show);
    $("#node-input-history").on("input change", show);
    show();
  },
});
