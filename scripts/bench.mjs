// `npm run bench -- <name> [options]`: runs bench/<name>.ts, which prints one JSON line a result.
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [name, ...options] = process.argv.slice(2);
const file = join(root, "bench", `${name}.ts`);
if (!name || !existsSync(file)) {
  const names = globSync("*.ts", { cwd: join(root, "bench") }).map((bench) => basename(bench, ".ts"));
  console.error(`npm run bench -- ${names.sort().join(" | ")}`);
  process.exit(2);
}
const { status } = spawnSync(process.execPath, ["--expose-gc", file, ...options], { cwd: root, stdio: "inherit" });
process.exit(status ?? 1);
