/** A QoS 1 message that was taken and is not acknowledged yet. */
export interface Held {
  readonly id: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Connection on which the broker sent it last. */
  epoch: number;
  stored: boolean;
}

/** PUBACK without properties: MQTT 3.1.1, 3.4; in MQTT 5 the missing reason code means success (3.4.2.1). */
const PUBACK = 0x40;

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/**
 * Which messages wait for their acknowledgement, over reconnects.
 *
 * A broker sends everything unacknowledged again after a reconnect, with the old packet id and the DUP flag. Such a
 * message is bound to the new connection instead of being taken a second time, and acknowledged there once it is
 * stored. An id of a closed connection is never acknowledged: it may stand for another message by then. For the same
 * reason nothing is remembered of what was acknowledged: when a PUBACK is lost with its connection, the message is
 * taken once more.
 *
 * O(1) a message; memory: the unacknowledged messages.
 */
export class Ledger {
  readonly #pending = new Map<number, Held>();
  readonly #due = new Set<Held>();
  #epoch = 0;
  #rebound = 0;

  /** Messages not acknowledged yet. */
  get size(): number {
    return this.#pending.size;
  }

  /** Messages that came again and were not taken a second time. */
  get rebound(): number {
    return this.#rebound;
  }

  /** The message to store; `undefined` when it is only a repetition of one that was taken already. */
  take(id: number, topic: string, payload: Uint8Array, dup: boolean): Held | undefined {
    const known = this.#pending.get(id);
    if (known !== undefined && dup && known.topic === topic && equal(known.payload, payload)) {
      known.epoch = this.#epoch;
      this.#rebound++;
      if (known.stored) this.#due.add(known);
      return undefined;
    }
    const held: Held = { id, topic, payload, epoch: this.#epoch, stored: false };
    this.#pending.set(id, held);
    return held;
  }

  /** It is safe to acknowledge: at once when its connection still stands, else when the broker sends it again. */
  settle(held: Held): void {
    held.stored = true;
    if (held.epoch === this.#epoch && this.#pending.get(held.id) === held) this.#due.add(held);
  }

  /** A connection was accepted. Without its session the broker has forgotten all packet ids. */
  opened(sessionPresent: boolean): void {
    if (!sessionPresent) this.#pending.clear();
  }

  closed(): void {
    this.#epoch++;
    this.#due.clear();
  }

  /** The PUBACK packets that are due, in the order they became due; `undefined` when there are none. */
  acknowledge(): Uint8Array | undefined {
    if (this.#due.size === 0) return undefined;
    const bytes = Buffer.allocUnsafe(4 * this.#due.size);
    let at = 0;
    for (const held of this.#due) {
      bytes[at++] = PUBACK;
      bytes[at++] = 2;
      at = bytes.writeUInt16BE(held.id, at);
      if (this.#pending.get(held.id) === held) this.#pending.delete(held.id);
    }
    this.#due.clear();
    return bytes;
  }
}
