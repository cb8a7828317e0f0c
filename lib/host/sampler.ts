import type { Clock } from "../points/clock.ts";
import { type Frame, FrameBuilder } from "../points/frame.ts";
import { checkSeries, SeriesTable } from "../points/series.ts";
import { Cpu } from "./cpu.ts";
import { Disk } from "./disk.ts";
import { type Emit, HOST_GROUPS, HOST_KPIS, type HostGroup, type HostKpi, type HostSeries } from "./kpis.ts";
import { collectLoad, collectMemory } from "./memory.ts";
import { Network } from "./network.ts";
import { Process } from "./process.ts";
import { type HostSource, hostSource } from "./source.ts";
import { Temperature } from "./temperature.ts";

export interface HostSamplerOptions {
  clock: Clock;
  /** Start of all series names. Default `host`. */
  prefix?: string;
  /** Default: all. */
  groups?: readonly HostGroup[];
  table?: SeriesTable;
  /** Default: this machine. */
  source?: HostSource;
  /** How long a file system may take to tell its space, ms; past it the space is a gap. Default 2000. */
  mountLimit?: number;
}

/** A mount or a sensor may be called anything. */
const UNFIT = /[\u0000-\u001f\u007f]/g;

const KPIS: ReadonlyMap<HostSeries, HostKpi> = new Map(HOST_KPIS.map((kpi) => [kpi.series, kpi]));

/**
 * KPIs of this machine, from procfs and sysfs where there are any, else from what Node knows (CPU, memory, load,
 * space of the system disk, uptime, this process). `HOST_KPIS` lists them. Starts no program.
 */
export class HostSampler {
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #groups: ReadonlySet<HostGroup>;
  readonly #table: SeriesTable;
  readonly #source: HostSource;
  readonly #cpu: Cpu;
  readonly #disk: Disk;
  readonly #network: Network;
  readonly #temperature: Temperature;
  readonly #process: Process;
  #running: Promise<Frame> | undefined;

  /** @throws VigiaError `bad-series` */
  constructor(options: HostSamplerOptions) {
    const { clock, prefix = "host", groups = HOST_GROUPS, table = new SeriesTable(), source = hostSource() } = options;
    for (const { series } of HOST_KPIS) checkSeries(`${prefix}/${series}`, "series");
    this.#clock = clock;
    this.#prefix = prefix;
    this.#groups = new Set(groups);
    this.#table = table;
    this.#source = source;
    this.#cpu = new Cpu(source);
    this.#disk = new Disk(source, clock, options.mountLimit ?? 2_000);
    this.#network = new Network(source);
    this.#temperature = new Temperature(source);
    this.#process = new Process(source);
  }

  /**
   * One reading: a row for each KPI, all at the time of the call. Rates are those since the last sample; the first
   * one has none. Calls that overlap share one reading. What the machine does not tell is left out; never rejects.
   */
  sample(): Promise<Frame> {
    this.#running ??= this.#sample().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Stops measuring the event loop. */
  close(): void {
    this.#source.close();
  }

  async #sample(): Promise<Frame> {
    const builder = new FrameBuilder();
    const time = this.#clock.now();
    const emit: Emit = (series, value, instance) => {
      if (value === undefined || Number.isNaN(value)) return;
      const { tag, unit } = KPIS.get(series)!;
      const tags = tag && instance !== undefined ? { [tag]: instance.replace(UNFIT, "?").slice(0, 200) } : undefined;
      builder.add(this.#table.ref(`${this.#prefix}/${series}`, tags, unit), time, value ?? Number.NaN);
    };
    const on = (group: HostGroup) => this.#groups.has(group);
    const stat =
      on("cpu") || on("process") ? await this.#source.readText(`${this.#source.roots.proc}/stat`) : undefined;
    if (on("cpu")) this.#cpu.collect(stat, emit);
    // One after the other, so that the rows stand in the order of the list.
    if (on("load")) await collectLoad(this.#source, emit);
    if (on("memory")) await collectMemory(this.#source, emit);
    if (on("disk")) await this.#disk.collect(emit);
    if (on("network")) await this.#network.collect(emit);
    if (on("temperature")) await this.#temperature.collect(emit);
    if (on("process")) await this.#process.collect(stat, emit);
    return builder.take();
  }
}
