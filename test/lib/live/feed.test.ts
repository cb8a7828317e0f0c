import assert from "node:assert/strict";
import { test } from "node:test";
import { Feed, type FeedOptions } from "../../../lib/live/feed.ts";
import { VigiaError } from "../../../lib/points/error.ts";
import { FrameBuilder } from "../../../lib/points/frame.ts";
import { formatSeries, seriesRef } from "../../../lib/points/series.ts";
import { openStore } from "../../../lib/store/open.ts";
import type { Store } from "../../../lib/store/types.ts";
import { tempFolder } from "../store/temp-folder.ts";
import { FakeClock, FakeSink } from "./helpers.ts";

const a = seriesRef("plant/a/temperature", undefined, "°C");
const b = seriesRef("plant/b/temperature", { sensor: "north" });

function make(options: FeedOptions = {}) {
  const clock = new FakeClock();
  return { clock, feed: new Feed(clock, options) };
}

async function idOf(feed: Feed, search: string): Promise<string> {
  const { kpis } = await feed.list({ limit: 1, search });
  return kpis[0]!.id;
}

test("without a store: what came by is listed, with its newest value", async () => {
  const { clock, feed } = make();
  const now = clock.now();
  feed.add(a, now - 5000, 21);
  feed.add(a, now - 9000, 20);
  feed.add(b, now, Number.NaN);
  const listing = await feed.list({ limit: 10 });
  assert.deepEqual({ ...listing, kpis: [] }, { now, total: 2, matched: 2, history: false, kpis: [] });
  assert.deepEqual(
    listing.kpis.map(({ id, ...rest }) => rest),
    [
      { series: "plant/a/temperature", unit: "°C", time: now - 5000, value: 21 },
      { series: "plant/b/temperature", tags: { sensor: "north" }, time: now, value: null },
    ],
  );
});

test("ids are the same in another feed, so that a page outlives a deploy", async () => {
  const [one, two] = [make().feed, make().feed];
  one.add(a, 1, 1);
  two.add(b, 1, 1);
  two.add(a, 1, 1);
  assert.equal(await idOf(one, "a"), await idOf(two, "plant/a"));
});

test("defaults: patterns in their order; the rest is found by words of name and tags", async () => {
  const { feed } = make({ kpis: ["+/b/#", "plant/a/temperature"] });
  for (const ref of [a, b, seriesRef("other")]) feed.add(ref, 1, 1);
  const names = async (search?: string) =>
    (await feed.list({ limit: 9, ...(search === undefined ? {} : { search }) })).kpis.map(({ series }) => series);
  assert.deepEqual(await names(), [b.series, a.series]);
  assert.deepEqual(await names(""), ["other", a.series, b.series]);
  assert.deepEqual(await names("TEMP north"), [b.series]);
  assert.throws(() => make({ kpis: ["a/#/b"] }), /kpis is "a\/#\/b"/);
});

test("by default what was measured comes first, at most 12; results of windows wait in the picker", async () => {
  const measured = Array.from({ length: 9 }, (_, i) => seriesRef(`plant/${i}`, { site: "x" }));
  const results = measured.flatMap(({ series }) =>
    ["mean", "max"].map((agg) => seriesRef(series, { site: "x", agg, window: "1m" })),
  );
  const alone = seriesRef("plant/0", { site: "y", agg: "mean", window: "1m" });
  for (const kpis of [[], ["plant/#"], ["plant/9", "plant/8", "plant/+"]]) {
    const { feed } = make({ kpis });
    for (const ref of [...results, alone, ...measured]) feed.add(ref, 1, 1);
    const names = async (search?: string) =>
      (await feed.list({ limit: 99, ...(search === undefined ? {} : { search }) })).kpis.map(formatSeries);
    const first = kpis.length > 2 ? [measured[8]!, ...measured.slice(0, 8)] : measured;
    assert.deepEqual(await names(), [...first, alone].map(formatSeries), "one without a source stands for itself");
    assert.deepEqual(
      await names("plant/3"),
      [measured[3]!, results[7]!, results[6]!].map(formatSeries),
      "found, after its source",
    );
    const picked = await idOf(feed, "plant/3 max");
    assert.equal((await feed.list({ limit: 9, ids: [picked] })).kpis[0]!.id, picked, "and shown when picked");

    for (let i = 10; i < 20; i++) feed.add(seriesRef(`plant/${i}`), 1, 1);
    const many = await names();
    assert.equal(many.length, 12);
    assert.ok(!many.includes(formatSeries(alone)));
  }
});

test("results that stream are shown when their source is in the store only", async (t) => {
  const store = await openStore({ file: `${tempFolder()}/live.db`, commitEvery: 10 });
  t.after(() => store.close());
  const builder = new FrameBuilder();
  const mean = seriesRef(a.series, { agg: "mean", window: "1m" }, "°C");
  for (const ref of [a, mean]) builder.add(ref, 1, 1);
  await store.append(builder.take());
  const { feed } = make({ store, kpis: ["plant/#"] });
  const names = async () => (await feed.list({ limit: 9 })).kpis.map(formatSeries);
  assert.deepEqual(await names(), [formatSeries(a)]);
  feed.add(mean, 2, 2);
  assert.deepEqual(await names(), [a, mean].map(formatSeries));
});

test("more KPIs than maxSeries are refused by name", () => {
  const { feed } = make({ maxSeries: 1 });
  feed.add(a, 1, 1);
  feed.add(a, 2, 1);
  assert.throws(
    () => feed.add(b, 1, 1),
    /series is .*plant\/b\/temperature.*allowed: 1 KPIs \(the setting maxSeries\)/,
  );
});

test("a viewer gets what comes from now on, in batches of at most ten a second", async () => {
  const { clock, feed } = make();
  feed.add(a, 1, 1);
  const sink = new FakeSink();
  const close = feed.open({ ids: [await idOf(feed, "plant/a")], after: "" }, sink);
  for (let i = 0; i < 100; i++) {
    feed.add(a, 2 + i, 2 + i);
    feed.add(b, 2 + i, -1);
    clock.run(10);
  }
  clock.run(100);
  assert.deepEqual(
    sink.values(await idOf(feed, "plant/a")),
    Array.from({ length: 100 }, (_, i) => 2 + i),
  );
  assert.ok(sink.of("points").length <= 11, `${sink.of("points").length} batches`);
  assert.equal(sink.of("kpis").length, 1, "b was new");
  close();
  assert.equal(clock.timers, 0);
});

test("a cut stream goes on where it was, also across points that came meanwhile", async () => {
  const { clock, feed } = make();
  feed.add(a, 1, 1);
  const ids = [await idOf(feed, "a")];
  const first = new FakeSink();
  const close = feed.open({ ids, after: "" }, first);
  feed.add(a, 2, 2);
  clock.run(100);
  close();
  for (let i = 3; i < 10; i++) feed.add(a, i, i);
  const second = new FakeSink();
  feed.open({ ids, after: first.lastId }, second);
  assert.equal(second.events[0]!.data.resumed, true);
  clock.run(100);
  assert.deepEqual([...first.values(ids[0]!), ...second.values(ids[0]!)], [2, 3, 4, 5, 6, 7, 8, 9]);
});

test("what memory no longer has is told as lost, and a stream of another feed is not resumed", async () => {
  const { clock, feed } = make({ memory: { perSeries: 64 } });
  feed.add(a, 1, 1);
  const ids = [await idOf(feed, "a")];
  const first = new FakeSink();
  feed.open({ ids, after: "" }, first)();
  for (let i = 2; i < 100; i++) feed.add(a, i, i);
  const second = new FakeSink();
  feed.open({ ids, after: first.lastId }, second);
  clock.run(100);
  assert.deepEqual(second.of("points")[0]!.data.lost, ids);
  clock.run(1);
  const other = new Feed(clock);
  const third = new FakeSink();
  other.open({ ids, after: first.lastId }, third);
  assert.equal(third.events[0]!.data.resumed, false);
});

test("a reader that does not read costs no memory, catches up when it does, and is let go after a minute", async () => {
  const { clock, feed } = make();
  feed.add(a, 1, 0);
  const ids = [await idOf(feed, "a")];
  const sink = new FakeSink();
  feed.open({ ids, after: "" }, sink);
  sink.waiting = 1e6;
  for (let i = 1; i <= 50; i++) {
    feed.add(a, 1 + i, i);
    clock.run(100);
  }
  assert.equal(sink.of("points").length, 0);
  sink.waiting = 0;
  clock.run(100);
  assert.equal(sink.values(ids[0]!).length, 50);
  sink.waiting = 1e6;
  feed.add(a, 100, 1);
  clock.run(61_000);
  assert.ok(sink.ended);
});

test("a window without a store is thinned, keeps a spike and gaps, and stays within its ends", async () => {
  const { feed } = make();
  for (let i = 0; i < 4000; i++) feed.add(a, i, i === 1234 ? 99 : i === 3000 ? Number.NaN : 1);
  const { series } = await feed.points({
    from: 100,
    to: 3900,
    buckets: 50,
    ids: [await idOf(feed, "a"), "unknown-id"],
  });
  assert.equal(series.length, 1);
  const { times, values } = series[0]!;
  assert.ok(times.length < 260);
  assert.deepEqual([times[0], times.at(-1)], [100, 3900]);
  assert.equal(times[values.indexOf(99)], 1234);
  assert.ok(values.some((value, row) => Number.isNaN(value) && times[row] === 3000));
});

test("with a store: history, then what is not committed yet; each point once", async (t) => {
  const store = await openStore({ file: `${tempFolder()}/live.db`, commitEvery: 10 });
  t.after(() => store.close());
  const { clock, feed } = make({ store });
  const now = clock.now();
  const builder = new FrameBuilder();
  for (let i = 0; i < 1000; i++) builder.add(a, now - 1_000_000 + i * 1000, i);
  await store.append(builder.take());
  builder.add(seriesRef("only/stored"), now - 1, 7);
  await store.append(builder.take());
  for (let i = 998; i < 1010; i++) feed.add(a, now - 1_000_000 + i * 1000, i);

  const listing = await feed.list({ limit: 9, search: "" });
  assert.equal(listing.history, true);
  assert.deepEqual(
    listing.kpis.map(({ series, value }) => [series, value]),
    [
      ["only/stored", 7],
      [a.series, 1009],
    ],
  );

  const ids = listing.kpis.map(({ id }) => id);
  const { series } = await feed.points({ from: now - 1_000_000, to: now + 60_000, buckets: 4000, ids });
  assert.deepEqual(
    [...series[1]!.values],
    Array.from({ length: 1010 }, (_, i) => i),
  );
  assert.equal(series[0]!.values[0], 7);
});

test("a store that does not answer costs the history, not the page", async () => {
  const fail = () => Promise.reject(new VigiaError("worker-died", "/secret/file is gone"));
  const store = { list: fail, thin: fail, last: fail } as unknown as Store;
  const { feed } = make({ store });
  feed.add(a, 5, 1);
  const listing = await feed.list({ limit: 9 });
  assert.equal(listing.warning, "worker-died");
  const { series, warning } = await feed.points({ from: 0, to: 9, buckets: 3, ids: [listing.kpis[0]!.id] });
  assert.deepEqual([...series[0]!.values], [1]);
  assert.equal(warning, "worker-died");
});
