import { VigiaError } from "../points/error.ts";

/** Runs tasks one after another, in the order in which they came. */
export class Turns {
  readonly #most: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** At most so many wait; 0: as many as come. */
  constructor(most = 0) {
    this.#most = most;
  }

  /** Settles as the task does; one that fails keeps nobody up. @throws VigiaError `buffer-full` */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#most > 0 && this.#waiting > this.#most) {
      throw new VigiaError("buffer-full", {
        field: "messages waiting",
        value: this.#waiting,
        allowed: `${this.#most}`,
      });
    }
    this.#waiting++;
    const mine = this.#last.then(task);
    this.#last = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }

  /** Resolves when all that was asked for until now is over. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
