// The store's table of policies, and the dialog of a read node that an earlier release saved.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type Editor, noBrowser, openBrowser, openEditor, type State } from "./editor.ts";
import { type NodeRed, startNodeRed } from "./node-red.ts";

describe("the dialogs of store and read", { skip: noBrowser }, () => {
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: Editor;

  before(async () => {
    browser = await openBrowser();
    nodeRed = await startNodeRed();
    editor = await openEditor(browser, nodeRed);
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.stop();
  });

  test("policies say what is wrong in a row, and are saved without what is empty", async () => {
    const { page } = editor;
    const field = (name: string) => page.locator(`.vigia-policy-${name}`);
    await editor.ask("addConfig", "vigia-store");
    await editor.opened();
    await page.locator(".red-ui-editableList-addButton").click();
    await field("series").fill("plant/#");
    await field("keep").fill("long");
    assert.match(
      (await page.locator(".vigia-policy-reason").textContent())!,
      /^Keep points for: a duration such as 90d/,
    );
    await editor.picture("store-policies");
    await field("keep").fill("90d");
    await field("precision").selectOption("2");
    assert.equal(await page.locator(".vigia-policy-reason").textContent(), "");
    await editor.done();
    const [store] = await editor.ask<{ id: string }[]>("nodesOf", ["vigia-store"]);
    const { valid, saved } = await editor.ask<State>("state", store!.id);
    assert.ok(valid);
    assert.deepEqual(saved.policies, [{ series: "plant/#", keep: "90d", precision: "2" }]);
  });

  test("a read node of the first release is opened as what it meant then", async () => {
    const old = {
      type: "vigia-read",
      version: 1,
      mode: "last",
      series: "#",
      seriesType: "str",
      range: "1h",
      limit: 10,
    };
    const flow = [
      { id: "a1f0c0de0000f001", type: "tab", label: "old" },
      { id: "a1f0c0de0000f003", type: "vigia-store", file: "old.db", every: "1s", version: 1 },
      {
        id: "a1f0c0de0000f002",
        z: "a1f0c0de0000f001",
        store: "a1f0c0de0000f003",
        ...old,
        output: "points",
        x: 200,
        y: 200,
        wires: [[]],
      },
    ];
    await editor.ask("importFlow", flow);
    const { valid } = await editor.ask<State>("state", "a1f0c0de0000f002");
    assert.ok(valid, "before it is opened");
    await editor.ask("showTab", "a1f0c0de0000f001");
    await editor.open("a1f0c0de0000f002");
    assert.equal(await editor.page.locator("#node-input-output").inputValue(), "messages");
    await editor.done();
    const { saved } = await editor.ask<State>("state", "a1f0c0de0000f002");
    assert.deepEqual([saved.version, saved.output], [2, "messages"]);
    assert.deepEqual(editor.problems, []);
  });
});
