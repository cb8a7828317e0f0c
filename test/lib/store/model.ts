import type { SeriesRef } from "../../../lib/points/series.ts";
import type { StorePolicy } from "../../../lib/store/types.ts";
import { type Choice, plainAggregate, type Row, type rowsOf } from "./fixtures.ts";

export type Exact = ReturnType<typeof rowsOf>;
type Sample = readonly [time: number, value: number];

const DAY = 86_400_000;
export const WIDTHS = { "5m": 300_000, "1h": 3_600_000, "1d": DAY } as const;
type Width = keyof typeof WIDTHS;
const NAMES = Object.keys(WIDTHS) as Width[];

interface Kept {
  policy: StorePolicy;
  points: Map<number, number>;
  /** Points that have gone, by the width of the rollups that still stand for them. */
  rolled: Record<Width, Sample[]>;
}

type State = Map<string, Kept>;

const startOfDay = (time: number) => Math.floor(time / DAY) * DAY;

function copyOf(state: State): State {
  return new Map(
    [...state].map(([key, { policy, points, rolled }]) => [
      key,
      {
        policy,
        points: new Map(points),
        rolled: { "5m": [...rolled["5m"]], "1h": [...rolled["1h"]], "1d": [...rolled["1d"]] },
      },
    ]),
  );
}

/** What a store should hold, in the plainest form. */
export class Model {
  readonly #policyOf: (ref: SeriesRef) => StorePolicy;
  readonly #snapshots = new Map<string, State>();
  readonly #commits: { seq: number; rows: Exact }[] = [];
  #state: State = new Map();
  seq = 0;

  constructor(policyOf: (ref: SeriesRef) => StorePolicy = () => ({})) {
    this.#policyOf = policyOf;
  }

  commit(seq: number, rows: readonly Row[]): void {
    this.#commits.push({ seq, rows: this.load(seq, rows) });
  }

  /** As a commit that no replay gives. */
  load(seq: number, rows: readonly Row[]): Exact {
    this.seq = seq;
    return rows.map(([ref, time, value]) => {
      let series = this.#state.get(ref.key);
      if (!series) {
        series = { policy: this.#policyOf(ref), points: new Map(), rolled: { "5m": [], "1h": [], "1d": [] } };
        this.#state.set(ref.key, series);
      }
      const rounded = roundedBy(series.policy, time, value);
      series.points.set(...rounded);
      return [ref.key, ...rounded];
    });
  }

  /** Gives how many points there were. */
  delete({ keys, from = -Infinity, to = Infinity }: Choice): number {
    let gone = 0;
    for (const [key, { points, rolled }] of this.#state) {
      if (keys && !keys.includes(key)) continue;
      for (const time of [...points.keys()]) if (time >= from && time <= to) gone += Number(points.delete(time));
      for (const name of NAMES) {
        const width = WIDTHS[name];
        const inside = (bucket: number) => bucket >= from && bucket + width - 1 <= to;
        rolled[name] = rolled[name].filter(([time]) => !inside(Math.floor(time / width) * width));
      }
    }
    return gone;
  }

  expire(now: number): void {
    for (const { policy, points, rolled } of this.#state.values()) {
      const before = startOfDay(now - (policy.keep ?? Infinity));
      const old = [...points].filter(([time]) => time < before);
      for (const [time] of old) points.delete(time);
      for (const name of NAMES) {
        const limit = startOfDay(now - (policy.rollups?.[name] ?? Infinity));
        rolled[name] = [...rolled[name], ...old].filter(([time, value]) => time >= limit && !Number.isNaN(value));
      }
    }
  }

  snapshot(name: string): void {
    this.#snapshots.set(name, copyOf(this.#state));
  }

  dropSnapshot(name: string): void {
    this.#snapshots.delete(name);
  }

  get snapshots(): string[] {
    return [...this.#snapshots.keys()];
  }

  /** Of series that have points. */
  get keys(): string[] {
    return [...this.#state]
      .filter(([, { points }]) => points.size > 0)
      .map(([key]) => key)
      .sort();
  }

  read({ keys, from = -Infinity, to = Infinity, limit = Infinity, take = "oldest" }: Choice, asOf?: string): Exact {
    return this.#chosen(keys, asOf).flatMap(([key, { points }]) => {
      const rows = [...points]
        .filter(([time]) => time >= from && time <= to)
        .sort(([a], [b]) => a - b)
        .map(([time, value]): Exact[number] => [key, time, value]);
      return take === "oldest" ? rows.slice(0, limit) : rows.slice(Math.max(0, rows.length - limit));
    });
  }

  last(): Exact {
    return this.read({ limit: 1, take: "newest" });
  }

  /** Rows of the commits after `cursor` up to `end`. */
  replay(cursor: number, end: number): Exact {
    return this.#commits.flatMap(({ seq, rows }) => (seq > cursor && seq <= end ? rows : []));
  }

  /** By series that have points or rollups, for each bucket the values in it, those that stand for themselves last. */
  aggregate(edges: readonly number[], names: readonly string[], keys?: readonly string[], asOf?: string) {
    const chosen = this.#chosen(keys, asOf).filter(
      ([, { points, rolled }]) => points.size > 0 || NAMES.some((name) => rolled[name].length > 0),
    );
    return chosen.map(([key, { points, rolled }]) => {
      const placed = [
        ...standing(rolled, edges),
        ...[...points].map(([time, value]) => ({ place: time, time, value, point: true })),
      ];
      const buckets = edges.slice(0, -1).map((edge, at) => {
        const inside = placed.filter(
          ({ place, value }) => place >= edge && place < edges[at + 1]! && !Number.isNaN(value),
        );
        // The sort is stable: of one moment the one that was written last comes last.
        const ordered = inside.toSorted((a, b) => a.time - b.time);
        return names.map((name) => {
          if (name === "first") return ordered.findLast(({ time }) => time === ordered[0]!.time)?.value ?? Number.NaN;
          const counted = name.startsWith("p") ? ordered.filter(({ point }) => point) : ordered;
          return plainAggregate(
            name,
            counted.map(({ value }) => value),
          );
        });
      });
      return { key, buckets };
    });
  }

  #chosen(keys: readonly string[] | undefined, asOf: string | undefined): [string, Kept][] {
    const state = asOf === undefined ? this.#state : this.#snapshots.get(asOf)!;
    return [...state].filter(([key]) => keys === undefined || keys.includes(key)).sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

function roundedBy({ precision, resolution = 1 }: StorePolicy, time: number, value: number): [number, number] {
  const rounded = Math.floor(time / resolution) * resolution;
  if (precision === undefined) return [rounded, value];
  if (precision === "float32") return [rounded, Math.fround(value)];
  const near = Math.abs(value) < 2 ** 53 / 10 ** precision;
  // -0 is 0 then.
  return [rounded, near ? Math.round(value * 10 ** precision) / 10 ** precision + 0 : value];
}

/**
 * What has gone, at the beginning of its bucket: of the coarsest width that fits the edges for the days that it is there
 * for, then finer ones, then coarser ones.
 */
function standing(rolled: Kept["rolled"], edges: readonly number[]) {
  const best = Math.max(
    0,
    NAMES.findLastIndex((name) => edges.every((edge) => edge % WIDTHS[name] === 0)),
  );
  const order = [...NAMES.slice(0, best + 1).reverse(), ...NAMES.slice(best + 1)];
  let end = edges.at(-1)!;
  return order.flatMap((name) => {
    const width = WIDTHS[name];
    const placed = rolled[name].map(([time, value]) => ({
      place: Math.floor(time / width) * width,
      time,
      value,
      point: false,
    }));
    const found = placed.filter(({ place }) => place >= edges[0]! && place < end);
    end = Math.min(end, ...placed.map(({ place }) => startOfDay(place)));
    return found;
  });
}
