import type { Node, NodeAPI, NodeDef, NodeMessage, NodeStatusFill, NodeStatusShape } from "node-red";
import type { Clock } from "../lib/points/clock.ts";
import { asVigiaError, VigiaError } from "../lib/points/error.ts";
import type { Message, ReaderOptions } from "../lib/points/reader.ts";

/** What every node of ours does the same way: registering, input without a way to kill the runtime, status, closing. */

export const clock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface Status {
  fill: NodeStatusFill;
  shape: NodeStatusShape;
  text: string;
}

const STATUS_EVERY = 500;
const STATUS_LENGTH = 120;

/**
 * A status setter that may be called for every message: at most two a second are worked out and go to the editor (text
 * from the catalogue and the status itself cost microseconds each), equal ones not at all, the last one always.
 */
export function statusOf(node: Node): (make: () => Status) => void {
  let shown = "";
  let next: (() => Status) | undefined;
  let resting = false;
  let cancel: (() => void) | undefined;
  const show = () => {
    resting = next !== undefined;
    if (!next) return;
    const { fill, shape, text: whole } = next();
    next = undefined;
    const text = whole.length > STATUS_LENGTH ? `${whole.slice(0, STATUS_LENGTH - 1)}…` : whole;
    const id = `${fill} ${shape} ${text}`;
    if (id !== shown) {
      shown = id;
      node.status({ fill, shape, text });
    }
    cancel = clock.after(STATUS_EVERY, show);
  };
  node.on("close", () => cancel?.());
  return (make) => {
    next = make;
    if (!resting) show();
  };
}

/** A command in `msg.control`, or Node-RED's own `msg.reset`. */
export interface Control {
  do: string;
  series?: string;
  [more: string]: unknown;
}

/** @throws VigiaError `bad-control` when `msg.control` is there and has no `do`, or one that is not in `known`. */
export function controlOf(msg: Message, known: readonly string[]): Control | undefined {
  const { control } = msg;
  if (control === undefined) return msg.reset ? { do: "reset" } : undefined;
  const command = typeof control === "string" ? { do: control } : (control as Control | null);
  if (typeof command !== "object" || command === null || !known.includes(command.do)) {
    throw new VigiaError("bad-control", {
      field: "msg.control.do",
      value: (command as Control | null)?.do,
      allowed: known.join(", "),
    });
  }
  return command;
}

/** Sends messages; an array is one entry an output. */
export type Send = (messages: unknown) => void;

export interface InputOptions {
  /** Messages wait, in order, until this is settled. */
  ready?: Promise<unknown>;
  /** How many may wait at most; the next ones are refused. Node-RED's `nodeMessageBufferMaxLength` (0: no limit). */
  maxWaiting?: number;
}

/**
 * The one input wrapper. `handle` may throw, return or be async: `done` is called exactly once, and an error reaches
 * the catch nodes. (A bare async handler that throws would end Node-RED.)
 */
export function onInput(
  node: Node,
  handle: (msg: Message, send: Send) => void | Promise<void>,
  { ready, maxWaiting = 0 }: InputOptions = {},
): void {
  const run = (msg: Message, send: Send, done: (error?: Error) => void) => {
    let pending: void | Promise<void>;
    try {
      pending = handle(msg, send);
    } catch (thrown) {
      done(asVigiaError(thrown));
      return;
    }
    if (pending) {
      pending.then(
        () => done(),
        (thrown) => done(asVigiaError(thrown)),
      );
    } else done();
  };
  let waiting: (() => void)[] | undefined;
  if (ready) {
    const open = () => {
      const held = waiting ?? [];
      waiting = undefined;
      for (const start of held) start();
    };
    waiting = [];
    ready.then(open, open);
  }
  node.on("input", (msg, send, done) => {
    if (!waiting) run(msg as Message, send as Send, done);
    else if (maxWaiting > 0 && waiting.length >= maxWaiting) {
      done(
        new VigiaError("buffer-full", { field: "messages waiting", value: waiting.length, allowed: `${maxWaiting}` }),
      );
    } else waiting.push(() => run(msg as Message, send as Send, done));
  });
}

/** Async clean-up; Node-RED waits for it (15 s at most). `removed`: deleted or disabled, not only deployed anew. */
export function onClose(node: Node, close: (removed: boolean) => void | Promise<void>): void {
  node.on("close", (removed: boolean, done: () => void) => {
    Promise.resolve()
      .then(() => close(removed))
      .catch((thrown: unknown) => node.warn(asVigiaError(thrown).message))
      .finally(done);
  });
}

const failures = new WeakMap<object, VigiaError>();

/** Why a node could not be set up; `undefined` when it could. */
export const setupFailure = (node: object): VigiaError | undefined => failures.get(node);

/**
 * Registers a type. `setup` turns the config into a running node; when it throws (a bad setting), the node stays on
 * the canvas with the reason as its status and gives that error to every message it gets.
 */
export function register<C extends NodeDef, Credentials extends object = object>(
  RED: NodeAPI,
  type: string,
  setup: (node: Node<Credentials>, config: C) => void,
  options: Record<string, unknown> = {},
): void {
  function construct(this: Node<Credentials>, config: C): void {
    RED.nodes.createNode(this, config);
    try {
      setup(this, config);
    } catch (thrown) {
      const error = asVigiaError(thrown, "bad-config");
      this.status({ fill: "red", shape: "ring", text: error.message.slice(0, STATUS_LENGTH) });
      this.error(error);
      failures.set(this, error);
      this.on("input", (_msg, _send, done) => done(error));
    }
  }
  RED.nodes.registerType(type, construct as never, options as never);
}

/** The `series` setting (typed input: msg, str or env) as options of a `Reader`. */
export function seriesSetting(
  RED: NodeAPI,
  node: Node,
  config: { series?: string; seriesType?: string },
): Pick<ReaderOptions, "series" | "seriesField"> {
  const { series = "topic", seriesType = "msg" } = config;
  if (seriesType === "msg") {
    const path = series === "" ? "topic" : series;
    const field = `msg.${path}`;
    if (/^[A-Za-z_$][\w$]*$/.test(path)) return { series: (msg) => msg[path], seriesField: field };
    return { series: (msg) => RED.util.getMessageProperty(msg as NodeMessage, path), seriesField: field };
  }
  if (seriesType === "str" || seriesType === "env") {
    const name: unknown = RED.util.evaluateNodeProperty(series, seriesType, node, {});
    return { series: () => name, seriesField: "series" };
  }
  throw new VigiaError("bad-setting", { field: "seriesType", value: seriesType, allowed: "msg, str, env" });
}
