import { Rates } from "./counters.ts";
import type { Emit } from "./kpis.ts";
import type { HostSource } from "./source.ts";

/** Processes of the machine, its uptime and open files, and this process itself. */
export class Process {
  readonly #source: HostSource;
  readonly #rates = new Rates<"cpu">();

  constructor(source: HostSource) {
    this.#source = source;
  }

  /** `stat`: text of /proc/stat. */
  async collect(stat: string | undefined, emit: Emit): Promise<void> {
    const { roots, os } = this.#source;
    const [names, files, uptime] = await Promise.all([
      this.#source.list(roots.proc),
      this.#source.readText(`${roots.proc}/sys/fs/file-nr`),
      this.#source.readText(`${roots.proc}/uptime`),
    ]);
    const processes = names.filter((name) => /^\d+$/.test(name)).length;
    if (processes > 0) emit("processes/count", processes);
    const field = (name: string) => new RegExp(`^${name} (\\d+)$`, "m").exec(stat ?? "")?.[1];
    const count = (text: string | undefined) => (text === undefined ? undefined : Number(text));
    emit("processes/running", count(field("procs_running")));
    emit("processes/blocked", count(field("procs_blocked")));
    emit("files/open", count(files?.split("\t")[0]));
    emit("uptime", count(uptime?.split(" ")[0]) ?? os.uptime());
    const self = this.#source.self();
    const rate = this.#rates.update(this.#source.monotonic(), new Map([["", { cpu: self.cpu }]])).get("");
    if (rate) emit("node-red/cpu", (100 * rate.cpu) / 1e6);
    emit("node-red/memory", self.rss);
    emit("node-red/heap", self.heap);
    emit("node-red/delay", self.delay);
  }
}
