import type { NodeAPI, NodeDef } from "node-red";
import { createDecoder, FORMATS } from "../../lib/codecs/decoder.ts";
import type { Format } from "../../lib/codecs/intake.ts";
import type { Precision } from "../../lib/codecs/precision.ts";
import type { ConnectionState, TlsOptions } from "../../lib/mqtt/connection.ts";
import { Subscriber, type SubscriberOptions } from "../../lib/mqtt/subscriber.ts";
import { asVigiaError, VigiaError } from "../../lib/points/error.ts";
import { frameMessages } from "../../lib/points/messages.ts";
import { booleanSetting, checkVersion, choiceSetting, listSetting, numberSetting, textSetting } from "../config.ts";
import { clock, onClose, register, type Status, statusOf } from "../shell.ts";
import { type Stored, storeOf, storeTrouble } from "../stores.ts";
import type { BrokerNode } from "./broker.ts";

interface MqttInConfig extends NodeDef {
  version?: number;
  broker?: string;
  topics?: string | string[];
  qos?: number | string;
  protocol?: number | string;
  clientId?: string;
  tls?: string;
  format?: string;
  precision?: string;
  template?: string;
  retained?: string;
  ackWhen?: string;
  store?: string;
  maxOutstanding?: number | string;
  batched?: boolean;
}

interface Credentials {
  user?: string;
  password?: string;
}

/** Node-RED's own tls-config node. */
interface TlsNode {
  addTLSOptions?(options: TlsOptions): TlsOptions;
}

/** `auto`: what each format has by default, ns in line protocol and ms in CSV. */
const PRECISIONS = ["auto", "ns", "us", "ms", "s"] as const satisfies readonly ["auto", ...Precision[]];
/** Batches may be gathered a little longer than a turn of the event loop, ms: nobody sees it, and it costs less. */
const LINGER = 10;
/** How often the count of messages held back is brought up to date, ms. */
const LOOK_AGAIN = 1_000;

function normalize(config: MqttInConfig) {
  checkVersion(config.version, 1);
  const topics = listSetting(config.topics ?? "#");
  const qos = Number(choiceSetting(String(config.qos ?? 1), "qos", ["1", "0", "2"])) as 0 | 1 | 2;
  if (topics.length === 0) throw new VigiaError("bad-setting", { field: "topics", value: "", allowed: "at least one" });
  const ackWhen = choiceSetting(config.ackWhen, "ackWhen", ["received", "stored"]);
  return {
    broker: textSetting(config.broker, "mqtt://127.0.0.1:1883"),
    format: choiceSetting(config.format, "format", FORMATS as readonly ["auto", ...Format[]]),
    precision: choiceSetting(config.precision, "precision", PRECISIONS),
    batched: booleanSetting(config.batched, false),
    subscriber: {
      topics: topics.map((filter) => ({ filter, qos })),
      protocolVersion: Number(choiceSetting(String(config.protocol ?? 4), "protocol", ["4", "5"])) as 4 | 5,
      template: textSetting(config.template, "#"),
      retained: choiceSetting(config.retained, "retained", ["take", "skip"]),
      maxOutstanding: numberSetting(config.maxOutstanding, "maxOutstanding", 4_000, {
        min: 1,
        max: 65_535,
        integer: true,
      }),
      ackWhen,
    } satisfies Omit<SubscriberOptions, "url">,
  };
}

export default function (RED: NodeAPI): void {
  register<MqttInConfig, Credentials>(
    RED,
    "vigia-mqtt-in",
    (node, config) => {
      const { broker, format, precision, batched, subscriber: settings } = normalize(config);
      const stores = settings.ackWhen === "stored";
      const lease = storeOf(RED, config.store, stores);
      const status = statusOf(node);
      const decoder = createDecoder(precision === "auto" ? { format } : { format, precision }, clock);
      const clientId = textSetting(config.clientId) || (stores ? `vigia-${node.id}` : "");
      const tls = config.tls ? (RED.nodes.getNode(config.tls) as TlsNode | null)?.addTLSOptions?.({}) : undefined;
      let trouble: VigiaError | undefined;
      let subscriber: Subscriber | undefined;
      let connectedTo = "";
      let closed = false;
      let cancelLook: (() => void) | undefined;
      /** Nothing is handed on while the store fails, but what is held back grows. */
      const lookAgain = () => {
        if (!closed)
          cancelLook ??= clock.after(LOOK_AGAIN, () => {
            cancelLook = undefined;
            showStatus();
          });
      };

      const currentStatus = (): Status => {
        if (!subscriber) return { fill: "yellow", shape: "ring", text: RED._("mqtt-in.status.connecting") };
        const { state, stats } = subscriber;
        // A store that waits for better times refuses nothing, but messages are held back all the same.
        const failing = stores && lease ? storeTrouble(RED, lease.store) : undefined;
        if (failing || trouble) {
          lookAgain();
          const reason = failing?.reason ?? trouble?.message ?? "";
          const text = RED._("mqtt-in.status.holding", { waiting: stats.outstanding, reason });
          return { fill: failing?.fill ?? "red", shape: "ring", text };
        }
        if (state.state === "connected") {
          const key = stats.rejected > 0 ? "rejecting" : "connected";
          const text = RED._(`mqtt-in.status.${key}`, { points: stats.points, rejected: stats.rejected });
          if (state.code) return { fill: "yellow", shape: "dot", text: state.reason ?? text };
          return { fill: stats.rejected > 0 ? "yellow" : "green", shape: "dot", text };
        }
        const text = RED._(`mqtt-in.status.${state.state}`, { reason: state.reason ?? "" });
        return { fill: state.state === "connecting" ? "yellow" : "red", shape: "ring", text };
      };
      const showStatus = () => status(currentStatus);
      const unwatch = stores ? lease?.store.watch(showStatus) : undefined;

      let told = "connected";
      const onState = ({ state, code, reason = "" }: ConnectionState) => {
        showStatus();
        // Once a trouble: a lost connection is first lost and then unreachable.
        if (state === told || state === "connecting" || state === "closed") return;
        told = state;
        if (state === "refused") node.error(new VigiaError(code ?? "refused", reason), {});
        else if (state === "away") node.warn(RED._("mqtt-in.status.away", { reason }));
        else node.log(RED._("mqtt-in.status.connected", { points: subscriber?.stats.points ?? 0 }));
      };

      function connect(url: string, user: string | undefined, password: string | undefined): void {
        const options: SubscriberOptions = { ...settings, url, linger: batched || stores ? LINGER : 0 };
        if (clientId) options.clientId = clientId;
        if (user) options.username = user;
        if (password) options.password = password;
        if (tls) options.tls = tls;
        if (lease) options.store = lease.store;
        subscriber = new Subscriber(options, clock, decoder, {
          onState,
          onFrame(frame, { seq, again }) {
            const stored: Stored | undefined =
              seq === undefined || !lease ? undefined : { file: lease.file, seq, ...(again && { again }) };
            const messages = frameMessages(frame, batched);
            if (stored) for (const msg of messages) msg.stored = stored;
            node.send([messages, null] as never);
            showStatus();
          },
          onRejected({ topic, payload, text, error }) {
            const { code, message } = error;
            node.send([null, { topic, payload, rejected: { text, code, message } }] as never);
            showStatus();
          },
          onStoreTrouble(error) {
            if (error && error.code !== trouble?.code) node.error(error, {});
            trouble = error;
            showStatus();
          },
        });
        for (const notice of subscriber.notices) node.warn(notice);
        showStatus();
      }

      /** Where to connect may change with each deploy: an embedded broker may be new or have another port. */
      async function follow(): Promise<void> {
        const { user, password } = node.credentials ?? {};
        let target: [string, string | undefined, string | undefined] = [broker, user, password];
        if (!broker.includes("://")) {
          const other = RED.nodes.getNode(broker) as unknown as BrokerNode | null;
          if (typeof other?.endpoint !== "function") {
            throw new VigiaError("no-broker", {
              field: "broker",
              value: broker,
              allowed: "a URL such as mqtt://127.0.0.1:1883, or an MQTT broker node that is deployed",
            });
          }
          const at = await other.endpoint();
          target = [at.url, user || at.username, password || at.password];
        }
        const wanted = JSON.stringify(target);
        if (closed || wanted === connectedTo) return;
        connectedTo = wanted;
        await subscriber?.close();
        if (!closed) connect(...target);
      }

      const start = () => {
        showStatus();
        follow().catch((thrown) => {
          const error = asVigiaError(thrown);
          node.error(error, {});
          status(() => ({ fill: "red", shape: "ring", text: error.message }));
        });
      };
      // Nodes are made in any order: only when all are there an embedded broker can be found.
      RED.events.on("flows:started", start);

      onClose(node, async (removed) => {
        closed = true;
        unwatch?.();
        cancelLook?.();
        RED.events.off("flows:started", start);
        await subscriber?.close({ forget: removed });
        await lease?.release();
      });
    },
    { credentials: { user: { type: "text" }, password: { type: "password" } } },
  );
}
