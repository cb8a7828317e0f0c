import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlarmEvent } from "../../lib/alarm/event.ts";
import { type Frame, FrameBuilder } from "../../lib/points/frame.ts";
import type { Message } from "../../lib/points/reader.ts";
import { seriesRef } from "../../lib/points/series.ts";
import { deploy, until, withRuntime } from "./runtime.ts";

withRuntime();

const flow = (settings: object = {}) => [
  { id: "a", type: "vigia-alarm", alarm: "hot", wires: [["events"], ["out"]], ...settings },
  { id: "events", type: "helper" },
  { id: "out", type: "helper" },
];
const above = (limit: number, more: object = {}) => ({ when: "above", limit: String(limit), ...more });

/** Values of a KPI of its own, since states outlive their test; each a little later than the one before. */
function values(topic: string) {
  let time = Date.now() - 60_000;
  return (payload: number, more: object = {}): Message => {
    time += 1_000;
    return { topic, unit: "°C", payload, timestamp: time, ...more };
  };
}

const eventsOf = (messages: readonly Message[]) => messages.map(({ payload }) => payload as AlarmEvent);
const kinds = (messages: readonly Message[]) => eventsOf(messages).map(({ event }) => event);

test("with its defaults: a deviation alert is a warning, in the words of the deviation node", async () => {
  const { inject, collect, statuses } = await deploy(flow({ alarm: undefined }));
  const events = collect("events");
  const out = collect("out");
  const shown = statuses("a");
  const value = values("motor/temperature");
  const band = { score: 0, expected: 70, lower: 65, upper: 75, alert: false, reason: "" };
  await inject("a", value(70, { deviation: band }));
  await inject(
    "a",
    value(90, { deviation: { ...band, score: 9, alert: true, reason: "20 °C above what it has been" } }),
  );
  await inject("a", value(91, { deviation: { ...band, score: 8 } }));
  await until(() => events.length === 1 && out.length === 3, "the start and the messages");
  const [start] = eventsOf(events);
  assert.deepEqual(
    [start!.event, start!.alarm, start!.severity, start!.reason, start!.unit],
    ["start", "alarm", "warning", "20 °C above what it has been", "°C"],
  );
  assert.equal(events[0]!.topic, "motor/temperature");
  assert.deepEqual(
    out.map(({ alarm }) => alarm),
    [
      { state: "normal", severity: null },
      { state: "firing", severity: "warning" },
      { state: "firing", severity: "warning" },
    ],
  );
  await until(() => shown.at(-1)?.fill === "red", "the status");
});

test("rules on deviations without a deviation node before them: the status says so, until there is one", async () => {
  const { inject, statuses } = await deploy(flow());
  const shown = statuses("a");
  const value = values("deaf");
  await inject("a", value(70));
  await until(() => /no-deviation|no deviation/.test(shown.at(-1)?.text ?? ""), "the warning");
  await inject("a", value(71, { deviation: { score: 0, alert: false } }));
  await until(() => !/no-deviation|no deviation/.test(shown.at(-1)?.text ?? ""), "another status");
});

test("every form keeps its form; rules, severities and bad input", async () => {
  const { inject, collect } = await deploy(
    flow({ as: "state", rules: [above(80), above(90, { severity: "critical" })], name: "too hot", alarm: "" }),
  );
  const events = collect("events");
  const out = collect("out");
  const now = Date.now();
  const wrong = await inject("a", {
    payload: [
      { series: "a", value: 85, time: now },
      { series: "a", value: "x", time: now },
    ],
  });
  assert.match(wrong!.message, /msg\.payload\[1\]\.value is "x"/);
  const builder = new FrameBuilder();
  for (const [i, value] of [95, 85, 70].entries()) builder.add(seriesRef("a"), now + 1 + i, value);
  await inject("a", { payload: builder.take() });
  await inject("a", { topic: "plant", payload: { one: 99, two: 1 }, timestamp: now });
  await until(() => events.length === 4 && out.length === 3, "all of it");
  assert.deepEqual(
    (out[0]!.payload as { state?: object }[]).map(({ state }) => state),
    [{ state: "firing", severity: "warning" }, undefined],
  );
  const { columns } = out[1]!.payload as Frame;
  assert.deepEqual([...columns["state.state"]!], [2, 2, 0]);
  assert.deepEqual([...columns["state.severity"]!], [5, 2, 0]);
  assert.deepEqual(out[2]!.state, {
    one: { state: "firing", severity: "critical" },
    two: { state: "normal", severity: null },
  });
  assert.deepEqual(kinds(events), ["start", "severity", "end", "start"]);
  assert.equal(eventsOf(events)[0]!.alarm, "too hot");
  assert.deepEqual([eventsOf(events)[1]!.previous, eventsOf(events)[1]!.severity], ["warning", "critical"]);
});

test("a Frame without words of its own: its numbers make them", async () => {
  const { inject, collect } = await deploy(flow());
  const events = collect("events");
  const builder = new FrameBuilder();
  builder.add(seriesRef("m", undefined, "A"), Date.now(), 9);
  const column = (value: number) => Float64Array.of(value);
  await inject("a", {
    payload: builder.take().with({
      "deviation.score": column(9),
      "deviation.expected": column(5),
      "deviation.lower": column(4),
      "deviation.upper": column(6),
      "deviation.alert": column(1),
    }),
  });
  await until(() => events.length === 1, "the start");
  assert.equal(eventsOf(events)[0]!.reason, "9 A, above the expected 5 A");
});

test("behind a deviation node, by its first output or by both: one alarm, with the best reason there is", async () => {
  const MINUTE = 60_000;
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  const usual = (time: number) => 60 + 8 * Math.sin(time / 13_750_987) + (((time / MINUTE) * 17) % 37) / 37;
  const frame = (series: string, from: number, to: number, step: number, more: number) => {
    const builder = new FrameBuilder();
    for (let time = from; time < to; time += step) builder.add(seriesRef(series), time, usual(time) + more);
    return builder.take();
  };
  for (const [series, alerts, reason] of [
    ["motor/first", [], /^[\d.]+ above what it has been/],
    ["motor/both", ["a"], /^[\d.]+ above what it has been/],
  ] as const) {
    const { inject, collect } = await deploy([
      { id: "d", type: "vigia-deviation", zone: "UTC", wires: [["a"], alerts] },
      ...flow(),
    ]);
    const events = collect("events");
    const out = collect("out");
    await inject("d", { payload: frame(series, now - 28 * 1_440 * MINUTE, now - 5 * MINUTE, 5 * MINUTE, 0) });
    await inject("d", { payload: frame(series, now - 4 * MINUTE, now, 20_000, 30) });
    await until(() => events.length > 0 && out.length === 2 + alerts.length, "the start");
    assert.deepEqual(kinds(events), ["start"], series);
    assert.match(eventsOf(events)[0]!.reason, reason);
  }
});

test("stopped between start and end: one start, one end; `reset` and `state`", async () => {
  const rules = [above(80)];
  const value = values("motor/stopped");
  const first = await deploy(flow({ rules }));
  const before = first.collect("events");
  await first.inject("a", value(90));
  await until(() => before.length === 1, "the start");
  const second = await deploy(flow({ rules }));
  const events = second.collect("events");
  const out = second.collect("out");
  await second.inject("a", value(91));
  await second.inject("a", { control: { do: "state", series: "motor/stopped" } });
  await until(() => out.length === 2, "the state");
  const [open] = out[1]!.payload as Record<string, unknown>[];
  assert.deepEqual(
    [out[1]!.topic, open!.series, open!.state, open!.severity],
    ["state", "motor/stopped", "firing", "warning"],
  );
  await second.inject("a", value(70));
  await until(() => events.length === 1, "the end");
  const [end] = eventsOf(events);
  assert.deepEqual([end!.event, end!.worst], ["end", 91]);
  assert.match(end!.reason, /^back to 70 °C after \d+ s, worst 91 °C$/);
  assert.equal(end!.since, eventsOf(before)[0]!.since);
  await second.inject("a", value(90));
  await second.inject("a", { control: { do: "reset", series: "motor/stopped" } });
  await until(() => events.length === 3, "the end by hand");
  assert.deepEqual(kinds(events), ["end", "start", "end"]);
  const third = await deploy(flow({ rules }));
  const more = third.collect("events");
  await third.inject("a", value(70));
  assert.deepEqual(more, []);
});

test("`for` runs out by the clock, silence is told, a month of back-fill is not", async () => {
  const { inject, collect } = await deploy(flow({ rules: [above(80, { for: "300ms" })], noData: "600ms" }));
  const events = collect("events");
  const builder = new FrameBuilder();
  const end = Date.now() - 11 * 60_000;
  for (let time = end - 30 * 86_400_000; time < end; time += 60_000)
    builder.add(seriesRef("old"), time, (time / 60_000) % 100);
  await inject("a", { payload: builder.take() });
  // Those of the other tests are silent, too.
  const own = () => events.filter(({ topic }) => topic === "motor/silent");
  await inject("a", { topic: "motor/silent", payload: 85 });
  await until(() => own().length === 2, "the start and the silence");
  await inject("a", { topic: "motor/silent", payload: 70 });
  await until(() => own().length === 4, "the data, and the end");
  assert.deepEqual(kinds(own()), ["start", "nodata", "data-back", "end"]);
  assert.ok(events.every(({ topic }) => topic !== "old"));
});

test("with a store: what came after the last saved state is judged after a power cut", async () => {
  const store = { id: "5700000000000011", type: "vigia-store", file: "alarm-points.db" };
  const withStore = [
    store,
    ...flow({ rules: [above(80)], store: store.id }),
    { id: "w", type: "vigia-write", store: store.id, wires: [["a"]] },
  ];
  const value = values("motor/stored");
  const { inject, collect, node } = await deploy(withStore);
  const events = collect("events");
  await inject("w", value(70));
  await inject("w", value(85));
  await until(() => events.length === 1, "the start");
  assert.ok(node("a"));
  // Stored, and not seen by the alarm: as when the power fails in between.
  const [write, , , bare] = [withStore.at(-1)!, ...withStore];
  const cut = await deploy([store, { ...write, wires: [[]] }, bare!]);
  await cut.inject("w", value(60));
  const again = await deploy(withStore);
  const late = again.collect("events");
  await again.inject("w", value(61));
  await until(() => late.length === 1, "the end");
  assert.equal(eventsOf(late)[0]!.value, 60);
});

test("bad settings say what is allowed; two alarms of one name are told", async () => {
  const wrong = async (settings: object) =>
    (await (await deploy(flow(settings))).inject("a", { topic: "a", payload: 1 }))!.message;
  assert.match(
    await wrong({ rules: [{ when: "above", limit: "hot" }] }),
    /rules\[0\]\.limit is "hot"; allowed: a number/,
  );
  assert.match(await wrong({ noData: "never" }), /noData \(off, learned or a duration\) is "never"/);
  assert.match(await wrong({ noDataSeverity: "bad" }), /noDataSeverity is "bad"; allowed: warning/);
  const { inject } = await deploy(flow());
  assert.match(
    (await inject("a", { control: { do: "sing" } }))!.message,
    /msg\.control\.do is "sing"; allowed: reset, state/,
  );
});
