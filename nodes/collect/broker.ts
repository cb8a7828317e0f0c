import type { Node, NodeAPI, NodeDef } from "node-red";
import { Broker, type BrokerState } from "../../lib/mqtt/broker.ts";
import { asVigiaError } from "../../lib/points/error.ts";
import { checkVersion, numberSetting, textSetting } from "../config.ts";
import { clock, onClose, register, statusOf } from "../shell.ts";

interface BrokerConfig extends NodeDef {
  version?: number;
  port?: number | string;
  host?: string;
}

interface Credentials {
  user?: string;
  password?: string;
}

/** What a `vigia-broker` offers to nodes that connect to it. */
export interface BrokerNode extends Node<Credentials> {
  /** Where it listens; waits until it does. */
  endpoint(): Promise<{ url: string; username: string | undefined; password: string | undefined }>;
}

export default function (RED: NodeAPI): void {
  register<BrokerConfig, Credentials>(
    RED,
    "vigia-broker",
    (node, config) => {
      checkVersion(config.version, 1);
      const status = statusOf(node);
      const { user = "", password = "" } = node.credentials ?? {};
      let failed: string | undefined;
      let listening: () => void;
      const ready = new Promise<void>((resolve) => {
        listening = resolve;
      });

      const onState = ({ state, clients, error }: BrokerState) => {
        if (state === "listening") {
          listening();
          failed = undefined;
          const text = RED._("broker.status.listening", { port: broker.port, clients });
          status(() => ({ fill: "green", shape: "dot", text }));
        } else if (state === "failing" && error) {
          if (error.code !== failed) node.error(error, {});
          failed = error.code;
          const text = RED._(`broker.failing.${error.code}`, { port: broker.port });
          status(() => ({ fill: "red", shape: "ring", text }));
        } else status(() => ({ fill: "yellow", shape: "ring", text: RED._("broker.status.starting") }));
      };
      const broker = new Broker(
        {
          port: numberSetting(config.port, "port", 1883, { min: 0, max: 65_535, integer: true }),
          host: textSetting(config.host, "127.0.0.1"),
          username: user,
          password,
        },
        clock,
        onState,
      );

      (node as BrokerNode).endpoint = async () => {
        await ready;
        return { url: broker.url, username: user || undefined, password: password || undefined };
      };

      broker.start().catch((thrown: unknown) => node.error(asVigiaError(thrown), {}));
      onClose(node, () => broker.close());
    },
    { credentials: { user: { type: "text" }, password: { type: "password" } } },
  );
}
