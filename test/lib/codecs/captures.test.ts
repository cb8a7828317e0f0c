import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Precision } from "../../../lib/codecs/precision.ts";
import { decodeAll, NOW, type Seen } from "./helpers.ts";

const FOLDER = join(process.env.VIGIA_SHARED ?? "../shared", "golden", "captures");
const skip = existsSync(FOLDER) ? false : `no captures at ${FOLDER}: set VIGIA_SHARED`;

interface Capture {
  precision?: Precision;
  rejected?: number;
  expected: { series: string; tags: Record<string, string>; time: number | null; value: number | boolean | string }[];
}

function load(protocol: string, name: string): { bytes: Buffer; capture: Capture } {
  const base = join(FOLDER, protocol, name);
  return { bytes: readFileSync(`${base}.bin`), capture: JSON.parse(readFileSync(`${base}.json`, "utf8")) };
}

/** Both sides as sorted lines, so that order does not matter. Tags are in sorted order already here and there. */
function asSet(points: Iterable<{ series: string; tags: object; time: number; value: number }>): string[] {
  return Array.from(points, ({ series, tags, time, value }) =>
    JSON.stringify([series, Object.entries(tags).sort(), time, value]),
  ).sort();
}

/** Our number rule: texts are no points, booleans are 1 and 0, times are whole milliseconds, no time is arrival. */
function numeric(expected: Capture["expected"]): Seen[] {
  return expected.flatMap(({ series, tags, time, value }) =>
    typeof value === "string"
      ? []
      : [{ series, tags, time: time === null ? NOW : Math.round(time), value: Number(value) }],
  );
}

/** What a later InfluxDB reads and the captured one (1.6.7) did not: unsigned integers came with 2.0. */
const SINCE: Readonly<Record<string, { accepted: Capture["expected"]; rejected: number }>> = {
  edge_comment_multiline_bad: {
    accepted: [{ series: "m", tags: { field: "v" }, time: null, value: 1 }],
    rejected: 3,
  },
};

test("line protocol of real senders gives the points the server stored", { skip }, async (t) => {
  const names = readdirSync(join(FOLDER, "influx-line")).filter((name) => name.endsWith(".json"));
  assert.ok(names.length >= 6);
  for (const name of names.map((file) => file.slice(0, -5))) {
    for (const format of ["line-protocol", "auto"] as const) {
      await t.test(`${name}, ${format}`, () => {
        const { bytes, capture } = load("influx-line", name);
        const since = SINCE[name];
        const expected = numeric([...capture.expected, ...(since?.accepted ?? [])]);
        const texts = capture.expected.filter(({ value }) => typeof value === "string").length;
        const { seen, decoded } = decodeAll(bytes, { format, precision: capture.precision ?? "ns" });
        assert.equal(decoded.format, "line-protocol");
        assert.deepEqual(asSet(seen), asSet(expected));
        assert.equal(decoded.points, expected.length);
        assert.equal(decoded.skipped, texts);
        assert.equal(decoded.rejected.length, since?.rejected ?? capture.rejected ?? 0);
      });
    }
  }
});

test("plain values of real devices", { skip }, () => {
  for (const [protocol, name] of [
    ["shelly", "gen1_relay_power_scalar"],
    ["home-assistant", "statestream_scalar"],
    ["tasmota", "lwt"],
  ] as const) {
    const { bytes, capture } = load(protocol, name);
    const { seen, decoded } = decodeAll(bytes);
    assert.equal(decoded.format, "number");
    assert.deepEqual(
      seen.map(({ value }) => value),
      capture.expected.map(({ value }) => Number(value)),
    );
  }
});

test("flat parts of devices' JSON, nested objects and texts counted", { skip }, () => {
  for (const [protocol, name, extra, skipped] of [
    ["zigbee2mqtt", "climate_last_seen", [], 1],
    ["zigbee2mqtt", "states_nested_null", ["topic/last_seen"], 2],
    ["dweet", "post_nested", [], 2],
  ] as const) {
    const { bytes, capture } = load(protocol, name);
    const { seen, decoded } = decodeAll(bytes);
    assert.equal(decoded.format, "json");
    const flat = capture.expected.filter(({ series }) => !series.includes("."));
    assert.deepEqual(
      seen
        .filter(({ series }) => !(extra as readonly string[]).includes(series))
        .map(({ series, value }) => [series, Number.isNaN(value) ? null : value])
        .sort(),
      flat.map(({ series, value }) => [`topic/${series}`, value === null ? null : Number(value)]).sort(),
    );
    assert.equal(decoded.skipped, skipped);
  }
});

test("phant's CSV output", { skip }, () => {
  const { bytes, capture } = load("phant", "output_csv");
  const { seen, decoded } = decodeAll(bytes, {}, {});
  assert.equal(decoded.format, "csv");
  // "86%" is no number: the capture's own decoder knows phant, this one does not.
  assert.equal(decoded.skipped, 1);
  assert.deepEqual(
    seen.map(({ series, time, value }) => [series, time, value]).sort(),
    capture.expected
      .filter(({ value }) => value !== 86)
      .map(({ series, time, value }) => [series, time, value])
      .sort(),
  );
});
