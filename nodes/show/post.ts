import type { NodeAPI } from "node-red";
import type { Channel, Notification } from "../../lib/notify/notification.ts";
import { type Attached, type ChannelStats, NotificationQueue, type Outcome } from "../../lib/notify/queue.ts";
import { asVigiaError, type VigiaError } from "../../lib/points/error.ts";
import { Shared, storePath } from "../shared.ts";
import { clock } from "../shell.ts";

/** All that is to be told, by whichever node and channel, until somebody has taken it. */
const FILE = "vigia/notify.db";
/** Outcomes that wait for a node which is just being deployed anew. */
const MOST_HELD = 1_000;

export interface PostListener {
  /** What became of a notification of this node. */
  outcome(topic: string, outcome: Outcome): void;
  /** Something moved in a channel, by whomever. */
  moved(): void;
  /** The file cannot be used. */
  trouble(error: VigiaError): void;
}

/** Goes with each notification, and comes back with what became of it. */
interface Tag {
  node: string;
  topic: string;
}

/** The one queue of this Node-RED: channels hang on it, nodes put in and hear of what was theirs. */
export class Post {
  readonly #queue: Promise<NotificationQueue>;
  readonly #listeners = new Map<string, PostListener>();
  readonly #held = new Map<string, [topic: string, outcome: Outcome][]>();

  constructor(file: string, after: Promise<void> = Promise.resolve()) {
    const onError = (error: VigiaError) => this.#complain(error);
    this.#queue = after.then(() => NotificationQueue.open({ file, clock, onError }));
    this.#queue.then((queue) => queue.watch((outcome) => this.#take(outcome)), onError);
  }

  /** A channel takes its notifications from now on. */
  attach(id: string, channel: Channel): { detach(): Promise<void>; stats(): ChannelStats | undefined } {
    let attached: Attached | undefined;
    const attaching = this.#queue
      .then((queue) => {
        attached = queue.attach(id, channel);
      })
      .catch((thrown: unknown) => this.#complain(asVigiaError(thrown)));
    return {
      stats: () => attached?.stats(),
      detach: () => attaching.then(() => attached?.detach()),
    };
  }

  /** Settled when it is on disk. */
  async add(channel: string, notification: Notification, tag: Tag): Promise<void> {
    await (await this.#queue).add(channel, notification, JSON.stringify(tag));
  }

  /** A node hears of what it put in, also before its last deploy; of that at once. */
  listen(node: string, listener: PostListener): () => void {
    this.#listeners.set(node, listener);
    const held = this.#held.get(node) ?? [];
    this.#held.delete(node);
    for (const entry of held) listener.outcome(...entry);
    return () => {
      if (this.#listeners.get(node) === listener) this.#listeners.delete(node);
    };
  }

  #complain(error: VigiaError): void {
    for (const { trouble } of this.#listeners.values()) trouble(error);
  }

  #take(outcome: Outcome): void {
    // A turn later, when the channel's own figures have followed.
    setImmediate(() => {
      for (const { moved } of this.#listeners.values()) moved();
    });
    // Digests and the like are nobody's.
    if (outcome.tag === undefined) return;
    const { node, topic } = JSON.parse(outcome.tag) as Tag;
    const listener = this.#listeners.get(node);
    if (listener) listener.outcome(topic, outcome);
    else if (outcome.state !== "retrying") this.#hold(node, topic, outcome);
  }

  #hold(node: string, topic: string, outcome: Outcome): void {
    const held = this.#held.get(node) ?? [];
    if (held.push([topic, outcome]) > MOST_HELD) held.shift();
    this.#held.set(node, held);
  }

  async close(): Promise<void> {
    await this.#queue.then(
      (queue) => queue.close(),
      () => {},
    );
  }
}

const posts = new Shared<Post>((file, after) => new Post(file, after));

export function leasePost(RED: NodeAPI): { post: Post; release: () => Promise<void> } {
  const { thing, release } = posts.take(storePath(RED, FILE));
  return { post: thing, release };
}
