import type { Node, NodeAPI } from "node-red";
import type { Delivery } from "../../lib/notify/notification.ts";
import { asVigiaError } from "../../lib/points/error.ts";
import { clock } from "../shell.ts";
import { openChannel, type RawSettings, type Secrets, wordSettings } from "./channel-settings.ts";

/** What the dialog sends: all fields as they stand in it. */
interface Dialog {
  settings?: RawSettings;
  secrets?: Secrets;
}

/** What the editor has in the place of a password that it was never told. */
const AS_STORED = "__PWRD__";
const ENV = /^\$\{[^}]+\}$/;

/** As Node-RED does it on deploy: `${NAME}` is the variable of the flow or of the environment. */
function withVariables<T extends object>(RED: NodeAPI, node: Node | null, values: T): T {
  const resolved = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === "string" && ENV.test(value)
      ? RED.util.evaluateNodeProperty(value, "env", node ?? ({} as Node), {})
      : value,
  ]);
  return Object.fromEntries(resolved) as T;
}

/** Passwords that were not typed anew are those that are deployed. */
function withStored(secrets: Secrets, stored: Secrets): Secrets {
  const filled = Object.entries(secrets).map(([name, value]) => [
    name,
    value === AS_STORED ? stored[name as keyof Secrets] : value,
  ]);
  return Object.fromEntries(filled) as Secrets;
}

async function sendTest(RED: NodeAPI, id: string, { settings = {}, secrets = {} }: Dialog): Promise<Delivery> {
  const node = RED.nodes.getNode(id) as Node<Secrets> | null;
  const raw = withVariables(RED, node, settings);
  const { language, zone } = wordSettings(raw);
  // An id of its own: the deployed channel may hang on the same broker.
  const channel = openChannel(raw, withVariables(RED, node, withStored(secrets, node?.credentials ?? {})), {
    RED,
    id: `${id}-test`,
  });
  try {
    return await channel.test({ language, zone, time: clock.now() });
  } finally {
    await channel.close();
  }
}

/**
 * `POST /vigia/channel/<id>/test` on the admin API, for whoever may write: the outcome, or `{ error }` with what to do.
 * It is no more than a deploy can do, but leaves the flows alone.
 */
export function serveChannelTest(RED: NodeAPI): void {
  RED.httpAdmin.post("/vigia/channel/:id/test", RED.auth.needsPermission("vigia-channel.write"), (req, res) => {
    sendTest(RED, String(req.params.id), (req.body ?? {}) as Dialog).then(
      (delivery) => res.json(delivery),
      (thrown: unknown) => res.json({ error: asVigiaError(thrown).message }),
    );
  });
}
