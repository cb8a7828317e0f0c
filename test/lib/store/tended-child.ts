// Run as a process of its own: node tended-child.ts <file>. Writes an hour a commit and does all that a store does
// meanwhile, until it is killed; prints a line for each commit. What holds after each of its transactions is what
// `reader.test.ts` looks for.
import { seriesRef } from "../../../lib/points/series.ts";
import { Engine } from "../../../lib/store/engine.ts";
import { Dice, expireAll, flushAll, frameOf, logRows, ManualClock, type Row, START, TINY } from "./fixtures.ts";

const HOUR = 3_600_000;
const [file = ""] = process.argv.slice(2);
const names = (group: string) => Array.from({ length: 6 }, (_, n) => seriesRef(`${group}/${n}`));
const [expired, deleted] = [names("expired"), names("deleted")];
const clock = new ManualClock(START);
const dice = new Dice(1);
const engine = new Engine(file, clock, { ...TINY, headPoints: 1e9 }, [{ series: "expired/#", keep: 24 * HOUR }]);

for (let n = 0; ; n++) {
  const rows = [...expired, ...deleted].map((ref): Row => [ref, START + n * HOUR, n]);
  if (n % 10 === 0) rows.push([seriesRef(`new/${n}`), START, n]);
  engine.commit([logRows(engine, frameOf(rows))]);
  clock.advance(HOUR);
  const what = dice.next();
  if (what < 0.2) flushAll(engine);
  else if (what < 0.4) expireAll(engine);
  else if (what < 0.6)
    engine.delete({ series: "deleted/#", from: START + dice.int(0, n) * HOUR, to: START + n * HOUR });
  else if (what < 0.7) {
    for (const { name } of engine.reading.snapshots.list()) engine.dropSnapshot(name);
    engine.snapshot(String(n));
  }
  process.stdout.write(`${n}\n`);
}
