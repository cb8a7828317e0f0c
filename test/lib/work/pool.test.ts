import assert from "node:assert/strict";
import { test } from "node:test";
import { formatRun, RunJournal } from "../../../lib/work/journal.ts";
import { WorkPool } from "../../../lib/work/pool.ts";

const clock = { now: () => 1_000, after: () => () => {} };
const script = new URL("./pool-worker.ts", import.meta.url);
const task = { node: "n1", what: "fit", series: "a", rows: 3 };

test("work is done on another thread, ended at its limit, and written down", async () => {
  const journal = new RunJournal();
  const told: string[] = [];
  journal.watch((run) => told.push(run.outcome));
  const pool = new WorkPool(script, journal, clock);
  assert.equal(await pool.run({ ...task, method: "add", args: [2, 3], limit: 10_000 }), 5);
  await assert.rejects(pool.run({ ...task, method: "fail", args: [], limit: 10_000 }), {
    code: "run-failed",
    message: "no such thing",
  });
  await assert.rejects(pool.run({ ...task, method: "spin", args: [], limit: 200 }), {
    code: "run-timeout",
    message: "fit took longer than its limit of 200ms and was ended",
  });
  // The thread that was ended is replaced.
  assert.equal(await pool.run({ ...task, method: "add", args: [1, 1], limit: 10_000 }), 2);
  const spinning = pool.run({ ...task, method: "spin", args: [], limit: 60_000 });
  const stopped = assert.rejects(spinning, { code: "run-stopped" });
  await new Promise((resolve) => setImmediate(resolve));
  await pool.close();
  await stopped;
  assert.deepEqual(
    journal.runs.map(({ outcome }) => outcome),
    ["done", "failed", "timeout", "done", "stopped"],
  );
  assert.deepEqual(told.slice(0, 3), ["running", "done", "running"]);
});

test("the journal keeps the newest and has one line for each", () => {
  const journal = new RunJournal(2);
  for (const what of ["a", "b", "c"]) journal.end(journal.start({ node: "n", what }, 0), "done", 61);
  assert.deepEqual(
    journal.runs.map(({ id, what }) => [id, what]),
    [
      [2, "b"],
      [3, "c"],
    ],
  );
  assert.equal(formatRun(journal.runs[0]!), "b: done in 61ms");
  const run = journal.start({ node: "n", what: "fit", series: "plant/a", rows: 1344 }, 0);
  assert.equal(formatRun(run), "fit of plant/a, 1344 rows: running");
  journal.end(run, "failed", 5_000, "why");
  assert.equal(formatRun(run), "fit of plant/a, 1344 rows: failed after 5s (why)");
});
