// Every node and every example in the real editor, in both languages and both themes.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { type Editor, type Field, noBrowser, openBrowser, openEditor, type State } from "./editor.ts";
import { type NodeRed, startNodeRed } from "./node-red.ts";
import { catalogue, examples, type Language, manifest, read, sets, types } from "./package.ts";

/** WCAG 2 AA for text. */
const READABLE = 4.5;
/** A key of a catalogue that nobody translated: `window.every`. */
const RAW_KEY = new RegExp(`(^|[\\s:])(common|palette|${sets.map(({ name }) => name).join("|")})\\.[a-z][\\w.-]*$`);

/** Each checked field refuses some of these. */
const WRONG = ["", "-1", "¿?", "#/a", "{", "=,=", "{{"];

/** What no default can know: whom to tell, and by which server. */
const NEEDED: Record<string, Record<string, string>> = {
  "vigia-channel": { host: "127.0.0.1", from: "vigia@example.com", to: "you@example.com" },
};

const configs = new Set(sets.filter(({ config }) => config).map(({ type }) => type));

interface Dropped {
  id: string;
  type: string;
}

/** One of each type, as they come from the palette and from *Add new*. */
async function dropAll(editor: Editor): Promise<Dropped[]> {
  const dropped: Dropped[] = [];
  for (const [i, { type, config }] of sets.entries()) {
    if (!config) dropped.push({ type, id: await editor.ask("drop", type, i) });
    else {
      const before = await editor.ask<Dropped[]>("nodesOf", [type]);
      await editor.ask("addConfig", type);
      await editor.opened();
      await editor.done();
      const now = await editor.ask<Dropped[]>("nodesOf", [type]);
      const added = now.find(({ id }) => !before.some((other) => other.id === id));
      assert.ok(added, `${type} was not added`);
      dropped.push(added);
    }
  }
  // The only things that a node cannot know by itself: which of the config nodes, and what is needed.
  for (const { id, type } of dropped) {
    const { validationErrors } = await editor.ask<State>("state", id);
    if (validationErrors.length === 0) continue;
    await editor.open(id);
    for (const [name, value] of Object.entries(NEEDED[type] ?? {})) {
      await enter(editor, await editor.ask<Field>("field", id, name), value);
    }
    for (const { name, config } of await editor.ask<{ name: string; config: boolean }[]>("checked", id)) {
      if (config) await editor.ask("chooseFirst", id, name);
    }
    await editor.done();
  }
  return dropped;
}

/** Texts of the dialog that is open: all translated, all of this language. */
async function checkTexts(editor: Editor, type: string, language: Language): Promise<void> {
  const texts = catalogue(language, type.replace("vigia-", ""));
  for (const { key, text } of await editor.ask<{ key: string; text: string }[]>("translated")) {
    assert.equal(text, texts.get(key), `${type}: ${key}`);
  }
  const shown = await editor.ask<string[]>("texts");
  assert.deepEqual(
    shown.filter((text) => RAW_KEY.test(text)),
    [],
    `${type}: keys instead of texts`,
  );
}

async function checkColours(editor: Editor, what: string): Promise<void> {
  const texts = await editor.ask<{ what: string; contrast: number }[]>("colours");
  assert.ok(texts.length > 2, `${what}: no texts found`);
  assert.deepEqual(
    texts.filter(({ contrast }) => contrast < READABLE),
    [],
    `${what}: cannot be read`,
  );
  assert.deepEqual(await editor.ask<string[]>("overflow"), [], `${what}: does not fit`);
}

/** Makes a field visible the way a user does: by the choices above it. */
async function show(editor: Editor, id: string, name: string): Promise<Field> {
  const field = () => editor.ask<Field>("field", id, name);
  const first = await field();
  if (first.shown || !first.there) return first;
  interface Select {
    select: string;
    value: string;
    options: string[];
  }
  // Two choices deep: a choice may bring up the next one.
  for (const { select, options, value } of await editor.ask<Select[]>("selects", id)) {
    for (const option of options) {
      await editor.ask("choose", select, option);
      const now = await field();
      if (now.shown) return now;
      for (const inner of await editor.ask<Select[]>("selects", id)) {
        if (inner.select === select) continue;
        for (const other of inner.options) {
          await editor.ask("choose", inner.select, other);
          const deep = await field();
          if (deep.shown) return deep;
        }
        await editor.ask("choose", inner.select, inner.value);
      }
    }
    await editor.ask("choose", select, value);
  }
  return first;
}

/** Types as a user does: the editor checks on the keys and when the field is left. */
async function enter(editor: Editor, { selector, keys, typed }: Field, value: string): Promise<void> {
  const { page } = editor;
  if (!keys) {
    await editor.ask("choose", selector.slice(1).split(" ")[0], value, typed);
    return;
  }
  await page.locator(selector).selectText();
  if (value === "") await page.keyboard.press("Delete");
  else await page.keyboard.type(value);
  await page.keyboard.press("Tab");
}

describe("the editor", { skip: noBrowser }, () => {
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: Editor;

  before(async () => {
    browser = await openBrowser();
    nodeRed = await startNodeRed();
    editor = await openEditor(browser, nodeRed);
  });
  afterEach(() => editor?.cancel());
  after(async () => {
    await browser?.close();
    await nodeRed?.stop();
  });

  test("has all nodes in one category, with their labels and help", async () => {
    for (const entry of await editor.ask<{ type: string; label: string; category: string }[]>("palette", types)) {
      if (configs.has(entry.type)) continue;
      assert.equal(entry.category, "Vigía", entry.type);
      assert.ok(entry.label && !RAW_KEY.test(entry.label) && !entry.label.startsWith("vigia-"), entry.label);
    }
    for (const type of types) assert.ok((await editor.ask<string>("help", type)).length > 100, `help of ${type}`);
    await editor.ask("showPalette", types[0]);
    await editor.picture("palette");
  });

  test("imports an example from the menu", async () => {
    const [{ title } = assert.fail("no examples")] = examples;
    const { page } = editor;
    await page.keyboard.press("Control+i");
    await page
      .locator("#red-ui-clipboard-dialog-import-tab-examples, [href='#red-ui-clipboard-dialog-import-tab-examples']")
      .first()
      .click();
    const browserOf = page.locator("#red-ui-clipboard-dialog-import-tab-examples .red-ui-treeList-label");
    await browserOf.filter({ hasText: manifest.name }).click();
    await browserOf.filter({ hasText: title }).click();
    await editor.picture("import");
    await page.locator("#red-ui-clipboard-dialog-ok").click();
    await page.locator("#red-ui-clipboard-dialog").waitFor({ state: "hidden" });
    await editor.deploy();
  });

  const opened = new Set<string>();

  for (const [i, { title, flow }] of examples.entries()) {
    test(`runs "${title}"`, async () => {
      // The first one came by the menu.
      if (i > 0) {
        await editor.ask("importFlow", flow);
        await editor.deploy();
      }
      const ours = flow.filter((node) => types.includes(node.type));
      for (const node of ours) {
        const { valid, validationErrors, missing } = await editor.ask<State>("state", node.id);
        assert.ok(valid, `${node.type}: ${validationErrors}`);
        assert.deepEqual(missing, [], node.type);
      }
      for (const node of flow.filter(({ type }) => type === "inject")) {
        await nodeRed.admin(`/inject/${node.id}`, { method: "POST", json: {} });
      }
      await editor.ask("closeMessages");
      await editor.ask("showTab", flow.find(({ type }) => type === "tab")!.id);
      await editor.picture(title);
      // A dialog that is opened and closed changes nothing.
      for (const { id, type } of ours) {
        if (opened.has(type)) continue;
        opened.add(type);
        const before = await editor.ask<State>("state", id);
        await editor.open(id);
        await editor.done();
        const after = await editor.ask<State>("state", id);
        assert.deepEqual(after.saved, before.saved, `${type}: what is saved`);
        assert.equal(after.changed, before.changed, `${type}: marked as changed`);
      }
    });
  }

  let dropped: Dropped[] = [];

  test("drops every node, deploys it with its defaults", async () => {
    await nodeRed.deploy([]);
    await editor.load();
    dropped = await dropAll(editor);
    await editor.deploy();
    await editor.picture("dropped");
    for (const { id, type } of dropped) {
      const { label, ports, validationErrors } = await editor.ask<State>("state", id);
      assert.deepEqual(validationErrors, [], type);
      for (const text of [label, ...ports]) assert.ok(text && !RAW_KEY.test(text), `${type}: "${text}"`);
    }
  });

  for (const { type, name } of sets) {
    test(`shows the dialog of ${type} in both themes`, async () => {
      const { id } = dropped.find((node) => node.type === type)!;
      const before = await editor.ask<State>("state", id);
      await editor.open(id);
      await checkTexts(editor, type, "en-US");
      await checkColours(editor, `${type}, light`);
      await editor.picture(`${name}-light`);
      // Node-RED 4.1 has one theme only.
      if (!nodeRed.version.startsWith("4")) {
        await editor.ask("theme", true);
        await checkColours(editor, `${type}, dark`);
        await editor.picture(`${name}-dark`);
        await editor.ask("theme", false);
      }
      await editor.done();
      const after = await editor.ask<State>("state", id);
      assert.deepEqual(after.saved, before.saved);
      assert.equal(after.changed, false, "marked as changed");
    });

    test(`says what is wrong in the dialog of ${type}`, async () => {
      const { id } = dropped.find((node) => node.type === type)!;
      await editor.open(id);
      const checked = await editor.ask<{ name: string; config: boolean }[]>("checked", id);
      for (const { name: field, config } of checked) {
        const input = await show(editor, id, field);
        assert.ok(input.there && input.shown, `${field}: cannot be seen`);
        const values = config ? ["_ADD_"] : await editor.ask<string[]>("wrong", id, field, WRONG);
        assert.ok(values.length > 0, `${field}: takes anything`);
        for (const value of values.slice(0, 2)) {
          await enter(editor, input, value);
          const { marked, reason } = await editor.ask<Field>("field", id, field);
          assert.ok(marked, `${field} "${value}": not marked`);
          assert.ok(reason, `${field} "${value}": no reason`);
          assert.doesNotMatch(reason, RAW_KEY);
        }
      }
      await editor.picture(`${name}-invalid`);
      await editor.done();
      const { valid, validationErrors } = await editor.ask<State>("state", id);
      assert.equal(valid, checked.length === 0);
      const bare = validationErrors.filter((error) => checked.some(({ name: field }) => field === error));
      assert.deepEqual(bare, [], "the names of properties instead of reasons");
    });
  }

  test("shows the reason when the mouse rests on a field", async () => {
    const { id } = dropped.find(({ type }) => type === "vigia-window")!;
    await editor.open(id);
    const field = await editor.ask<Field>("field", id, "every");
    await editor.page.locator(field.selector).hover();
    const tooltip = editor.page.locator(".red-ui-popover", { hasText: field.reason! });
    await tooltip.waitFor();
    await editor.picture("tooltip");
    await editor.page.mouse.move(5, 5);
    await editor.done();
  });

  test("speaks Spanish", async () => {
    const spanish = await openEditor(browser, nodeRed, "es-ES");
    for (const { id, type } of dropped) {
      const name = type.replace("vigia-", "");
      const help = await spanish.ask<string>("help", type);
      const heading = /^### (.+)$/m.exec(read("locales/es", `${name}.html`))![1]!;
      assert.ok(help.includes(heading), `help of ${type}: ${help.slice(0, 200)}`);
      await spanish.open(id);
      await checkTexts(spanish, type, "es");
      await checkColours(spanish, `${type}, es`);
      await spanish.picture(`${name}-es`);
      await spanish.done();
      const { label, ports } = await spanish.ask<State>("state", id);
      for (const text of [label, ...ports]) assert.ok(text && !RAW_KEY.test(text), `${type}: "${text}"`);
    }
    assert.deepEqual(spanish.problems, []);
    await spanish.close();
  });

  test("had no error and asked nobody outside", () => {
    assert.deepEqual(editor.problems, []);
    const complaints = nodeRed
      .log()
      .split("\n")
      .filter((line) => /uncaught|\[error\]/i.test(line));
    // The broker's port may be somebody else's on this machine.
    assert.deepEqual(
      complaints.filter((line) => !/port \d+ .* is taken/.test(line)),
      [],
    );
  });
});
