// nodes/ + lib/ → dist/: the runtime by tsc, each editor file bundled into the html that Node-RED looks for beside it,
// with the node's icon, texts and help in the folders where Node-RED finds them.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const LANGUAGES = ["en-US", "es"];
const at = (...parts) => join(root, ...parts);
const json = (path) => JSON.parse(readFileSync(path, "utf8"));

rmSync(at("dist"), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [at("node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);

async function bundle(entry) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    // Readable, since users and the flow library read it.
    minify: false,
    legalComments: "none",
  });
  return outputFiles[0].text;
}

/** Rows that many forms have stand once: `<!-- form: series -->`. */
function formOf(source) {
  return source.replace(/<!-- form: ([\w-]+) -->\n/g, (_, row) =>
    readFileSync(at("nodes/editor/form", `${row}.html`), "utf8"),
  );
}

const common = Object.fromEntries(LANGUAGES.map((lang) => [lang, json(at("locales", lang, "common.json"))]));

await Promise.all(
  globSync("nodes/*/*.editor.ts", { cwd: root }).map(async (editor) => {
    const name = basename(editor, ".editor.ts");
    const group = dirname(editor);
    const out = at("dist", group);
    const form = formOf(readFileSync(at(group, `${name}.html`), "utf8")).trim();
    const script = await bundle(editor);
    writeFileSync(
      join(out, `${name}.html`),
      `<script type="text/javascript">\n${script}</script>\n\n` +
        `<script type="text/html" data-template-name="vigia-${name}">\n${form}\n</script>\n`,
    );
    if (existsSync(at("icons", `${name}.svg`))) {
      mkdirSync(join(out, "icons"), { recursive: true });
      cpSync(at("icons", `${name}.svg`), join(out, "icons", `vigia-${name}.svg`));
    }
    for (const lang of LANGUAGES) {
      const texts = join(out, "locales", lang);
      mkdirSync(texts, { recursive: true });
      writeFileSync(
        join(texts, `${name}.json`),
        `${JSON.stringify({ ...common[lang], ...json(at("locales", lang, `${name}.json`)) }, null, 2)}\n`,
      );
      cpSync(at("locales", lang, `${name}.html`), join(texts, `${name}.html`));
    }
  }),
);

// The live page: one script, one style sheet, one document, one icon.
if (existsSync(at("nodes/show/page/main.ts"))) {
  const page = at("dist/nodes/show/page");
  mkdirSync(page, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: ["nodes/show/page/main.ts", "nodes/show/page/style.css"],
    outdir: page,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "inline",
  });
  for (const file of ["index.html", "icon.svg"]) cpSync(at("nodes/show/page", file), join(page, file));
}
