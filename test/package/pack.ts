// The package as it would be published, from what is built in dist.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../editor/node-red.ts";

const run = promisify(execFile);
export const require = createRequire(import.meta.url);

/** `npm` of the machine. */
export async function npm(cwd: string, ...args: string[]): Promise<string> {
  const options = { cwd, shell: process.platform === "win32", maxBuffer: 50_000_000 };
  const { stdout } = await run("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], options);
  return stdout;
}

export function tempFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "vigia-package-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Packed {
  tarball: string;
  size: number;
  files: string[];
}

export async function pack(into: string): Promise<Packed> {
  // Without `prepack`: the build ran before the tests, and others may be using it.
  const out = await npm(root, "pack", "--json", "--ignore-scripts", "--pack-destination", into);
  interface Entry {
    filename: string;
    size: number;
    files: { path: string }[];
  }
  const answer = JSON.parse(out) as Entry[] | Record<string, Entry>;
  const [entry] = Array.isArray(answer) ? answer : Object.values(answer);
  if (!entry) throw new Error(`npm pack: ${out}`);
  const { filename, size, files } = entry;
  return {
    tarball: join(into, filename.replace("@", "").replace("/", "-")),
    size,
    files: files.map(({ path }) => path).sort(),
  };
}
