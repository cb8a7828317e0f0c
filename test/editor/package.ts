// What the package brings, read from package.json: the tests cover whatever is listed there.
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { root } from "./node-red.ts";

export const read = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");
export const json = <T>(...path: string[]): T => JSON.parse(read(...path));

interface Manifest {
  name: string;
  version: string;
  keywords: string[];
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  "node-red": { version: string; nodes: Record<string, string> };
}

export const manifest = json<Manifest>("package.json");
export const languages = ["en-US", "es"] as const;
export type Language = (typeof languages)[number];

export interface NodeSet {
  /** Name of the set in package.json: `window`. */
  name: string;
  /** `vigia-window` */
  type: string;
  /** Folder below `nodes/`: `analyse`. */
  group: string;
  config: boolean;
  inputs: number;
  outputs: number;
  /** Source of the editor definition and of the form. */
  editor: string;
  form: string;
  runtime: string;
}

export const sets: NodeSet[] = Object.entries(manifest["node-red"].nodes).map(([name, path]) => {
  const group = basename(dirname(path));
  const source = `nodes/${group}/${basename(path, ".js")}`;
  const editor = read(`${source}.editor.ts`);
  return {
    name,
    type: `vigia-${name}`,
    group,
    config: /^\s*category: "config"/m.test(editor),
    inputs: Number(/^\s*inputs: (\d+)/m.exec(editor)?.[1] ?? 0),
    outputs: Number(/^\s*outputs: (\d+)/m.exec(editor)?.[1] ?? 0),
    editor,
    form: read(`${source}.html`).replace(/<!-- form: ([\w-]+) -->/g, (_, row) => read(`nodes/editor/form/${row}.html`)),
    runtime: read(`${source}.ts`),
  };
});

export const types = sets.map(({ type }) => type);

export type FlowNode = { id: string; type: string; z?: string } & Record<string, unknown>;

export interface Example {
  /** As the editor's menu shows it. */
  title: string;
  flow: FlowNode[];
}

export const examples: Example[] = globSync("examples/**/*.json", { cwd: root })
  .sort()
  .map((file) => ({ title: basename(file, ".json"), flow: json<FlowNode[]>(file) }));

/** Every text of a catalogue by its dotted key. */
export function flatten(texts: object, prefix = ""): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(texts)) {
    if (typeof value === "string") flat.set(prefix + key, value);
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) flat.set(inner, text);
  }
  return flat;
}

/** The texts that Node-RED has for a set: its own and the common ones, as the build puts them together. */
export const catalogue = (language: Language, name: string): Map<string, string> =>
  flatten({
    ...json<object>("locales", language, "common.json"),
    ...json<object>("locales", language, `${name}.json`),
  });
