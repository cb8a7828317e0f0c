import type { AedesPublishPacket } from "aedes";

/** A message in the queue of a session, as aedes handles it. */
export type QueuedPacket = AedesPublishPacket & {
  brokerId: string;
  brokerCounter: number;
  messageId?: number | undefined;
};

interface Client {
  id: string;
}

interface Queue {
  /** In the order they came. */
  readonly packets: Map<string, QueuedPacket>;
  /** Those that were sent, by packet id: a message, or the PUBREL of one. */
  readonly sent: Map<number, string>;
}

/** The part of an aedes persistence that keeps what sessions have not acknowledged. */
export interface OutgoingQueues {
  outgoingEnqueue(subscription: { clientId: string }, packet: QueuedPacket): Promise<void>;
  outgoingEnqueueCombi(subscriptions: readonly { clientId: string }[], packet: QueuedPacket): Promise<void>;
  outgoingUpdate(client: Client, packet: QueuedPacket): Promise<void>;
  outgoingClearMessageId(client: Client, packet: { messageId?: number }): Promise<QueuedPacket | undefined>;
  outgoingStream(client: Client): Iterable<QueuedPacket>;
}
