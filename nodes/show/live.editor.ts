import { seriesField } from "../editor/fields.ts";
import { duration, number, patterns } from "../editor/validate.ts";

const DEFAULT_PATH = "live";
const PATH = /^\/*[\w-]+(?:\/[\w-]+)*\/*$/;

function zoneIsKnown(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** Where the page is, as the browser that shows the editor sees it. */
function addressOf(path: string): string {
  const root = String(RED.settings.httpNodeRoot || "/");
  return `${root.replace(/\/*$/, "/")}vigia/${path.trim().replace(/^\/+|\/+$/g, "") || DEFAULT_PATH}/`;
}

RED.nodes.registerType("vigia-live", {
  category: "vigia",
  color: "#3FADB5",
  defaults: {
    name: { value: "" },
    version: { value: 1 },
    path: {
      value: DEFAULT_PATH,
      validate(value, options) {
        if (!value || PATH.test(String(value))) return true;
        return `${options.label ? `${options.label}: ` : ""}${this._("live.invalid.path")}`;
      },
    },
    store: { value: "", type: "vigia-store", required: false },
    kpis: { value: "", validate: patterns() },
    range: { value: "5m", validate: duration({ blank: true }) },
    zone: {
      value: "",
      validate(value, options) {
        if (!value || zoneIsKnown(String(value))) return true;
        return `${options.label ? `${options.label}: ` : ""}${this._("live.invalid.zone")}`;
      },
    },
    series: { value: "topic" },
    seriesType: { value: "msg" },
    maxSeries: { value: 10000, validate: number(1, 10_000_000, { integer: true, blank: true }) },
  },
  inputs: 1,
  outputs: 0,
  icon: "vigia-live.svg",
  align: "right",
  paletteLabel: "live page",
  label() {
    return this.name || `${this._("live.label")} /${this.path || DEFAULT_PATH}`;
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    seriesField();
    const link = $("#vigia-live-link");
    const show = () => {
      const address = addressOf(String($("#node-input-path").val() ?? ""));
      link.attr("href", address).text(address);
    };
    $("#node-input-path").on("input change", show);
    show();
  },
});
