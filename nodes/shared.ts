import { isAbsolute, join, resolve } from "node:path";
import type { NodeAPI } from "node-red";

/**
 * Files that several nodes use at once: opened by the first, closed after the last, whatever order Node-RED starts and
 * stops them in. A file that is just being closed is opened again only after that.
 */
export class Shared<T extends { close(): Promise<void> }> {
  readonly #open: (file: string) => T;
  readonly #used = new Map<string, { thing: T; users: number }>();
  readonly #closing = new Map<string, Promise<void>>();

  constructor(open: (file: string, after: Promise<void> | undefined) => T) {
    this.#open = (file) => open(file, this.#closing.get(file));
  }

  take(file: string): { thing: T; release: () => Promise<void> } {
    let entry = this.#used.get(file);
    if (!entry) {
      entry = { thing: this.#open(file), users: 0 };
      this.#used.set(file, entry);
    }
    entry.users++;
    let released: Promise<void> | undefined;
    const { thing } = entry;
    return { thing, release: () => (released ??= this.#release(file)) };
  }

  async #release(file: string): Promise<void> {
    const entry = this.#used.get(file);
    if (!entry || --entry.users > 0) return;
    this.#used.delete(file);
    const closed = entry.thing.close().catch(() => {});
    this.#closing.set(file, closed);
    await closed;
    if (this.#closing.get(file) === closed) this.#closing.delete(file);
  }
}

/** Relative files lie in Node-RED's user folder. */
export const storePath = (RED: NodeAPI, file: string): string =>
  isAbsolute(file) ? resolve(file) : join(String(RED.settings.userDir ?? process.cwd()), file);
