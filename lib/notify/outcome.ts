import type { DeliveryError } from "./failure.ts";
import type { Notification, Refusal } from "./notification.ts";

export interface AttachOptions {
  /** What is older is given up, ms. Default 24 h. */
  maxAge?: number;
  /** What is more often than this is told in digests; critical ones and ends are told at once all the same. */
  rate?: {
    /** So many at once. Default 10. */
    burst?: number;
    /** One more each so many ms. Default 6 s. */
    every?: number;
  };
}

export interface ChannelStats {
  /** Waiting to be delivered, with those on their way. */
  waiting: number;
  /** Since it was attached. */
  delivered: number;
  failed: number;
  /** The trouble that the whole channel is in. */
  error?: DeliveryError;
  /** When it is tried again, milliseconds since epoch. */
  nextTry?: number;
}

/** What became of a notification, or of a try to deliver it. */
export interface Outcome {
  /** `delivered`: at least one recipient has it. `failed`: nobody will get it. */
  state: "delivered" | "retrying" | "failed";
  channel: string;
  notification: Notification;
  /** As it was given to `add`. */
  tag?: string;
  /** Times it was handed to the channel, since it was attached. */
  attempts: number;
  error?: DeliveryError;
  /** When it is tried again, milliseconds since epoch; of `retrying`. */
  nextTry?: number;
  receipt?: string;
  refused?: Refusal[];
  notice?: string;
  /** Key of the digest that it was told in. */
  digest?: string;
}
