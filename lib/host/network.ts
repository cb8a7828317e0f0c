import { type Counters, Rates } from "./counters.ts";
import type { Emit } from "./kpis.ts";
import type { HostSource } from "./source.ts";

type NetworkCounter = "received" | "sent" | "errors" | "drops";

/** The loopback, and the ends of container networks: a new name with each start of a container. */
const NOT_A_NETWORK = /^(?:lo|lo\d+|(?:veth|cali|lxc|vnet|ifb|dummy).*)$/;

/** Interfaces of /proc/net/dev, by name. */
export function parseNetDev(text: string): Map<string, Counters<NetworkCounter>> {
  const found = new Map<string, Counters<NetworkCounter>>();
  // Some drivers leave no space between the colon and a large number.
  for (const [, name, rest] of text.matchAll(/^\s*([^\s|]+):\s*(\d.*)$/gm)) {
    if (NOT_A_NETWORK.test(name!)) continue;
    const [received, , rxErrors, rxDrops, , , , , sent, , txErrors, txDrops] = rest!.split(/\s+/).map(Number);
    found.set(name!, { received: received!, sent: sent!, errors: rxErrors! + txErrors!, drops: rxDrops! + txDrops! });
  }
  return found;
}

/** Rates of network interfaces between two calls. */
export class Network {
  readonly #source: HostSource;
  readonly #rates = new Rates<NetworkCounter>();

  constructor(source: HostSource) {
    this.#source = source;
  }

  async collect(emit: Emit): Promise<void> {
    const text = await this.#source.readText(`${this.#source.roots.proc}/net/dev`);
    if (text === undefined) return;
    for (const [name, rate] of this.#rates.update(this.#source.monotonic(), parseNetDev(text))) {
      emit("network/received", rate.received, name);
      emit("network/sent", rate.sent, name);
      emit("network/errors", rate.errors, name);
      emit("network/drops", rate.drops, name);
    }
  }
}
