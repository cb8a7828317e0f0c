import assert from "node:assert/strict";
import { test } from "node:test";
import { Commits } from "../../../lib/mqtt/commits.ts";
import type { VigiaError } from "../../../lib/points/error.ts";
import { FrameBuilder } from "../../../lib/points/frame.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { FakeClock, full, MemoryStore } from "./helpers.ts";

const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

function frame(points: number) {
  const builder = new FrameBuilder();
  for (let n = 0; n < points; n++) builder.add(seriesRef("s"), n, n);
  return builder.take();
}

function setUp() {
  const memory = new MemoryStore();
  const clock = new FakeClock();
  const done: string[] = [];
  const trouble: (string | undefined)[] = [];
  const commits = new Commits<string>(memory.store, clock, {
    onStored: (entries) => done.push(...entries.map(({ attached }) => attached)),
    onTrouble: (error: VigiaError | undefined) => trouble.push(error?.code),
  });
  return { memory, clock, commits, done, trouble };
}

test("frames come back in their order, empty ones in their turn", async () => {
  const { memory, commits, done } = setUp();
  memory.auto = false;
  commits.add(frame(1), "a");
  commits.add(frame(0), "b");
  commits.add(frame(1), "c");
  await turn();
  assert.deepEqual(done, []);
  memory.commit();
  await turn();
  assert.deepEqual(done, ["a", "b", "c"]);
  assert.equal(commits.size, 0);
});

test("what the store refuses is tried again later and later, told once, and lost never", async () => {
  const { memory, clock, commits, done, trouble } = setUp();
  memory.refuse = full;
  for (const name of ["a", "b", "c"]) commits.add(frame(1), name);
  await turn();
  commits.add(frame(1), "d");
  for (const wait of [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
    const before = memory.appends;
    clock.advance(wait - 1);
    await turn();
    assert.equal(memory.appends, before);
    clock.advance(1);
    await turn();
    assert.equal(memory.appends, before + 1, "one frame feels the way");
  }
  assert.deepEqual(trouble, ["store-full"]);
  assert.equal(commits.size, 4);
  memory.refuse = undefined;
  clock.advance(5_000);
  await turn();
  await turn();
  assert.deepEqual(done, ["a", "b", "c", "d"]);
  assert.deepEqual(trouble, ["store-full", undefined]);
  memory.refuse = full;
  commits.add(frame(1), "e");
  await turn();
  assert.deepEqual(trouble, ["store-full", undefined, "store-full"]);
});

test("a closed one is silent", async () => {
  const { memory, clock, commits, done } = setUp();
  memory.auto = false;
  commits.add(frame(1), "a");
  commits.close();
  memory.commit();
  await turn();
  clock.advance(60_000);
  assert.deepEqual(done, []);
});

test("of what is sent once more, only what is new is stored; the rest is told apart", async () => {
  const { memory, clock } = setUp();
  await memory.append(frame(2));
  const stored: [number, number | undefined][] = [];
  const commits = new Commits<string>(memory.store, clock, {
    onStored: (entries) =>
      stored.push(...entries.map((e): [number, number | undefined] => [e.frame.length, e.again?.length])),
    onTrouble: () => {},
  });
  memory.refuse = full;
  commits.add(frame(3), "repeated", true);
  await turn();
  memory.refuse = undefined;
  clock.advance(250);
  await turn();
  await turn();
  commits.add(frame(3), "not repeated");
  await turn();
  await turn();
  assert.deepEqual(stored, [
    [1, 2],
    [3, undefined],
  ]);
});
