import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Alarms } from "../../../lib/alarm/alarms.ts";
import type { AlarmEvent } from "../../../lib/alarm/event.ts";
import { parseRules, type RuleText } from "../../../lib/alarm/rule.ts";
import { FrameBuilder } from "../../../lib/points/frame.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import type { Snapshot } from "../../../lib/state/keyed-state.ts";
import { around, type Bench, bench, MINUTE, motor, restarted, SECOND, StepClock, T } from "./helpers.ts";

test("a start and an end, with all that a notifier needs, in words", () => {
  const own = bench({ rules: [{ when: "above", limit: "80", for: "5m" }], zone: "Europe/Madrid" });
  for (const [minute, value] of [71, 82, 85, 84, 95.2, 83, 82.34, 71].entries()) own.at(minute * 60, value);
  const [start, end, ...more] = own.events();
  assert.deepEqual(more, []);
  assert.deepEqual(start, {
    event: "start",
    id: `hot/plant/motor/temperature/${T + MINUTE}/start`,
    key: "hot/plant/motor/temperature",
    alarm: "hot",
    series: "plant/motor/temperature",
    unit: "°C",
    severity: "warning",
    state: "firing",
    value: 82.34,
    limit: 80,
    reason: "82.34 °C, above 80 °C for 5 min",
    time: T + 6 * MINUTE,
    since: T + MINUTE,
    zone: "Europe/Madrid",
  } satisfies AlarmEvent);
  assert.equal(end!.reason, "back to 71 °C after 6 min, worst 95.2 °C");
  assert.deepEqual([end!.event, end!.state, end!.worst, end!.duration], ["end", "normal", 95.2, 6 * MINUTE]);
});

test("without another point `for` and `keep` run out by the clock", () => {
  const own = bench({ rules: [{ when: "above", limit: "80", for: "30s", keep: "20s" }] });
  own.alarms.resume();
  own.at(0, 85);
  own.wait(29);
  assert.deepEqual(own.told(), []);
  own.wait(30);
  assert.deepEqual(own.told(), ["30 start warning"]);
  own.at(40, 70);
  own.wait(60);
  assert.deepEqual(own.told(), ["60 end warning"]);
});

test("a stream that comes late runs out late: the clock goes on from its newest point", () => {
  const own = bench({ rules: [{ when: "above", limit: "80", for: "30s" }] });
  own.alarms.resume();
  own.clock.time = T + 300 * SECOND;
  own.alarms.add(motor, T, 85);
  own.wait(329);
  assert.deepEqual(own.told(), []);
  own.wait(330);
  assert.deepEqual(own.told(), ["30 start warning"]);
});

test("back-fill, what comes out of order and gaps change nothing, and are counted", () => {
  const own = bench();
  own.clock.time = T + 31 * 24 * 60 * MINUTE;
  for (let minute = 0; minute < 31 * 24 * 60 - 10; minute += 7) own.alarms.add(motor, T + minute * MINUTE, 99);
  assert.equal(own.alarms.counts().firing, 0);
  const now = own.clock.time;
  own.alarms.add(motor, now, 70);
  own.alarms.add(motor, now - 1, 99);
  own.alarms.add(motor, now + 1, Number.NaN);
  assert.deepEqual(own.told(), []);
  assert.ok(own.alarms.old > 6_000);
  assert.deepEqual([own.alarms.late, own.alarms.gaps], [1, 1]);
});

const evidence = { score: 9, expected: 70, lower: 65, upper: 75 };

test("an alert of the deviation node is over when the value was back in its band for five minutes", () => {
  const own = bench({ rules: [{ when: "alert" }] });
  own.at(0, 70, { ...evidence, score: 0 });
  own.at(60, 90, { ...evidence, alert: true, reason: "20 °C above what Mondays have been" });
  own.at(120, 91, evidence);
  for (let second = 180; second <= 480; second += 60) own.at(second, 71, { ...evidence, score: 0 });
  const [start, end, ...more] = own.events();
  assert.deepEqual(more, []);
  assert.equal(start!.reason, "20 °C above what Mondays have been");
  assert.deepEqual([start!.expected, start!.lower, start!.upper, start!.limit], [70, 65, 75, undefined]);
  assert.deepEqual([(end!.time - T) / SECOND, end!.worst], [480, 91]);
});

test("both outputs of the deviation node give one alarm, in the words of the second", () => {
  const own = bench({ rules: [{ when: "alert" }] });
  own.at(0, 70, evidence);
  // A Frame has no words.
  own.at(60, 90, { ...evidence, alert: true });
  own.at(120, 90, evidence);
  const same = own.alarms.add(motor, T + 60 * SECOND, 90, { ...evidence, alert: true, reason: "20 °C above" });
  assert.equal(same.state, "firing");
  assert.deepEqual(
    own.events().map(({ event, reason }) => [event, reason]),
    [["start", "20 °C above"]],
  );
  const frames = bench({ rules: [{ when: "alert" }] });
  frames.at(60, 90, { ...evidence, alert: true });
  assert.equal(frames.events()[0]!.reason, "90 °C, above the expected 70 °C");
});

test("raw points beside the alerts: the last known band says when it is over", () => {
  const own = bench({ rules: [{ when: "alert", keep: "0s" }] });
  own.at(0, 70);
  own.at(60, 90);
  own.at(60, 90, { ...evidence, alert: true, reason: "off" });
  assert.equal(own.at(120, 90), "firing");
  assert.equal(own.at(180, 71), "normal");
  assert.deepEqual(own.told(), ["60 start warning", "180 end warning"]);
});

test("nothing but alerts: each is an alarm of its own that ends after `keep`", () => {
  const own = bench({ rules: [{ when: "alert" }] });
  own.alarms.resume();
  own.at(0, 90, { ...evidence, alert: true, reason: "off" });
  own.wait(10_000);
  own.at(20_000, 90, { ...evidence, alert: true, reason: "off again" });
  own.wait(30_000);
  assert.deepEqual(own.told(), ["0 start warning", "300 end warning", "20000 start warning", "20300 end warning"]);
});

test("silence: learned from the series itself, told once, measured anew after a restart", () => {
  const own = bench({ noData: "learned", noDataSeverity: "minor" });
  own.alarms.resume();
  for (let i = 0; i <= 20; i++) own.at(i * 10, 70);
  own.wait(229);
  assert.deepEqual(own.told(), []);
  own.wait(230);
  const [silence] = own.events();
  assert.equal(silence!.reason, "no data for 30 s, usually every 10 s; last 70 °C");
  assert.deepEqual([silence!.event, silence!.severity, silence!.state], ["nodata", "minor", "normal"]);
  own.wait(5_000);
  assert.deepEqual(own.told(), []);
  own.at(5_010, 71);
  const [back] = own.events();
  assert.deepEqual([back!.event, back!.duration, back!.since], ["data-back", 4_810 * SECOND, T + 200 * SECOND]);
  const next = restarted(own, { noData: "learned", noDataSeverity: "minor" });
  next.clock.time = T + 6_000 * SECOND;
  next.alarms.resume();
  next.wait(6_029);
  assert.deepEqual(next.told(), []);
  next.wait(6_030);
  assert.deepEqual(next.told(), ["6030 nodata minor"]);
});

test("a series that is new, or that the clock alone knows, is not silent by what it learned", () => {
  const own = bench({ noData: "learned" });
  own.alarms.resume();
  for (let i = 0; i < 8; i++) own.at(i * 10, 70);
  own.wait(10_000);
  assert.deepEqual(own.told(), []);
});

test("an alarm that fires stays over a restart without a message; the first normal point ends it", () => {
  const own = bench();
  own.at(0, 90);
  assert.deepEqual(own.told(), ["0 start warning"]);
  const next = restarted(own);
  next.clock.time = T + 3_600 * SECOND;
  next.alarms.resume();
  next.wait(3_700);
  assert.deepEqual(next.told(), []);
  next.at(3_710, 70);
  assert.deepEqual(next.told(), ["3710 end warning"]);
});

test("the end goes out under the name of the start, and also when its rule is gone", () => {
  const own = bench();
  own.at(0, 90);
  const [start] = own.events();
  const rules = [{ when: "below", limit: "0" }];
  const next = restarted(own, { rules, alarm: "renamed" });
  next.alarms.resume();
  next.at(10, 90);
  const [end] = next.events();
  assert.deepEqual([end!.event, end!.key, end!.alarm], ["end", start!.key, "hot"]);
});

test("reset tells the end to whoever was told the start, and begins anew with other ids", () => {
  const own = bench();
  own.at(0, 90);
  assert.equal(own.alarms.reset(), 1);
  own.at(10, 90);
  const events = own.events();
  assert.deepEqual(
    events.map(({ event }) => event),
    ["start", "end", "start"],
  );
  assert.equal(new Set(events.map(({ id }) => id)).size, 3);
});

test("the number of series is limited, and quiet ones make room", () => {
  const own = bench({ maxSeries: 2 });
  own.at(0, 90, {}, seriesRef("a"));
  own.at(0, 70, {}, seriesRef("b"));
  assert.throws(() => own.at(1, 70, {}, seriesRef("c")), { code: "too-many-series" });
  own.at(5 * 7 * 86_400, 70, {}, seriesRef("a"));
  own.at(5 * 7 * 86_400, 70, {}, seriesRef("c"));
  assert.ok(own.alarms.state.peek("a"));
  assert.equal(own.alarms.state.peek("b"), undefined);
});

// Laws.

const RULES: RuleText[] = [
  { when: "above", limit: "5", deadband: "1", for: "20s", keep: "15s", severity: "warning" },
  { when: "above", limit: "8", keep: "10s", severity: "major" },
  { when: "outside", low: "-8", high: "20", severity: "critical", for: "5s" },
  { when: "alert", severity: "minor", keep: "30s" },
];
const REFS = [seriesRef("a"), seriesRef("b", { site: "x" })];

interface Row {
  series: number;
  gap: number;
  value: number;
  alert: boolean;
}

const rowsArb = fc.array(
  fc.record({
    series: fc.integer({ min: 0, max: 1 }),
    gap: fc.constantFrom(1, 5, 10, 10, 10, 10, 60),
    value: fc.integer({ min: -10, max: 10 }),
    alert: fc.boolean(),
  }),
  { maxLength: 60 },
);

/** Rows with times, as if they had just come. */
function timed(rows: readonly Row[]) {
  let time = T;
  return rows.map((row) => {
    time += row.gap * SECOND;
    return { ...row, time, ref: REFS[row.series]! };
  });
}

type Timed = ReturnType<typeof timed>;

const start = (clock = new StepClock()) => around(new Alarms({ clock, alarm: "a", rules: parseRules(RULES) }), clock);
const load = (snapshot: Snapshot, clock: StepClock) => {
  const own = start(clock);
  own.alarms.state.restore(JSON.parse(JSON.stringify(snapshot)));
  own.alarms.resume();
  return own;
};

function feed({ alarms, clock }: Bench, rows: Timed): void {
  clock.time = Math.max(clock.time, rows.at(-1)?.time ?? 0);
  const builder = new FrameBuilder();
  for (const { ref, time, value } of rows) builder.add(ref, time, value);
  const frame = builder.take().with({
    "deviation.alert": Float64Array.from(rows, ({ alert }) => Number(alert)),
    "deviation.lower": Float64Array.from(rows, () => -3),
    "deviation.upper": Float64Array.from(rows, () => 3),
  });
  alarms.addFrame(frame, "alarm", "deviation");
}

const essence = (events: readonly AlarmEvent[]) => events.map((event) => JSON.stringify(event));

/** Cuts in pieces of these lengths. */
function cut<R>(rows: readonly R[], lengths: readonly number[]): R[][] {
  const pieces: R[][] = [];
  let at = 0;
  for (let i = 0; at < rows.length; i++) {
    const n = lengths[i % lengths.length]!;
    pieces.push(rows.slice(at, at + n));
    at += n;
  }
  return pieces;
}
const cutsArb = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });

test("law: starts and ends take turns, severities lie between them and go up, no id comes twice", () => {
  fc.assert(
    fc.property(rowsArb, (rows) => {
      const own = start();
      feed(own, timed(rows));
      const events = own.events();
      assert.equal(new Set(events.map(({ id }) => id)).size, events.length);
      for (const { series } of REFS) {
        let open = false;
        let latest = 0;
        for (const { event, time, since, duration } of events.filter((one) => one.series === series)) {
          assert.equal(event === "start", !open, event);
          open = event !== "end";
          assert.ok(since <= time && time >= latest);
          latest = time;
          if (event === "end") assert.equal(duration, time - since);
        }
      }
    }),
  );
});

test("law: the same points in any batches are the same events", () => {
  fc.assert(
    fc.property(rowsArb, cutsArb, (rows, cuts) => {
      const all = timed(rows);
      const whole = start();
      feed(whole, all);
      const pieces = start();
      for (const piece of cut(all, cuts)) feed(pieces, piece);
      assert.deepEqual(essence(pieces.events()), essence(whole.events()));
    }),
  );
});

test("law: whether the clock or the next point notices that time has run out makes no difference", () => {
  fc.assert(
    fc.property(rowsArb, (rows) => {
      const all = timed(rows);
      const whole = start();
      feed(whole, all);
      const live = start();
      live.alarms.resume();
      for (const row of all) {
        live.clock.before(row.time);
        feed(live, [row]);
      }
      const order = (events: AlarmEvent[]) =>
        essence(events.sort((a, b) => a.time - b.time || (a.series < b.series ? -1 : 1)));
      const last = new Map(all.map(({ ref, time }) => [ref.series, time]));
      // What runs out after the last point of a series, only the clock can know.
      const told = live.events().filter(({ series, time }) => time <= last.get(series)!);
      assert.deepEqual(order(told), order(whole.events()));
    }),
  );
});

test("law: saved and restored at any point, nothing changes", () => {
  fc.assert(
    fc.property(rowsArb, cutsArb, (rows, cuts) => {
      const all = timed(rows);
      const whole = start();
      feed(whole, all);
      let own = start();
      const events: AlarmEvent[] = [];
      for (const piece of cut(all, cuts)) {
        feed(own, piece);
        events.push(...own.events());
        own.alarms.beforeSave();
        own = load(own.alarms.state.snapshot(), own.clock);
      }
      assert.deepEqual(essence(events), essence(whole.events()));
    }),
  );
});

test("law: killed between save and send, each event is sent at least once and always with the same id", () => {
  fc.assert(
    fc.property(
      rowsArb,
      cutsArb,
      fc.array(fc.constantFrom("unsent", "unconfirmed", "confirmed"), { minLength: 1 }),
      (rows, cuts, ends) => {
        const all = timed(rows);
        const whole = start();
        feed(whole, all);
        let own = start();
        const received: AlarmEvent[] = [];
        for (const [i, piece] of cut(all, cuts).entries()) {
          feed(own, piece);
          const end = ends[i % ends.length];
          const snapshot = () => {
            own.alarms.beforeSave();
            return own.alarms.state.snapshot();
          };
          let kept = snapshot();
          const sent = end === "unsent" ? [] : own.alarms.take(own.alarms.made);
          received.push(...sent);
          if (end === "confirmed") {
            own.alarms.confirm(sent);
            kept = snapshot();
          }
          own = load(kept, own.clock);
        }
        received.push(...own.alarms.take(own.alarms.made));
        const unique = new Map(received.map((event) => [event.id, event]));
        assert.deepEqual(essence([...unique.values()]).sort(), essence(whole.events()).sort());
      },
    ),
  );
});
