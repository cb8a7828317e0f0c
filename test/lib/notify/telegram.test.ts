import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type TelegramSettings, telegramChannel } from "../../../lib/notify/telegram.ts";
import type { VigiaError } from "../../../lib/points/error.ts";
import { FakeClock } from "../host/fake-clock.ts";
import { startFakeTelegram } from "./fake-telegram.ts";
import { note, runUntil, until } from "./helpers.ts";

async function connected(t: TestContext, more: Partial<TelegramSettings> = {}) {
  const telegram = await startFakeTelegram(t);
  const clock = new FakeClock();
  const channel = telegramChannel({
    token: telegram.token,
    apiRoot: telegram.apiRoot,
    chats: ["42"],
    timeout: 2_000,
    clock,
    ...more,
  });
  t.after(() => channel.close());
  return { telegram, clock, channel };
}

test("a message in HTML; what follows is a reply, an end without sound where that is wanted", async (t) => {
  const { telegram, clock, channel } = await connected(t, { silentEnds: true });
  const start = await channel.send(note("a/1", { markup: "<b>hot &amp; bad</b>" }));
  assert.equal(start.receipt, "42:1");
  await clock.advance(1_000);
  await channel.send(note("a/2", { kind: "end", answers: { key: "a/1", receipt: "7:9 42:1" } }));
  const [first, second] = telegram.messages;
  assert.equal(first!.text, "<b>hot &amp; bad</b>");
  assert.deepEqual([first!.parseMode, first!.silent, first!.replyTo], ["HTML", false, undefined]);
  assert.equal(second!.text, "title of a/2\ntext of a/2");
  assert.deepEqual([second!.parseMode, second!.silent, second!.replyTo], [undefined, true, 1]);
});

test("markup that Telegram does not take, and what is too long, goes as plain text", async (t) => {
  const { telegram, clock, channel } = await connected(t);
  await channel.send(note("a", { markup: "<h1>no" }));
  await clock.advance(1_000);
  await channel.send(note("b", { markup: `<b>${"x".repeat(5_000)}</b>`, text: "🔴".repeat(3_000) }));
  const [plain, long] = telegram.messages;
  assert.deepEqual([plain!.text, plain!.parseMode], ["title of a\ntext of a", undefined]);
  assert.ok(long!.text.length <= 4_096);
  assert.match(long!.text, /🔴…$/u);
});

test("429: that chat waits as long as it was told, the others do not", async (t) => {
  const { telegram, clock, channel } = await connected(t, { chats: ["42", "43"] });
  telegram.failNext({ code: 429, description: "Too Many Requests: retry after 7", retryAfter: 7 }, { chat: "42" });
  assert.deepEqual(await channel.send(note("a")), { receipt: "43:2", later: ["42"], retryAfter: 7_000 });
  await clock.advance(1_000);
  assert.deepEqual(await channel.send(note("b")), { receipt: "43:3", later: ["42"], retryAfter: 6_000 });
  await clock.advance(6_000);
  assert.deepEqual(await channel.send(note("a", { only: ["42"] })), { receipt: "42:4" });
  telegram.failNext({ code: 429, retryAfter: 30 });
  await clock.advance(1_000);
  await assert.rejects(channel.send(note("c", { only: ["42"] })), { retryAfter: 30_000, permanent: false });
});

test("one message a second to a chat, twenty a minute to a group", async (t) => {
  const { telegram, clock, channel } = await connected(t, { chats: ["42", "-100"] });
  const times: Record<string, number[]> = { "42": [], "-100": [] };
  for (const chat of Object.keys(times)) {
    for (let n = 0; n < 25; n++) {
      const before = telegram.messages.length;
      let wait: number | undefined;
      const sending = channel.send(note(`k${n}`, { only: [chat] })).catch((error) => {
        wait = error.retryAfter;
      });
      await runUntil(clock, () => telegram.messages.length > before || wait !== undefined, 100);
      await sending;
      if (wait === undefined) times[chat]!.push(clock.now());
      else {
        await clock.advance(wait);
        n--;
      }
    }
    const sent = times[chat]!;
    for (let n = 1; n < sent.length; n++) assert.ok(sent[n]! - sent[n - 1]! >= 900, "a second apart");
    if (chat === "-100")
      for (let n = 20; n < sent.length; n++) assert.ok(sent[n]! - sent[n - 20]! >= 59_000, "20 a minute");
  }
  assert.equal(telegram.messages.length, 50);
});

test("403 and an unknown chat are refused for good, the others get it", async (t) => {
  const { telegram, clock, channel } = await connected(t, { chats: ["1", "2", "3"] });
  telegram.failNext({ code: 403, description: "Forbidden: bot was blocked by the user" }, { chat: "1" });
  telegram.failNext({ code: 400, description: "Bad Request: chat not found" }, { chat: "2" });
  const { receipt, refused } = await channel.send(note("a"));
  assert.match(receipt!, /^3:\d$/);
  assert.deepEqual(refused, [
    { recipient: "1", reason: "Forbidden: bot was blocked by the user" },
    { recipient: "2", reason: "Bad Request: chat not found" },
  ]);
  await clock.advance(1_000);
  telegram.failNext({ code: 403, description: "Forbidden" });
  await assert.rejects(channel.send(note("b", { only: ["1"] })), { permanent: true, whole: false });
});

test("a group that became a supergroup is followed, and said", async (t) => {
  const { telegram, clock, channel } = await connected(t, { chats: ["-5"] });
  telegram.failNext({ code: 400, description: "group chat was upgraded", migrateTo: "-1005" }, { chat: "-5" });
  const { notice } = await channel.send(note("a"));
  assert.match(notice!, /-5 is the supergroup -1005 now/);
  await clock.advance(1_000);
  assert.deepEqual(await channel.send(note("b")), { receipt: "-5:3" });
  assert.deepEqual(
    telegram.messages.map(({ chat }) => chat),
    ["-1005", "-1005"],
  );
});

test("the token is in no error, whatever happens to it", async (t) => {
  const { telegram, clock, channel } = await connected(t, { timeout: 200 });
  const refused = async (code: string, more: object = {}) => {
    await clock.advance(1_000);
    await assert.rejects(channel.send(note("a")), (error: VigiaError) => {
      assert.equal(error.code, code);
      assert.doesNotMatch(`${error.message} ${error.stack} ${JSON.stringify(error)}`, /fake-Token/);
      assert.equal(error.cause, undefined);
      assert.partialDeepStrictEqual({ ...error }, more);
      return true;
    });
  };
  telegram.failNext({ code: 401, description: `Unauthorized ${telegram.token}` });
  await refused("telegram-token", { permanent: false, whole: true, retryAfter: 300_000 });
  telegram.failNext({ code: 502, description: telegram.token });
  await refused("telegram-busy", { permanent: false, whole: true });
  telegram.failNext("hang");
  await refused("telegram-unreachable", { permanent: false, whole: true });
  telegram.failNext("drop");
  await refused("telegram-unreachable");
  const away = await connected(t, { apiRoot: "http://127.0.0.1:9" });
  await assert.rejects(away.channel.send(note("a")), /no connection to Telegram: /);
});

test("settings that cannot be name the field, and never the token", () => {
  const good = { token: "1:a", chats: ["42"], clock: new FakeClock() };
  for (const [field, more] of [
    ["token", { token: "s3cret s3cret" }],
    ["chats", { chats: [] }],
    ["chats", { chats: ["me"] }],
    ["apiRoot", { apiRoot: "ftp://x" }],
  ] as const) {
    assert.throws(
      () => telegramChannel({ ...good, ...more }),
      (error: VigiaError) => error.field === field && !error.message.includes("s3cret"),
    );
  }
});

test("a channel that is closed ends what waits for its turn", async (t) => {
  const { telegram, channel } = await connected(t);
  await channel.test({ language: "es" });
  assert.equal(telegram.messages[0]!.text, "Prueba de Vigía\nEste canal funciona: las alarmas llegarán aquí.");
  const waiting = channel.send(note("b"));
  await channel.close();
  await assert.rejects(waiting, { code: "channel-closed" });
  await until(() => telegram.calls === 1);
});
