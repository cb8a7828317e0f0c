import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { VigiaError } from "../../../lib/points/error.ts";
import { Committer } from "../../../lib/store/committer.ts";
import { Flusher } from "../../../lib/store/flusher.ts";
import type { LogRows } from "../../../lib/store/log-codec.ts";
import { ManualClock } from "./fixtures.ts";

const rows = (n: number): LogRows => ({
  sids: new Uint32Array(n),
  times: new Float64Array(n),
  values: new Float64Array(n),
});

class Disk {
  commits: number[] = [];
  full = false;
  crowded = false;
  due = false;
  wanted = 1;
  steps = 0;
  rounds = 0;

  commit(pieces: readonly LogRows[]): number {
    this.#check();
    this.commits.push(pieces.reduce((sum, { sids }) => sum + sids.length, 0));
    return this.commits.length;
  }

  *tend(): Generator<void, void, void> {
    this.rounds++;
    for (let step = 0; step < 3; step++) {
      this.#check();
      this.steps++;
      yield;
    }
    this.due = this.rounds < this.wanted;
  }

  #check(): void {
    if (this.full) throw new VigiaError("store-disk-full", "disk full");
  }
}

function commits(disk: Disk, clock: ManualClock) {
  const tries: (string | undefined)[] = [];
  const onTried = (failure?: VigiaError) => tries.push(failure?.code);
  return { tries, committer: new Committer(disk, clock, onTried) };
}

test("what has come meanwhile is one commit", async () => {
  const disk = new Disk();
  const { committer } = commits(disk, new ManualClock());
  assert.deepEqual(await Promise.all([committer.add(rows(10)), committer.add(rows(20))]), [1, 1]);
  assert.equal(await committer.add(rows(100)), 2);
  assert.deepEqual(disk.commits, [30, 100]);
});

test("a commit that fails is kept, and tried again ever more rarely with what came meanwhile", async () => {
  const disk = new Disk();
  const clock = new ManualClock();
  const { committer, tries } = commits(disk, clock);
  disk.full = true;
  const waiting = [committer.add(rows(100))];
  await turn();
  const delays: number[] = [];
  for (let n = 0; n < 7; n++) {
    waiting.push(committer.add(rows(100)));
    await turn();
    delays.push(clock.next!);
    clock.advance(clock.next!);
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 5000, 5000]);
  disk.full = false;
  clock.advance(5000);
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([1]));
  assert.deepEqual(disk.commits, [800]);
  assert.equal(tries.at(-1), undefined);
  assert.equal(tries.filter((code) => code === "store-disk-full").length, 8);
});

test("what cannot be written at the end is rejected", async () => {
  const disk = new Disk();
  const clock = new ManualClock();
  const { committer } = commits(disk, clock);
  disk.full = true;
  const lost = assert.rejects(committer.add(rows(1)), { code: "store-disk-full" });
  committer.close();
  await lost;
  assert.equal(clock.next, undefined);
});

test("nothing is committed while the memory is crowded", async () => {
  const disk = new Disk();
  const clock = new ManualClock();
  const { committer } = commits(disk, clock);
  disk.crowded = true;
  const waiting = committer.add(rows(100));
  await turn();
  committer.resume();
  await turn();
  assert.deepEqual(disk.commits, []);
  disk.crowded = false;
  committer.resume();
  assert.equal(await waiting, 1);
});

test("what came in during a flush makes another one due, without a commit in between", async () => {
  const disk = new Disk();
  const flusher = new Flusher(disk, new ManualClock(), () => {});
  disk.due = true;
  disk.wanted = 3;
  flusher.kick();
  for (let n = 0; n < 20; n++) await turn();
  assert.equal(disk.rounds, 3);
});

test("a flush goes on a step a turn, and begins anew after a failure though nothing more is due", async () => {
  const disk = new Disk();
  const clock = new ManualClock();
  const tries: (string | undefined)[] = [];
  const flusher = new Flusher(disk, clock, (failure) => tries.push(failure?.code));
  flusher.kick();
  await turn();
  assert.equal(disk.steps, 0, "not due");
  disk.due = true;
  flusher.kick();
  flusher.kick();
  await turn();
  disk.full = true;
  await turn();
  assert.deepEqual(tries, [undefined, "store-disk-full"]);
  disk.full = false;
  disk.due = false;
  assert.equal(clock.next, 250);
  clock.advance(250);
  for (let n = 0; n < 6; n++) await turn();
  assert.equal(disk.steps, 4);
  assert.equal(tries.at(-1), undefined);
});
