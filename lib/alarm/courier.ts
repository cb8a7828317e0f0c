import type { Clock } from "../points/clock.ts";
import type { Alarms } from "./alarms.ts";
import type { AlarmEvent } from "./event.ts";

export interface CourierOptions {
  alarms: Alarms;
  clock: Clock;
  /** Resolves when the records are on disk, or could not be put there, which was reported. Never rejects. */
  save: () => Promise<void>;
  send: (events: AlarmEvent[]) => void;
}

/**
 * Whoever gets an event needs a moment to put it in safety. Until then it counts as not sent: after a power cut it is
 * sent once more, with the same id.
 */
const TRUST_AFTER = 2_000;

/**
 * Takes events from the alarms to whoever tells them, in their order, and only when they are on disk: what was told is
 * never forgotten. A disk that cannot be written does not silence an alarm: then it is sent all the same.
 */
export class Courier {
  readonly #options: CourierOptions;
  #asked = 0;
  #last: Promise<void> = Promise.resolve();
  readonly #sent = new Map<() => void, AlarmEvent[]>();
  #closed = false;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Resolves when all events until now were sent; `undefined` when none is waiting. Never rejects. */
  flush(): Promise<void> | undefined {
    const { made } = this.#options.alarms;
    if (made === this.#asked || this.#closed) return undefined;
    this.#asked = made;
    const saved = this.#options.save();
    this.#last = this.#last.then(() => saved).then(() => this.#deliver(made));
    return this.#last;
  }

  /** What is not sent by now is sent after the next start; what was sent is known to have arrived. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
    for (const [cancel, events] of this.#sent) {
      cancel();
      this.#options.alarms.confirm(events);
    }
    this.#sent.clear();
  }

  #deliver(made: number): void {
    if (this.#closed) return;
    const { alarms, clock, send } = this.#options;
    const events = alarms.take(made);
    if (events.length === 0) return;
    send(events);
    const cancel = clock.after(TRUST_AFTER, () => {
      this.#sent.delete(cancel);
      alarms.confirm(events);
    });
    this.#sent.set(cancel, events);
  }
}
