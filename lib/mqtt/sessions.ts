import { Readable } from "node:stream";

/** A message, or the PUBREL of one, as aedes keeps it for a session. */
interface Packet {
  cmd: string;
  /** Unique in the broker; absent in a PUBREL. */
  brokerCounter?: number;
  /** Packet id of the last time it was sent. */
  messageId?: number | undefined;
  dup?: boolean;
}

interface Client {
  id: string;
}

interface Queue {
  /** In the order they came, by `brokerCounter`. */
  readonly packets: Map<number, Packet>;
  /** Those that were sent: packet id → `brokerCounter`. */
  readonly sent: Map<number, number>;
}

/**
 * What sessions have not acknowledged yet: the five methods of an aedes persistence that deal with it, to be put in
 * the place of its own ones. Its own search the whole queue for every message, have no bound and do not mark as
 * repeated (DUP) what they send again [MQTT-3.3.1-1].
 *
 * O(1) a message; at most `maxQueued` messages a session, past it the newest are not kept: `onDropped`.
 */
export function sessionQueues(maxQueued: number, onDropped: () => void) {
  const queues = new Map<string, Queue>();

  function enqueue(clientId: string, packet: Packet): void {
    let queue = queues.get(clientId);
    if (queue === undefined) {
      queue = { packets: new Map(), sent: new Map() };
      queues.set(clientId, queue);
    }
    if (queue.packets.size >= maxQueued) onDropped();
    else queue.packets.set(packet.brokerCounter!, { ...packet, messageId: undefined });
  }

  return {
    async outgoingEnqueue({ clientId }: { clientId: string }, packet: Packet): Promise<void> {
      enqueue(clientId, packet);
    },

    async outgoingEnqueueCombi(sessions: readonly { clientId: string }[], packet: Packet): Promise<void> {
      for (const { clientId } of sessions) enqueue(clientId, packet);
    },

    /** `packet` is about to be sent under its `messageId`. One that was not kept is sent all the same. */
    async outgoingUpdate({ id }: Client, packet: Packet): Promise<void> {
      const queue = queues.get(id);
      const messageId = packet.messageId;
      if (queue === undefined || messageId === undefined) return;
      const known = packet.cmd === "publish" ? queue.packets.get(packet.brokerCounter!) : undefined;
      const before = queue.sent.get(messageId);
      if (known === undefined) {
        // The PUBREL takes the place of its message.
        if (packet.cmd === "pubrel" && before !== undefined) queue.packets.set(before, packet);
        return;
      }
      // The id went round while an old message still has it: that one gets a new id when it is sent again.
      const older = before === undefined ? undefined : queue.packets.get(before);
      if (older !== undefined && older !== known) older.messageId = undefined;
      known.messageId = messageId;
      queue.sent.set(messageId, packet.brokerCounter!);
    },

    async outgoingClearMessageId({ id }: Client, { messageId }: Packet): Promise<Packet | undefined> {
      const queue = queues.get(id);
      if (queue === undefined || messageId === undefined) return undefined;
      const counter = queue.sent.get(messageId);
      if (counter === undefined) return undefined;
      const packet = queue.packets.get(counter);
      queue.sent.delete(messageId);
      queue.packets.delete(counter);
      if (queue.packets.size === 0) queues.delete(id);
      return packet;
    },

    /** Everything a session has not acknowledged, for its new connection. */
    outgoingStream({ id }: Client): Readable {
      const packets = [...(queues.get(id)?.packets.values() ?? [])];
      for (const packet of packets) if (packet.messageId !== undefined) packet.dup = packet.cmd === "publish";
      return Readable.from(packets);
    },
  };
}
