/** What can be switched on and off. */
export const HOST_GROUPS = ["cpu", "load", "memory", "disk", "network", "temperature", "process"] as const;

export type HostGroup = (typeof HOST_GROUPS)[number];

/** The tag that tells the instances of a KPI apart. */
export type HostTag = "core" | "mount" | "device" | "interface" | "sensor";

export interface HostKpi {
  /** Path below the prefix. */
  series: string;
  group: HostGroup;
  /** Absent: a plain count. */
  unit?: string;
  /** One series for each value of this tag. Absent: one series. */
  tag?: HostTag;
  /** Needs two readings, so that the first sample does not have it. */
  rate?: true;
  meaning: string;
}

/** Every KPI that `HostSampler` can give. */
export const HOST_KPIS = [
  { series: "cpu/used", group: "cpu", unit: "%", rate: true, meaning: "time of all cores not idle and not iowait" },
  { series: "cpu/iowait", group: "cpu", unit: "%", rate: true, meaning: "time idle with disk I/O outstanding" },
  { series: "cpu/steal", group: "cpu", unit: "%", rate: true, meaning: "time the hypervisor gave to other guests" },
  { series: "cpu/core/used", group: "cpu", unit: "%", tag: "core", rate: true, meaning: "as cpu/used, of one core" },
  { series: "load/1m", group: "load", meaning: "runnable and blocked tasks, average of 1 minute" },
  { series: "load/5m", group: "load", meaning: "runnable and blocked tasks, average of 5 minutes" },
  { series: "load/15m", group: "load", meaning: "runnable and blocked tasks, average of 15 minutes" },
  { series: "memory/used", group: "memory", unit: "%", meaning: "memory that is not available to new programs" },
  { series: "memory/available", group: "memory", unit: "B", meaning: "memory available without swapping" },
  { series: "memory/swap/used", group: "memory", unit: "%", meaning: "swap space in use, where there is any" },
  { series: "disk/used", group: "disk", unit: "%", tag: "mount", meaning: "space in use, as df counts it" },
  { series: "disk/free", group: "disk", unit: "B", tag: "mount", meaning: "space that ordinary users can still fill" },
  {
    series: "disk/inodes/used",
    group: "disk",
    unit: "%",
    tag: "mount",
    meaning: "inodes in use, where they are limited",
  },
  { series: "disk/read", group: "disk", unit: "B/s", tag: "device", rate: true, meaning: "bytes read" },
  { series: "disk/written", group: "disk", unit: "B/s", tag: "device", rate: true, meaning: "bytes written" },
  { series: "disk/reads", group: "disk", unit: "1/s", tag: "device", rate: true, meaning: "reads completed" },
  { series: "disk/writes", group: "disk", unit: "1/s", tag: "device", rate: true, meaning: "writes completed" },
  { series: "disk/busy", group: "disk", unit: "%", tag: "device", rate: true, meaning: "time with I/O outstanding" },
  {
    series: "network/received",
    group: "network",
    unit: "B/s",
    tag: "interface",
    rate: true,
    meaning: "bytes received",
  },
  { series: "network/sent", group: "network", unit: "B/s", tag: "interface", rate: true, meaning: "bytes sent" },
  {
    series: "network/errors",
    group: "network",
    unit: "1/s",
    tag: "interface",
    rate: true,
    meaning: "bad packets, both ways",
  },
  {
    series: "network/drops",
    group: "network",
    unit: "1/s",
    tag: "interface",
    rate: true,
    meaning: "packets dropped, both ways",
  },
  {
    series: "temperature",
    group: "temperature",
    unit: "°C",
    tag: "sensor",
    meaning: "a thermal zone or a sensor of a chip",
  },
  { series: "processes/count", group: "process", meaning: "processes" },
  { series: "processes/running", group: "process", meaning: "tasks running or ready to run" },
  { series: "processes/blocked", group: "process", meaning: "tasks waiting for disk I/O" },
  { series: "files/open", group: "process", meaning: "open file handles of the whole machine" },
  { series: "uptime", group: "process", unit: "s", meaning: "since the machine started" },
  {
    series: "node-red/cpu",
    group: "process",
    unit: "%",
    rate: true,
    meaning: "CPU of this Node-RED process; 100 is one core",
  },
  { series: "node-red/memory", group: "process", unit: "B", meaning: "resident memory of this process" },
  { series: "node-red/heap", group: "process", unit: "B", meaning: "JavaScript heap in use" },
  {
    series: "node-red/delay",
    group: "process",
    unit: "ms",
    meaning: "event loop delay, 99th percentile since the last sample",
  },
] as const satisfies readonly HostKpi[];

export type HostSeries = (typeof HOST_KPIS)[number]["series"];

/**
 * Takes one measurement; `instance` is the value of the KPI's tag. `null` is a known gap. What is no finite number
 * is left out: the kernel did not say it.
 */
export type Emit = (series: HostSeries, value: number | null | undefined, instance?: string) => void;
