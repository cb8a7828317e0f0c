import type { Emit } from "./kpis.ts";
import type { HostSource } from "./source.ts";

/** Bytes by name of /proc/meminfo. */
function parseMeminfo(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, kib] of text.matchAll(/^(\w+):\s+(\d+) kB$/gm)) found.set(name!, Number(kib) * 1_024);
  return found;
}

export async function collectMemory(source: HostSource, emit: Emit): Promise<void> {
  const text = await source.readText(`${source.roots.proc}/meminfo`);
  const info = parseMeminfo(text ?? "");
  const bytes = (name: string) => info.get(name) ?? 0;
  const total = info.get("MemTotal") ?? source.os.totalmem();
  // Kernels before 3.14 have no MemAvailable; what free() then reckoned comes close.
  const available =
    info.get("MemAvailable") ??
    (info.has("MemFree") ? bytes("MemFree") + bytes("Buffers") + bytes("Cached") : source.os.freemem());
  if (total > 0) emit("memory/used", 100 * (1 - available / total));
  emit("memory/available", available);
  const swap = bytes("SwapTotal");
  if (swap > 0) emit("memory/swap/used", 100 * (1 - bytes("SwapFree") / swap));
}

export async function collectLoad(source: HostSource, emit: Emit): Promise<void> {
  const text = await source.readText(`${source.roots.proc}/loadavg`);
  let load = text?.split(" ").slice(0, 3).map(Number);
  // Windows has no load; its `os.loadavg()` is three zeros that mean nothing.
  load ??= source.os.platform() === "win32" ? [] : source.os.loadavg();
  emit("load/1m", load[0]);
  emit("load/5m", load[1]);
  emit("load/15m", load[2]);
}
