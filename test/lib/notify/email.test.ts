import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type EmailSettings, emailChannel } from "../../../lib/notify/email.ts";
import { NotificationQueue, type Outcome } from "../../../lib/notify/queue.ts";
import { FakeClock } from "../host/fake-clock.ts";
import { note, runUntil, tempFolder } from "./helpers.ts";
import { type MailServerOptions, startMailServer } from "./mail-server.ts";

const LOGIN = { user: "vigia", password: 's3cret "pass/word' };

async function connected(t: TestContext, server: MailServerOptions = {}, more: Partial<EmailSettings> = {}) {
  const mail = await startMailServer(t, server);
  const channel = emailChannel({
    host: "127.0.0.1",
    port: mail.port,
    security: "starttls",
    allowSelfSigned: true,
    from: "Plant <alarms@plant.example>",
    to: ["ops@example.com", "Boss <boss@Example.com>"],
    timeout: 3_000,
    ...more,
  });
  t.after(() => channel.close());
  return { mail, channel };
}

test("a mail over STARTTLS with AUTH: text, page, and headers that machines understand", async (t) => {
  const { mail, channel } = await connected(t, { login: LOGIN }, { ...LOGIN, replyTo: "desk@example.com" });
  const { receipt } = await channel.send(note("Hot/1/start", { severity: "critical", title: "🔴 critical: ñ" }));
  const [got] = mail.mails;
  assert.match(receipt!, /^250/);
  assert.equal(got!.secure, true);
  assert.equal(got!.user, "vigia");
  assert.equal(got!.from, "alarms@plant.example");
  assert.deepEqual(got!.recipients, ["ops@example.com", "boss@example.com"]);
  assert.equal(got!.subject, "🔴 critical: ñ");
  assert.equal(got!.text, "text of Hot/1/start");
  assert.match(got!.html, /<h1[^>]*>🔴 critical: ñ<\/h1>/);
  const { headers } = got!;
  assert.equal(headers["x-vigia-id"], "Hot/1/start");
  assert.equal(headers["idempotency-key"], "Hot/1/start");
  assert.equal(headers["auto-submitted"], "auto-generated");
  assert.equal(headers["x-auto-response-suppress"], "All");
  assert.equal(headers["x-priority"], "1 (Highest)");
  assert.match(headers["message-id"]!, /^<[0-9a-f]{40}@plant\.example>$/);
  assert.match(headers["reply-to"]!, /desk@example\.com/);
});

test("the end stands under the start; sent again it has the same id", async (t) => {
  const { mail, channel } = await connected(t);
  await channel.send(note("a/1"));
  await channel.send(note("a/2", { kind: "end", answers: { key: "a/1" }, severity: "critical" }));
  await channel.send(note("a/1"));
  const [start, end, again] = mail.mails.map(({ headers }) => headers);
  assert.equal(end!["in-reply-to"], start!["message-id"]);
  assert.equal(end!.references, start!["message-id"]);
  assert.notEqual(end!["message-id"], start!["message-id"]);
  assert.equal(end!["x-priority"], undefined);
  assert.equal(again!["message-id"], start!["message-id"]);
});

test("nothing that is told can become a header or markup", async (t) => {
  const { mail, channel } = await connected(t);
  await channel.send(
    note("k\r\nBcc: evil@example.com\r\n\r\nñ<", {
      title: "x\r\nBcc: evil@example.com",
      text: "<script>alert(1)</script>\r\n.\r\nRSET",
      answers: { key: "y\r\nBcc: evil@example.com" },
    }),
  );
  const [got] = mail.mails;
  assert.equal(got!.headers.bcc, undefined);
  assert.deepEqual(got!.recipients.length, 2);
  assert.equal(got!.subject, "x Bcc: evil@example.com");
  assert.doesNotMatch(got!.html, /<script/);
  assert.equal(got!.text, "<script>alert(1)</script>\n.\nRSET");
});

test("settings that no mail can be sent with name the field", () => {
  const good: EmailSettings = { host: "h", port: 25, security: "none", from: "a@b", to: ["c@d"] };
  const bad: [string, Partial<EmailSettings>][] = [
    ["host", { host: "a b" }],
    ["port", { port: 0 }],
    ["from", { from: "nobody" }],
    ["from", { from: "a@b\r\nBcc: c@d" }],
    ["to", { to: [] }],
    ["to", { to: ["a@b, c@d"] }],
    ["to", { to: ["x <a@b> y"] }],
    ["replyTo", { replyTo: "<>" }],
    ["password", { user: "u" }],
    ["user", { password: "p" }],
  ];
  for (const [field, more] of bad) {
    assert.throws(() => emailChannel({ ...good, ...more }), { code: "bad-config", field }, JSON.stringify(more));
  }
  assert.throws(
    () => emailChannel({ ...good, password: "s3cret" }),
    (error: Error) => !error.message.includes("s3cret"),
  );
});

test("who is refused is told, who is put off is left for later", async (t) => {
  const lines: Record<string, string> = { "ops@example.com": "550 no such user", "boss@example.com": "450 greylisted" };
  const { mail, channel } = await connected(
    t,
    { recipient: (who) => lines[who.toLowerCase()] },
    { to: ["ops@example.com", "Boss@Example.com", "x@y.z"] },
  );
  const delivery = await channel.send(note("a"));
  assert.match(delivery.receipt!, /^250/);
  assert.deepEqual(delivery.refused, [{ recipient: "ops@example.com", reason: "550 no such user" }]);
  assert.deepEqual(delivery.later, ["Boss@Example.com"], "as the settings write it");
  assert.deepEqual(mail.mails[0]!.recipients, ["x@y.z"]);
  // Nobody at all: later ones may still get it.
  lines["x@y.z"] = "550 gone";
  assert.deepEqual(await channel.send(note("a", { only: ["x@y.z", "Boss@Example.com"] })), {
    refused: [{ recipient: "x@y.z", reason: "550 gone" }],
    later: ["Boss@Example.com"],
  });
  await assert.rejects(channel.send(note("a", { only: ["x@y.z"] })), {
    permanent: true,
    whole: false,
    code: "mail-refused",
  });
  await assert.rejects(channel.send(note("a", { only: ["Boss@Example.com"] })), { permanent: false, whole: false });
});

test("what the server says decides: 4yz again, 5yz never, a login seldom", async (t) => {
  let line = "451 later";
  const { mail, channel } = await connected(t, { judge: () => line });
  await assert.rejects(channel.send(note("a")), { code: "mail-busy", permanent: false, whole: false });
  line = "421 going down";
  await assert.rejects(channel.send(note("a")), { permanent: false, whole: true });
  line = "554 spam";
  await assert.rejects(channel.send(note("a")), { code: "mail-refused", permanent: true, whole: false });
  line = "drop";
  await assert.rejects(channel.send(note("a")), { code: "mail-unreachable", permanent: false, whole: true });
  assert.equal(mail.mails.length, 1);
  await mail.stop();
  await assert.rejects(channel.send(note("a")), { code: "mail-unreachable", permanent: false, whole: true });
});

test("a wrong password: slowly again, and it is in no error", async (t) => {
  const { channel } = await connected(t, { login: LOGIN }, { user: "vigia", password: 'wrong "one/x' });
  await assert.rejects(channel.send(note("a")), (error: Error & { retryAfter?: number }) => {
    assert.match(error.message, /refuses user and password: .*\*\*\* is wrong/);
    assert.doesNotMatch(error.message, /wrong "one/);
    assert.equal(error.retryAfter, 300_000);
    assert.equal(error.cause, undefined);
    return true;
  });
});

test("a certificate of one's own has to be allowed, and no encryption is no way round", async (t) => {
  const strict = await connected(t, {}, { allowSelfSigned: false });
  await assert.rejects(strict.channel.send(note("a")), { code: "mail-tls", permanent: false, retryAfter: 300_000 });
  const plain = await connected(t, { plain: true });
  await assert.rejects(plain.channel.send(note("a")), { code: "mail-tls" });
  assert.equal(plain.mail.mails.length, 0);
  const tls = await connected(t, { secure: true }, { security: "tls" });
  await tls.channel.send(note("a"));
  assert.equal(tls.mail.mails[0]!.secure, true);
  const clear = await connected(t, { plain: true }, { security: "none" });
  await clear.channel.test({ language: "es", time: 1 });
  assert.equal(clear.mail.mails[0]!.subject, "Prueba de Vigía");
});

test("a channel that is closed ends what is on its way", async (t) => {
  const { channel } = await connected(t, { judge: () => "drop" });
  const sending = channel.send(note("a"));
  await channel.close();
  await assert.rejects(sending, { code: "channel-closed" });
});

test("a server that fails at random: every mail arrives once by its id, and who was told is told the end", {
  timeout: 60_000,
}, async (t) => {
  let seed = 7;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const judge = () => (random() < 0.15 ? "drop" : undefined);
  const { mail, channel } = await connected(t, { failRate: 0.3, random, judge });
  const clock = new FakeClock();
  const queue = await NotificationQueue.open({ file: join(tempFolder(), "notify.db"), clock });
  const outcomes: Outcome[] = [];
  queue.watch((outcome) => outcomes.push(outcome));
  queue.attach("mail", channel, { rate: { burst: 100 } });
  for (let n = 0; n < 15; n++) {
    await queue.add("mail", note(`${n}/start`));
    await queue.add("mail", note(`${n}/end`, { kind: "end" }));
  }
  await runUntil(clock, () => outcomes.filter(({ state }) => state === "delivered").length === 30, 20);
  await queue.close();
  const ids = mail.mails.map(({ headers }) => headers["x-vigia-id"]!);
  assert.equal(new Set(ids).size, 30);
  assert.equal(new Set(mail.mails.map(({ headers }) => headers["message-id"])).size, 30);
  for (let n = 0; n < 15; n++) assert.ok(ids.lastIndexOf(`${n}/start`) < ids.indexOf(`${n}/end`));
});
