/** Ways in which an answer goes out; also for the dialog, which opens flows of earlier releases. */
export const OUTPUTS = ["points", "messages", "rows", "frame", "chart"] as const;
export type Output = (typeof OUTPUTS)[number];

/** Until version 2 `rows` meant an array of Points, `points` a message each, and `batched` made Frames of both. */
export function outputSaved({ version, output, batched }: Readonly<Record<string, unknown>>): unknown {
  if (Number(version ?? 1) >= 2) return output;
  if (batched === true || batched === "true") return "frame";
  if (output === "points") return "messages";
  return output === undefined || output === "rows" ? "points" : output;
}
