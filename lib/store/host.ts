import { existsSync } from "node:fs";
import type { Transferable } from "node:worker_threads";
import type { Clock } from "../points/clock.ts";
import { VigiaError } from "../points/error.ts";
import type { Frame } from "../points/frame.ts";
import type { SeriesRef } from "../points/series.ts";
import { moving } from "../work/rpc.ts";
import { Committer } from "./committer.ts";
import { Engine } from "./engine.ts";
import { Flusher } from "./flusher.ts";
import { prepareRestore, putInPlace, remove } from "./maintenance.ts";
import type { Batch, SentFrame } from "./protocol.ts";
import type { StoreHealth, StoreOptions } from "./types.ts";

export function buffersOf({ dictionary, index, times, values, columns }: SentFrame): Transferable[] {
  return [dictionary, index, times, values, ...Object.values(columns)].map(({ buffer }) => buffer as ArrayBuffer);
}

const preparedName = (file: string) => `${file}.restoring`;

/** Frames as the client knows them: a series is told once. */
export class Teller {
  /** Number for the client, by what it was told. */
  readonly #told = new Map<SeriesRef, number>();

  send({ dictionary, index, times, values, columns }: Frame): SentFrame {
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
    const sent = { told, dictionary: numbers, index, times, values, columns: { ...columns } };
    return moving(sent, buffersOf(sent));
  }
}

/** An engine with what drives it. */
export class Host {
  readonly #options: StoreOptions;
  readonly #clock: Clock;
  readonly #emit: (health: StoreHealth) => void;
  readonly #failures = new Map<"commit" | "flush", VigiaError>();
  #failing: string | undefined;
  /** What the client calls its series, by its own numbers. */
  readonly #refs: SeriesRef[] = [];
  /** Series number by the client's number. */
  #sids: number[] = [];
  #engine!: Engine;
  #committer!: Committer;
  #flusher!: Flusher;

  /** @throws VigiaError as `Engine` */
  constructor(options: StoreOptions, clock: Clock, emit: (health: StoreHealth) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#emit = emit;
    this.#open();
  }

  get engine(): Engine {
    return this.#engine;
  }

  append(batch: Batch): Promise<number> {
    return this.#committer.add(this.#numbered(batch));
  }

  /** What was appended before is committed before. */
  load(batch: Batch): number {
    const rows = this.#numbered(batch);
    this.#committer.flush();
    return this.#engine.load(rows);
  }

  delete(query: Parameters<Engine["delete"]>[0]): number {
    this.#committer.flush();
    return this.#engine.delete(query);
  }

  snapshot(name: string): void {
    this.#committer.flush();
    this.#engine.snapshot(name);
  }

  /** @throws VigiaError `no-backup`, `store-corrupt`, `store-version`, `store-busy`, …; all is as before then */
  restore(backup: string): void {
    const { file } = this.#options;
    const prepared = preparedName(file);
    this.#committer.flush();
    prepareRestore(backup, prepared, this.#engine.seq);
    this.#stop();
    try {
      // The last one that closes a file takes its write-ahead log away; a reader elsewhere would go on with the old file.
      if (existsSync(`${file}-wal`)) {
        throw new VigiaError(
          "store-busy",
          `${file} is being read (another program, a backup, a check): end that first`,
        );
      }
      putInPlace(prepared, file);
    } finally {
      this.#open();
    }
  }

  close(): void {
    this.#stop();
  }

  #open(): void {
    const { file, tuning, policies } = this.#options;
    const prepared = preparedName(file);
    this.#engine = new Engine(file, this.#clock, tuning, policies);
    // What is left of a restore that was refused, or of one that a kill ended.
    for (const left of [prepared, `${prepared}.making`]) remove(left);
    this.#sids = this.#refs.map((ref) => this.#engine.define(ref));
    this.#flusher = new Flusher(this.#engine, this.#clock, (failure) => {
      this.#report("flush", failure);
      this.#committer.resume();
    });
    this.#committer = new Committer(this.#engine, this.#clock, (failure) => {
      this.#report("commit", failure);
      this.#flusher.kick();
    });
    this.#flusher.kick();
  }

  #stop(): void {
    this.#flusher.close();
    this.#committer.close();
    this.#engine.close();
  }

  #numbered({ define, rows }: Batch): Batch["rows"] {
    for (const { id, ref } of define) {
      this.#refs[id] = ref;
      this.#sids[id] = this.#engine.define(ref);
    }
    const { sids } = rows;
    for (let row = 0; row < sids.length; row++) sids[row] = this.#sids[sids[row]!]!;
    return rows;
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
