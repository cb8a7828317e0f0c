import assert from "node:assert/strict";
import { test } from "node:test";
import { Ring } from "../../../lib/live/ring.ts";

test("a ring gives what arrived after a number, and says when part of it is gone", () => {
  const ring = new Ring({ perSeries: 64, left: 0 });
  for (let n = 1; n <= 70; n++) ring.push(1000 + n, n, n);
  assert.deepEqual([...ring.after(67, 10)!.values], [68, 69, 70]);
  assert.equal(ring.after(6, 100)!.times.length, 64);
  assert.equal(ring.after(5, 100), undefined, "number 6 was overwritten");
  assert.equal(ring.after(60, 9), undefined, "more than asked for");
  assert.equal(ring.after(70, 9)!.times.length, 0);
  assert.equal(ring.lastNumber, 70);
});

test("rings grow while the shared budget lasts, and keep their rows in order", () => {
  const budget = { perSeries: 256, left: 64 + 128 + 64 };
  const [a, b] = [new Ring(budget), new Ring(budget)];
  for (let n = 1; n <= 1000; n++) a.push(n, n, n);
  assert.equal(a.samples().times.length, 256);
  assert.deepEqual([a.samples().times[0], a.samples().times.at(-1)], [745, 1000]);
  for (let n = 1; n <= 1000; n++) b.push(n, n, n);
  assert.equal(b.samples().times.length, 128);
  assert.equal(budget.left, 0);
});

test("samples are in order of time, and of two points of one time the later arrival stays", () => {
  const ring = new Ring({ perSeries: 64, left: 0 });
  ring.push(30, 1, 1);
  ring.push(10, 2, 2);
  ring.push(30, 3, 3);
  ring.push(20, Number.NaN, 4);
  assert.deepEqual([...ring.samples().times], [10, 20, 30]);
  assert.deepEqual([...ring.samples().values], [2, Number.NaN, 3]);
  assert.deepEqual([ring.lastTime, ring.lastValue], [30, 3]);
});
