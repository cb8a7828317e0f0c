import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VigiaError } from "../../../lib/points/error.ts";
import { formatSeries, normalizeTags, SeriesTable, seriesKey, seriesRef } from "../../../lib/points/series.ts";
import { nameArb, tagsArb } from "./helpers.ts";

const identityArb = fc.record({ series: nameArb, tags: tagsArb });
const plain = (tags: object | undefined) => Object.entries(tags ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

test("the order of the tags' names does not matter", () => {
  fc.assert(
    fc.property(identityArb, fc.infiniteStream(fc.nat()), ({ series, tags }, dice) => {
      const shuffled = Object.entries(tags ?? {})
        .map((entry) => ({ entry, at: dice.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ entry }) => entry);
      assert.deepEqual(seriesRef(series, Object.fromEntries(shuffled)), seriesRef(series, tags));
    }),
  );
});

test("two identities have one key only when they are the same", () => {
  fc.assert(
    fc.property(identityArb, identityArb, (a, b) => {
      const same = a.series === b.series && JSON.stringify(plain(a.tags)) === JSON.stringify(plain(b.tags));
      assert.equal(seriesRef(a.series, a.tags).key === seriesRef(b.series, b.tags).key, same);
    }),
  );
  // From a small alphabet, so that near misses are common.
  const small = fc.string({ unit: fc.constantFrom("a", "b", "=", ",", "/"), minLength: 1, maxLength: 2 });
  const dense = fc.record({ series: small, tags: fc.dictionary(small, small, { maxKeys: 2 }) });
  fc.assert(
    fc.property(fc.array(dense, { minLength: 20, maxLength: 40 }), (identities) => {
      const texts = new Set(identities.map(({ series, tags }) => JSON.stringify([series, plain(tags)])));
      const keys = new Set(identities.map(({ series, tags }) => seriesRef(series, tags).key));
      assert.equal(keys.size, texts.size);
    }),
  );
});

test("what would break the key, or has no UTF-8, is no name", () => {
  for (const bad of [
    "a\u0001site\u0002x",
    "a\n",
    "\u007f",
    "\ud800",
    "a\udc00b",
    "",
    "x".repeat(513),
    5,
    null,
    undefined,
    {},
  ]) {
    assert.throws(() => seriesRef(bad), { name: "VigiaError", code: "bad-series", field: "msg.series", value: bad });
  }
  for (const bad of ["a\u0002", "\ud800", "x".repeat(513)]) {
    assert.throws(() => seriesRef("s", { [bad]: "x" }), { code: "bad-tags", field: "msg.tags (a name)" });
    assert.throws(() => seriesRef("s", { site: bad }), { code: "bad-tags", field: "msg.tags.site" });
    assert.throws(() => seriesRef("s", {}, bad), { code: "bad-unit", field: "msg.unit" });
  }
  assert.equal(seriesRef("😀/x").key, "😀/x");
});

test("tags: sorted, frozen, numbers and booleans as text, empty ones absent", () => {
  const tags = normalizeTags({ z: 1, a: true, gone: "", none: null, not: undefined, m: "x" }, "tags")!;
  assert.deepEqual(Object.entries(tags), [
    ["a", "true"],
    ["m", "x"],
    ["z", "1"],
  ]);
  assert.ok(Object.isFrozen(tags));
  assert.equal(Object.getPrototypeOf(tags), Object.prototype);
  for (const none of [undefined, null, {}, { a: "" }]) assert.equal(normalizeTags(none, "tags"), undefined);
  for (const bad of [
    "a=b",
    5,
    true,
    ["a"],
    new Map([["a", "b"]]),
    new Date(0),
    { a: {} },
    { a: [] },
    { a: 1n },
    { "": "x" },
  ]) {
    assert.throws(() => normalizeTags(bad, "tags"), { code: "bad-tags" });
  }
});

test("anything as tags gives texts by texts, or an error", () => {
  fc.assert(
    fc.property(fc.anything({ withMap: true, withDate: true, withNullPrototype: true, withBigInt: true }), (raw) => {
      try {
        const tags = normalizeTags(raw, "tags");
        for (const [name, value] of Object.entries(tags ?? {}))
          assert.ok(name !== "" && typeof value === "string" && value !== "");
        assert.deepEqual(normalizeTags(tags, "tags"), tags, "once more changes nothing");
      } catch (thrown) {
        assert.ok(thrown instanceof VigiaError && thrown.code === "bad-tags", String(thrown));
      }
    }),
  );
});

test("a tag may have any name, also one that JavaScript has plans for", () => {
  const ref = seriesRef("s", JSON.parse('{"__proto__":"x","constructor":"y"}'));
  assert.deepEqual(plain(ref.tags), [
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
  assert.notEqual(ref.key, seriesKey("s"));
  assert.deepEqual(seriesRef("s", JSON.parse(JSON.stringify(ref.tags))), ref);
});

test("a series for people", () => {
  assert.equal(formatSeries(seriesRef("a/b")), "a/b");
  assert.equal(formatSeries(seriesRef("a/b", { site: 'x"y', n: 1 })), 'a/b{n="1",site="x\\"y"}');
});

test("a table gives one object an identity, whatever way it is asked", () => {
  fc.assert(
    fc.property(fc.array(identityArb, { maxLength: 12 }), fc.integer({ min: 1, max: 20 }), (identities, limit) => {
      const table = new SeriesTable(limit);
      for (const { series, tags } of identities) {
        const first = table.ref(series, tags);
        assert.deepEqual(first, seriesRef(series, tags));
        assert.equal(table.ref(series, { ...tags }), first);
        // Frozen tags take the short way.
        const frozen = Object.freeze({ ...tags });
        assert.equal(table.ref(series, frozen), first);
        assert.equal(table.ref(series, frozen), first);
        if (first.tags) assert.equal(table.ref(series, first.tags), first);
      }
    }),
  );
});

test("tags that are changed after they were used are not taken for what they were", () => {
  const table = new SeriesTable();
  const tags: Record<string, string> = { site: "x" };
  const x = table.ref("s", tags);
  tags.site = "y";
  assert.notEqual(table.ref("s", tags), x);
  assert.deepEqual(table.ref("s", tags).tags, { site: "y" });
});

test("the last unit told wins, and none keeps the one that is known", () => {
  for (const tags of [undefined, { a: "b" }, Object.freeze({ a: "b" })]) {
    const table = new SeriesTable();
    assert.equal(table.ref("s", tags).unit, undefined);
    assert.equal(table.ref("s", tags, "m").unit, "m");
    assert.equal(table.ref("s", tags).unit, "m");
    assert.equal(table.ref("s", tags, "km").unit, "km");
    assert.equal(table.ref("s", tags, "").unit, "km");
  }
});
