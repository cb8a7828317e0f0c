import type { NodeAPI } from "node-red";
import { DeliveryError } from "../../lib/notify/failure.ts";
import type { MqttSettings } from "../../lib/notify/mqtt.ts";
import { clock } from "../shell.ts";

/** Whoever hangs on a broker: it is told of the connection by its status. */
interface User {
  id: string;
  status(shown: object): void;
}

/** The part of Node-RED's own `mqtt-broker` node that its MQTT nodes use. */
interface CoreBroker {
  connected: boolean;
  register(user: User): void;
  deregister(user: User, done: () => void, disconnectUnused: boolean): void;
  publish(msg: { topic: string; payload: string; qos: number; retain: boolean }, done: (error?: unknown) => void): void;
}

/** How long a connection is waited for, and an acknowledgement, ms. The queue tries again. */
const PATIENCE = 5_000;
const LOOK_EVERY = 50;

const pause = () => new Promise<void>((resolve) => clock.after(LOOK_EVERY, resolve));

export interface MqttLink {
  publish: MqttSettings["publish"];
  close(): Promise<void>;
}

/**
 * Publishes through an `mqtt-broker` node, so that its address, TLS and password are set once for all MQTT nodes. It is
 * looked up each time: another one may stand behind the id after a deploy.
 */
export function mqttLink(RED: NodeAPI, id: string, owner: string): MqttLink {
  const user: User = { id: owner, status: () => {} };
  let broker: CoreBroker | undefined;

  function find(): CoreBroker {
    const found = RED.nodes.getNode(id) as unknown as CoreBroker | null;
    if (typeof found?.publish !== "function") {
      throw new DeliveryError("no-broker", `broker is "${id}"; allowed: an MQTT broker that is deployed`);
    }
    if (found !== broker) found.register(user);
    broker = found;
    return found;
  }

  async function connected(): Promise<CoreBroker> {
    const found = find();
    for (const end = clock.now() + PATIENCE; !found.connected; await pause()) {
      if (clock.now() > end) throw new DeliveryError("mqtt-away", "the MQTT broker is not connected");
    }
    return found;
  }

  return {
    async publish(topic, payload, { qos, retain }) {
      const found = await connected();
      await new Promise<void>((resolve, reject) => {
        const cancel = clock.after(PATIENCE, () =>
          reject(new DeliveryError("mqtt-timeout", `the MQTT broker did not acknowledge within ${PATIENCE / 1_000} s`)),
        );
        found.publish({ topic, payload, qos, retain }, (error) => {
          cancel();
          if (error) reject(error);
          else resolve();
        });
      });
    },
    async close() {
      await new Promise<void>((resolve) => (broker ? broker.deregister(user, resolve, true) : resolve()));
      broker = undefined;
    },
  };
}
