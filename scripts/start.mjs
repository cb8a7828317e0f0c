// `npm start`: builds when a source is newer than the build, then runs the demo. `npm start -- --fresh` empties it first.
import { spawnSync } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const newest = (pattern) =>
  Math.max(0, ...globSync(pattern, { cwd: root }).map((file) => statSync(join(root, file)).mtimeMs));

const built = join(root, "dist/nodes/store/store.js");
const sources = newest("{nodes,lib,locales,icons}/**/*.*");
if (!existsSync(built) || statSync(built).mtimeMs < sources) {
  const { status } = spawnSync(process.execPath, [join(root, "scripts/build.mjs")], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`The demo needs Node 22.18 or newer, this is ${process.versions.node}: start it by "npm start".`);
  process.exit(1);
}
await import("../demo/run.ts");
