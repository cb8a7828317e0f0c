import type { DeliveryError } from "./failure.ts";
import type { Head } from "./queue-file.ts";

/** A notification in its place. */
export interface Item {
  readonly head: Head;
  attempts: number;
  /** Not before, milliseconds since epoch. */
  notBefore: number;
  /** Some recipients have got it. */
  partly: boolean;
  /** Why it was not taken the last time. */
  error?: DeliveryError;
}

/** What may be sent now. */
export interface Due {
  /** Whatever the rate is. */
  free: Item[];
  /** The rate decides. */
  limited: Item[];
  /** When the next one is due, milliseconds since epoch; Infinity: none is. */
  next: number;
}

const isFree = ({ head: { critical, kind }, partly }: Item): boolean =>
  critical || partly || kind === "end" || kind === "digest" || kind === "test";

/**
 * What waits for one channel, by incident: of each only the first may be sent, so that their order is kept, and none
 * waits for another incident's.
 */
export class LineUp {
  readonly #incidents = new Map<string, Item[]>();
  readonly #busy = new Set<string>();
  readonly #seqs = new Set<number>();

  get size(): number {
    return this.#seqs.size;
  }

  /** Takes its place by `seq`; the second time it does nothing. */
  add(head: Head): void {
    if (this.#seqs.has(head.seq)) return;
    this.#seqs.add(head.seq);
    const item: Item = { head, attempts: 0, notBefore: 0, partly: head.partly };
    const line = this.#incidents.get(head.incident);
    if (!line) this.#incidents.set(head.incident, [item]);
    else {
      const at = line.findLastIndex((other) => other.head.seq < head.seq);
      line.splice(at + 1, 0, item);
    }
  }

  /** O(incidents). */
  due(now: number): Due {
    const due: Due = { free: [], limited: [], next: Number.POSITIVE_INFINITY };
    for (const [incident, line] of this.#incidents) {
      const first = line[0]!;
      if (this.#busy.has(incident)) continue;
      if (first.notBefore > now) due.next = Math.min(due.next, first.notBefore);
      // What a critical one has to wait for is as urgent.
      else if (isFree(first) || line.some(({ head }) => head.critical)) due.free.push(first);
      else due.limited.push(first);
    }
    return due;
  }

  /** Nothing else of its incident is due until `free`. */
  hold({ head }: Item): void {
    this.#busy.add(head.incident);
  }

  free({ head }: Item): void {
    this.#busy.delete(head.incident);
  }

  remove({ head }: Item): void {
    const line = this.#incidents.get(head.incident);
    const at = line?.findIndex((item) => item.head.seq === head.seq) ?? -1;
    if (!line || at < 0) return;
    line.splice(at, 1);
    if (line.length === 0) this.#incidents.delete(head.incident);
    this.#seqs.delete(head.seq);
  }
}
