// Run as a process of its own: node ingest-child.ts <file> <first frame>. Appends for ever, and prints
// "<frame> <seq>" for each frame that is on disk.
import { openStore } from "../../../lib/store/open.ts";
import { frameOf, TINY } from "./fixtures.ts";
import { ingestFrame } from "./ingest-frame.ts";

const [file = "", first = "0"] = process.argv.slice(2);
const store = await openStore({ file, commitEvery: 3, commitPoints: 100, tuning: { ...TINY, headPoints: 300 } });
process.stdout.write("open\n");
let stopped = false;
store.watch((health) => {
  stopped ||= health.state === "failing";
});
for (let n = Number(first); !stopped; n += 4) {
  const frames = [n, n + 1, n + 2, n + 3];
  await Promise.all(
    frames.map(async (frame) => {
      const { seq } = await store.append(frameOf(ingestFrame(frame)));
      process.stdout.write(`${frame} ${seq}\n`);
    }),
  );
}
