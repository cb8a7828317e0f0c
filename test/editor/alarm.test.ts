// The table of rules in the alarm's dialog: rows that fit their condition, reasons, CSV in and out.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type Editor, noBrowser, openBrowser, openEditor, type State } from "./editor.ts";
import { type NodeRed, startNodeRed } from "./node-red.ts";

const CSV = `series;tags;when;limit;low;high;severity;for;text
plant/#;site=madrid;above;80;;;major;5m;"too hot; look at the fan"
;;outside;;1;3;;;
`;
const RULES = [
  {
    series: "plant/#",
    tags: "site=madrid",
    when: "above",
    limit: "80",
    severity: "major",
    for: "5m",
    text: "too hot; look at the fan",
  },
  { when: "outside", low: "1", high: "3", severity: "warning" },
];

describe("the rules of an alarm", { skip: noBrowser }, () => {
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: Editor;
  let id: string;

  before(async () => {
    browser = await openBrowser();
    nodeRed = await startNodeRed();
    editor = await openEditor(browser, nodeRed);
    id = await editor.ask("drop", "vigia-alarm", 0);
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.stop();
  });

  const state = () => editor.ask<State>("state", id);
  const rules = async () => ((await state()).saved as { rules: object[] }).rules;
  const field = (name: string, row = 0) => editor.page.locator(`.vigia-rule-${name}`).nth(row);
  const outcome = () => editor.page.locator(".vigia-csv-outcome").textContent();

  test("come from CSV, or say what is wrong with it", async () => {
    await editor.open(id);
    const { page } = editor;
    await page.locator(".vigia-csv-import").click();
    await page.locator(".vigia-csv-panel textarea").fill(CSV.replace(";80;", ";hot;"));
    await page.locator(".vigia-csv-use").click();
    assert.match((await outcome())!, /^line 2, limit is "hot"; allowed: a number/);
    assert.equal(await page.locator(".vigia-rule-when").count(), 1, "the rules stay");
    await page.locator(".vigia-csv-panel textarea").fill(CSV);
    await page.locator(".vigia-csv-use").click();
    assert.equal(await outcome(), "2 rules taken");
    await editor.picture("alarm-rules");
    await editor.done();
    assert.deepEqual(await rules(), RULES);
    assert.ok((await state()).changed);
  });

  test("have the fields of their condition, and reasons by the row", async () => {
    await editor.open(id);
    assert.deepEqual(await Promise.all(["limit", "low", "off"].map((name) => field(name, 1).isVisible())), [
      false,
      true,
      false,
    ]);
    await field("when", 1).selectOption("below");
    assert.ok(await field("limit", 1).isVisible());
    await field("limit", 1).fill("cold");
    const reason = editor.page.locator(".vigia-rule-reason").nth(1);
    assert.match((await reason.textContent())!, /^Limit: a number/);
    assert.match((await field("limit", 1).getAttribute("class"))!, /input-error/);
    await editor.done();
    const { valid, validationErrors } = await state();
    assert.equal(valid, false);
    assert.match(validationErrors[0]!, /^Rule 2: Limit: a number/);
    await editor.open(id);
    await field("limit", 1).fill("-5");
    assert.equal(await reason.textContent(), "");
    await editor.done();
    assert.deepEqual((await rules())[1], { when: "below", limit: "-5", severity: "warning" });
    assert.deepEqual((await state()).validationErrors, []);
  });

  test("are added, and go out as the CSV that comes back in", async () => {
    await editor.open(id);
    const { page } = editor;
    await page.locator(".red-ui-editableList-addButton").click();
    await field("limit", 2).fill("7");
    const download = page.waitForEvent("download");
    await page.locator(".vigia-csv-export").click();
    const text = readFileSync(await (await download).path(), "utf8");
    assert.match(text, /^series,tags,when,limit,/);
    await page.locator(".vigia-csv-import").click();
    await page.locator(".vigia-csv-panel textarea").fill(text);
    await page.locator(".vigia-csv-use").click();
    assert.equal(await outcome(), "3 rules taken");
    await editor.done();
    assert.deepEqual((await rules())[2], { when: "above", limit: "7", severity: "warning" });
    assert.deepEqual(editor.problems, []);
  });
});
