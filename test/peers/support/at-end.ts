import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

const stacks = new WeakMap<TestContext, (() => unknown)[]>();

/** Undone at the end of the test, the last first: a process ends before its folder goes. (`t.after` runs the first first.) */
export function atEnd(t: TestContext, undo: () => unknown): void {
  const known = stacks.get(t);
  if (known) {
    known.push(undo);
    return;
  }
  const stack = [undo];
  stacks.set(t, stack);
  t.after(async () => {
    for (const next of stack.reverse()) await next();
  });
}

export function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vigia-peers-"));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
