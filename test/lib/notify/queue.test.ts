import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { DeliveryError } from "../../../lib/notify/failure.ts";
import { NotificationQueue, type Outcome, type QueueOptions } from "../../../lib/notify/queue.ts";
import type { VigiaError } from "../../../lib/points/error.ts";
import { FakeClock } from "../host/fake-clock.ts";
import { FakeChannel, note, runUntil, tempFolder, until } from "./helpers.ts";

const CHILD = fileURLToPath(new URL("./queue-child.ts", import.meta.url));
const HOUR = 3_600_000;

interface Opened {
  queue: NotificationQueue;
  clock: FakeClock;
  channel: FakeChannel;
  outcomes: Outcome[];
  errors: VigiaError[];
  file: string;
}

async function open(t: TestContext, options: Partial<QueueOptions> = {}): Promise<Opened> {
  const clock = (options.clock as FakeClock) ?? new FakeClock();
  const file = options.file ?? join(tempFolder(), "vigia", "notify.db");
  const errors: VigiaError[] = [];
  const outcomes: Outcome[] = [];
  const queue = await NotificationQueue.open({
    random: () => 0,
    onError: (error) => errors.push(error),
    ...options,
    file,
    clock,
  });
  queue.watch((outcome) => outcomes.push(outcome));
  t.after(async () => {
    const closing = queue.close();
    await clock.advance(60_000);
    await closing;
  });
  return { queue, clock, channel: new FakeChannel(), outcomes, errors, file };
}

/** A disk of its own of 1 MB; `undefined`, with a line that says so, where this cannot be. */
function smallDisk(t: TestContext): string | undefined {
  const folder = join(tempFolder(), "disk");
  mkdirSync(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "pipe" });
  } catch (thrown) {
    if (process.env.CI) throw thrown;
    t.skip("a tmpfs cannot be mounted here: needs root");
    return undefined;
  }
  t.after(() => execFileSync("umount", ["-l", folder]));
  return folder;
}

/** Takes all room that is left. */
function fill(file: string): void {
  const filler = openSync(file, "w");
  try {
    while (writeSync(filler, Buffer.alloc(4_096)) === 4_096);
  } catch {
    // Full.
  } finally {
    closeSync(filler);
  }
}

const ended = (outcomes: Outcome[]) => outcomes.filter(({ state }) => state !== "retrying");
const states = (outcomes: Outcome[]) => outcomes.map(({ state, notification }) => `${notification.key} ${state}`);

test("what is queued is delivered once, with its tag; its key is known from then on", async (t) => {
  const { queue, channel, outcomes } = await open(t);
  queue.attach("c", channel);
  assert.equal(await queue.add("c", note("a"), "mine"), "queued");
  await until(() => outcomes.length === 1);
  assert.equal(await queue.add("c", note("a")), "known");
  assert.equal(await queue.add("other", note("a")), "queued", "each channel has keys of its own");
  assert.deepEqual(channel.keys, ["a"]);
  const [{ state, tag, attempts, receipt }] = outcomes as [Outcome];
  assert.deepEqual({ state, tag, attempts, receipt }, { state: "delivered", tag: "mine", attempts: 1, receipt: "ok" });
});

test("a key that waits is known; many at once are all kept; their bound is an error that says so", async (t) => {
  const { queue } = await open(t, { maxQueued: 500 });
  const all = await Promise.allSettled(Array.from({ length: 510 }, (_, n) => queue.add("c", note(`k${n}`))));
  assert.equal(all.filter(({ status }) => status === "fulfilled").length, 500);
  const refused = all.find((one) => one.status === "rejected")!;
  assert.match(String(refused.reason), /500 notifications wait for channel c/);
  assert.equal(refused.reason.code, "queue-full");
  assert.equal(await queue.add("c", note("k3")), "known");
});

test("what failed for good may be queued again", async (t) => {
  const { queue, channel, outcomes } = await open(t);
  queue.attach("c", channel);
  channel.onSend = () => {
    throw new DeliveryError("no", "never", { permanent: true, whole: false });
  };
  await queue.add("c", note("a"));
  await until(() => outcomes.length === 1);
  assert.deepEqual(states(outcomes), ["a failed"]);
  channel.onSend = () => ({});
  assert.equal(await queue.add("c", note("a")), "queued");
  await until(() => outcomes.length === 2);
  assert.deepEqual(states(outcomes), ["a failed", "a delivered"]);
});

test("retries: 0.5 s, half as long again each time, at most 60 s; then retryAfter to the millisecond", async (t) => {
  const { queue, clock, channel, outcomes } = await open(t);
  const tries: number[] = [];
  channel.onSend = () => {
    tries.push(clock.now());
    throw new DeliveryError("busy", "later", tries.length === 20 ? { retryAfter: 123_456 } : {});
  };
  const attached = queue.attach("c", channel);
  await queue.add("c", note("a"));
  for (let n = 1; n <= 21; n++) {
    await until(() => tries.length === n && outcomes.length === n);
    const { nextTry = 0 } = outcomes.at(-1)!;
    assert.equal(attached.stats().nextTry, nextTry);
    await clock.advance(nextTry - clock.now() - 1);
    assert.equal(tries.length, n, "not a millisecond too early");
    await clock.advance(1);
  }
  const gaps = tries.slice(1).map((time, n) => time - tries[n]!);
  assert.deepEqual(gaps.slice(0, 4), [500, 750, 1_125, 1_688]);
  assert.equal(gaps[18], 60_000);
  assert.equal(gaps[19], 123_456);
  assert.equal(attached.stats().error?.code, "busy");
});

test("given up after maxAge, with the last reason", async (t) => {
  const { queue, clock, channel, outcomes } = await open(t);
  channel.onSend = () => {
    throw new DeliveryError("busy", "the server sleeps");
  };
  queue.attach("c", channel, { maxAge: HOUR });
  await queue.add("c", note("a"));
  const [last] = await runUntil(clock, () => (ended(outcomes).length > 0 ? ended(outcomes) : undefined), 10_000);
  assert.equal(last!.error?.code, "too-old");
  assert.match(last!.error!.message, /not delivered within 1h: the server sleeps/);
});

test("a channel in trouble is probed with one notification at a time, another channel is not concerned", async (t) => {
  const { queue, clock, channel, outcomes } = await open(t);
  let tries = 0;
  channel.onSend = () => {
    tries++;
    throw new DeliveryError("away", "no connection");
  };
  queue.attach("c", channel, { rate: { burst: 100 } });
  const other = new FakeChannel();
  queue.attach("other", other, { rate: { burst: 100 } });
  const keys = Array.from({ length: 40 }, (_, n) => `k${n}`);
  await Promise.all(keys.flatMap((key) => [queue.add("c", note(key)), queue.add("other", note(key))]));
  await until(() => other.sent.length === 40);
  assert.ok(tries <= 4, `${tries} tries`);
  const before = tries;
  await clock.advance(60_000);
  await until(() => outcomes.filter(({ state }) => state === "retrying").length > before);
  assert.ok(tries - before <= 2, `${tries - before} tries in the first wait`);
  channel.onSend = () => ({});
  await runUntil(clock, () => channel.sent.length === 40, 1_000);
  assert.deepEqual(channel.keys.toSorted(), keys.toSorted());
});

test("an incident that is held up does not hold up others, and keeps its order", async (t) => {
  const { queue, clock, channel } = await open(t);
  let bad = 3;
  channel.onSend = ({ key }) => {
    if (key === "a/1" && bad-- > 0) throw new DeliveryError("odd", "not this one", { whole: false });
    return {};
  };
  queue.attach("c", channel);
  await queue.add("c", note("a/1"));
  await queue.add("c", note("a/2", { kind: "severity" }));
  await queue.add("c", note("a/3", { kind: "end" }));
  await queue.add("c", note("b/1"));
  await until(() => channel.keys.includes("b/1"));
  assert.deepEqual(channel.keys, ["b/1"]);
  await runUntil(clock, () => channel.sent.length === 4);
  assert.deepEqual(channel.keys, ["b/1", "a/1", "a/2", "a/3"]);
});

test("nobody is told that it is over who was not told that it began", async (t) => {
  const { queue, channel, outcomes } = await open(t);
  channel.onSend = ({ kind }) => {
    if (kind === "start") throw new DeliveryError("no", "never", { permanent: true, whole: false });
    return {};
  };
  queue.attach("c", channel);
  await queue.add("c", note("a/1"));
  await queue.add("c", note("a/2", { kind: "end" }));
  await until(() => outcomes.length === 2);
  assert.deepEqual(states(outcomes), ["a/1 failed", "a/2 failed"]);
  assert.equal(outcomes[1]!.error?.code, "start-untold");
  // Who hears of it by its new severity is told the end as well.
  await queue.add("c", note("b/1"));
  await queue.add("c", note("b/2", { kind: "severity", severity: "critical" }));
  await queue.add("c", note("b/3", { kind: "end" }));
  await until(() => outcomes.length === 5);
  assert.deepEqual(channel.keys, ["b/2", "b/3"]);
});

test("what follows a start answers it, also after a restart; who refused the start is left out", async (t) => {
  const file = join(tempFolder(), "notify.db");
  const first = await open(t, { file });
  first.channel.onSend = () => ({ receipt: "7:1", refused: [{ recipient: "b", reason: "blocked" }] });
  first.queue.attach("c", first.channel);
  await first.queue.add("c", note("a/1"));
  await until(() => first.outcomes.length === 1);
  assert.deepEqual(first.outcomes[0]!.refused, [{ recipient: "b", reason: "blocked" }]);
  await first.queue.close();
  const second = await open(t, { file });
  second.queue.attach("c", second.channel);
  await second.queue.add("c", note("a/2", { kind: "end" }));
  await until(() => second.channel.sent.length === 1);
  const [end] = second.channel.sent;
  assert.deepEqual(end!.answers, { key: "a/1", receipt: "7:1" });
  assert.deepEqual(end!.except, ["b"]);
});

test("only recipients that are left get it again, also after a restart", async (t) => {
  const file = join(tempFolder(), "notify.db");
  const first = await open(t, { file });
  first.channel.onSend = () => ({ receipt: "a:1", later: ["b"], refused: [{ recipient: "x", reason: "gone" }] });
  first.queue.attach("c", first.channel);
  await first.queue.add("c", note("k"));
  await until(() => first.outcomes.length === 1);
  assert.equal(first.outcomes[0]!.state, "retrying");
  await first.queue.close();
  const second = await open(t, { file });
  second.channel.onSend = () => ({ receipt: "b:9" });
  second.queue.attach("c", second.channel);
  await until(() => second.outcomes.length === 1);
  assert.deepEqual(second.channel.sent[0]!.only, ["b"]);
  const [{ state, receipt, refused }] = second.outcomes as [Outcome];
  assert.deepEqual(
    { state, receipt, refused },
    {
      state: "delivered",
      receipt: "a:1 b:9",
      refused: [{ recipient: "x", reason: "gone" }],
    },
  );
});

test("past the rate what waits is told in one digest; critical ones and ends are not held up", async (t) => {
  const { queue, clock, channel, outcomes } = await open(t);
  queue.attach("c", channel, { rate: { burst: 2, every: 6_000 } });
  for (let n = 0; n < 32; n++) await queue.add("c", note(`k${n}`, { severity: n % 2 ? "warning" : "minor" }));
  await queue.add("c", note("grave", { severity: "critical" }));
  await queue.add("c", note("k0/end", { kind: "end" }));
  await until(() => channel.sent.length === 4 && outcomes.length === 4);
  assert.deepEqual(channel.keys.toSorted(), ["grave", "k0", "k0/end", "k1"]);
  await clock.advance(6_000);
  await until(() => outcomes.length === 34);
  const digest = channel.sent.at(-1)!;
  assert.equal(digest.kind, "digest");
  assert.equal(digest.title, "🔔 30 notifications in one: 15 minor, 15 warning");
  assert.match(digest.text, /^• title of k2\n/);
  assert.match(digest.text, /and 10 more$/);
  assert.ok(outcomes.slice(4).every((one) => one.state === "delivered" && one.digest === digest.key));
  assert.equal(await queue.add("c", note("k9")), "known");
  // The end of an alarm that was told in a digest answers the digest.
  await queue.add("c", note("k9/end", { kind: "end" }));
  await until(() => channel.keys.includes("k9/end"));
  assert.equal(channel.sent.at(-1)!.answers?.key, digest.key);
});

test("a digest that a recipient has not got yet is sent to that one again, also after a restart", async (t) => {
  const file = join(tempFolder(), "notify.db");
  const { queue, clock, channel, outcomes } = await open(t, { file });
  channel.onSend = ({ kind }) => (kind === "digest" ? { receipt: "1", later: ["b"] } : { receipt: "1" });
  queue.attach("c", channel, { rate: { burst: 1 } });
  for (const key of ["x", "y", "z"]) await queue.add("c", note(key));
  await until(() => outcomes.length === 1);
  await clock.advance(6_000);
  await until(() => outcomes.length >= 3);
  const closing = queue.close();
  await clock.advance(6_000);
  await closing;
  const second = await open(t, { file });
  second.queue.attach("c", second.channel);
  await until(() => second.channel.sent.length === 1);
  assert.equal(second.channel.sent[0]!.kind, "digest");
  assert.deepEqual(second.channel.sent[0]!.only, ["b"]);
});

test("detaching while it sends: what finishes is recorded, what does not is kept", async (t) => {
  const { queue, clock, channel, outcomes } = await open(t);
  let answer = () => {};
  channel.onSend = ({ key }) =>
    new Promise((resolve) => {
      if (key === "slow") answer = () => resolve({});
    });
  const attached = queue.attach("c", channel);
  await queue.add("c", note("slow"));
  await queue.add("c", note("stuck"));
  await until(() => attached.stats().waiting === 2);
  await pause(30);
  const detached = attached.detach();
  answer();
  await until(() => outcomes.length === 1);
  await clock.advance(5_000);
  await detached;
  assert.deepEqual(states(outcomes), ["slow delivered"]);
  const next = new FakeChannel();
  queue.attach("c", next);
  await until(() => outcomes.length === 2);
  assert.deepEqual(next.keys, ["stuck"]);
});

test("a channel that never answers is tried again after two minutes", async (t) => {
  const { queue, clock, channel, outcomes } = await open(t);
  let calls = 0;
  channel.onSend = () => (calls++ === 0 ? new Promise(() => {}) : {});
  queue.attach("c", channel);
  await queue.add("c", note("a"));
  await until(() => calls === 1);
  await runUntil(clock, () => ended(outcomes).length === 1, 10_000);
  assert.equal(outcomes[0]!.error?.code, "no-answer");
  assert.deepEqual(channel.keys, ["a"]);
});

test("a file that cannot be written: add says so, and it works when it can be again", async (t) => {
  const file = join(tempFolder(), "sub", "notify.db");
  // A folder in the place of the file is refused to root as well.
  mkdirSync(file, { recursive: true });
  const { queue, clock, channel, errors } = await open(t, { file });
  queue.attach("c", channel);
  await assert.rejects(queue.add("c", note("a")), { code: "queue-unwritable" });
  await assert.rejects(queue.add("c", note("b")), /notify\.db cannot be written/);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["queue-unwritable"],
    "told once",
  );
  rmdirSync(file);
  assert.equal(await queue.add("c", note("a")), "queued");
  await runUntil(clock, () => channel.sent.length === 1);
});

test("a full disk: add says so, nothing acknowledged is lost, and it goes on when there is room", {
  timeout: 60_000,
}, async (t) => {
  const folder = smallDisk(t);
  if (folder === undefined) return;
  const { queue, clock, channel, outcomes, errors } = await open(t, { file: join(folder, "notify.db") });
  const attached = queue.attach("c", channel, { rate: { burst: 10_000 } });
  await queue.add("c", note("first"));
  await until(() => outcomes.length === 1);
  const filler = join(folder, "filler");
  fill(filler);
  const acknowledged: string[] = [];
  let refused: unknown;
  for (let n = 0; refused === undefined && n < 5_000; n++) {
    const key = `k${n}`;
    await queue.add("c", note(key, { text: "x".repeat(2_000) })).then(
      () => acknowledged.push(key),
      (error) => {
        refused = error;
      },
    );
  }
  assert.equal((refused as VigiaError).code, "queue-disk-full");
  assert.match((refused as VigiaError).message, /disk full: no room for .*notify\.db/);
  rmSync(filler);
  assert.equal(await queue.add("c", note("last")), "queued");
  await runUntil(clock, () => attached.stats().waiting === 0, 500);
  for (const key of [...acknowledged, "last"]) {
    assert.equal(channel.keys.filter((one) => one === key).length, 1, key);
    assert.ok(outcomes.some(({ notification, state }) => notification.key === key && state === "delivered"));
  }
  assert.ok(errors.some(({ code }) => code === "queue-disk-full"));
});

test("a damaged file is put aside and told; what comes from then on is kept", async (t) => {
  const folder = tempFolder();
  const file = join(folder, "notify.db");
  writeFileSync(file, "no database, however long one looks at it ".repeat(500));
  const { queue, channel, outcomes, errors } = await open(t, { file });
  queue.attach("c", channel);
  assert.equal(await queue.add("c", note("a")), "queued");
  await until(() => outcomes.length === 1);
  assert.equal(errors[0]?.code, "queue-corrupt");
  assert.match(errors[0]!.message, /notify\.db is damaged: it is .*damaged-2026/);
  const aside = readdirSync(folder).find((name) => name.includes("damaged"))!;
  assert.match(readFileSync(join(folder, aside), "utf8"), /^no database/);
});

test("a second queue on the same file is refused until the first is closed", async (t) => {
  const file = join(tempFolder(), "notify.db");
  const first = await open(t, { file });
  await first.queue.add("c", note("a"));
  const second = await open(t, { file });
  await assert.rejects(second.queue.add("c", note("b")), { code: "queue-locked" });
  await first.queue.close();
  assert.equal(await second.queue.add("c", note("b")), "queued");
  assert.equal(await second.queue.add("c", note("a")), "known");
  await assert.rejects(first.queue.add("c", note("x")), { code: "queue-closed" });
  second.queue.attach("c", second.channel);
  assert.throws(() => second.queue.attach("c", second.channel), { code: "already-attached" });
});

type Behaviour = "ok" | "busy" | "away" | "never" | "lost" | "partly" | "reopen";
const behaviours = fc.array(
  fc.constantFrom<Behaviour>("ok", "ok", "busy", "away", "never", "lost", "partly", "reopen"),
  { maxLength: 25 },
);

/** Does once each what the list says, then everything works. */
class MoodyChannel extends FakeChannel {
  constructor(moods: Behaviour[], reopen: () => void) {
    super();
    this.onSend = (notification) => {
      switch (moods.shift()) {
        case "busy":
          throw new DeliveryError("busy", "not this", { whole: false });
        case "away":
          throw new DeliveryError("away", "no connection");
        case "never":
          throw new DeliveryError("never", "no", { permanent: true, whole: false });
        case "lost":
          this.sent.push(notification);
          throw new DeliveryError("away", "the answer got lost");
        case "partly":
          return notification.only ? { receipt: "b" } : { receipt: "a", later: ["b"] };
        case "reopen":
          // It was delivered, and the process ends before it hears of it.
          this.sent.push(notification);
          reopen();
          return new Promise(() => {});
        default:
          return { receipt: "ok" };
      }
    };
  }
}

test("whatever fails, and whenever it restarts: nothing is lost, in order, and once where the answer was heard", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(behaviours, fc.integer({ min: 1, max: 4 }), async (moods, incidents) => {
      const file = join(tempFolder(), "notify.db");
      const clock = new FakeClock();
      const outcomes: Outcome[] = [];
      const twice: string[] = [];
      let wanted = false;
      const channel = new MoodyChannel([...moods], () => {
        wanted = true;
      });
      const { onSend } = channel;
      channel.onSend = (one) => {
        const heard = outcomes.some(({ state, notification }) => state === "delivered" && notification.key === one.key);
        if (heard) twice.push(one.key);
        return onSend(one);
      };
      const start = async () => {
        const opened = await NotificationQueue.open({ file, clock });
        opened.watch((outcome) => outcomes.push(outcome));
        opened.attach("c", channel, { rate: { burst: 100 } });
        return opened;
      };
      let queue = await start();
      const all = Array.from({ length: incidents }, (_, n) => [
        note(`${n}/start`),
        note(`${n}/severity`, { kind: "severity" }),
        note(`${n}/end`, { kind: "end" }),
      ]).flat();
      for (const one of all) await queue.add("c", one);
      for (let turn = 0; ended(outcomes).length < all.length; turn++) {
        assert.ok(turn < 3_000, "it ends");
        await pause(1);
        await clock.advance(500);
        if (!wanted) continue;
        wanted = false;
        const closing = queue.close();
        await clock.advance(5_000);
        await closing;
        queue = await start();
      }
      await queue.close();

      assert.deepEqual(twice, [], "what is recorded is not sent again");
      const of = (state: string) =>
        new Set(outcomes.filter((one) => one.state === state).map(({ notification }) => notification.key));
      const [delivered, failed] = [of("delivered"), of("failed")];
      const parts = (key: string) => channel.sent.filter((one) => one.key === key);
      for (const { key } of all) {
        assert.ok(delivered.has(key) !== failed.has(key), `${key}: one outcome`);
        if (delivered.has(key)) assert.ok(parts(key).length >= 1);
        if (delivered.has(key) && !moods.includes("lost") && !moods.includes("reopen")) {
          const whole = parts(key).filter(({ only }) => only === undefined);
          assert.equal(whole.length, 1, `${key}: once`);
        }
      }
      for (let n = 0; n < incidents; n++) {
        const last = (name: string) => channel.keys.lastIndexOf(`${n}/${name}`);
        const first = (name: string) => channel.keys.indexOf(`${n}/${name}`);
        const order = ["start", "severity", "end"].filter((name) => first(name) >= 0);
        for (let at = 1; at < order.length; at++) assert.ok(last(order[at - 1]!) < first(order[at]!), "in order");
        const untold = failed.has(`${n}/start`) && failed.has(`${n}/severity`);
        if (untold) assert.ok(first("end") < 0, "no end without a start");
      }
    }),
    { numRuns: 30 },
  );
});

test("kill -9 at any moment: all that was acknowledged is delivered, nothing recorded twice", {
  timeout: 60_000,
}, async () => {
  const folder = tempFolder();
  const file = join(folder, "notify.db");
  const acknowledged: string[] = [];
  const deliveries: string[] = [];
  const recorded: string[] = [];
  const run = async (from: number, count: number, killAfter: number) => {
    const child = spawn(process.execPath, [CHILD, file, String(from), String(count)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    let n = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [what, key = ""] = line.split(" ");
      if (what === "queued") acknowledged.push(key);
      else if (what === "sent") {
        assert.ok(!recorded.includes(key), `${key} was recorded, and is sent again`);
        deliveries.push(key);
      } else if (what === "delivered") recorded.push(key);
      if (++n === killAfter) child.kill("SIGKILL");
    }
    await exited;
  };
  let from = 0;
  for (const killAfter of [3, 20, 45, 80, 11]) {
    await run(from, 40, killAfter);
    from += 40;
  }
  await run(from, 0, Number.POSITIVE_INFINITY);
  const missing = acknowledged.filter((key) => !deliveries.includes(key));
  assert.deepEqual(missing, []);
  assert.ok(acknowledged.length > 40);
});
