// The recorded timelines of other alarm systems, where ours means to be the same.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { seriesRef } from "../../../lib/points/series.ts";
import { bench, restarted, SECOND, T } from "./helpers.ts";

const FILE = join(process.env.VIGIA_SHARED ?? "../shared", "golden", "alarms", "scenarios.json");
const missing = existsSync(FILE) ? false : `no scenarios at ${FILE}: set VIGIA_SHARED`;

interface Input {
  t: number;
  op: "sample" | "cond" | "down" | "up";
  key: string;
  value: number;
  on: boolean;
}

interface Scenario {
  id: string;
  until: number;
  steps: { t: number; v: number | string; High: string; NoFor: string }[];
  input: Input[];
  expectOurs: { t: number; ev: string; key: string; severity: string }[];
}

const scenarios: Scenario[] = missing ? [] : JSON.parse(readFileSync(FILE, "utf8")).scenarios;
const scenario = (id: string) => scenarios.find((one) => one.id === id);
const skip = (id: string) => missing || (scenario(id) ? false : `no ${id} in ${FILE}`);

const NAMES: Record<string, string> = { start: "firing", end: "resolved" };
const PROMETHEUS: Record<string, string> = { normal: "inactive", recovering: "firing" };

test("S12: for and keep as Prometheus does; a series that went stale keeps its state instead", {
  skip: skip("S12"),
}, () => {
  const slow = bench({ rules: [{ when: "above", limit: "80", for: "30s", keep: "25s" }] });
  const plain = bench();
  for (const { alarms } of [slow, plain]) alarms.resume();
  for (const { t, v, High, NoFor } of scenario("S12")!.steps) {
    if (typeof v !== "number") break;
    for (const [{ at }, expected] of [
      [slow, High],
      [plain, NoFor],
    ] as const) {
      const state = at(t, v);
      assert.equal(PROMETHEUS[state] ?? state, expected, `at ${t}`);
    }
  }
});

test("S18: silence is told once and ends nothing", { skip: skip("S18") }, () => {
  const { input, until, expectOurs } = scenario("S18")!;
  const own = bench({ rules: [{ when: "above", limit: "80", off: "75" }], noData: 30 * SECOND });
  own.alarms.resume();
  for (const { t, value } of input) own.at(t, value);
  own.wait(until);
  assert.deepEqual(
    own.events().map(({ event, time, severity }) => ({ t: (time - T) / SECOND, ev: NAMES[event] ?? event, severity })),
    expectOurs.map(({ t, ev, severity }) => ({ t, ev, severity })),
  );
});

test("S21: an outage does not count, and tells nothing", { skip: skip("S21") }, () => {
  const { input, until, expectOurs } = scenario("S21")!;
  const rules = [
    { series: "p", when: "above", limit: "0.5", for: "60s" },
    { series: "f", when: "above", limit: "0.5" },
  ];
  let own = bench({ rules });
  own.alarms.resume();
  const events = [];
  for (const { t, op, key, on } of input) {
    if (op === "cond") own.at(t, Number(on), {}, seriesRef(key));
    else if (op === "down") {
      own.wait(t);
      events.push(...own.events());
      own = restarted(own, { rules });
    } else {
      own.clock.time = T + t * SECOND;
      own.alarms.resume();
    }
  }
  own.wait(until);
  events.push(...own.events());
  assert.deepEqual(
    events.map(({ event, time, series }) => ({ t: (time - T) / SECOND, ev: NAMES[event] ?? event, key: series })),
    expectOurs.map(({ t, ev, key }) => ({ t, ev, key })),
  );
});

test("S13: hysteresis: on above 80, over at 75", () => {
  const own = bench({ rules: [{ when: "above", limit: "80", off: "75" }] });
  const values = [79, 81, 79, 76, 81, 75, 79, 80, 81];
  for (const [i, value] of values.entries()) own.at(i * 10, value);
  assert.deepEqual(own.told(), ["10 start warning", "50 end warning", "80 start warning"]);
});

test("S22: one identity; the severity goes up at once, down without a word", () => {
  const own = bench({
    rules: [
      { when: "above", limit: "80", severity: "warning" },
      { when: "above", limit: "90", severity: "critical" },
    ],
  });
  for (const [i, value] of [85, 95, 85, 95, 70].entries()) own.at(i * 10, value);
  const events = own.events();
  assert.deepEqual(
    events.map(({ event, severity, previous }) => [event, severity, previous]),
    [
      ["start", "warning", undefined],
      ["severity", "critical", "warning"],
      ["severity", "critical", "warning"],
      ["end", "critical", undefined],
    ],
  );
  assert.equal(new Set(events.map(({ key }) => key)).size, 1);
  assert.equal(new Set(events.map(({ id }) => id)).size, 4);
});
