import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { atEnd, folderOf } from "./at-end.ts";

const run = (program: string, ...args: string[]) => void execFileSync(program, args, { stdio: "pipe" });

export interface Tmpfs {
  folder: string;
  remount(mode: "ro" | "rw"): void;
}

/** A small disk of its own; `undefined` where this user may not mount: the test is skipped then, except in CI. */
export function tmpfs(t: TestContext, size: string): Tmpfs | undefined {
  const folder = join(folderOf(t), "disk");
  mkdirSync(folder);
  try {
    run("mount", "-t", "tmpfs", "-o", `size=${size}`, "vigia-test", folder);
  } catch (thrown) {
    const [told] = String((thrown as { stderr?: Buffer }).stderr ?? thrown).split("\n");
    const why = `needs to mount a tmpfs, which this user may not (${told})`;
    if (process.env.CI) throw new Error(`CI ${why}`);
    t.skip(why);
    return undefined;
  }
  atEnd(t, () => run("umount", "--lazy", folder));
  return { folder, remount: (mode) => run("mount", "-o", `remount,${mode}`, folder) };
}
