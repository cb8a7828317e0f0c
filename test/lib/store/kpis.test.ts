import assert from "node:assert/strict";
import { test } from "node:test";
import { kpiPrefix, storeKpis } from "../../../lib/store/kpis.ts";

const stats = {
  file: "f",
  bytes: 4096,
  series: 2,
  points: 90,
  waiting: 3,
  seq: 9,
  commits: 40,
  sqlite: "3",
  warnings: [],
};
const valuesOf = (points: ReturnType<typeof storeKpis>) =>
  Object.fromEntries(points.map(({ series, value }) => [series.slice(2), value]));

test("rates are those of the time between two looks", () => {
  const before = { at: 1_000, written: 10, waiting: 0, stats: { ...stats, commits: 20 } };
  assert.deepEqual(valuesOf(storeKpis("p", before, { at: 11_000, written: 60, waiting: 0, stats })), {
    "points-per-second": 5,
    "commits-per-second": 2,
    waiting: 3,
    bytes: 4096,
    series: 2,
    points: 90,
  });
});

test("what a store does not tell is a gap, and one that was opened anew has no negative rate", () => {
  const before = { at: 0, written: 0, waiting: 0, stats };
  const silent = valuesOf(storeKpis("p", before, { at: 1_000, written: 0, waiting: 7, stats: undefined }));
  assert.deepEqual([silent.waiting, silent.bytes, silent["commits-per-second"]], [7, null, null]);
  const anew = { at: 1_000, written: 0, waiting: 0, stats: { ...stats, commits: 1 } };
  assert.equal(valuesOf(storeKpis("p", before, anew))["commits-per-second"], 0);
});

test("a name is one segment without wildcards", () => {
  assert.equal(kpiPrefix("plant 3/#+*"), "vigia/store/plant 3-");
});
