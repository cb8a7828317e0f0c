import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodePacket, encodePacket, type PacketSeries } from "../../../lib/live/packet.ts";

const head = { from: 0, to: 1000, buckets: 10, now: 5 };
const around = (series: PacketSeries[]) => decodePacket(encodePacket({ ...head, series }).buffer as ArrayBuffer);

test("what is packed comes out: times to the ms, values to a millionth of what is seen", () => {
  const rows = fc.array(
    fc.tuple(
      fc.integer({ min: 1, max: 100_000 }),
      fc.oneof(fc.double({ noDefaultInfinity: true }), fc.constant(Number.NaN)),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 3 }), (all) => {
      const series = all.map((some, i) => {
        let time = 1_700_000_000_000;
        const times = Float64Array.from(some, ([step]) => (time += step));
        return { id: `kpi${i}`, times, values: Float64Array.from(some, ([, value]) => value) };
      });
      const out = around(series);
      assert.deepEqual({ ...out, series: [] }, { ...head, series: [] });
      out.series.forEach(({ id, times, values }, i) => {
        const given = series[i]!;
        assert.equal(id, given.id);
        assert.deepEqual(times, given.times);
        const finite = given.values.filter(Number.isFinite);
        const range = Math.max(...finite) - Math.min(...finite);
        values.forEach((value, row) => {
          const was = given.values[row]!;
          assert.ok(Object.is(value, was) || Math.abs(value - was) <= 1e-6 * range, `${value} was ${was}`);
        });
      });
    }),
  );
});

test("8 bytes a row where Float32 does, 12 where it would show", () => {
  const times = Float64Array.from({ length: 1000 }, (_, i) => i);
  const size = (value: (i: number) => number) =>
    encodePacket({ ...head, series: [{ id: "a", times, values: Float64Array.from(times, (_, i) => value(i)) }] })
      .length;
  assert.ok(size((i) => 20 + Math.sin(i)) < 8200);
  assert.ok(size((i) => 1e9 + Math.sin(i)) > 12_000, "small moves on a large offset stay");
});

test("a window of ten years has times to the pixel", () => {
  const decade = 3650 * 86_400_000;
  const [series] = around([
    { id: "a", times: Float64Array.of(7, decade / 3, decade), values: new Float64Array(3) },
  ]).series;
  for (const [i, time] of [7, decade / 3, decade].entries()) assert.ok(Math.abs(series!.times[i]! - time) < 100);
});
