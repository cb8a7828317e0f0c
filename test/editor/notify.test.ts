// The two dialogs that do more than others: several channels in one field, and a test that is sent from the dialog.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type MailServer, startMailServer } from "../lib/notify/mail-server.ts";
import { type Editor, noBrowser, openBrowser, openEditor, type State } from "./editor.ts";
import { type NodeRed, startNodeRed } from "./node-red.ts";

const [FIRST, SECOND, NOTIFY] = ["c500000000000001", "c500000000000002", "c500000000000003"] as const;
const TAB = "c500000000000000";

const channel = (id: string, name: string, port: number) => ({
  id,
  type: "vigia-channel",
  name,
  version: 1,
  kind: "email",
  host: "127.0.0.1",
  port: `${port}`,
  security: "none",
  allowSelfSigned: false,
  from: "vigia@example.com",
  to: "old@example.com",
  chats: "",
  apiRoot: "",
  broker: "",
  topic: "",
  qos: "1",
  retain: false,
  language: "en",
  zone: "",
  title: "",
  text: "",
  html: "",
});

describe("channels in the editor", { skip: noBrowser }, () => {
  let server: MailServer;
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: Editor;

  before(async () => {
    // Stopped below, after the editor.
    server = await startMailServer({ after: () => {} } as never, { plain: true });
    nodeRed = await startNodeRed({
      flow: [
        { id: TAB, type: "tab", label: "Notify", disabled: false, info: "" },
        channel(FIRST, "first", server.port),
        channel(SECOND, "second", server.port),
        {
          id: NOTIFY,
          type: "vigia-notify",
          z: TAB,
          name: "",
          version: 1,
          channels: [SECOND, FIRST],
          severity: "all",
          title: "",
          text: "",
          x: 200,
          y: 100,
          wires: [[], []],
        },
      ],
    });
    browser = await openBrowser();
    editor = await openEditor(browser, nodeRed);
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.stop();
    await server?.stop();
  });

  const users = (id: string) => editor.page.evaluate(`RED.nodes.node("${id}").users.length`);
  const channels = async () => (await editor.ask<State>("state", NOTIFY)).saved.channels;

  test("each channel of a list is used", async () => {
    assert.deepEqual([await users(FIRST), await users(SECOND)], [1, 1]);
  });

  test("a click takes one from the list, and adds it again", async () => {
    const { page } = editor;
    const option = page.locator("#node-input-channels option", { hasText: "second" });
    await editor.open(NOTIFY);
    assert.deepEqual(await page.locator("#node-input-channels option").allTextContents(), ["second", "first"]);
    await option.click();
    await editor.done();
    assert.deepEqual(await channels(), [FIRST]);
    await page.waitForFunction(`RED.nodes.node("${SECOND}").users.length === 0`);
    assert.equal(await users(FIRST), 1);
    await editor.open(NOTIFY);
    await option.click();
    await editor.picture("two-channels");
    await editor.done();
    assert.deepEqual(await channels(), [FIRST, SECOND]);
    await page.waitForFunction(`RED.nodes.node("${SECOND}").users.length === 1`);
  });

  test("a new channel is chosen, one that is deleted is not missed", async () => {
    const { page } = editor;
    await editor.open(NOTIFY);
    await page.locator("#vigia-notify-add").click();
    await page.locator("#node-config-input-host").fill("127.0.0.1");
    await page.locator("#node-config-input-from").fill("vigia@example.com");
    await page.locator("#node-config-input-to").fill("third@example.com");
    await page.locator("#node-config-dialog-ok").click();
    await page.locator("#node-input-channels option", { hasText: "third@example.com" }).waitFor({ state: "attached" });
    await editor.done();
    const [, , third] = (await channels()) as string[];
    assert.ok(third);
    await page.waitForFunction(`RED.nodes.node("${third}").users.length === 1`);
    await page.evaluate(`RED.nodes.remove("${third}")`);
    await editor.open(NOTIFY);
    const reason = (await editor.ask<{ reason?: string }>("field", NOTIFY, "channels")).reason;
    assert.match(String(reason), /was deleted/);
    await page.locator("#node-input-channels option", { hasText: "deleted" }).click();
    await editor.done();
    assert.deepEqual(await channels(), [FIRST, SECOND]);
  });

  test("a test goes out with what stands in the dialog, and shows what came of it", async () => {
    const { page } = editor;
    const outcome = page.locator("#vigia-channel-outcome");
    await editor.open(FIRST);
    await page.locator("#node-config-input-to").fill("new@example.com");
    await page.locator("#vigia-channel-test").click();
    await outcome.filter({ hasText: /^Delivered\. .*250/ }).waitFor();
    assert.deepEqual(
      server.mails.map(({ recipients }) => recipients),
      [["new@example.com"]],
    );
    await editor.picture("test-sent");
    await page.locator("#node-config-input-port").fill("9");
    await page.locator("#vigia-channel-test").click();
    await outcome.filter({ hasText: /127\.0\.0\.1:9/ }).waitFor();
    await outcome.scrollIntoViewIfNeeded();
    await editor.picture("test-failed");
    await editor.cancel();
    assert.deepEqual(editor.problems, []);
  });
});
