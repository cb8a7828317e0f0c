import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { Point } from "../../../lib/points/point.ts";
import { CsvRecording, type CsvRecordingOptions } from "../../../lib/replay/csv.ts";
import { Player } from "../../../lib/replay/player.ts";
import { FakeClock } from "../host/fake-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "vigia-csv-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;

function recordingOf(text: string | Buffer, options: Partial<CsvRecordingOptions> = {}): CsvRecording {
  const file = join(folder, `sensor${files++}.csv`);
  writeFileSync(file, text);
  return new CsvRecording({ file, clock: new FakeClock(), series: "s", ...options });
}

async function pointsOf(recording: CsvRecording, from?: number): Promise<Point[]> {
  const points: Point[] = [];
  const place = from === undefined ? undefined : await recording.find(from);
  for await (const { at, ticks } of recording.read(place)) {
    for (const { time, refs, values } of ticks.slice(at === place?.at ? place.skip : 0)) {
      refs.forEach(({ series, tags, unit }, i) => {
        points.push({ series, time, value: values[i]!, ...(tags && { tags }), ...(unit && { unit }) });
      });
    }
  }
  return points;
}

const cancelOf = (immediate: NodeJS.Immediate) => () => clearImmediate(immediate);

const at = (text: string) => Date.parse(`${text}Z`);

test("timestamp,value: with a blank or a T, the series is the file's name", async () => {
  const file = join(folder, "machine temp.csv");
  writeFileSync(file, "timestamp,value\n2013-12-02 21:15:00,73.96732207\n2013-12-02T21:20:00,74.9\n");
  const recording = new CsvRecording({ file, clock: new FakeClock() });
  assert.deepEqual(await pointsOf(recording), [
    { series: "machine temp", time: at("2013-12-02T21:15:00"), value: 73.96732207 },
    { series: "machine temp", time: at("2013-12-02T21:20:00"), value: 74.9 },
  ]);
  assert.deepEqual(await recording.bounds(), { first: at("2013-12-02T21:15:00"), last: at("2013-12-02T21:20:00") });
});

test("wide: one series a column, one tick a row; no header; a byte order mark; Windows line ends; no end of line", async () => {
  const text = "\ufefftime;a;b\r\n2024-01-01T00:00:00;1;2\r\n2024-01-01T00:01:00;;4";
  const time = at("2024-01-01T00:00:00");
  assert.deepEqual(await pointsOf(recordingOf(text)), [
    { series: "s/a", time, value: 1 },
    { series: "s/b", time, value: 2 },
    { series: "s/b", time: time + 60_000, value: 4 },
  ]);
  assert.deepEqual(await pointsOf(recordingOf("1704067200,5\n1704067201,6\n", { precision: "s" })), [
    { series: "s/column2", time, value: 5 },
    { series: "s/column2", time: time + 1_000, value: 6 },
  ]);
});

test("long: series and tags by column", async () => {
  const text = "# from the plant\ntime,series,site,value\n2024-01-01,a,x,1\n2024-01-01,b,y,2\n";
  const time = at("2024-01-01T00:00:00");
  const recording = recordingOf(text, { csv: { tags: ["site"] }, tags: { plant: "3" } });
  assert.deepEqual(await pointsOf(recording), [
    { series: "a", time, value: 1, tags: { plant: "3", site: "x" } },
    { series: "b", time, value: 2, tags: { plant: "3", site: "y" } },
  ]);
});

test("bad rows are told, the others come; without times, without a file, without rows: errors", async () => {
  const rejected: string[] = [];
  const onRejected = (rows: readonly { text: string }[]) => rejected.push(...rows.map(({ text }) => text));
  const text = "time,value\n2024-01-01,1\nnever,2\n2024-01-02,3\n";
  assert.deepEqual(
    (await pointsOf(recordingOf(text, { onRejected }))).map(({ value }) => value),
    [1, 3],
  );
  assert.deepEqual(rejected, ["never,2"]);
  await assert.rejects(pointsOf(recordingOf("a,b\n1,2\n3,4\n")), { code: "no-time" });
  await assert.rejects(recordingOf("a,b\n1,2\n").bounds(), { code: "no-time" });
  await assert.rejects(new CsvRecording({ file: join(folder, "no.csv"), clock: new FakeClock() }).bounds(), {
    code: "no-file",
    message: /ENOENT/,
  });
  await assert.rejects(new CsvRecording({ file: folder, clock: new FakeClock() }).bounds(), { code: "no-file" });
  assert.equal(await recordingOf("").bounds(), undefined);
  assert.equal(await recordingOf("time,value\n").bounds(), undefined);
});

test("law: whatever the size of a chunk, and from any time on, the rows are the same", async () => {
  const row = fc.record({
    gap: fc.integer({ min: 0, max: 3 }),
    value: fc.integer({ min: -99_999, max: 99_999 }),
    note: fc.constantFrom("", "plain", '"quoted, with comma"', '"two\nlines"', '"a ""quote"""'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 24, max: 400 }),
      async (rows, chunk) => {
        let time = at("2024-01-01T00:00:00");
        const expected: { time: number; value: number }[] = [];
        let text = "note,timestamp,value\n";
        for (const { gap, value, note } of rows) {
          time += gap * 1_000;
          text += `${note},${new Date(time).toISOString()},${value}\n`;
          expected.push({ time, value });
        }
        const small = recordingOf(text, { chunk });
        const plain = (points: Point[]) => points.map((point) => ({ time: point.time, value: point.value }));
        assert.deepEqual(plain(await pointsOf(small)), expected);
        assert.deepEqual(await small.bounds(), { first: expected[0]!.time, last: time });
        const middle = expected[rows.length >> 1]!.time;
        assert.deepEqual(
          plain(await pointsOf(small, middle)),
          expected.filter((point) => point.time >= middle),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test("a large file is sought in, not read", async () => {
  const start = at("2020-01-01T00:00:00");
  const lines = Array.from({ length: 50_000 }, (_, i) => `${new Date(start + i * 60_000).toISOString()},${i}`);
  const recording = recordingOf(`timestamp,value\n${lines.join("\n")}\n`, { chunk: 4_096 });
  const place = await recording.find(start + 43_210 * 60_000);
  for await (const { ticks } of recording.read(place)) {
    assert.equal(ticks[place.skip]!.values[0], 43_210);
    break;
  }
});

test("played as fast as it goes, and on after a restart in the middle of a chunk", async () => {
  const lines = Array.from(
    { length: 500 },
    (_, i) => `${new Date(at("2020-01-01T00:00:00") + i * 60_000).toISOString()},${i}`,
  );
  const recording = recordingOf(`timestamp,value\n${lines.join("\n")}\n`, { chunk: 2_048 });
  const values: number[] = [];
  let last: Player | undefined;
  const player = () =>
    new Player({
      recording,
      clock: { now: () => at("2024-01-01T00:00:00"), after: (_ms, run) => cancelOf(setImmediate(run)) },
      speed: Infinity,
      times: "recorded",
      maxRows: 30,
      emit: (frame) => {
        values.push(...frame.values);
        if (values.length === 210) last!.close();
      },
      onChange: ({ state }) => state === "ended" && ended(),
    });
  let ended: () => void = () => {};
  const first = player();
  last = first;
  first.start();
  while (values.length < 210) await new Promise(setImmediate);
  await first.close();
  const second = player();
  last = second;
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  second.restore(JSON.parse(JSON.stringify(first.snapshot())));
  await end;
  assert.deepEqual(
    values,
    Array.from({ length: 500 }, (_, i) => i),
  );
});
