import type { NodeAPI, NodeDef } from "node-red";
import { rankOf, SEVERITIES } from "../../lib/alarm/severity.ts";
import type { ComposeInput } from "../../lib/notify/compose.ts";
import type { Facts, Notification } from "../../lib/notify/notification.ts";
import type { Outcome } from "../../lib/notify/queue.ts";
import { VigiaError } from "../../lib/points/error.ts";
import { checkVersion, choiceSetting, listSetting } from "../config.ts";
import { onClose, onInput, register, type Status, statusOf } from "../shell.ts";
import type { ChannelNode } from "./channel.ts";
import { templateSettings } from "./channel-settings.ts";
import { outcomeMessage } from "./outcome-message.ts";
import { leasePost } from "./post.ts";

type NotifyConfig = NodeDef & Record<string, unknown>;

function normalize(config: NotifyConfig) {
  checkVersion(config.version, 1);
  return {
    channels: listSetting(config.channels),
    /** 0: all. */
    least: rankOf(choiceSetting(config.severity, "severity", ["all", ...SEVERITIES])),
    templates: templateSettings({ title: config.title, text: config.text }),
  };
}

const noChannel = (value: unknown) =>
  new VigiaError("no-channel", { field: "channels", value, allowed: "channels (vigia-channel) that are deployed" });

/** What has no severity that is known is always grave enough. An alarm's end has the highest one that was told. */
const isGrave = ({ severity }: Facts, least: number): boolean => {
  const rank = severity === undefined ? 0 : rankOf(severity);
  return rank === 0 || rank >= least;
};

export default function (RED: NodeAPI): void {
  register<NotifyConfig>(RED, "vigia-notify", (node, config) => {
    const { channels, least, templates } = normalize(config);
    const { post, release } = leasePost(RED);
    const status = statusOf(node);
    let sent = 0;
    let failed = 0;
    /** Channels that refused the last one for good, and why. */
    const refusals = new Map<string, string>();

    // Looked up each time: a deploy may put another one behind the id without touching this node.
    const channelOf = (id: string): ChannelNode | undefined => {
      const found = RED.nodes.getNode(id) as ChannelNode | null;
      return typeof found?.write === "function" ? found : undefined;
    };
    const nameOf = (id: string) => channelOf(id)?.name || id;

    const currentStatus = (): Status => {
      if (channels.length === 0) return { fill: "red", shape: "ring", text: RED._("notify.status.no-channel") };
      const stats = channels.map((id) => channelOf(id)?.stats());
      const waiting = stats.reduce((sum, one) => sum + (one?.waiting ?? 0), 0);
      const [refusal] = refusals.values();
      const reason = refusal ?? stats.find((one) => one?.error)?.error?.message;
      const text = [
        RED._("notify.status.sent", { n: sent }),
        ...(waiting > 0 ? [RED._("notify.status.waiting", { n: waiting })] : []),
        ...(failed > 0 ? [RED._("notify.status.failed", { n: failed })] : []),
        ...(reason === undefined ? [] : [reason]),
      ].join(" · ");
      if (reason !== undefined) return { fill: refusal === undefined ? "yellow" : "red", shape: "ring", text };
      return { fill: sent > 0 ? "green" : "grey", shape: waiting > 0 ? "ring" : "dot", text };
    };
    const showStatus = () => status(currentStatus);
    showStatus();

    function take(topic: string, outcome: Outcome): void {
      const { state, channel, error, notice } = outcome;
      if (notice !== undefined) node.warn(`${nameOf(channel)}: ${notice}`);
      if (state === "retrying") return;
      const message = outcomeMessage(topic, nameOf(channel), outcome);
      if (state === "delivered") {
        sent++;
        refusals.delete(channel);
        node.send([message, null] as never);
      } else {
        const reason = `${nameOf(channel)}: ${error?.message ?? ""}`;
        failed++;
        refusals.set(channel, reason);
        node.send([null, message] as never);
        node.error(new VigiaError(error?.code ?? "not-delivered", reason), message as never);
      }
      showStatus();
    }

    let stop = () => {};
    // What waited since the last run may be told at once: there must be somebody behind the outputs.
    const start = () => {
      stop();
      stop = post.listen(node.id, {
        outcome: take,
        moved: showStatus,
        trouble: (error) => node.error(error, {}),
      });
      showStatus();
    };
    RED.events.on("flows:started", start);

    onInput(node, async (msg) => {
      if (channels.length === 0) throw noChannel(config.channels);
      const tag = { node: node.id, topic: typeof msg.topic === "string" ? msg.topic : "" };
      const write = async (id: string): Promise<void> => {
        const channel = channelOf(id);
        if (!channel) throw noChannel(id);
        const notification: Notification = channel.write(msg as ComposeInput, templates);
        if (isGrave(notification.facts, least)) await post.add(id, notification, tag);
      };
      // One channel that is missing must not keep the others from being told.
      const written = await Promise.allSettled(channels.map(write));
      showStatus();
      const refused = written.find((result) => result.status === "rejected");
      if (refused) throw refused.reason;
    });

    onClose(node, async () => {
      RED.events.off("flows:started", start);
      stop();
      await release();
    });
  });
}
