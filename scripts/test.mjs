// All checks, in the order in which they are cheap. Runs on the Node that the install brought.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

run("node_modules/typescript/bin/tsc", "-p", "tsconfig.json");
// The other tests of the store start threads and kill them: they join when the worker is finished.
run("--test", ...globSync("test/lib/{codecs/*,window/*,store/engine,store/committer}.test.ts"));
