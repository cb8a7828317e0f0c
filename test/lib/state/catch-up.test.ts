import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameBuilder } from "../../../lib/points/frame.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { missingRows, NO_COMMIT, type Progress } from "../../../lib/state/catch-up.ts";

const builder = new FrameBuilder();
for (const [series, time] of [
  ["a", 10],
  ["a", 11],
  ["b", 10],
  ["b", 11],
  ["new", 10],
] as const) {
  builder.add(seriesRef(series), time, 1);
}
const frame = builder.take();
const progress = (key: string): Progress | undefined =>
  ({ a: { seq: 7, latest: 10 }, b: { seq: 0, latest: 10 } })[key as "a" | "b"];

test("older commits are known, later ones are not, and within the last one the time tells", () => {
  assert.deepEqual(missingRows(frame, 6, progress), [3]);
  assert.deepEqual(missingRows(frame, 7, progress), [1, 3]);
  assert.deepEqual(missingRows(frame, 8, progress), [0, 1, 3]);
  assert.deepEqual(missingRows(frame, NO_COMMIT, progress), [3]);
});

test("series that are not known are somebody else's, or new", () => {
  assert.deepEqual(missingRows(frame, 8, progress, true), [0, 1, 3, 4]);
});
