/** The `series` setting: where the name of the KPI comes from. */
export function seriesField(types = ["msg", "str", "env"], fallback = "msg"): void {
  $("#node-input-series").typedInput({ default: fallback, typeField: $("#node-input-seriesType"), types });
}
