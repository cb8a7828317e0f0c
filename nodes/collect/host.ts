import type { NodeAPI, NodeDef } from "node-red";
import { HOST_GROUPS } from "../../lib/host/kpis.ts";
import { HostSampler } from "../../lib/host/sampler.ts";
import { asVigiaError } from "../../lib/points/error.ts";
import type { Frame } from "../../lib/points/frame.ts";
import { frameMessages } from "../../lib/points/messages.ts";
import { booleanSetting, checkVersion, choiceSetting, durationSetting, listSetting, textSetting } from "../config.ts";
import { clock, onClose, register, statusOf } from "../shell.ts";

interface HostConfig extends NodeDef {
  version?: number;
  every?: string;
  series?: string;
  groups?: string | string[];
  batched?: boolean;
}

function normalize(config: HostConfig) {
  checkVersion(config.version, 1);
  const groups = listSetting(config.groups).map((group) => choiceSetting(group, "groups", HOST_GROUPS));
  return {
    every: durationSetting(config.every, "every", "10s", { min: 500, max: 86_400_000 }),
    prefix: textSetting(config.series, "host"),
    groups: groups.length > 0 ? groups : HOST_GROUPS,
    batched: booleanSetting(config.batched, false),
  };
}

/** Mounts whose space is a gap: they did not answer. */
function silentMounts(frame: Frame): string[] {
  const silent = new Set<string>();
  for (let row = 0; row < frame.length; row++) {
    const mount = frame.ref(row).tags?.mount;
    if (mount !== undefined && Number.isNaN(frame.values[row])) silent.add(mount);
  }
  return [...silent];
}

export default function (RED: NodeAPI): void {
  register<HostConfig>(RED, "vigia-host", (node, config) => {
    const { every, batched, ...options } = normalize(config);
    const sampler = new HostSampler({ ...options, clock });
    const status = statusOf(node);
    let cancel = () => {};
    let closed = false;

    async function sample(): Promise<void> {
      try {
        const frame = await sampler.sample();
        if (closed) return;
        const mounts = silentMounts(frame).join(", ");
        const text = RED._(mounts ? "host.status.silent" : "host.status.ok", { n: frame.length, mounts });
        status(() => ({ fill: mounts ? "yellow" : "green", shape: "dot", text }));
        node.send([frameMessages(frame, batched)] as never);
      } catch (thrown) {
        node.error(asVigiaError(thrown), {});
      }
      // At round times; not at once after a sample, which would give rates of a moment.
      const wait = every - (clock.now() % every);
      cancel = clock.after(wait < every / 2 ? wait + every : wait, sample);
    }

    // Not before all the nodes are there that are to get the points.
    RED.events.once("flows:started", sample);
    onClose(node, () => {
      closed = true;
      RED.events.off("flows:started", sample);
      cancel();
      sampler.close();
    });
  });
}
