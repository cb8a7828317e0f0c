// The flow library's own judgement of the packed package. Its exit code says nothing, so its card is read.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { sets } from "../editor/package.ts";
import { pack, require, tempFolder } from "./pack.ts";

const run = promisify(execFile);
const RULES = ["P01", "P03", "P04", "P05", "P06", "P07", "P08", "N01", "N02", "D01", "D02", "D03"];

type Card = Record<string, { test?: boolean; nodes?: string[] }>;

describe("the scorecard", () => {
  const folder = tempFolder();
  let card: Card;
  let said = "";

  before(async () => {
    const { tarball } = await pack(folder.path);
    const unpacked = join(folder.path, "unpacked");
    mkdirSync(unpacked);
    await run("tar", ["-xzf", tarball, "-C", unpacked, "--strip-components=1"]);
    const tool = join(dirname(require.resolve("node-red-dev/package.json")), "bin/run");
    const output = join(folder.path, "card.json");
    const preload = join(import.meta.dirname, "offline-catalogue.cjs");
    const { stdout, stderr } = await run(
      process.execPath,
      ["-r", preload, tool, "validate", "-p", unpacked, "-o", output],
      { cwd: folder.path, timeout: 120_000 },
    );
    said = stdout + stderr;
    card = JSON.parse(readFileSync(output, "utf8"));
  });
  after(() => folder.remove());

  for (const rule of RULES) {
    test(rule, () => assert.equal(card[rule]?.test, true, `${rule}: ${JSON.stringify(card[rule])}\n${said}`));
  }

  test("sees all nodes", () => {
    const shown = sets.filter(({ config }) => !config).map(({ type }) => type);
    assert.deepEqual(card.N02?.nodes?.toSorted(), shown.toSorted());
  });
});
