import type { Clock } from "../points/clock.ts";
import { asVigiaError, VigiaError } from "../points/error.ts";
import { type Frame, FrameBuilder } from "../points/frame.ts";
import type { Place, Recording, Tick } from "./recording.ts";

export const TIMES = ["first-now", "last-now", "recorded", "present"] as const;

/**
 * Which times the points get. first-now, last-now: the recorded ones, shifted so that the first or the last one is the
 * moment of the start. present: the moment of playing.
 */
export type Times = (typeof TIMES)[number];

export interface PlayerOptions {
  recording: Recording;
  clock: Clock;
  /**
   * Takes what is due. A promise holds the player back until it is settled; its rejection is an error.
   * `more`: the frame is full, and what follows is due already.
   */
  emit: (frame: Frame, more: boolean) => void | Promise<void>;
  /**
   * Recorded time passing in a unit of wall time; `Infinity`: as fast as it goes. Default 1, which is the only one where
   * the times are those of the wall: with `first-now`, with `history`, with a live recording unless it is `present`.
   */
  speed?: number;
  /** Default `first-now`. A live recording has its own times unless this is `present`. */
  times?: Times;
  /** Begin again after the end. Default false. */
  loop?: boolean;
  /**
   * This much of the past comes at once, then it goes on as in real time (times are the wall's, whatever `times`
   * says). A hole that a restart or a pause made is filled when it is no longer than this. Default 0 ms.
   */
  history?: number;
  /** Rows in one Frame at most. Default 1000. */
  maxRows?: number;
  /** Points were given, or a command obeyed. */
  onChange?: (state: PlayerState) => void;
  /** The recording could not be read or `emit` failed; the player has stopped where it was. */
  onError?: (error: VigiaError) => void;
}

export interface PlayerState {
  state: "stopped" | "playing" | "paused" | "ended" | "failed";
  /** Points given since the start. */
  points: number;
  /** Rounds done. */
  laps: number;
  /** Recorded time of the last tick, ms. */
  recorded: number | null;
}

/** JSON-safe. */
export interface PlayerSnapshot {
  version: 1;
  state: PlayerState;
  place: Place;
  /** What was added to the recorded times of this round, ms. */
  lap: number;
  shift: number;
  anchor: Anchor;
  stamp: number;
}

/** This moment of the recording (rounds counted on) is played at this moment of the wall. */
interface Anchor {
  recorded: number;
  wall: number;
}

const START: Place = { at: 0, skip: 0 };
/** Timers are no longer than this, so that a clock that is set is noticed. */
const LONGEST_SLEEP = 60_000;
/** Between the last and the first row of a loop when the recording has only one. */
const LONE_STEP = 1_000;
const IDLE: PlayerState = { state: "stopped", points: 0, laps: 0, recorded: null };

/** True when the times given are those of the wall, so that only the speed of the wall makes sense. */
export function inRealTime({
  recording,
  times = "first-now",
  history = 0,
}: Pick<PlayerOptions, "recording" | "times" | "history">): boolean {
  return history > 0 || (recording.live ? times !== "present" : times === "first-now");
}

/** Plays a recording. Memory: one batch of it. */
export class Player {
  readonly #options: Required<Omit<PlayerOptions, "maxRows" | "history" | "loop">>;
  readonly #real: boolean;
  /** No point comes before its time. */
  readonly #waits: boolean;
  readonly #history: number;
  readonly #loop: boolean;
  readonly #maxRows: number;
  #status = IDLE;
  #place = START;
  #lap = 0;
  #shift = 0;
  #anchor: Anchor = { recorded: 0, wall: 0 };
  /** Last time given, ms. */
  #stamp = -Infinity;
  #step = LONE_STEP;
  /** A run ends when this is no longer its own. */
  #epoch = 0;
  #chain: Promise<void> = Promise.resolve();
  #wake = () => {};

  /** @throws VigiaError `bad-setting` */
  constructor(options: PlayerOptions) {
    const { speed = 1, times = "first-now", loop = false, history = 0, maxRows = 1_000 } = options;
    if (!(speed > 0)) throw new VigiaError("bad-setting", { field: "speed", value: speed, allowed: "more than 0" });
    const { recording } = options;
    this.#real = inRealTime(options);
    this.#waits = this.#real || (!recording.live && times === "last-now");
    if (this.#real && speed !== 1) {
      const others = recording.live ? "present" : "last-now, recorded, present";
      throw new VigiaError("bad-setting", {
        field: "speed",
        value: speed,
        allowed: `1 when the times are those of the clock; for others: no history, and times ${others}`,
      });
    }
    this.#options = { onChange: () => {}, onError: () => {}, ...options, speed, times };
    this.#history = history;
    this.#loop = loop;
    this.#maxRows = maxRows;
  }

  get state(): PlayerState {
    return this.#status;
  }

  /** From the beginning, or, of a live recording, from now. */
  start(): void {
    this.#reset("playing");
    this.#restart(() => this.#begin());
  }

  /** Back to the beginning; resolves when nothing is given any more. */
  stop(): Promise<void> {
    this.#reset("stopped");
    // Again when the run has ended, which notes the place of what it gave last.
    return this.#restart(() => this.#reset("stopped"));
  }

  pause(): void {
    if (this.#status.state !== "playing") return;
    this.#change({ state: "paused" });
    this.#wake();
  }

  /** Goes on where it was paused or failed. */
  resume(): void {
    if (this.#status.state !== "paused" && this.#status.state !== "failed") return;
    this.#change({ state: "playing" });
    this.#restart(() => this.#goOn());
  }

  /** To a recorded time, ms; plays on from there, or stays paused. */
  seek(time: number): void {
    if (this.#status.state !== "paused") this.#change({ state: "playing" });
    this.#restart(async () => {
      const { recording, clock } = this.#options;
      await this.#begin();
      this.#place = await recording.find(time);
      if (!recording.live || !this.#real) {
        const wall = clock.now();
        if (this.#real) this.#shift = wall - time;
        this.#anchor = { recorded: time, wall };
      }
      this.#change({ recorded: time });
    });
  }

  /** Reads again what was not given yet: the recording has changed. */
  refresh(): void {
    if (this.#status.state === "playing" || this.#status.state === "paused") this.#restart(() => {});
  }

  /** Ends without forgetting the place; resolves when nothing is given any more. */
  close(): Promise<void> {
    this.#epoch++;
    this.#wake();
    return this.#chain;
  }

  snapshot(): PlayerSnapshot {
    return {
      version: 1,
      state: this.#status,
      place: this.#place,
      lap: this.#lap,
      shift: this.#shift,
      anchor: this.#anchor,
      stamp: Number.isFinite(this.#stamp) ? this.#stamp : 0,
    };
  }

  /**
   * Goes on where the snapshot was taken; for a player that has not played yet.
   * @throws VigiaError `bad-state` on a version from the future
   */
  restore(snapshot: PlayerSnapshot): void {
    if (snapshot.version !== 1) {
      throw new VigiaError("bad-state", { field: "version of the saved state", value: snapshot.version, allowed: "1" });
    }
    const { state, place, lap, shift, anchor, stamp } = snapshot;
    this.#place = place;
    this.#lap = lap;
    this.#shift = shift;
    this.#anchor = anchor;
    this.#stamp = stamp;
    this.#change(state);
    if (state.state === "playing") this.#restart(() => this.#goOn());
    else if (state.state === "paused") this.#restart(() => {});
  }

  #reset(state: PlayerState["state"]): void {
    this.#place = START;
    this.#lap = 0;
    this.#shift = 0;
    this.#change({ ...IDLE, state });
  }

  async #begin(): Promise<void> {
    const { recording, clock, times } = this.#options;
    const bounds = await recording.bounds();
    if (!bounds) throw new VigiaError("empty-recording", "there is no point to play");
    const wall = clock.now();
    const { first, last } = bounds;
    this.#reset(this.#status.state);
    if (recording.live) {
      this.#place = await recording.find(wall - this.#history);
      this.#anchor = { recorded: wall, wall };
    } else if (this.#history > 0) {
      const recorded = this.#loop ? first + this.#history : Math.min(first + this.#history, last);
      this.#shift = wall - recorded;
      this.#anchor = { recorded, wall };
    } else {
      this.#anchor = { recorded: first, wall };
      if (times === "first-now") this.#shift = wall - first;
      if (times === "last-now") this.#shift = wall - last;
    }
  }

  /** After a time in which nothing was played. */
  async #goOn(): Promise<void> {
    const { recording, clock } = this.#options;
    const { recorded } = this.#status;
    const wall = clock.now();
    if (recorded === null) return this.#begin();
    const last = recorded + this.#lap;
    if (this.#real) {
      const hole = wall - (last + this.#shift);
      if (hole <= this.#history) return;
      if (recording.live) {
        this.#place = await recording.find(wall - this.#history);
        return;
      }
      this.#shift += hole;
    }
    this.#anchor = { recorded: last, wall };
  }

  /** When a tick is to be played, ms of the wall. */
  #due(virtual: number): number {
    const due = this.#anchor.wall + (virtual - this.#anchor.recorded) / this.#options.speed;
    return this.#waits ? Math.max(due, virtual + this.#shift) : due;
  }

  #timeOf(tick: Tick): number {
    if (this.#waits) return tick.time + this.#lap + this.#shift;
    const { times, clock } = this.#options;
    return times === "present" ? Math.max(clock.now(), this.#stamp + 1) : tick.time;
  }

  #change(change: Partial<PlayerState>): void {
    this.#status = { ...this.#status, ...change };
    this.#options.onChange(this.#status);
  }

  /** Ends the run, lets `prepare` set the place, and runs again unless that was not the last word. One after the other. */
  #restart(prepare: () => void | Promise<void>): Promise<void> {
    const epoch = ++this.#epoch;
    this.#wake();
    this.#chain = this.#chain.then(async () => {
      try {
        await prepare();
        const { state } = this.#status;
        if (epoch === this.#epoch && (state === "playing" || state === "paused")) await this.#run(epoch);
      } catch (thrown) {
        this.#change({ state: "failed" });
        this.#options.onError(asVigiaError(thrown));
      }
    });
    return this.#chain;
  }

  async #run(epoch: number): Promise<void> {
    const { recording, clock, emit } = this.#options;
    const builder = new FrameBuilder();
    let next = this.#place;
    let recorded = this.#status.recorded;
    const flush = async () => {
      const points = builder.length;
      if (points > 0) await emit(builder.take(), points >= this.#maxRows);
      this.#place = next;
      this.#change({ points: this.#status.points + points, recorded });
      // As fast as it goes, but not faster than the rest of the house.
      if (points > 0) await this.#sleep(0);
    };
    for (;;) {
      for await (const { at, ticks } of recording.read(next)) {
        let row = next.at === at ? next.skip : 0;
        while (row < ticks.length) {
          if (epoch !== this.#epoch) return;
          if (this.#status.state === "paused") {
            await this.#sleep();
            continue;
          }
          const tick = ticks[row]!;
          const wait = this.#due(tick.time + this.#lap) - clock.now();
          if (wait > 0) {
            if (builder.length > 0) await flush();
            else await this.#sleep(Math.min(wait, LONGEST_SLEEP));
            continue;
          }
          this.#stamp = this.#timeOf(tick);
          for (let i = 0; i < tick.refs.length; i++) builder.add(tick.refs[i]!, this.#stamp, tick.values[i]!);
          if (recorded !== null && tick.time > recorded) this.#step = tick.time - recorded;
          recorded = tick.time;
          next = { at, skip: ++row };
          if (builder.length >= this.#maxRows) await flush();
        }
      }
      if (epoch !== this.#epoch) return;
      await flush();
      if (epoch !== this.#epoch) return;
      if (!this.#loop) break;
      const bounds = await recording.bounds();
      if (!bounds) break;
      this.#lap += bounds.last - bounds.first + this.#step;
      this.#place = next = START;
      this.#change({ laps: this.#status.laps + 1 });
    }
    this.#change({ state: "ended" });
  }

  /** Until `ms` have passed, or until somebody wakes it. */
  #sleep(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = ms === undefined ? () => {} : this.#options.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
