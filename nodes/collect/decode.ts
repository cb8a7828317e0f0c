import type { NodeAPI, NodeDef } from "node-red";
import { createDecoder, FORMATS } from "../../lib/codecs/decoder.ts";
import type { Context, Format } from "../../lib/codecs/intake.ts";
import type { Precision } from "../../lib/codecs/precision.ts";
import { topicTemplate } from "../../lib/mqtt/topic.ts";
import { FrameBuilder } from "../../lib/points/frame.ts";
import { frameMessages } from "../../lib/points/messages.ts";
import { booleanSetting, checkVersion, choiceSetting, textSetting } from "../config.ts";
import { clock, onInput, register, type Status, seriesSetting, statusOf } from "../shell.ts";

interface DecodeConfig extends NodeDef {
  version?: number;
  format?: string;
  precision?: string;
  template?: string;
  series?: string;
  seriesType?: string;
  batched?: boolean;
}

/** `auto`: what each format has by default, ns in line protocol and ms in CSV. */
const PRECISIONS = ["auto", "ns", "us", "ms", "s"] as const satisfies readonly ["auto", ...Precision[]];

export default function (RED: NodeAPI): void {
  register<DecodeConfig>(RED, "vigia-decode", (node, config) => {
    checkVersion(config.version, 1);
    const batched = booleanSetting(config.batched, false);
    const format = choiceSetting(config.format, "format", FORMATS as readonly ["auto", ...Format[]]);
    const precision = choiceSetting(config.precision, "precision", PRECISIONS);
    const decoder = createDecoder(precision === "auto" ? { format } : { format, precision }, clock);
    const template = topicTemplate(textSetting(config.template, "#"));
    const { series } = seriesSetting(RED, node, config);
    const status = statusOf(node);
    const points = new FrameBuilder();
    const add = points.add.bind(points);
    let taken = 0;
    let bad = 0;

    const currentStatus = (): Status => {
      const text = RED._(bad > 0 ? "decode.status.rejecting" : "decode.status.ok", { points: taken, rejected: bad });
      return { fill: bad > 0 ? "yellow" : "green", shape: "dot", text };
    };

    onInput(node, (msg, send) => {
      const name = series?.(msg);
      const names = typeof name === "string" ? template(name) : undefined;
      const context: Context = { series: names?.series ?? name, unit: msg.unit, timestamp: msg.timestamp };
      const tags = { ...names?.tags, ...(msg.tags as object | undefined) };
      if (Object.keys(tags).length > 0) context.tags = tags;

      const { payload } = msg;
      // What a JSON or http node has parsed already is JSON again: one way in.
      const bytes = typeof payload === "string" || payload instanceof Uint8Array ? payload : JSON.stringify(payload);
      const { rejected, unlisted } = decoder.decode(bytes ?? "", context, add);
      taken += points.length;
      bad += rejected.length + unlisted;
      const refused = rejected.map(({ text, error: { code, message } }) => ({
        ...msg,
        payload,
        rejected: { text, code, message },
      }));
      send([frameMessages(points.take(), batched), refused]);
      status(currentStatus);
    });
  });
}
