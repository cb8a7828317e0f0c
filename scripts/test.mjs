// All checks, in the order in which they are cheap. Runs on the Node that the install brought.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

run("node_modules/typescript/bin/tsc", "-p", "tsconfig.json");
// The tests of the store join when its worker is finished: some of them still wait for it.
run("--test", ...globSync("test/lib/codecs/**/*.test.ts"));
