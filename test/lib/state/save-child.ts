// Run as a process of its own: node save-child.ts <file> <node> [times]. Saves for ever, or so many times, and prints
// the number of each save that is on disk. All records of one save hold its number.
import { StateFile } from "../../../lib/state/state-file.ts";

const NOW = Date.UTC(2026, 0, 1);
const [path = "", node = "", times = "Infinity"] = process.argv.slice(2);
const file = new StateFile(path);
const first = (file.load(node)?.cursor ?? 0) + 1;
for (let n = first; n < first + Number(times); n++) {
  const data = { n, padding: "x".repeat(500) };
  file.save(
    node,
    {
      version: 1,
      cursor: n,
      shared: n,
      put: Array.from({ length: 40 }, (_, i) => [`s${i}`, { series: `s${i}`, data }]),
      drop: [`gone${n - 1}`],
    },
    NOW,
  );
  // Written at once, so that the parent never waits for what is on disk already.
  process.stdout.write(`${n}\n`);
}
file.close(NOW);
