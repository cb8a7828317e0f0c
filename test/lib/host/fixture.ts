import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostSource, Space } from "../../../lib/host/source.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/host");

/** A machine made of files; what a test wants to be otherwise it sets. */
export class FixtureSource implements HostSource {
  roots: { proc: string; sys: string };
  time = 1_000;
  cpu = 500_000;
  texts = new Map<string, string | undefined>();
  space: (path: string) => Promise<Space> = () =>
    Promise.resolve({ bsize: 4_096, blocks: 1_000, bfree: 400, bavail: 350, files: 200, ffree: 150 });
  asked: string[] = [];
  closed = false;
  os = {
    cpus: () => [] as ReturnType<HostSource["os"]["cpus"]>,
    freemem: () => 2_000,
    loadavg: () => [1, 2, 3],
    platform: (): NodeJS.Platform => "linux",
    totalmem: () => 8_000,
    uptime: () => 77,
  };

  constructor(machine: string) {
    this.roots = { proc: join(FIXTURES, machine, "proc"), sys: join(FIXTURES, machine, "sys") };
  }

  async readText(path: string): Promise<string | undefined> {
    for (const [end, text] of this.texts) if (path.endsWith(end)) return text;
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  }

  async list(path: string): Promise<string[]> {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  }

  statfs(path: string): Promise<Space> {
    this.asked.push(path);
    return this.space(path);
  }

  monotonic(): number {
    return this.time;
  }

  self() {
    return { cpu: this.cpu, rss: 90_000_000, heap: 20_000_000, delay: 1.5 };
  }

  close(): void {
    this.closed = true;
  }
}
