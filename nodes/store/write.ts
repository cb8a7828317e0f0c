import { parse } from "node:path";
import type { NodeAPI, NodeDef } from "node-red";
import { VigiaError } from "../../lib/points/error.ts";
import { type Message, Reader } from "../../lib/points/reader.ts";
import { booleanSetting, checkVersion, durationSetting, numberSetting } from "../config.ts";
import {
  clock,
  controlOf,
  onClose,
  onInput,
  register,
  type Send,
  type Status,
  seriesSetting,
  statusOf,
} from "../shell.ts";
import { type Stored, storeOf, storeTrouble } from "../stores.ts";
import { COMMANDS, runCommand } from "./commands.ts";
import { watchStore } from "./watch.ts";

interface WriteConfig extends NodeDef {
  version?: number;
  store?: string;
  series?: string;
  seriesType?: string;
  maxWaiting?: number;
  kpis?: boolean;
  every?: string;
}

/** Forecasts are stored too: their times may lie ten years ahead. */
const AHEAD = 10 * 366 * 86_400_000;

export default function (RED: NodeAPI): void {
  register<WriteConfig>(RED, "vigia-write", (node, config) => {
    checkVersion(config.version, 1);
    const most = numberSetting(config.maxWaiting, "maxWaiting", 100_000, { min: 1, integer: true });
    const every = durationSetting(config.every, "every", "1m", { min: 1_000, max: 86_400_000 });
    const { store, file, release } = storeOf(RED, config.store, true);
    const reader = new Reader(clock, { ...seriesSetting(RED, node, config), ahead: AHEAD });
    const status = statusOf(node);
    let waiting = 0;
    let written = 0;

    const currentStatus = (): Status => {
      const counts = { written: written.toLocaleString("en"), waiting: waiting.toLocaleString("en") };
      const trouble = storeTrouble(RED, store);
      if (trouble) {
        const { fill, shape, reason } = trouble;
        return { fill, shape, text: RED._("write.status.failing", { ...counts, reason }) };
      }
      if (waiting > most / 2) return { fill: "yellow", shape: "dot", text: RED._("write.status.busy", counts) };
      return { fill: "green", shape: "dot", text: RED._("write.status.ok", counts) };
    };
    const showStatus = () => status(currentStatus);
    const stop = store.watch(showStatus);
    showStatus();

    const name = RED.nodes.getNode(config.store!)?.name || parse(file).name;
    const stopKpis = booleanSetting(config.kpis, false)
      ? watchStore(store, { name, every, counts: () => ({ written, waiting }) }, (kpis) =>
          node.send([null, null, kpis] as never),
        )
      : () => {};

    async function answer({ control, ...msg }: Message, send: Send): Promise<void> {
      const command = controlOf({ control }, COMMANDS)!;
      const payload = await runCommand(RED, store, command, clock.now());
      send([null, { ...msg, topic: command.do, payload }, null]);
    }

    async function write(msg: Message, send: Send): Promise<void> {
      const { frame, reading } = reader.frame(msg);
      if (waiting + frame.length > most) {
        throw new VigiaError("store-full", {
          field: "points waiting to be stored",
          value: waiting + frame.length,
          allowed: `${most} (setting maxWaiting)`,
        });
      }
      if (frame.length > 0) {
        waiting += frame.length;
        showStatus();
        try {
          const { seq } = await store.append(frame);
          written += frame.length;
          msg.stored = { file, seq } satisfies Stored;
        } finally {
          waiting -= frame.length;
          showStatus();
        }
        send(msg);
      }
      if (reading.error) throw reading.error;
    }

    // A command goes no further: the nodes behind would take it for theirs.
    onInput(node, (msg, send) => (msg.control === undefined ? write(msg, send) : answer(msg, send)));

    onClose(node, async () => {
      stop();
      stopKpis();
      await release();
    });
  });
}
