import type { Clock } from "../../../lib/points/clock.ts";

/** A clock that stands still until it is told to run. */
export class FakeClock implements Clock {
  #now: number;
  #timers: { at: number; run: () => void }[] = [];

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timers(): number {
    return this.#timers.length;
  }

  run(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}

export interface SentEvent {
  id?: string;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what came as JSON
  data: any;
}

/** A reader of an event stream that can stop reading. */
export class FakeSink {
  waiting = 0;
  ended = false;
  readonly events: SentEvent[] = [];

  write(text: string): void {
    const fields = Object.fromEntries(
      text
        .trim()
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(": ") + 2)]),
    );
    const event: SentEvent = { type: fields.event ?? "", data: JSON.parse(fields.data ?? "") };
    if (fields.id !== undefined) event.id = fields.id;
    this.events.push(event);
  }

  end(): void {
    this.ended = true;
  }

  of(type: string): SentEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  /** All values of one KPI that were sent, in order. */
  values(id: string): (number | null)[] {
    return this.of("points").flatMap(({ data }) =>
      (data.points as [string, number[], (number | null)[]][])
        .filter(([key]) => key === id)
        .flatMap(([, , values]) => values),
    );
  }

  get lastId(): string {
    return this.events.findLast(({ id }) => id !== undefined)?.id ?? "";
  }
}
