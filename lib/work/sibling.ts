/**
 * URL of the module `name` beside the caller, for `new Worker(…)`: the same code runs from source (`.ts`, tests) and
 * from the build (`.js`).
 */
export function sibling(importMetaUrl: string, name: string): URL {
  return new URL(`./${name}${importMetaUrl.endsWith(".ts") ? ".ts" : ".js"}`, importMetaUrl);
}
