import type { Clock } from "../points/clock.ts";
import { type Counters, Rates } from "./counters.ts";
import type { Emit } from "./kpis.ts";
import { type Mount, parseMounts } from "./mounts.ts";
import type { HostSource, Space } from "./source.ts";

type DiskCounter = "reads" | "read" | "writes" | "written" | "busy";

/** /proc/diskstats counts in these, whatever the disk's own sector is. */
const SECTOR = 512;
/** Memory, files, and what lies on disks that are counted themselves; removable ones without a name of their own. */
const NOT_A_DISK = /^(?:loop|z?ram|fd|sr|dm-|md|nbd|drbd)\d|^mmcblk\d+(?:boot|rpmb)/;

/** Whole disks of /proc/diskstats (kernel: Documentation/admin-guide/iostats.rst), by name. */
export function parseDiskstats(text: string): Map<string, Counters<DiskCounter>> {
  const rows = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const fields = line.trim().split(/\s+/);
    const name = fields[2];
    if (name !== undefined && fields.length >= 14 && !NOT_A_DISK.test(name)) rows.set(name, fields);
  }
  const found = new Map<string, Counters<DiskCounter>>();
  for (const [name, fields] of rows) {
    // sda1 of sda, nvme0n1p2 of nvme0n1. Some clouds have an xvda1 without xvda: that is a disk.
    const whole = /^(.*\d)p\d+$/.exec(name)?.[1] ?? /^(.*\D)\d+$/.exec(name)?.[1];
    if (whole !== undefined && rows.has(whole)) continue;
    const at = (column: number) => Number(fields[column]);
    found.set(name, {
      reads: at(3),
      read: at(5) * SECTOR,
      writes: at(7),
      written: at(9) * SECTOR,
      busy: at(12),
    });
  }
  return found;
}

const LATE = Symbol("late");

/**
 * Asks one file system after the other. One that does not answer within the limit holds a thread of libuv's pool
 * (there are four) until it does, perhaps for ever; so the lane asks nothing more until it has answered.
 */
class Lane {
  readonly #source: HostSource;
  readonly #clock: Clock;
  readonly #limit: number;
  #stuck = false;

  constructor(source: HostSource, clock: Clock, limit: number) {
    this.#source = source;
    this.#clock = clock;
    this.#limit = limit;
  }

  async collect(mounts: readonly Mount[], emit: Emit): Promise<void> {
    for (const { path } of mounts) {
      const space = this.#stuck ? LATE : await this.#ask(path);
      if (space === LATE) {
        emit("disk/used", null, path);
        emit("disk/free", null, path);
      } else if (space && space.blocks > 0) {
        const used = space.blocks - space.bfree;
        // As df: what is kept for root is neither used nor free.
        emit("disk/used", (100 * used) / (used + space.bavail), path);
        emit("disk/free", space.bavail * space.bsize, path);
        if (space.files > 0) emit("disk/inodes/used", 100 * (1 - space.ffree / space.files), path);
      }
    }
  }

  #ask(path: string): Promise<Space | typeof LATE | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#limit, () => {
        this.#stuck = true;
        resolve(LATE);
      });
      const answered = (space?: Space) => {
        cancel();
        this.#stuck = false;
        resolve(space);
      };
      this.#source.statfs(path).then(answered, () => answered());
    });
  }
}

/** Space of file systems and rates of disks. */
export class Disk {
  readonly #source: HostSource;
  readonly #local: Lane;
  readonly #remote: Lane;
  readonly #rates = new Rates<DiskCounter>();

  /** `limit`: how long a file system may take to answer, ms. */
  constructor(source: HostSource, clock: Clock, limit: number) {
    this.#source = source;
    this.#local = new Lane(source, clock, limit);
    this.#remote = new Lane(source, clock, limit);
  }

  async collect(emit: Emit): Promise<void> {
    const { proc } = this.#source.roots;
    const [mounts, stats] = await Promise.all([
      this.#source.readText(`${proc}/mounts`),
      this.#source.readText(`${proc}/diskstats`),
    ]);
    if (stats !== undefined) this.#collectRates(stats, emit);
    const found = mounts === undefined ? this.#withoutProc() : parseMounts(mounts);
    await Promise.all([
      this.#local.collect(
        found.filter((mount) => !mount.remote),
        emit,
      ),
      this.#remote.collect(
        found.filter((mount) => mount.remote),
        emit,
      ),
    ]);
  }

  #collectRates(stats: string, emit: Emit): void {
    for (const [device, rate] of this.#rates.update(this.#source.monotonic(), parseDiskstats(stats))) {
      emit("disk/read", rate.read, device);
      emit("disk/written", rate.written, device);
      emit("disk/reads", rate.reads, device);
      emit("disk/writes", rate.writes, device);
      // Milliseconds a second; the kernel's rounding can give a little more than all the time.
      emit("disk/busy", Math.min(100, rate.busy / 10), device);
    }
  }

  #withoutProc(): Mount[] {
    const path = this.#source.os.platform() === "win32" ? "C:\\" : "/";
    return [{ path, remote: false }];
  }
}
