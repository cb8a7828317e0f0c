/** Points of a window on their way to the page. No Node API here: the page decodes with this very file. */

export interface PacketSeries {
  id: string;
  /** ms since epoch, ascending. */
  times: Float64Array;
  /** NaN is a gap. */
  values: Float64Array;
}

export interface PacketHead {
  from: number;
  to: number;
  buckets: number;
  /** The server's clock, ms. */
  now: number;
  /** What the page should tell its reader: the history is incomplete, and why. */
  warning?: string;
}

export interface Packet extends PacketHead {
  series: PacketSeries[];
}

interface Header extends PacketHead {
  /** Times are `origin + n × step`, ms. */
  origin: number;
  step: number;
  series: { id: string; rows: number; wide: boolean }[];
}

const LARGEST = 2 ** 32 - 1;
/** Part of its own range by which a value may be off: a thousandth of a pixel. */
const UNSEEN = 1e-6;

function needsFloat64(values: Float64Array): boolean {
  let min = Infinity;
  let max = -Infinity;
  let off = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    off = Math.max(off, Math.abs(Math.fround(value) - value));
  }
  return off > UNSEEN * (max - min);
}

/**
 * 8 bytes a row: times as Uint32 steps from the first one (1 ms up to 49 days, coarser beyond), values as Float32
 * where nobody can see the difference, else as Float64. Layout: length of the header (Uint32), header (JSON, UTF-8),
 * then times and values of each series; all little-endian.
 */
export function encodePacket({ series, ...head }: Packet): Uint8Array {
  let origin = Infinity;
  let end = -Infinity;
  for (const { times } of series) {
    if (times.length === 0) continue;
    origin = Math.min(origin, times[0]!);
    end = Math.max(end, times[times.length - 1]!);
  }
  if (origin === Infinity) origin = end = head.from;
  const step = Math.max(1, Math.ceil((end - origin) / LARGEST));
  const header: Header = {
    ...head,
    origin,
    step,
    series: series.map(({ id, times, values }) => ({ id, rows: times.length, wide: needsFloat64(values) })),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const size = header.series.reduce((sum, { rows, wide }) => sum + rows * (wide ? 12 : 8), 4 + text.length);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = 4 + text.length;
  series.forEach(({ times, values }, i) => {
    for (const time of times) {
      view.setUint32(at, Math.round((time - origin) / step), true);
      at += 4;
    }
    const { wide } = header.series[i]!;
    for (const value of values) {
      if (wide) view.setFloat64(at, value, true);
      else view.setFloat32(at, value, true);
      at += wide ? 8 : 4;
    }
  });
  return bytes;
}

export function decodePacket(buffer: ArrayBuffer): Packet {
  const view = new DataView(buffer);
  const length = view.getUint32(0, true);
  const { origin, step, series, ...head }: Header = JSON.parse(
    new TextDecoder().decode(new Uint8Array(buffer, 4, length)),
  );
  let at = 4 + length;
  return {
    ...head,
    series: series.map(({ id, rows, wide }) => {
      const times = new Float64Array(rows);
      const values = new Float64Array(rows);
      for (let row = 0; row < rows; row++, at += 4) times[row] = origin + view.getUint32(at, true) * step;
      for (let row = 0; row < rows; row++, at += wide ? 8 : 4) {
        values[row] = wide ? view.getFloat64(at, true) : view.getFloat32(at, true);
      }
      return { id, times, values };
    }),
  };
}
