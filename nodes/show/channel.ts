import type { Node, NodeAPI, NodeDef } from "node-red";
import { type ComposeInput, compose, type Templates } from "../../lib/notify/compose.ts";
import type { Notification } from "../../lib/notify/notification.ts";
import type { ChannelStats } from "../../lib/notify/queue.ts";
import { clock, onClose, register } from "../shell.ts";
import { openChannel, type RawSettings, type Secrets, wordSettings } from "./channel-settings.ts";
import { serveChannelTest } from "./channel-test.ts";
import { leasePost, type Post } from "./post.ts";

/** What a `vigia-channel` offers to nodes that tell something. */
export interface ChannelNode extends Node<Secrets> {
  /** A message in the words of this channel; `own` templates go before its own. */
  write(message: ComposeInput, own?: Templates): Notification;
  stats(): ChannelStats | undefined;
}

/** @throws VigiaError what is wrong in the settings; whoever tells something by this channel hears of it, too */
function prepare(RED: NodeAPI, node: ChannelNode, config: RawSettings) {
  try {
    const words = wordSettings(config);
    return { words, channel: openChannel(config, node.credentials ?? {}, { RED, id: node.id }) };
  } catch (thrown) {
    node.write = () => {
      throw thrown;
    };
    throw thrown;
  }
}

export default function (RED: NodeAPI): void {
  register<NodeDef & RawSettings, Secrets>(
    RED,
    "vigia-channel",
    (node, config) => {
      const own = node as ChannelNode;
      let attached: ReturnType<Post["attach"]> | undefined;
      own.stats = () => attached?.stats();
      const { words, channel } = prepare(RED, own, config);
      own.write = (message, templates = {}) => {
        // A text of the flow takes the place of the channel's text in every form.
        const { title } = words.templates;
        const kept = templates.text ? { ...(title && { title }) } : words.templates;
        return compose(message, {
          ...words,
          dialect: channel.dialect,
          templates: { ...kept, ...templates },
          clock,
        });
      };
      const { post, release } = leasePost(RED);

      // Not before all nodes are there: what waited since the last run is delivered at once, and its sender wants to hear.
      const start = () => {
        attached ??= post.attach(node.id, channel);
      };
      RED.events.on("flows:started", start);

      onClose(node, async () => {
        RED.events.off("flows:started", start);
        await attached?.detach();
        await channel.close();
        await release();
      });
    },
    { credentials: { user: { type: "text" }, password: { type: "password" }, token: { type: "password" } } },
  );
  serveChannelTest(RED);
}
