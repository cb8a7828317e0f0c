import { isAbsolute, join, resolve } from "node:path";
import type { Node, NodeAPI } from "node-red";
import { VigiaError } from "../lib/points/error.ts";
import type { Message } from "../lib/points/reader.ts";
import { StateDatabase } from "../lib/state/database.ts";
import { StateKeeper } from "../lib/state/keeper.ts";
import type { KeyedState } from "../lib/state/keyed-state.ts";
import { openPatiently } from "../lib/store/patient.ts";
import type { Store, StoreOptions } from "../lib/store/types.ts";
import { clock, type Status } from "./shell.ts";

/**
 * Files that several nodes use at once: opened by the first, closed after the last, whatever order Node-RED starts and
 * stops them in. A file that is just being closed is opened again only after that.
 */
class Shared<T extends { close(): Promise<void> }> {
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

export interface StoreLease {
  store: Store;
  /** Absolute path: the identity of the store. */
  file: string;
  /** Lets the store go; it closes when nobody has it any more. */
  release: () => Promise<void>;
}

/** What the runtime node of a `vigia-store` offers to others. */
export interface StoreNode extends Node {
  file: string;
  lease(): StoreLease;
}

const options = new Map<string, Omit<StoreOptions, "file">>();
const stores = new Shared<Store>((file, after) => openPatiently({ ...options.get(file), file }, clock, after));

/** Two config nodes that name one file share its one writer; the settings of the first that opened it count. */
export function leaseStore(RED: NodeAPI, file: string, settings: Omit<StoreOptions, "file">): StoreLease {
  const path = storePath(RED, file);
  options.set(path, settings);
  const { thing, release } = stores.take(path);
  return { store: thing, file: path, release };
}

/** The store that a node's `store` setting names. @throws VigiaError `no-store` */
export function storeOf(RED: NodeAPI, id: string | undefined, required: true): StoreLease;
export function storeOf(RED: NodeAPI, id: string | undefined, required?: boolean): StoreLease | undefined;
export function storeOf(RED: NodeAPI, id: string | undefined, required = false): StoreLease | undefined {
  if (!id && !required) return undefined;
  const node = id ? (RED.nodes.getNode(id) as StoreNode | null) : null;
  if (!node || typeof node.lease !== "function") {
    throw new VigiaError("no-store", {
      field: "store",
      value: id ?? "",
      allowed: "a store (vigia-store) that is deployed",
    });
  }
  return node.lease();
}

/** What a status shows of a store that cannot be written now; `undefined` when all is well. */
export function storeTrouble(RED: NodeAPI, { health }: Store): (Omit<Status, "text"> & { reason: string }) | undefined {
  if (health.state === "open") return undefined;
  const reason = RED._(`common.health.${health.code}`, { defaultValue: health.reason });
  return { fill: health.code === "store-opening" ? "yellow" : "red", shape: "ring", reason };
}

/** Where a point of this message is kept already: `msg.stored`, set by whoever stored it. */
export interface Stored {
  /** File of the store. */
  file: string;
  /** Sequence number of the commit. */
  seq: number;
}

export function storedSeq(msg: Message, file: string | undefined): number {
  const stored = msg.stored as Partial<Stored> | undefined;
  return file !== undefined && stored?.file === file && typeof stored.seq === "number" ? stored.seq : 0;
}

const databases = new Shared<StateDatabase>((file) => new StateDatabase(file, clock));

export interface KeptState {
  /** Settled when the state is back (or could not be read, which was reported). */
  ready: Promise<void>;
  close(): Promise<void>;
}

/** Keeps a node's state in `<userDir>/vigia/state.db`: restored now, saved every 10 s and at the end. */
export function keepState<R>(
  RED: NodeAPI,
  node: Node,
  state: KeyedState<R>,
  { beforeSave, afterRestore }: { beforeSave: () => void; afterRestore: (restored: boolean) => void | Promise<void> },
): KeptState {
  const { thing: database, release } = databases.take(storePath(RED, "vigia/state.db"));
  const keeper = new StateKeeper(state, database, {
    node: node.id,
    clock,
    beforeSave,
    onError: (error) => node.error(error, {}),
  });
  const ready = keeper
    .restore()
    .then(afterRestore)
    .catch((thrown: unknown) => node.error(thrown, {}));
  return {
    ready,
    async close() {
      await ready;
      await keeper.close();
      await release();
    },
  };
}
