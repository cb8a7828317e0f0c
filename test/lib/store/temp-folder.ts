import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const folders: string[] = [];

// Not after each test: its own hooks, which close stores, must have had their turn.
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone after the last test of the file. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "vigia-store-"));
  folders.push(folder);
  return folder;
}
