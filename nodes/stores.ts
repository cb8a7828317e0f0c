import type { Node, NodeAPI } from "node-red";
import { VigiaError } from "../lib/points/error.ts";
import type { Frame } from "../lib/points/frame.ts";
import { frameMessages } from "../lib/points/messages.ts";
import type { Message } from "../lib/points/reader.ts";
import { NO_COMMIT } from "../lib/state/catch-up.ts";
import { StateDatabase } from "../lib/state/database.ts";
import { StateKeeper } from "../lib/state/keeper.ts";
import type { KeyedState } from "../lib/state/keyed-state.ts";
import { openPatiently } from "../lib/store/patient.ts";
import type { Store, StoreOptions } from "../lib/store/types.ts";
import { Shared, storePath } from "./shared.ts";
import { clock, type Status, setupFailure } from "./shell.ts";

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

/** The store that a node's `store` setting names. @throws VigiaError `no-store`, or why the store could not be set up */
export function storeOf(RED: NodeAPI, id: string | undefined, required: true): StoreLease;
export function storeOf(RED: NodeAPI, id: string | undefined, required?: boolean): StoreLease | undefined;
export function storeOf(RED: NodeAPI, id: string | undefined, required = false): StoreLease | undefined {
  if (!id && !required) return undefined;
  const node = id ? (RED.nodes.getNode(id) as StoreNode | null) : null;
  // What is wrong with the store is what its users have to know.
  const failure = node ? setupFailure(node) : undefined;
  if (failure) throw failure;
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
  /** They were stored before this: a source sends them once more, since nobody knows whether it did the first time. */
  again?: boolean;
}

/** `msg.stored` when it speaks of this store. */
export function storedIn(msg: Message, file: string | undefined): Stored | undefined {
  const stored = msg.stored as Partial<Stored> | undefined;
  return file !== undefined && stored?.file === file && typeof stored.seq === "number" ? (stored as Stored) : undefined;
}

const databases = new Shared<StateDatabase>((file) => new StateDatabase(file, clock));

export interface KeptState {
  /** Settled when the state is back and what was stored since was taken (or could not be read, which was reported). */
  ready: Promise<unknown>;
  /** To be told after each message: moves the cursor on, and saves soon when there are new series. */
  seen(stored: Stored | undefined): void;
  /**
   * The commit as which a message has to be caught up with (`missingRows`), when its points may have been read from the
   * store at the start; `undefined`: it is new.
   */
  repeats(stored: Stored | undefined): number | undefined;
  /** Resolves when what is in the state now is on disk; a save that failed was reported. Never rejects. */
  save(): Promise<void>;
  close(): Promise<void>;
}

export interface KeepOptions {
  /** Brings what is saved up to date. */
  beforeSave: () => void;
  /** The state is back, but nothing was read from the store yet. */
  restored?: () => void;
  /** With a store: takes what of a commit is not in the state yet; only of series that came by before. */
  lease?: StoreLease | undefined;
  catchUp?: (commit: Frame, seq: number) => void;
  /** All of that was taken. */
  caughtUp?: () => void;
  /** Results that were given out are stored. */
  settled?: () => Promise<void>;
}

/**
 * Keeps a node's state in `<userDir>/vigia/state.db`: restored now, saved every 10 s and at the end. With a store, what
 * was stored since it was saved is read from there again.
 */
export function keepState<R>(
  RED: NodeAPI,
  node: Node,
  state: KeyedState<R>,
  { restored = () => {}, lease, catchUp = () => {}, caughtUp = () => {}, ...options }: KeepOptions,
): KeptState {
  const { thing: database, release } = databases.take(storePath(RED, "vigia/state.db"));
  const keeper = new StateKeeper(state, database, {
    node: node.id,
    clock,
    onError: (error) => node.error(error, {}),
    ...options,
  });
  let replayed = 0;
  let known = 0;

  async function start(): Promise<void> {
    if (!(await keeper.restore())) return;
    restored();
    known = state.size;
    if (!lease || state.cursor === undefined) return;
    const { cursor, complete } = await replayFrom(lease.store, state.cursor, catchUp);
    state.cursor = cursor;
    replayed = cursor;
    if (!complete) {
      node.warn(
        "The store no longer keeps all commits since the last saved state: some points of that time are missing",
      );
    }
    caughtUp();
  }

  const ready = start().catch((thrown: unknown) => node.error(thrown, {}));
  return {
    ready,
    seen(stored) {
      if (stored) state.cursor = Math.max(state.cursor ?? 0, stored.seq);
      if (state.size > known) keeper.saveSoon();
      known = state.size;
    },
    repeats(stored) {
      if (stored?.again) return NO_COMMIT;
      return stored && stored.seq <= replayed ? stored.seq : undefined;
    },
    save: () => keeper.save(),
    async close() {
      await ready;
      await keeper.close();
      await release();
    },
  };
}

/** Commits that are replayed once more than needed: messages of two paths may arrive in another order than stored. */
const OVERLAP = 20;

/**
 * Gives a node what was stored since its saved state, commit by commit; by the commit's `seq` it knows what it has
 * already. `complete` is false when the store no longer keeps all of it.
 */
export async function replayFrom(
  store: Store,
  cursor: number,
  take: (commit: Frame, seq: number) => void,
): Promise<{ cursor: number; complete: boolean }> {
  let complete = true;
  let at = Math.max(0, cursor - OVERLAP);
  for (let more = true; more; ) {
    // A limit of one row is one commit.
    const piece = await store.replay(at, 1);
    complete &&= piece.complete || at < cursor;
    if (piece.frame.length > 0) take(piece.frame, piece.cursor);
    at = piece.cursor;
    more = piece.more;
  }
  return { cursor: Math.max(at, cursor), complete };
}

/** How long closing waits for results that a failing store does not take, ms. */
const CLOSING = 5_000;

/** Sends a node's results; with a store they are written to it first, so that no stop in between loses them. */
export class Results {
  readonly #node: Node;
  readonly #lease: StoreLease | undefined;
  readonly #batched: boolean;
  readonly #pending = new Set<Promise<void>>();

  constructor(node: Node, lease: StoreLease | undefined, batched: boolean) {
    this.#node = node;
    this.#lease = lease;
    this.#batched = batched;
  }

  /** `send` takes the messages of the output for results. */
  send(frame: Frame, send: (messages: Message[]) => void): void {
    const messages = frameMessages(frame, this.#batched);
    const lease = this.#lease;
    if (!lease) {
      send(messages);
      return;
    }
    const stored = lease.store
      .append(frame)
      .then(({ seq }) => {
        for (const msg of messages) msg.stored = { file: lease.file, seq } satisfies Stored;
      })
      .catch((thrown: unknown) => this.#node.error(thrown, {}))
      .then(() => {
        this.#pending.delete(stored);
        send(messages);
      });
    this.#pending.add(stored);
  }

  /** Everything that was sent until now is stored, or the store has not taken it for a while. */
  async settled(): Promise<void> {
    let cancel: (() => void) | undefined;
    const enough = new Promise<void>((resolve) => {
      cancel = clock.after(CLOSING, resolve);
    });
    await Promise.race([Promise.all(this.#pending), enough]);
    cancel?.();
  }
}
