/** When the next piece of a long answer may go: a turn of the event loop later, or when the flow asks for it. */
export class Pace {
  readonly #handshake: boolean;
  #allowed = 0;
  #stopped = false;
  #wake: (() => void) | undefined;

  constructor(handshake: boolean) {
    this.#handshake = handshake;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Before the first piece, which may go at once. */
  begin(): void {
    this.#allowed = 0;
    this.#stopped = false;
  }

  /** The flow has taken a piece. */
  next(): void {
    this.#allowed++;
    this.#wake?.();
  }

  /** No more of this answer. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** After a piece: resolves when the next one may be read. */
  async taken(): Promise<void> {
    if (!this.#handshake) return new Promise((resolve) => setImmediate(resolve));
    if (this.#allowed === 0 && !this.#stopped) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    this.#allowed = Math.max(0, this.#allowed - 1);
  }
}
