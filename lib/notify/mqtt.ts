import { VigiaError } from "../points/error.ts";
import { topic as topicEscape } from "./escape.ts";
import { asDeliveryError, DeliveryError } from "./failure.ts";
import type { Channel, Delivery, Notification, TestOptions } from "./notification.ts";
import { compile, type Template } from "./template.ts";
import { testNotification } from "./texts.ts";

export interface MqttSettings {
  /** Resolves when the broker has it. */
  publish: (topic: string, payload: string, options: { qos: 0 | 1 | 2; retain: boolean }) => Promise<void>;
  /** It may name what `MQTT_TOPIC_NAMES` lists. Default `vigia/alarms/{{series}}`. */
  topic?: string | Template;
  /** Default 1. */
  qos?: 0 | 1 | 2;
  /** Default false. */
  retain?: boolean;
}

const DEFAULT_TOPIC = "vigia/alarms/{{series}}";
/** MQTT 5.0, 1.5.4: bytes of UTF-8. */
const MAX_TOPIC = 65_535;

/** What a topic template can name, and what it stands for. */
export const MQTT_TOPIC_NAMES = {
  series: "the whole name of the KPI; its / stay",
  alarm: "the name of the alarm",
  severity: "the severity: critical, warning …",
  kind: "start, severity, end, update, message, digest or test",
  event: "the event's own word: start, nodata …",
  tags: "the KPI's tags: {{tags.site}}",
} as const;

function topicOf(template: Template, { facts, kind }: Notification): string {
  const { series, alarm, severity, event, tags } = facts;
  // A name that is missing leaves an empty level, which nobody would subscribe to.
  const topic = template
    .render({ series, alarm, severity, event, tags, kind }, topicEscape)
    .replace(/\/{2,}/g, "/")
    .replace(/^\/|\/$/g, "");
  const trouble = topic === "" ? "empty" : /[+#]/.test(topic) ? "one with wildcards" : "too long";
  if (trouble !== "too long" || Buffer.byteLength(topic) > MAX_TOPIC) {
    throw new DeliveryError("bad-topic", `the topic is ${trouble}: see the channel's topic`, {
      permanent: true,
      whole: false,
    });
  }
  return topic;
}

/** For machines: what is for people, and the facts as they are. `id` is the same when it is sent again. */
function payloadOf({ key, incident, kind, title, text, facts }: Notification): string {
  return JSON.stringify({ id: key, incident, kind, title, text, ...facts });
}

/**
 * Alarms as JSON to a broker.
 * @throws VigiaError `bad-template` naming `topic`, also when it holds a wildcard
 */
export function mqttChannel({ publish, topic = DEFAULT_TOPIC, qos = 1, retain = false }: MqttSettings): Channel {
  if (typeof topic === "string" && /[+#]/.test(topic.replace(/\{\{[^}]*\}\}/g, ""))) {
    throw new VigiaError("bad-template", { field: "topic", value: topic, allowed: "a topic without + and #" });
  }
  const template = typeof topic === "string" ? compile(topic, "topic") : topic;
  const send = async (notification: Notification): Promise<Delivery> => {
    const to = topicOf(template, notification);
    try {
      await publish(to, payloadOf(notification), { qos, retain });
    } catch (thrown) {
      throw asDeliveryError(thrown);
    }
    return { receipt: to };
  };
  return {
    dialect: "text",
    send,
    test: (options: TestOptions = {}) => send(testNotification(options)),
    close: async () => {},
  };
}
