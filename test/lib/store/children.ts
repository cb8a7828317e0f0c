import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** Starts a file of this folder as a process and gives its lines; `kill` is as hard as it gets. */
export function childOf(t: TestContext, name: string, ...args: string[]) {
  const path = fileURLToPath(new URL(`./${name}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  t.after(kill);
  return { lines: createInterface({ input: child.stdout }), kill };
}
