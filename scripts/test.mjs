// All checks, the cheap ones first: build, types, lint, the library, the nodes on Node-RED 5 and 4.1, the real peers,
// the packed package, the editor. Runs on the Node that the install brought. `npm test -- lib nodes` runs these parts.
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const asked = process.argv.slice(2);

function run(title, args, env = {}) {
  console.log(`\n▶ ${title}`);
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exit(status ?? 1);
}

const tsc = "node_modules/typescript/bin/tsc";
const tests = (folder) => globSync(`test/${folder}/**/*.test.ts`, { cwd: root });

/** Tests wait for each other where they need the machine for themselves. */
function test(title, folder, { env = {}, alone = false } = {}) {
  const files = tests(folder);
  if (files.length > 0) run(title, ["--test", ...(alone ? ["--test-concurrency=1"] : []), ...files], env);
}

const five = { NODE_RED: "node-red" };
const four = { NODE_RED: "node-red-4" };

const parts = {
  build: () => run("build", ["scripts/build.mjs"]),
  types: () => {
    run("types", [tsc, "-p", "tsconfig.json"]);
    run("types of the editor", [tsc, "-p", "tsconfig.editor.json"]);
  },
  lint: () => run("lint", ["node_modules/@biomejs/biome/bin/biome", "check", "."]),
  lib: () => test("library", "lib"),
  nodes: () => {
    test("nodes on Node-RED 5", "nodes", { env: five });
    test("nodes on Node-RED 4.1", "nodes", { env: four });
  },
  peers: () => test("real peers", "peers", { alone: true }),
  package: () => test("package", "package", { alone: true }),
  editor: () => {
    test("editor of Node-RED 5", "editor", { env: five, alone: true });
    test("editor of Node-RED 4.1", "editor", { env: four, alone: true });
  },
};

if (!existsSync(join(root, "dist")) && asked.length > 0 && !asked.includes("build")) parts.build();
for (const part of asked.length > 0 ? asked : Object.keys(parts)) {
  if (!parts[part]) {
    console.error(`no part ${part}; there are ${Object.keys(parts).join(", ")}`);
    process.exit(2);
  }
  parts[part]();
}
