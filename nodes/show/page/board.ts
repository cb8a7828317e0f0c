import { Card, type Surroundings } from "./card.ts";
import { byId } from "./dom.ts";
import { chartsOf, type Kpi } from "./kpi.ts";
import { fetchPoints } from "./server.ts";
import { LINES } from "./theme.ts";
import type { Track } from "./track.ts";

export interface BoardEvents {
  /** Code of what is wrong with the store; `undefined`: nothing. */
  warning(code: string | undefined): void;
  drawn(): void;
}

/** Pixels a bucket: its smallest and largest point make a line of two pixels' width. */
const BUCKET = 2;
/** More is loaded on both sides, so that lines run to the edge and a small move shows no blank. */
const MARGIN = 0.1;
const RETRY = 2000;
/** Stays within what the server allows, margins included, on the widest of walls. */
const MOST_BUCKETS = 3000;

/** All charts: which there are, when they load and when they are drawn. */
export class Board {
  readonly #around: Surroundings;
  readonly #events: BoardEvents;
  readonly #root = byId("charts");
  readonly #seen: IntersectionObserver;
  #cards: Card[] = [];
  #frame = 0;
  #loading = false;
  #retryAt = 0;
  #drawnTo = 0;

  constructor(around: Surroundings, events: BoardEvents) {
    this.#around = around;
    this.#events = events;
    this.#seen = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const card = this.#cards.find(({ root }) => root === target);
          if (card) card.visible = isIntersecting;
        }
        this.#fit();
      },
      { rootMargin: "200px" },
    );
    new ResizeObserver(() => this.#fit()).observe(this.#root);
    document.addEventListener("visibilitychange", () => this.moved());
    setInterval(() => this.#tick(), 250);
  }

  get cards(): readonly Card[] {
    return this.#cards;
  }

  show(kpis: readonly Kpi[], grouped: boolean): void {
    const old = new Map(this.#cards.map((card) => [card.root.dataset.kpis, card]));
    this.#cards = chartsOf(kpis, grouped, LINES).map((chart) => {
      const id = chart.map(({ id }) => id).join(",");
      const card = old.get(id) ?? new Card(chart, this.#around);
      if (!old.delete(id)) this.#seen.observe(card.root);
      return card;
    });
    for (const card of old.values()) {
      this.#seen.unobserve(card.root);
      card.destroy();
    }
    this.#cards.forEach(({ root }, i) => {
      if (this.#root.children[i] !== root) this.#root.insertBefore(root, this.#root.children[i] ?? null);
    });
    this.#fit();
  }

  /** New points of a KPI. */
  touched(kpi: Kpi): void {
    for (const card of this.#cards) if (card.kpis.includes(kpi)) card.dirty = true;
    this.#soon();
  }

  /** The view is another one. */
  moved(): void {
    for (const card of this.#cards) card.dirty = true;
    this.#soon();
    this.load();
  }

  repaint(): void {
    for (const card of this.#cards) card.paint();
    this.#soon();
  }

  /** Asks for what the charts on the screen lack; one request at a time, until nothing is lacking. */
  load(): void {
    if (this.#loading || document.hidden || Date.now() < this.#retryAt) return;
    const { view, now } = this.#around;
    const visible = this.#cards.filter((card) => card.visible);
    const buckets = Math.min(Math.max(...visible.map(({ pixels }) => pixels), 100) / BUCKET, MOST_BUCKETS);
    const width = Math.max(1, Math.ceil(view.span / buckets));
    const present = now();
    const lacking = visible
      .flatMap(({ kpis }) => kpis)
      .filter(({ track }) => lacks(track, view.from, Math.min(view.to, present), width, buckets));
    if (lacking.length > 0) void this.#request(lacking, width);
  }

  async #request(kpis: readonly Kpi[], width: number): Promise<void> {
    const { view, now } = this.#around;
    // Whole buckets since 1970: while the view scrolls, the same points stay picked.
    const from = Math.max(0, Math.floor((view.from - MARGIN * view.span) / width) * width);
    const to = Math.ceil((view.to + MARGIN * view.span) / width) * width;
    const carriedOn = to >= now();
    this.#loading = true;
    for (const { track } of kpis) track.asking();
    try {
      const keys = kpis.map(({ id }) => id).join(",");
      const packet = await fetchPoints({ from, to, buckets: Math.max(1, Math.round((to - from) / width)), keys });
      const found = new Map(packet.series.map((series) => [series.id, series]));
      const span = { from, to: carriedOn ? Infinity : to, width };
      for (const kpi of kpis) {
        const { times = [], values = [] } = found.get(kpi.id) ?? {};
        kpi.track.load(span, times, values);
        this.touched(kpi);
      }
      this.#events.warning(packet.warning);
    } catch {
      // The stream's state tells the reader; here it is only tried again.
      this.#retryAt = Date.now() + RETRY;
      for (const { track } of kpis) track.refused();
    } finally {
      this.#loading = false;
    }
    this.load();
  }

  #tick(): void {
    if (document.hidden) return;
    const { view, now } = this.#around;
    const pixel = view.span / (this.#cards[0]?.pixels ?? 300);
    if (view.live && Math.abs(now() - this.#drawnTo) >= pixel) for (const card of this.#cards) card.dirty = true;
    for (const card of this.#cards) if (card.visible && !card.dirty) card.tell();
    this.#soon();
    this.load();
  }

  #fit(): void {
    for (const card of this.#cards) if (card.visible) card.fit();
    this.#soon();
    this.load();
  }

  /** At most one draw a frame, none in a hidden tab. */
  #soon(): void {
    if (this.#frame !== 0 || document.hidden) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#around.view.tick();
      const due = this.#cards.filter((card) => card.visible && card.dirty);
      for (const card of due) card.draw();
      this.#drawnTo = this.#around.view.to;
      if (due.length > 0) this.#events.drawn();
    });
  }
}

function lacks(track: Track, from: number, to: number, width: number, buckets: number): boolean {
  const { loaded } = track;
  return (
    !loaded ||
    loaded.from > from ||
    loaded.to < to ||
    // Too coarse, needlessly fine, or grown too long by the stream.
    loaded.width > width * 1.1 ||
    loaded.width < width / 2.5 ||
    track.added > 4 * buckets
  );
}
