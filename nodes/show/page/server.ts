import { decodePacket, type Packet } from "../../../lib/live/packet.ts";
import type { FreshPoints, HelloEvent, Listing, PageSettings, PointsEvent } from "../../../lib/live/wire.ts";

/** Requests to the page's own routes: relative, so that any prefix of a proxy works. */

const PATIENCE = 20_000;

async function get(path: string, query: Readonly<Record<string, string | number>>): Promise<Response> {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const response = await fetch(`${path}?${text}`, { signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

export async function fetchKpis(query: {
  keys?: string;
  search?: string;
  limit?: number;
}): Promise<Listing & PageSettings> {
  return (await get("kpis", query)).json();
}

export async function fetchPoints(query: { from: number; to: number; buckets: number; keys: string }): Promise<Packet> {
  return decodePacket(await (await get("points", query)).arrayBuffer());
}

export interface StreamHandlers {
  clock(now: number): void;
  points(points: readonly FreshPoints[]): void;
  /** Points of these are missing (`undefined`: of any): their windows must be loaded anew. */
  lost(ids: readonly string[] | undefined): void;
  /** A new KPI has come by. */
  kpis(): void;
  state(state: "connecting" | "streaming" | "lost"): void;
}

const RETRY_MIN = 1000;
const RETRY_MAX = 15_000;

/**
 * The event stream. A browser connects again by itself after a cut, but gives up when the answer is an error (a proxy
 * without its server, a page that is being deployed) and never notices a dead line: this class does both.
 */
export class Stream {
  readonly #handlers: StreamHandlers;
  #source: EventSource | undefined;
  #ids = "";
  #lastId = "";
  #heard = 0;
  #beat = 10_000;
  #retry = RETRY_MIN;
  #timer: number | undefined;

  constructor(handlers: StreamHandlers) {
    this.#handlers = handlers;
    setInterval(() => {
      if (this.#source && Date.now() - this.#heard > 2.5 * this.#beat) this.#connect();
    }, 2000);
  }

  open(ids: readonly string[]): void {
    this.#ids = ids.join(",");
    this.#retry = RETRY_MIN;
    if (ids.length > 0) this.#connect();
    else this.close();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #connect(): void {
    this.close();
    this.#heard = Date.now();
    const after = this.#lastId === "" ? "" : `&after=${this.#lastId}`;
    const source = new EventSource(`stream?keys=${this.#ids}${after}`);
    this.#source = source;
    const on = <T>(type: string, handle: (data: T) => void) =>
      source.addEventListener(type, ({ data, lastEventId }: MessageEvent<string>) => {
        this.#heard = Date.now();
        if (lastEventId !== "") this.#lastId = lastEventId;
        handle(JSON.parse(data) as T);
      });
    on<HelloEvent>("hello", ({ now, resumed, beat }) => {
      this.#retry = RETRY_MIN;
      this.#beat = beat;
      this.#handlers.clock(now);
      if (!resumed) this.#handlers.lost(undefined);
      this.#handlers.state("streaming");
    });
    on<PointsEvent>("points", ({ now, points, lost }) => {
      this.#handlers.clock(now);
      this.#handlers.points(points);
      if (lost.length > 0) this.#handlers.lost(lost);
    });
    on<{ now: number }>("beat", ({ now }) => this.#handlers.clock(now));
    on("kpis", () => this.#handlers.kpis());
    source.onerror = () => {
      this.#handlers.state("lost");
      if (source.readyState !== EventSource.CLOSED) return;
      this.close();
      this.#timer = setTimeout(() => this.#connect(), this.#retry);
      this.#retry = Math.min(RETRY_MAX, this.#retry * 2);
    };
  }
}
