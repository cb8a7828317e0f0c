/** What this reader chose on this page. A browser may forbid storage (a sandboxed frame): then nothing is remembered. */
export interface Remembered {
  /** Ids of the KPIs; absent: the default ones. */
  kpis?: string[];
  grouped?: boolean;
  theme?: "dark" | "light";
}

const KEY = `vigia-live ${location.pathname}`;

export function remembered(): Remembered {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Remembered;
  } catch {
    return {};
  }
}

export function remember(change: { [K in keyof Remembered]: Remembered[K] | undefined }): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...remembered(), ...change }));
  } catch {
    // Not remembered.
  }
}
