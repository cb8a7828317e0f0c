import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameBuilder } from "../../../lib/points/frame.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { Outbox } from "../../../lib/store/outbox.ts";

const refs = ["a", "b"].map((series) => seriesRef(series));

function frame(n: number) {
  const builder = new FrameBuilder();
  for (let i = 0; i < n; i++) builder.add(refs[i % 2]!, 1e12 + i, i);
  return builder.take();
}

test("a batch goes after a while, or at once when it has enough points; each series is defined once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const posted: { points: number; defined: number }[] = [];
  const outbox = new Outbox(
    async ({ define, rows }) => posted.push({ points: rows.sids.length, defined: define.length }),
    { every: 1000, points: 100 },
  );
  outbox.add(frame(10));
  outbox.add(frame(20));
  t.mock.timers.tick(999);
  assert.deepEqual(posted, []);
  t.mock.timers.tick(1);
  assert.deepEqual(posted, [{ points: 30, defined: 2 }]);
  outbox.add(frame(100));
  outbox.add(frame(5));
  outbox.add(frame(250));
  assert.deepEqual(
    posted.slice(1).map(({ points, defined }) => [points, defined]),
    [
      [100, 0],
      [5, 0],
      [250, 0],
    ],
  );
  outbox.add(frame(1));
  outbox.flush();
  t.mock.timers.tick(5000);
  assert.equal(posted.length, 5);
});
