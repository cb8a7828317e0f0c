/** The demo's mailbox, by a real mail program and as a browser asks. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";
import { createTransport } from "nodemailer";
import { startMailbox } from "../../demo/mailbox.ts";
import { atEnd } from "./support/at-end.ts";

const require = createRequire(import.meta.url);
const express = createRequire(require.resolve("node-red"))("express") as typeof import("express");
const KEPT = 200;

test("every mail is there to read, the newest first, and nothing in it can run", async (t) => {
  const app = express();
  const mailbox = await startMailbox(app, 0);
  atEnd(t, () => mailbox.close());
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/mailbox`;
  const get = async (path: string) => {
    const response = await fetch(url + path);
    const { status, headers } = response;
    return { status, policy: headers.get("content-security-policy") ?? "", body: await response.text() };
  };
  const list = async () => JSON.parse((await get("/mails")).body) as { id: number; subject: string; from: string }[];

  const page = await get("");
  assert.match(page.policy, /default-src 'none'; script-src 'self'/);
  assert.doesNotMatch(page.body, /<script>|<style|style=|onclick/);
  for (const file of ["style.css", "view.js"]) assert.equal((await get(`/${file}`)).status, 200);

  const events = (await fetch(`${url}/events`)).body!.pipeThrough(new TextDecoderStream()).getReader();
  await events.read();
  const transport = createTransport({ host: "127.0.0.1", port: mailbox.port, ignoreTLS: true });
  const subject = "⚠ Ñandú en la línea: una temperatura tan larga que su asunto ha de partirse en dos";
  const html = `<p>95 °C = ${"x".repeat(200)}</p><script>alert(1)</script>`;
  await transport.sendMail({ from: "Vigía <v@example.com>", to: "you@example.com", subject, text: "95 °C", html });
  assert.match(String((await events.read()).value), /data: 1/);
  await events.cancel();
  const [mail] = await list();
  assert.deepEqual([mail?.subject, mail?.from], [subject, "Vigía <v@example.com>"]);
  const shown = await get(`/mails/${mail!.id}/html`);
  assert.equal(shown.body.trim(), html);
  assert.match(shown.policy, /^sandbox; default-src 'none'/);
  assert.equal((await get(`/mails/${mail!.id}/text`)).body.trim(), "95 °C");
  assert.equal((await get("/mails/99/text")).status, 404);

  const large = { from: "v@example.com", to: "you@example.com", subject: "large", text: "x".repeat(300_000) };
  await assert.rejects(transport.sendMail(large), /552/);
  const pooled = createTransport({ host: "127.0.0.1", port: mailbox.port, ignoreTLS: true, pool: true });
  await Promise.all(
    Array.from({ length: KEPT }, (_, n) => pooled.sendMail({ ...large, subject: `${n}`, text: "small" })),
  );
  pooled.close();
  const kept = await list();
  assert.equal(kept.length, KEPT);
  assert.equal(kept[0]!.id, KEPT + 1);
});
