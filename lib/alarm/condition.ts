import type { Evidence } from "./evidence.ts";
import type { Rule } from "./rule.ts";

/** Whether a value lies outside of `low` … `high`; `undefined` when the range is not known. */
function outside(value: number, low: number, high: number): boolean | undefined {
  if (value > high || value < low) return true;
  return Number.isNaN(low) || Number.isNaN(high) ? undefined : false;
}

function outsideBand(rule: Rule, active: boolean, value: number, { lower, upper }: Readonly<Evidence>) {
  const inward = active ? rule.deadband + rule.deadbandPart * (upper - lower) : 0;
  const margin = rule.limit - inward;
  return outside(value, lower - margin, upper + margin);
}

/**
 * Whether the condition of a rule holds. With `active` (it held before, and is not over) the other side counts: it
 * holds until the value has come to the off limit, or through the deadband. `undefined`: what it needs of the
 * deviation node is not known, and nothing changes.
 *
 * An alert is one point of many: it lasts until the value is back between the bounds of what is expected; of a point
 * without an annotation, between those that were last `known`.
 */
export function holds(
  rule: Rule,
  active: boolean,
  value: number,
  evidence: Readonly<Evidence>,
  known: { readonly lower: number; readonly upper: number },
): boolean | undefined {
  switch (rule.when) {
    case "above":
      return value > (active ? rule.off : rule.limit);
    case "below":
      return value < (active ? rule.off : rule.limit);
    case "outside": {
      const inward = active ? rule.deadband : 0;
      return value > rule.high - inward || value < rule.low + inward;
    }
    case "inside": {
      const outward = active ? rule.deadband : 0;
      return value >= rule.low - outward && value <= rule.high + outward;
    }
    case "equals":
      // With an off state of its own it lasts until that one is told.
      return active && rule.off !== rule.limit ? value !== rule.off : value === rule.limit;
    case "differs":
      return value !== rule.limit;
    case "band":
      return outsideBand(rule, active, value, evidence);
    case "score":
      return Number.isNaN(evidence.score) ? undefined : evidence.score > (active ? rule.off : rule.limit);
    case "alert":
      if (evidence.alert) return true;
      return active ? outside(value, known.lower, known.upper) : undefined;
  }
}
