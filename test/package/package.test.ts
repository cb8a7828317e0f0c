// What users get: only what they need is packed, and it runs where nothing but Node-RED is installed.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type NodeRed, startNodeRed } from "../editor/node-red.ts";
import { examples, manifest, sets, types } from "../editor/package.ts";
import { npm, type Packed, pack, require, tempFolder } from "./pack.ts";

const FILES = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
  /^examples\/\d\d - [^/]+\.json$/,
  /^dist\/(lib|nodes)\/.+\.js$/,
  /^dist\/nodes\/\w+\/[\w-]+\.html$/,
  /^dist\/nodes\/\w+\/icons\/vigia-[\w-]+\.svg$/,
  /^dist\/nodes\/\w+\/locales\/(en-US|es)\/[\w-]+\.(json|html)$/,
  // The live page.
  /^dist\/nodes\/show\/page\/[\w-]+\.(html|css|svg)$/,
];
const MOST_BYTES = 1_000_000;

interface SetInfo {
  id: string;
  types: string[];
  enabled: boolean;
  module: string;
  version: string;
  err?: unknown;
}

/** A point comes by HTTP, is stored, and is read again: nodes of ours in a flow of core nodes. */
const FLOW = [
  { id: "f100000000000001", type: "tab", label: "Package", disabled: false, info: "" },
  { id: "f100000000000002", type: "vigia-store", name: "", version: 1, file: "points.db", every: "20ms" },
  {
    id: "f100000000000003",
    type: "http in",
    z: "f100000000000001",
    name: "",
    url: "/kpi",
    method: "post",
    upload: false,
    swaggerDoc: "",
    wires: [["f100000000000004"]],
  },
  {
    id: "f100000000000004",
    type: "vigia-write",
    z: "f100000000000001",
    version: 1,
    store: "f100000000000002",
    series: "topic",
    seriesType: "msg",
    wires: [["f100000000000005"]],
  },
  {
    id: "f100000000000005",
    type: "vigia-read",
    z: "f100000000000001",
    version: 1,
    store: "f100000000000002",
    mode: "range",
    series: "plant/#",
    seriesType: "str",
    range: "1h",
    output: "rows",
    wires: [["f100000000000006"]],
  },
  { id: "f100000000000006", type: "http response", z: "f100000000000001", name: "", statusCode: "", wires: [] },
];

describe("the package", () => {
  const folder = tempFolder();
  let packed: Packed;

  before(async () => {
    packed = await pack(folder.path);
  });
  after(() => folder.remove());

  test("holds what is needed and nothing else", () => {
    assert.deepEqual(
      packed.files.filter((file) => !FILES.some((allowed) => allowed.test(file))),
      [],
      "not on the list",
    );
    for (const file of ["README.md", "LICENSE"]) assert.ok(packed.files.includes(file), file);
    for (const { name, group, config } of sets) {
      const at = `dist/nodes/${group}`;
      const texts = ["en-US", "es"].flatMap((language) =>
        ["json", "html"].map((ext) => `locales/${language}/${name}.${ext}`),
      );
      const needed = [`${name}.js`, `${name}.html`, ...texts, ...(config ? [] : [`icons/vigia-${name}.svg`])];
      for (const file of needed) assert.ok(packed.files.includes(`${at}/${file}`), `${at}/${file} is missing`);
    }
    assert.ok(packed.size < MOST_BYTES, `${packed.size} bytes`);
  });

  for (const release of ["node-red", "node-red-4"]) {
    const { version } = require(`${release}/package.json`) as { version: string };

    describe(`in an empty Node-RED ${version}`, () => {
      const user = tempFolder();
      let nodeRed: NodeRed | undefined;

      before(async () => {
        writeFileSync(
          join(user.path, "package.json"),
          JSON.stringify({ name: "empty", version: "0.0.1", private: true }),
        );
        await npm(user.path, "install", "--omit=dev", packed.tarball);
        nodeRed = await startNodeRed({ release, userDir: user.path, nodesDir: undefined });
      });
      after(async () => {
        await nodeRed?.stop();
        user.remove();
      });

      test("loads all nodes", async () => {
        const loaded = (await nodeRed!.admin<SetInfo[]>("/nodes")).filter(({ module }) => module === manifest.name);
        assert.deepEqual(loaded.flatMap((set) => set.types).sort(), types.toSorted());
        for (const { id, enabled, err, version: own } of loaded) {
          assert.equal(err, undefined, id);
          assert.equal(enabled, true, id);
          assert.equal(own, manifest.version, id);
        }
      });

      test("offers the examples and the help", async () => {
        const offered = await nodeRed!.admin<{ fn: string }[]>(`/library/examples/flows/${manifest.name}`);
        assert.deepEqual(
          offered.map(({ fn }) => fn.replace(/\.json$/, "")).sort(),
          examples.map(({ title }) => title),
        );
        for (const { name, type } of sets) {
          const form = await nodeRed!.admin<string>(`/nodes/${manifest.name}/${name}`, {
            headers: { Accept: "text/html" },
          });
          assert.match(form, new RegExp(`data-template-name="${type}"`));
          assert.match(form, new RegExp(`data-help-name="${type}"`));
        }
      });

      test("runs a flow", async () => {
        await nodeRed!.deploy(FLOW);
        const point = { series: "plant/boiler/temperature", time: Date.now(), value: 61.5, unit: "°C" };
        assert.deepEqual(await nodeRed!.admin("/kpi", { method: "POST", json: point }), [point]);
        assert.doesNotMatch(nodeRed!.log(), /\[error\]|uncaught/i);
      });
    });
  }
});
