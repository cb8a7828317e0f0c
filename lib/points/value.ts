const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** States that mean the same everywhere. A node's own list comes on top. */
export const DEFAULT_STATES: Readonly<Record<string, number>> = {
  true: 1,
  false: 0,
  on: 1,
  off: 0,
  up: 1,
  down: 0,
  online: 1,
  offline: 0,
  yes: 1,
  no: 0,
};

/** `undefined`: not a number. `null`: a gap (`NaN` as text). */
export function parseNumber(text: string): number | null | undefined {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) return Number(trimmed);
  const infinite = INFINITE.exec(trimmed);
  if (infinite) return infinite[1] === "-" ? -Infinity : Infinity;
  return /^[+-]?nan$/i.test(trimmed) ? null : undefined;
}

/**
 * A value as the contract takes it: number, boolean, numeric text, a state of `states` (any case), or `null`.
 * `undefined` when it is none of these; a NaN number is none of these.
 */
export function readValue(raw: unknown, states: Readonly<Record<string, number>>): number | null | undefined {
  switch (typeof raw) {
    case "number":
      return Number.isNaN(raw) ? undefined : raw;
    case "boolean":
      return raw ? 1 : 0;
    case "string": {
      const number = parseNumber(raw);
      if (number !== undefined) return number;
      const state = raw.trim().toLowerCase();
      return Object.hasOwn(states, state) ? states[state] : undefined;
    }
    default:
      return raw === null ? null : undefined;
  }
}
