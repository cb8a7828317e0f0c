/** From the least to the most severe, by the names of X.733; `info` is below its `warning`. */
export const SEVERITIES = ["info", "warning", "minor", "major", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** 1 … 5, so that 0 is "none"; 0 for what is no severity. */
export const rankOf = (severity: string): number => SEVERITIES.indexOf(severity as Severity) + 1;

/** The severity of a rank from 1 on. */
export const severityOf = (rank: number): Severity => SEVERITIES[rank - 1]!;
