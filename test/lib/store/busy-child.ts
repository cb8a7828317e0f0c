// Run as a process of its own: node busy-child.ts <what> <file> <first frame>. Appends frames and does one more thing
// all the time, until it is killed. Prints "open", then "frame <n>" for each frame that is on disk, and a line before
// and after each of the other things.
import { openStore } from "../../../lib/store/open.ts";
import type { Store } from "../../../lib/store/types.ts";
import { Dice, frameOf, TINY } from "./fixtures.ts";
import { ingestFrame } from "./ingest-frame.ts";

const [what = "", file = "", first = "0"] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const dice = new Dice(Number(first) + 1);

const store: Store = await openStore({
  file,
  commitEvery: 3,
  commitPoints: 100,
  tuning: { ...TINY, headPoints: 300, expireEvery: 5 },
  // The frames are old enough to go at once.
  ...(what === "retention" && { policies: [{ keep: 1 }] }),
});
say("open");

let next = Number(first);
async function ingest(): Promise<void> {
  const frames = Array.from({ length: 4 }, () => next++);
  await Promise.all(
    frames.map(async (n) => {
      await store.append(frameOf(ingestFrame(n)));
      say(`frame ${n}`);
    }),
  );
}

async function snapshot(round: number): Promise<void> {
  const name = `${first}-${round}`;
  await store.snapshot(name);
  say(`snapshot ${name}`);
  const names = (await store.snapshots()).map((one) => one.name);
  if (names.length > 3) {
    say(`dropping ${names[0]}`);
    await store.dropSnapshot(names[0]!);
  }
}

async function backup(): Promise<void> {
  await store.backup(`${file}.copy`);
  say("copied");
}

async function restore(round: number): Promise<void> {
  if (round === 0) {
    await store.backup(`${file}.copy`);
    say("copied");
  } else if (dice.next() < 0.4) {
    say("restoring");
    await store.restore(`${file}.copy`);
    say("restored");
  }
}

async function load(): Promise<void> {
  const n = next++;
  await store.load(frameOf(ingestFrame(n)));
  say(`frame ${n}`);
}

const more: Record<string, (round: number) => unknown> = { snapshot, backup, restore, load };
for (let round = 0; ; round++) {
  await ingest();
  await more[what]?.(round);
}
