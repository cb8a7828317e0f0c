import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "../../../lib/work/turns.ts";

test("tasks run one after another, in order, also behind one that fails", async () => {
  const turns = new Turns();
  const log: string[] = [];
  const task = (name: string, fails = false) =>
    turns.run(async () => {
      log.push(`${name}+`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name}-`);
      if (fails) throw new Error(name);
      return name;
    });
  const results = await Promise.allSettled([task("a"), task("b", true), task("c")]);
  assert.deepEqual(log, ["a+", "a-", "b+", "b-", "c+", "c-"]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  await turns.idle();
});

test("more than may wait are refused, until there is room again", async () => {
  const turns = new Turns(1);
  let finish = () => {};
  const first = turns.run(() => new Promise<void>((resolve) => (finish = resolve)));
  const second = turns.run(async () => {});
  await assert.rejects(
    turns.run(async () => {}),
    { code: "buffer-full", message: "messages waiting is 2; allowed: 1" },
  );
  await Promise.resolve();
  finish();
  await Promise.all([first, second]);
  await turns.run(async () => {});
});
