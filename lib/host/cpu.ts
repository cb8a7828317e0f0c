import type { Emit } from "./kpis.ts";
import type { HostSource } from "./source.ts";

/** Time spent, in ticks of any length: only their proportions count. */
interface Ticks {
  total: number;
  idle: number;
  iowait: number;
  steal: number;
}

/** Lines `cpu …` and `cpuN …` of /proc/stat, by `""` and `"N"` (proc(5)). */
function parseStat(text: string): Map<string, Ticks> {
  const found = new Map<string, Ticks>();
  for (const line of text.split("\n")) {
    if (!line.startsWith("cpu")) break;
    const [name, ...fields] = line.trim().split(/\s+/);
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = fields.map(Number);
    // The two fields that follow, guest and guest_nice, are part of user and nice already.
    const total = user + nice + system + idle + iowait + irq + softirq + steal;
    found.set(name!.slice(3), { total, idle, iowait, steal });
  }
  return found;
}

/** What libuv knows where there is no procfs: no iowait, no steal. */
function fromOs(cpus: ReturnType<HostSource["os"]["cpus"]>): Map<string, Ticks> {
  const found = new Map<string, Ticks>();
  const all = { total: 0, idle: 0, iowait: Number.NaN, steal: Number.NaN };
  cpus.forEach(({ times }, core) => {
    const total = times.user + times.nice + times.sys + times.idle + times.irq;
    found.set(String(core), { ...all, total, idle: times.idle });
  });
  for (const { total, idle } of found.values()) {
    all.total += total;
    all.idle += idle;
  }
  return cpus.length === 0 ? found : found.set("", all);
}

/** CPU time of the machine and its cores between two calls. */
export class Cpu {
  readonly #source: HostSource;
  #last: ReadonlyMap<string, Ticks> = new Map();

  constructor(source: HostSource) {
    this.#source = source;
  }

  /** `stat`: text of /proc/stat. */
  collect(stat: string | undefined, emit: Emit): void {
    const now = stat === undefined ? fromOs(this.#source.os.cpus()) : parseStat(stat);
    for (const [core, ticks] of now) {
      const last = this.#last.get(core);
      if (!last) continue;
      const total = ticks.total - last.total;
      if (!(total > 0)) continue;
      // The kernel says that idle and iowait of a core may go back a little; more than all time is impossible.
      const percent = (part: number) => (100 * Math.min(Math.max(part, 0), total)) / total;
      const iowait = ticks.iowait - last.iowait;
      const used = percent(total - (ticks.idle - last.idle) - (Number.isNaN(iowait) ? 0 : iowait));
      if (core !== "") {
        // No iowait of a core: proc(5) calls it unreliable.
        emit("cpu/core/used", used, core);
        continue;
      }
      emit("cpu/used", used);
      emit("cpu/iowait", percent(iowait));
      emit("cpu/steal", percent(ticks.steal - last.steal));
    }
    this.#last = now;
  }
}
