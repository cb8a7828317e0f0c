import type { NodeAPI, NodeDef } from "node-red";
import { checkVersion, durationSetting, textSetting } from "../config.ts";
import { onClose, register } from "../shell.ts";
import { leaseStore, type StoreNode, storePath } from "../stores.ts";

interface StoreConfig extends NodeDef {
  version?: number;
  file?: string;
  every?: string;
}

export default function (RED: NodeAPI): void {
  register<StoreConfig>(RED, "vigia-store", (node, config) => {
    checkVersion(config.version, 1);
    const file = textSetting(config.file, "vigia/points.db");
    const commitEvery = durationSetting(config.every, "every", "1s", { min: 10, max: 60_000 });
    const own = node as unknown as StoreNode;
    own.file = storePath(RED, file);
    own.lease = () => leaseStore(RED, file, { commitEvery });

    // Held while it is deployed, so that the file is opened at once and its trouble shows before the first point.
    const { store, release } = own.lease();
    const stop = store.watch((health) => {
      if (health.state === "failing") node.error(health.reason);
      else node.log(RED._("store.open-again", { file: own.file }));
    });
    onClose(node, async () => {
      stop();
      await release();
    });
  });
}
