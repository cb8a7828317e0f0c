import type { Node, NodeAPI, NodeDef } from "node-red";
import { VigiaError } from "../../lib/points/error.ts";
import { parsePolicy, tidyPolicy } from "../../lib/store/policy-text.ts";
import type { StorePolicy } from "../../lib/store/types.ts";
import { booleanSetting, checkVersion, durationSetting, textSetting } from "../config.ts";
import { storePath } from "../shared.ts";
import { onClose, register } from "../shell.ts";
import { leaseStore, type StoreNode } from "../stores.ts";

interface StoreConfig extends NodeDef {
  version?: number;
  file?: string;
  every?: string;
  readOnly?: boolean;
  policies?: unknown;
}

/** Rows without anything in them say nothing. @throws VigiaError that names the row and its field */
function policiesSetting(raw: unknown): StorePolicy[] {
  const rows: unknown[] = Array.isArray(raw) ? raw : [];
  return rows.flatMap((row, at) => {
    const text = tidyPolicy(Object(row));
    return Object.keys(text).length === 0 ? [] : parsePolicy(text, (field) => `policies[${at}].${field}`);
  });
}

/** One node of each flow that uses this store: Node-RED hands a config node's error to the catch nodes of its users. */
function usersOf(RED: NodeAPI, store: string): Record<string, Node> {
  const users: Record<string, Node> = {};
  RED.nodes.eachNode((config) => {
    const { id, z, store: used } = config as NodeDef & { store?: string };
    const user = used === store && z && users[z] === undefined ? (RED.nodes.getNode(id) as Node | null) : null;
    if (user) users[z] = user;
  });
  return users;
}

export default function (RED: NodeAPI): void {
  register<StoreConfig>(RED, "vigia-store", (node, config) => {
    checkVersion(config.version, 1);
    const file = textSetting(config.file, "vigia/points.db");
    const commitEvery = durationSetting(config.every, "every", "1s", { min: 10, max: 60_000 });
    const own = node as unknown as StoreNode;
    own.file = storePath(RED, file);
    const readOnly = booleanSetting(config.readOnly, false);
    const policies = policiesSetting(config.policies);
    own.lease = () => leaseStore(RED, file, { commitEvery, policies, readOnly });

    // Held while it is deployed, so that the file is opened at once and its trouble shows before the first point.
    const { store, release } = own.lease();
    const stop = store.watch((health) => {
      if (health.state === "failing") {
        (node as { users?: Record<string, Node> }).users = usersOf(RED, node.id);
        // With a message, even an empty one, catch nodes get it.
        node.error(new VigiaError(health.code, health.reason), {});
      } else node.log(RED._("store.open-again", { file: own.file }));
    });
    onClose(node, async () => {
      stop();
      await release();
    });
  });
}
