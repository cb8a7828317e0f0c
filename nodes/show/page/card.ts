import uPlot from "uplot";
import { el, write } from "./dom.ts";
import type { Format, Precision } from "./format.ts";
import { gestures } from "./gestures.ts";
import { type Kpi, nameOf, nameParts, tagsOf } from "./kpi.ts";
import type { Texts } from "./texts.ts";
import type { Theme } from "./theme.ts";
import { clockStep, type View } from "./view.ts";
import { ticksOf, type Zone } from "./zone.ts";

export interface Surroundings {
  view: View;
  theme: Theme;
  format: Format;
  zone: Zone;
  texts: Texts;
  /** The server's clock, ms. */
  now(): number;
}

const AXIS = 54;
const RIGHT = 16;
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
/** A label of the time axis needs this, px; one with milliseconds more. */
const TICK_SPACE = 62;
const FINE_TICK_SPACE = 92;
/** A drag shorter than this is a click, px. */
const CLICK = 5;

/** What is written about one KPI. */
class Row {
  readonly root: HTMLElement;
  readonly swatch = el("i", { class: "swatch" });
  readonly #kpi: Kpi;
  readonly #around: Surroundings;
  readonly #number = el("span", { class: "number" });
  readonly #unit = el("span", { class: "unit" });
  readonly #age = el("span", { class: "age" });
  readonly #stats: HTMLElement[] = [];
  #precision: Precision | undefined;
  #cursor: { time: number; value: number | null } | undefined;

  constructor(kpi: Kpi, around: Surroundings) {
    this.#kpi = kpi;
    this.#around = around;
    const name = el("div", { class: "name", title: [kpi.series, ...tagsOf(kpi)].join("  ") }, ...nameParts(kpi));
    const stats = el("dl", { class: "stats" });
    for (const key of ["min", "mean", "max"] as const) {
      const value = el("dd");
      this.#stats.push(value);
      stats.append(el("div", {}, el("dt", {}, around.texts(key)), value));
    }
    this.root = el(
      "li",
      { class: "kpi" },
      this.swatch,
      name,
      el("div", { class: "now" }, el("div", { class: "value" }, this.#number, this.#unit), this.#age),
      stats,
    );
  }

  /** The value under the cursor in place of the newest; `undefined`: no cursor. */
  point(cursor: { time: number; value: number | null } | undefined): void {
    this.#cursor = cursor;
    this.root.classList.toggle("at-cursor", cursor !== undefined);
    this.tell();
  }

  tell(): void {
    const { format, texts, view, now } = this.#around;
    const { last } = this.#kpi.track;
    const shown = this.#cursor ?? last;
    const { number, unit } = format.value(shown?.value, this.#kpi.unit, this.#precision);
    write(this.#number, number);
    write(this.#unit, unit);
    if (this.#cursor) write(this.#age, format.clock(this.#cursor.time, clockStep(view.span)));
    else write(this.#age, last ? age(now() - last.time, texts) : texts("none"));
    this.root.classList.toggle("silent", last === undefined);
  }

  /** `false`: there is nothing to summarise. */
  summarise(): boolean {
    const { format, view } = this.#around;
    const stats = this.#kpi.track.stats(view.from, view.to);
    this.#precision = stats && { range: stats.max - stats.min, whole: stats.whole };
    const about = stats?.about ? "≈\u202f" : "";
    const { min, mean, max } = stats ?? {};
    // A mean of whole numbers is seldom one.
    const finer = stats && { range: stats.max - stats.min, whole: false };
    write(this.#stats[0]!, format.bare(min, this.#kpi.unit, this.#precision));
    write(this.#stats[1]!, about + format.bare(mean, this.#kpi.unit, finer));
    write(this.#stats[2]!, format.bare(max, this.#kpi.unit, this.#precision));
    return stats !== undefined;
  }
}

function age(ms: number, texts: Texts): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 2) return texts("now");
  const [n, unit] =
    seconds < 60
      ? [seconds, "s"]
      : seconds < 5400
        ? [Math.round(seconds / 60), "min"]
        : seconds < 129_600
          ? [Math.round(seconds / 3600), "h"]
          : [Math.round(seconds / 86_400), "d"];
  return texts("ago", { age: `${n}\u202f${unit}` });
}

/** One chart: what it shows in words, and the plot. */
export class Card {
  readonly root: HTMLElement;
  readonly kpis: readonly Kpi[];
  /** It is on the screen or close to it. */
  visible = false;
  dirty = true;
  readonly #around: Surroundings;
  readonly #rows: Row[];
  readonly #plot = el("div", { class: "plot" });
  readonly #nothing = el("p", { class: "nothing" });
  readonly #cursorTime = el("div", { class: "cursor-time" });
  readonly #chart: uPlot;
  #version = -1;
  #step = 1000;

  constructor(kpis: readonly Kpi[], around: Surroundings) {
    this.kpis = kpis;
    this.#around = around;
    this.#rows = kpis.map((kpi) => new Row(kpi, around));
    this.root = el("article", { class: kpis.length > 1 ? "card grouped" : "card" });
    this.root.dataset.kpis = kpis.map(({ id }) => id).join(",");
    if (kpis.length > 1) this.root.append(el("h2", {}, nameOf(kpis[0]!).last));
    this.root.append(el("ul", { class: "kpis" }, ...this.#rows.map(({ root }) => root)), this.#plot);
    this.#nothing.hidden = true;
    this.#chart = this.#make();
    const { canvas } = this.#chart.ctx;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", kpis.map(({ series }) => series).join(", "));
    this.#plot.append(this.#nothing);
    this.paint();
    this.tell();
  }

  /** Width of the drawing, px. */
  get pixels(): number {
    return Math.max(50, this.#chart.width - AXIS - RIGHT);
  }

  /** Rows of the table of what is drawn, for tests. */
  get data(): uPlot.AlignedData {
    return this.#chart.data;
  }

  /** Fills the room that the style gives to the plot. */
  fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#plot;
    if (width === 0 || (width === this.#chart.width && height === this.#chart.height)) return;
    this.#chart.setSize({ width, height });
    this.dirty = true;
  }

  /** Colours are as the theme has them. */
  paint(): void {
    this.#rows.forEach(({ swatch }, i) => {
      swatch.style.background = this.#around.theme.palette.lines[i]!;
    });
    this.#version = -1;
    this.dirty = true;
  }

  tell(): void {
    for (const row of this.#rows) row.tell();
  }

  /** The one place that draws. */
  draw(): void {
    this.dirty = false;
    const { view } = this.#around;
    const chart = this.#chart;
    const version = this.kpis.reduce((sum, { track }) => sum + track.version, 0);
    chart.batch(() => {
      if (version !== this.#version) {
        this.#version = version;
        const tables = this.kpis.map(({ track }) => track.drawn());
        chart.setData(tables.length === 1 ? tables[0]! : uPlot.join(tables), false);
      }
      chart.setScale("x", { min: view.from, max: view.to });
    });
    this.root.dataset.from = String(view.from);
    this.root.dataset.to = String(view.to);
    const some = this.#rows.filter((row) => row.summarise()).length > 0;
    this.tell();
    this.#nothing.hidden = some || this.kpis.some(({ track }) => !track.loaded);
    if (!this.#nothing.hidden) this.#sayNothing();
  }

  destroy(): void {
    this.#chart.destroy();
    this.root.remove();
  }

  /** In words, when the plot is empty; the newest point is one press away. */
  #sayNothing(): void {
    const { view, texts, format } = this.#around;
    const newest = Math.max(...this.kpis.map(({ track }) => track.last?.time ?? -Infinity));
    if (newest === -Infinity || (newest >= view.from && newest <= view.to)) {
      this.#nothing.replaceChildren(texts("no-points"));
      return;
    }
    const text = texts("go-to-last", { time: `${format.day(newest)}, ${format.clock(newest, 1000)}` });
    if (this.#nothing.querySelector("button")?.textContent === text) return;
    const go = el("button", { type: "button", class: "link" }, text);
    go.addEventListener("click", () => view.show(newest - view.span * 0.9, newest + view.span * 0.1));
    this.#nothing.replaceChildren(texts("no-points"), " ", go);
  }

  #make(): uPlot {
    const { view, theme, format, zone } = this.#around;
    const unit = this.kpis[0]!.unit;
    let moves: ReturnType<typeof gestures> | undefined;
    const axis: uPlot.Axis = {
      font: FONT,
      stroke: () => theme.palette.axis,
      ticks: { show: false },
      grid: { stroke: () => theme.palette.grid, width: 1 },
    };
    return new uPlot(
      {
        width: 300,
        height: 170,
        ms: 1,
        legend: { show: false },
        padding: [8, RIGHT, 0, 0],
        scales: {
          x: { time: false, range: (_chart, min, max) => [min, max] },
          y: { range: (_chart, min, max) => valueRange(min, max) },
        },
        axes: [
          {
            ...axis,
            size: 26,
            gap: 6,
            space: TICK_SPACE,
            splits: (chart, _axis, min, max) => {
              const space = clockStep(max - min) < 1000 ? FINE_TICK_SPACE : TICK_SPACE;
              const width = chart.bbox.width / uPlot.pxRatio;
              const { times, step } = ticksOf(min, max, ((max - min) * space) / width, zone);
              this.#step = step;
              return times;
            },
            values: (_chart, splits) => format.times(splits, this.#step),
          },
          {
            ...axis,
            size: AXIS,
            gap: 6,
            space: 34,
            values: (chart, splits) => (hasValues(chart) ? format.axis(splits, unit) : splits.map(() => "")),
          },
        ],
        series: [
          {},
          ...this.kpis.map((_kpi, i): uPlot.Series => {
            const stroke = () => theme.palette.lines[i]!;
            return { stroke, width: 1.5, points: { size: 4, stroke, fill: stroke, filter: lonely } };
          }),
        ],
        cursor: {
          y: false,
          points: { size: 8, width: 2, stroke: () => theme.palette.card },
          // Where a KPI was silent, the cursor has no value.
          hover: {
            prox: (chart, series) => {
              const { silence } = this.kpis[series - 1]!.track;
              return silence > 0 ? ((silence / 2) * chart.over.clientWidth) / view.span : null;
            },
          },
          drag: { x: true, y: false, setScale: false, dist: CLICK },
          sync: {
            key: "vigia",
            setSeries: false,
            scales: ["x", null],
            // Only where the cursor is: a zoom goes through the view.
            filters: { pub: (type) => type === "mousemove" || type === "mouseleave" },
          },
          bind: {
            mousedown: (_chart, _target, handle) => (event) => {
              if (event.shiftKey) moves?.startPan(event);
              else handle(event);
              return null;
            },
            dblclick: () => () => {
              view.follow();
              return null;
            },
          },
        },
        hooks: {
          init: [
            (chart) => {
              moves = gestures(chart.over, view);
              chart.over.append(this.#cursorTime);
            },
          ],
          setSelect: [
            (chart) => {
              const { left, width } = chart.select;
              if (width < CLICK) return;
              const [from, to] = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")];
              chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              view.show(from, to);
            },
          ],
          setCursor: [(chart) => this.#point(chart)],
          draw: [(chart) => this.#drawNow(chart)],
        },
      },
      [[], ...this.kpis.map(() => [])],
      this.#plot,
    );
  }

  #point(chart: uPlot): void {
    const { left = -1, idxs } = chart.cursor;
    if (left < 0 || chart.data[0].length === 0) {
      for (const row of this.#rows) row.point(undefined);
      return;
    }
    const time = chart.posToVal(left, "x");
    this.#rows.forEach((row, i) => {
      const at = idxs?.[i + 1];
      if (at === null || at === undefined) row.point({ time, value: null });
      else row.point({ time: chart.data[0][at]!, value: chart.data[i + 1]![at] ?? null });
    });
    const { format, view } = this.#around;
    write(this.#cursorTime, format.clock(time, clockStep(view.span)));
    this.#cursorTime.style.transform = `translateX(${Math.min(Math.max(left, 30), chart.over.clientWidth - 30)}px) translateX(-50%)`;
  }

  /** A dot where each line is now. */
  #drawNow(chart: uPlot): void {
    if (!this.#around.view.live) return;
    const { ctx } = chart;
    this.kpis.forEach(({ track }, i) => {
      const last = track.times.length - 1;
      const value = track.values[last];
      if (last < 0 || value === null || value === undefined) return;
      const x = chart.valToPos(track.times[last]!, "x", true);
      if (x < chart.bbox.left) return;
      ctx.beginPath();
      ctx.arc(x, chart.valToPos(value, "y", true), 3 * uPlot.pxRatio, 0, 2 * Math.PI);
      ctx.fillStyle = this.#around.theme.palette.lines[i]!;
      ctx.fill();
    });
  }
}

/** A line that does not move lies in the middle, with an axis as fine as its value. */
function valueRange(min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  if (min < max) return uPlot.rangeNum(min, max, 0.1, true);
  const around = Math.abs(min) / 10 || 1;
  return [min - around, max + around];
}

const hasValues = (chart: uPlot) =>
  chart.series.some(
    (series, i) => i > 0 && series.min !== undefined && series.min !== null && series.min <= series.max!,
  );

/** Points between two gaps have no line: they are drawn as dots. When all points are far apart, all are (`null`). */
function lonely(chart: uPlot, series: number, show: boolean): number[] | null {
  if (show) return null;
  const column = chart.data[series]!;
  const [first, last] = chart.series[series]!.idxs ?? [0, -1];
  const out: number[] = [];
  let before: number | null | undefined = null;
  let at = -1;
  let alone = false;
  for (let row = first; row <= last; row++) {
    const value = column[row];
    // In a joined table other series' rows stand between: they are no gaps.
    if (value === undefined) continue;
    if (value === null) {
      if (alone) out.push(at);
      alone = false;
    } else {
      alone = before === null;
      at = row;
    }
    before = value;
  }
  if (alone) out.push(at);
  return out;
}
