import { readdir, readFile, statfs } from "node:fs/promises";
import os from "node:os";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";

/** Blocks of `size` bytes, as `statfs` counts them. */
export interface Space {
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
}

/** How this very process is. */
export interface Self {
  /** CPU time used since the start, microseconds. */
  cpu: number;
  /** Bytes. */
  rss: number;
  heap: number;
  /** Event loop delay since the last call, 99th percentile, ms; `undefined` when not measured yet. */
  delay: number | undefined;
}

/** Everything the sampler asks of the machine. */
export interface HostSource {
  /** Where procfs and sysfs are mounted; a container may see the host's elsewhere. */
  readonly roots: { readonly proc: string; readonly sys: string };
  /** `undefined` when the file does not exist or cannot be read; never rejects. */
  readText(path: string): Promise<string | undefined>;
  /** Names in a folder; empty when there is none; never rejects. */
  list(path: string): Promise<string[]>;
  statfs(path: string): Promise<Space>;
  /** Milliseconds of a clock that nobody sets, for rates. */
  monotonic(): number;
  self(): Self;
  /** Serves where there is no procfs. */
  readonly os: Pick<typeof os, "cpus" | "freemem" | "loadavg" | "platform" | "totalmem" | "uptime">;
  /** Lets go of what measures. */
  close(): void;
}

/** Timer period of the delay histogram, ms: it reports this much even when nothing is late. */
const RESOLUTION = 50;

/**
 * This machine. Measuring the event loop delay costs a timer every 50 ms (0.1 to 0.2 % of a small core), from the first
 * `self()` until `close`.
 */
export function hostSource(roots = { proc: "/proc", sys: "/sys" }): HostSource {
  let histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;
  return {
    roots,
    os,
    readText: (path) => readFile(path, "utf8").catch(() => undefined),
    list: (path) => readdir(path).catch(() => []),
    statfs,
    monotonic: () => performance.now(),
    self() {
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed } = process.memoryUsage();
      let delay: number | undefined;
      if (histogram === undefined) {
        histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
        histogram.enable();
      } else if (histogram.count > 0) {
        delay = Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION);
        histogram.reset();
      }
      return { cpu: user + system, rss, heap: heapUsed, delay };
    },
    close() {
      histogram?.disable();
      histogram = undefined;
    },
  };
}
