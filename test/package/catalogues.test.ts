// The parts that every node has to bring, checked in its sources: texts in all languages, help, icon, example, place.
import assert from "node:assert/strict";
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../editor/node-red.ts";
import { catalogue, examples, flatten, json, languages, manifest, read, sets, types } from "../editor/package.ts";

/** The way of the data through the palette. */
const GROUPS = ["collect", "store", "analyse", "alarm", "show", "control"];

const HEADINGS = {
  "en-US": { inputs: "Inputs", outputs: "Outputs", details: "Details" },
  es: { inputs: "Entradas", outputs: "Salidas", details: "Detalles" },
};

const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!);
const placeholders = (text: string) => all(text, /__(\w+?)__/g).sort();
const icon = (name: string) => join(root, "icons", `${name}.svg`);

/** Types that Node-RED itself brings. */
const core = new Set(
  globSync("node_modules/@node-red/nodes/core/**/*.html", { cwd: root })
    .filter((file) => !file.includes("locales"))
    .flatMap((file) => all(read(file), /registerType\(\s*["']([^"']+)/g)),
);

describe("package.json", () => {
  test("has the nodes in the order of the data's way", () => {
    const order = sets.map(({ group }) => GROUPS.indexOf(group));
    assert.ok(!order.includes(-1), `unknown folder among ${sets.map(({ group }) => group)}`);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      `order of ${sets.map(({ group, name }) => `${group}/${name}`).join(", ")}`,
    );
  });

  test("is built before it is packed, and found by Node-RED's keyword", () => {
    assert.match(manifest.scripts.prepack ?? "", /build\.mjs/);
    assert.ok(manifest.keywords.includes("node-red"));
  });
});

describe("common texts", () => {
  const [first, ...others] = languages.map((language) => flatten(json<object>("locales", language, "common.json")));
  test("are the same keys in all languages", () => {
    for (const other of others) assert.deepEqual([...other.keys()].sort(), [...first!.keys()].sort());
  });
});

for (const { name, type, group, config, inputs, outputs, editor, form, runtime } of sets) {
  describe(type, () => {
    const texts = Object.fromEntries(languages.map((language) => [language, catalogue(language, name)]));
    const english = texts["en-US"]!;

    test("registers its type in place, with a version", () => {
      assert.match(editor, new RegExp(`RED\\.nodes\\.registerType\\("${type}", \\{`));
      assert.match(editor, /version: \{ value: \d+ \}/);
      assert.match(runtime, new RegExp(`"${type}"`));
    });

    test("has an icon, 40 × 60, white lines", { skip: config && "config nodes have none" }, () => {
      assert.match(editor, new RegExp(`icon: "${type}\\.svg"`));
      assert.ok(existsSync(icon(name)), `no icons/${name}.svg`);
      const svg = read("icons", `${name}.svg`);
      assert.match(svg, /width="40"/);
      assert.match(svg, /height="60"/);
      for (const colour of all(svg, /(?:fill|stroke)="([^"]+)"/g)) assert.match(colour, /^(none|#fff|#ffffff|white)$/i);
    });

    test("has the same texts in all languages, none of them empty", () => {
      for (const language of languages) {
        const own = texts[language]!;
        assert.deepEqual([...own.keys()].sort(), [...english.keys()].sort(), language);
        for (const [key, text] of own) {
          assert.notEqual(text.trim(), "", `${language} ${key}`);
          assert.deepEqual(placeholders(text), placeholders(english.get(key)!), `${language} ${key}`);
        }
      }
    });

    test("uses only texts that there are", () => {
      const exists = (key: string) => {
        const bare = key.replace(`${manifest.name}/${name}:`, "");
        // Of Node-RED itself.
        if (bare.startsWith("node-red:")) return true;
        // A key that is put together: `replay.status.${state}`.
        const start = bare.split("${")[0]!;
        const known = [...english.keys()];
        return start === bare ? english.has(bare) : known.some((other) => other.startsWith(start) && other !== start);
      };
      const used = [
        ...all(form, /data-i18n="([^"]+)"/g).flatMap((value) =>
          value.split(";").map((key) => key.replace(/^\[\w+\]/, "")),
        ),
        ...[editor, runtime].flatMap((code) => all(code, /(?:\bRED|\bthis|\bnode|\bown)\._\(\s*["'`]([^"'`]+)/g)),
      ];
      assert.ok(used.length > 0 || english.size === 0);
      assert.deepEqual(
        used.filter((key) => !exists(key)),
        [],
      );
    });

    test("explains itself in all languages", () => {
      const names = (help: string) => all(help, /^\s*: ([\w.]+) \(/gm);
      for (const language of languages) {
        const help = read("locales", language, `${name}.html`);
        assert.match(help, new RegExp(`^<script type="text/(markdown|html)" data-help-name="${type}">\\n`));
        assert.match(help, /<\/script>\s*$/);
        const headings = all(help, /^### (.+)$/gm);
        const { inputs: into, outputs: out, details } = HEADINGS[language];
        const wanted = [...(inputs > 0 ? [into] : []), ...(outputs > 0 ? [out] : []), details];
        assert.deepEqual(headings.slice(0, wanted.length), wanted, `${language}: headings`);
        const english = all(read("locales/en-US", `${name}.html`), /^### (.+)$/gm);
        assert.equal(headings.length, english.length, `${language}: headings`);
        const summary = help.split("\n").slice(1).join("\n").split("###")[0]!.trim();
        assert.ok(
          summary.length > 20 && summary.length <= 300,
          `${language}: the first lines are the palette's tooltip`,
        );
        assert.deepEqual(names(help), names(read("locales/en-US", `${name}.html`)), `${language}: properties`);
      }
    });

    test("is in an example", () => {
      assert.ok(examples.some(({ flow }) => flow.some((node) => node.type === type)));
    });

    test("is in README's table", () => {
      const rows = all(read("README.md"), /^(\|.*\|)\s*$/gm);
      const label = /paletteLabel: "([^"]+)"/.exec(editor)?.[1];
      assert.ok(
        rows.some((row) => row.includes(type) || (label !== undefined && row.includes(label))),
        `README has no row with ${type}${label === undefined ? "" : ` or "${label}"`}`,
      );
    });

    test("has no colours of its own in its form", () => {
      const styles = [...all(form, /style="([^"]*)"/g), ...all(form, /<style[^>]*>([\s\S]*?)<\/style>/g)];
      const scripted = all(editor, /\.(?:css|attr|style)\b([^;]*);/g);
      for (const style of [...styles, ...scripted]) {
        assert.doesNotMatch(style, /#[0-9a-f]{3,8}\b|\b(rgb|hsl)a?\(/i, style);
        for (const value of all(style, /(?:colou?r|background|border|fill|stroke)[\w-]*\s*:\s*([^;]+)/gi)) {
          assert.match(value, /var\(--red-ui-|^(none|inherit|transparent|currentcolor|0)\b/i, style);
        }
      }
    });

    test("lies in a folder of its group", () => {
      assert.equal(manifest["node-red"].nodes[name], `dist/nodes/${group}/${name}.js`);
    });
  });
}

describe("examples", () => {
  const seen = new Map<string, string>();
  for (const { title, flow } of examples) {
    test(title, () => {
      assert.match(title, /^\d\d - \S/);
      assert.ok(Array.isArray(flow));
      const tabs = new Set(flow.filter(({ type }) => type === "tab").map(({ id }) => id));
      assert.ok(tabs.size > 0, "no tab");
      const first = flow.find(({ z }) => z !== undefined);
      assert.equal(first?.type, "comment", "a comment comes first");
      const ids = new Set(flow.map(({ id }) => id));
      for (const { id, type, z, wires } of flow) {
        assert.match(id, /^[0-9a-f]{16}$/, `id of ${type}`);
        assert.ok(!seen.has(id), `id ${id} is in "${seen.get(id)}" too`);
        seen.set(id, title);
        if (type !== "tab") {
          assert.ok(
            core.has(type) || type === "group" || types.includes(type),
            `type ${type} is neither core nor ours`,
          );
        }
        if (z !== undefined) assert.ok(tabs.has(z), `${type} lies on no tab`);
        for (const to of (wires as string[][] | undefined)?.flat() ?? []) assert.ok(ids.has(to), `wire to ${to}`);
      }
    });
  }
});
