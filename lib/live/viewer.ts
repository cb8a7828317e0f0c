import type { Kpis } from "./kpis.ts";
import type { FreshPoints, PointsEvent } from "./wire.ts";

/** Where events go: an HTTP response, or a test. */
export interface Sink {
  write(text: string): void;
  /** Bytes that are written but not yet sent. */
  readonly waiting: number;
  end(): void;
}

/** A reader that has this much unsent gets nothing more until it has read; its points wait in the rings. */
const MAX_UNSENT = 256 * 1024;
/** Then it is let go; a browser connects again by itself. */
const MAX_STALLED = 60_000;
/** More new points than this of one KPI are not told one by one: the page asks for the window anew. */
const MAX_ROWS = 2000;

const finite = (value: number) => (Number.isFinite(value) ? value : null);

/**
 * One open page. It has no queue of its own: it remembers the number of the last point it was sent, and the rings hold
 * the rest. So a slow reader costs no memory, and a resumed one is nothing special.
 */
export class Viewer {
  readonly #sink: Sink;
  readonly #kpis: Kpis;
  readonly #ids: readonly string[];
  #sent: number;
  /** KPIs that streamed when the page last asked which. */
  #told: number;
  #stalledSince: number | undefined;

  constructor(sink: Sink, kpis: Kpis, ids: readonly string[], sent: number) {
    this.#sink = sink;
    this.#kpis = kpis;
    this.#ids = ids;
    this.#sent = sent;
    this.#told = kpis.streaming;
  }

  event(type: string, id: string, data: object): void {
    this.#sink.write(`${id === "" ? "" : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Sends what is new up to point `number`, whose event id is `id`. `false`: it still waits for the reader. */
  pump(number: number, id: string, now: number): boolean {
    if (this.#sink.waiting > MAX_UNSENT) {
      this.#stalledSince ??= now;
      if (now - this.#stalledSince > MAX_STALLED) this.#sink.end();
      return false;
    }
    this.#stalledSince = undefined;
    const points: FreshPoints[] = [];
    const lost: string[] = [];
    for (const key of this.#ids) {
      const ring = this.#kpis.get(key)?.ring;
      if (!ring || ring.lastNumber <= this.#sent) continue;
      const fresh = ring.after(this.#sent, MAX_ROWS);
      if (fresh) points.push([key, Array.from(fresh.times), Array.from(fresh.values, finite)]);
      else lost.push(key);
    }
    this.#sent = number;
    if (points.length > 0 || lost.length > 0) this.event("points", id, { now, points, lost } satisfies PointsEvent);
    if (this.#told !== this.#kpis.streaming) {
      this.#told = this.#kpis.streaming;
      this.event("kpis", "", {});
    }
    return true;
  }

  end(): void {
    this.#sink.end();
  }
}
