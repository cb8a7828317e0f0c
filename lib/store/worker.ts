import { parentPort, type Transferable } from "node:worker_threads";
import type { Clock } from "../points/clock.ts";
import { VigiaError } from "../points/error.ts";
import type { Frame } from "../points/frame.ts";
import type { SeriesRef } from "../points/series.ts";
import { moving, serve } from "../work/rpc.ts";
import { Committer } from "./committer.ts";
import { Engine } from "./engine.ts";
import { Flusher } from "./flusher.ts";
import type { Batch, SentFrame, StoreApi } from "./protocol.ts";
import type { StoreHealth, StoreOptions } from "./types.ts";

/** The edge of the library: only here time is the machine's own. */
const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

function buffersOf({ dictionary, index, times, values }: SentFrame): Transferable[] {
  return [dictionary, index, times, values].map(({ buffer }) => buffer as ArrayBuffer);
}

/** An engine with what drives it and what the client knows of it. */
class Host {
  readonly engine: Engine;
  readonly #committer: Committer;
  readonly #flusher: Flusher;
  readonly #emit: (health: StoreHealth) => void;
  readonly #failures = new Map<"commit" | "flush", VigiaError>();
  #failing: string | undefined;
  /** Series number by the client's number. */
  readonly #sids: number[] = [];
  /** Number for the client, by what it was told. */
  readonly #told = new Map<SeriesRef, number>();

  constructor(options: StoreOptions, clock: Clock, emit: (health: StoreHealth) => void) {
    this.#emit = emit;
    this.engine = new Engine(options.file, clock, options.tuning);
    this.#flusher = new Flusher(this.engine, clock, (failure) => {
      this.#report("flush", failure);
      this.#committer.resume();
    });
    this.#committer = new Committer(this.engine, clock, (failure) => {
      this.#report("commit", failure);
      this.#flusher.kick();
    });
    this.#flusher.kick();
  }

  append({ define, rows }: Batch): Promise<number> {
    for (const { id, ref } of define) this.#sids[id] = this.engine.define(ref);
    const { sids } = rows;
    for (let row = 0; row < sids.length; row++) sids[row] = this.#sids[sids[row]!]!;
    return this.#committer.add(rows);
  }

  send({ dictionary, index, times, values }: Frame): SentFrame {
    const told: SeriesRef[] = [];
    const numbers = Uint32Array.from(dictionary, (ref) => {
      let number = this.#told.get(ref);
      if (number === undefined) {
        number = this.#told.size;
        this.#told.set(ref, number);
        told.push(ref);
      }
      return number;
    });
    const sent = { told, dictionary: numbers, index, times, values };
    return moving(sent, buffersOf(sent));
  }

  close(): void {
    this.#flusher.close();
    this.#committer.close();
    this.engine.close();
  }

  #report(part: "commit" | "flush", failure: VigiaError | undefined): void {
    if (failure) this.#failures.set(part, failure);
    else this.#failures.delete(part);
    const [worst] = this.#failures.values();
    if (worst?.code === this.#failing) return;
    this.#failing = worst?.code;
    this.#emit(worst ? { state: "failing", code: worst.code, reason: worst.message } : { state: "open" });
  }
}

let opened: Host | undefined;

function host(): Host {
  if (!opened) throw new VigiaError("store-closed", "the store is not open");
  return opened;
}

const emit: (health: StoreHealth) => void = serve<StoreApi>(parentPort!, {
  open(options) {
    opened = new Host(options, systemClock, emit);
    return opened.engine.seq;
  },
  append: (batch) => host().append(batch),
  read: (query) => host().send(host().engine.read(query)),
  thin: (query) => host().send(host().engine.thin(query)),
  last: (choice) => host().send(host().engine.last(choice)),
  list: (filter) => host().engine.list(filter),
  replay({ cursor, limit }) {
    const replay = host().engine.replay(cursor, limit);
    const frame = host().send(replay.frame);
    return moving({ ...replay, frame }, buffersOf(frame));
  },
  stats: () => host().engine.stats(),
  close() {
    host().close();
    opened = undefined;
  },
});
