import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Held, Ledger } from "../../../lib/mqtt/ledger.ts";

const body = (text: string) => Buffer.from(text);
const ids = (ledger: Ledger): number[] => {
  const bytes = Buffer.from(ledger.acknowledge() ?? []);
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt16BE(4 * at + 2));
};

test("a stored message is acknowledged on its own connection, once", () => {
  const ledger = new Ledger();
  ledger.opened(false);
  const held = ledger.take(258, "t", body("1"), false)!;
  assert.equal(ledger.acknowledge(), undefined);
  ledger.settle(held);
  assert.deepEqual(Buffer.from(ledger.acknowledge()!), Buffer.from([0x40, 2, 1, 2]));
  assert.equal(ledger.acknowledge(), undefined);
  assert.equal(ledger.size, 0);
});

test("after a reconnect the repetition is bound to what was taken, stored or not", () => {
  const ledger = new Ledger();
  ledger.opened(false);
  const early = ledger.take(1, "t", body("a"), false)!;
  const late = ledger.take(2, "t", body("b"), false)!;
  ledger.settle(early);
  ledger.closed();
  assert.equal(ledger.acknowledge(), undefined, "its connection is gone");
  ledger.opened(true);
  assert.equal(ledger.take(1, "t", body("a"), true), undefined);
  assert.equal(ledger.take(2, "t", body("b"), true), undefined);
  assert.deepEqual(ids(ledger), [1]);
  ledger.settle(late);
  assert.deepEqual(ids(ledger), [2]);
  assert.equal(ledger.rebound, 2);
});

test("an id that came back for another message is another message", () => {
  const ledger = new Ledger();
  ledger.opened(false);
  const old = ledger.take(1, "t", body("a"), false)!;
  ledger.closed();
  ledger.opened(true);
  const fresh = ledger.take(1, "t", body("a"), false)!;
  assert.ok(fresh, "without DUP it is new");
  ledger.settle(old);
  assert.equal(ledger.acknowledge(), undefined, "the old one must not confirm the new one");
  ledger.settle(fresh);
  assert.deepEqual(ids(ledger), [1]);
  ledger.take(2, "t", body("a"), false);
  ledger.closed();
  ledger.opened(true);
  assert.ok(ledger.take(2, "t", body("b"), true), "another payload");
  assert.ok(ledger.take(2, "u", body("b"), true), "another topic");
});

test("a lost session forgets every id", () => {
  const ledger = new Ledger();
  ledger.opened(false);
  const held = ledger.take(1, "t", body("a"), false)!;
  ledger.closed();
  ledger.opened(false);
  ledger.settle(held);
  assert.equal(ledger.acknowledge(), undefined);
  assert.equal(ledger.size, 0);
});

/** A broker with persistent session and a subscriber that stores late, at random, over cuts of the network. */
test("law: no PUBACK before the message is stored; in the end each one is acknowledged", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant("publish" as const) },
    { weight: 4, arbitrary: fc.constant("store" as const) },
    { weight: 3, arbitrary: fc.constant("acknowledge" as const) },
    { weight: 1, arbitrary: fc.constant("cut" as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = new Ledger();
      const broker = new Map<number, { name: string }>();
      const stored = new Set<string>();
      let waiting: { held: Held; name: string }[] = [];
      let n = 0;
      const deliver = (id: number, name: string, dup: boolean) => {
        const held = ledger.take(id, "t", body(name), dup);
        if (held) waiting.push({ held, name });
      };
      const store = () => {
        const next = waiting.shift();
        if (!next) return;
        stored.add(next.name);
        ledger.settle(next.held);
      };
      const acknowledge = () => {
        for (const id of ids(ledger)) {
          const message = broker.get(id);
          assert.ok(message, "only what is under way");
          assert.ok(stored.has(message.name), "only what is stored");
          broker.delete(id);
        }
      };
      const cut = () => {
        ledger.closed();
        ledger.opened(true);
        for (const [id, { name }] of broker) deliver(id, name, true);
      };
      ledger.opened(false);
      for (const what of steps) {
        if (what === "publish") {
          let id = 1;
          while (broker.has(id)) id++;
          const name = `m${n++}`;
          broker.set(id, { name });
          deliver(id, name, false);
        } else if (what === "store") store();
        else if (what === "acknowledge") acknowledge();
        else cut();
      }
      cut();
      while (waiting.length > 0) store();
      waiting = [];
      acknowledge();
      assert.equal(broker.size, 0);
      assert.equal(stored.size, n);
    }),
  );
});
