// Run as a process of its own: node queue-child.ts <file> <from> <count>. Queues and delivers at once, and prints what
// it has done: `queued key`, `sent key` (the receiver has it), `delivered key` (it is recorded). Ends when all is done.
import { writeSync } from "node:fs";
import { NotificationQueue } from "../../../lib/notify/queue.ts";
import { realClock } from "../mqtt/helpers.ts";
import { FakeChannel, note } from "./helpers.ts";

const [file = "", from = "0", count = "0"] = process.argv.slice(2);
// Written at once: what was done is known even if the next instruction is the last one.
const say = (line: string) => writeSync(1, `${line}\n`);

const queue = await NotificationQueue.open({ file, clock: realClock });
const channel = new FakeChannel();
channel.onSend = ({ key }) => {
  say(`sent ${key}`);
  return {};
};
queue.watch(({ notification, state }) => say(`${state} ${notification.key}`));
const attached = queue.attach("c", channel, { rate: { burst: 1_000 } });
await Promise.all(
  Array.from({ length: Number(count) }, async (_, n) => {
    const key = `k${Number(from) + n}`;
    await queue.add("c", note(key));
    say(`queued ${key}`);
  }),
);
// Loading what was kept takes a moment.
await new Promise((resolve) => setTimeout(resolve, 300));
while (attached.stats().waiting > 0) await new Promise((resolve) => setTimeout(resolve, 10));
await queue.close();
