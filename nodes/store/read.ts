import type { NodeAPI } from "node-red";
import type { Frame } from "../../lib/points/frame.ts";
import { frameMessages } from "../../lib/points/messages.ts";
import type { Message } from "../../lib/points/reader.ts";
import { answer, pieces, type Question } from "../../lib/store/history.ts";
import { chartOf, pointsOf, rowsOf, thinForChart } from "../../lib/store/shapes.ts";
import { Turns } from "../../lib/work/turns.ts";
import { clock, controlOf, onClose, onInput, register, type Send, seriesSetting, statusOf } from "../shell.ts";
import { storeOf } from "../stores.ts";
import { Pace } from "./pace.ts";
import { ask, normalize, type ReadConfig } from "./read-question.ts";
import { keepSeen } from "./seen.ts";

export default function (RED: NodeAPI): void {
  register<ReadConfig>(RED, "vigia-read", (node, config) => {
    const settings = normalize(config, clock.now());
    const { output, pieceRows } = settings;
    const { store, release } = storeOf(RED, config.store, true);
    const { series = () => "#", seriesField = "series" } = seriesSetting(RED, node, {
      series: config.series ?? "#",
      seriesType: config.seriesType ?? "str",
    });
    const seen = settings.onlyChanged ? keepSeen(RED, node) : undefined;
    const pace = new Pace(settings.handshake);
    const turns = new Turns(Number(RED.settings.nodeMessageBufferMaxLength ?? 0));
    const status = statusOf(node);
    let closing = false;

    const say = (key: string, n = 0) =>
      status(() => ({ fill: "green", shape: "dot", text: RED._(`read.status.${key}`, { n: n.toLocaleString("en") }) }));

    function payloadOf(frame: Frame, question: Question): unknown {
      if (output === "rows") return rowsOf(frame, question);
      const points = pointsOf(frame, question);
      return output === "frame" ? points : Array.from(points);
    }

    function give(msg: Message, send: Send, frame: Frame, question: Question, parts?: object): void {
      if (output === "messages") send([frameMessages(pointsOf(frame, question), false)]);
      else send({ ...msg, payload: payloadOf(frame, question), ...(parts && { parts }) });
    }

    async function giveChart(msg: Message, send: Send, question: Question): Promise<number> {
      const frame = question.mode === "range" ? await thinForChart(store, question) : await answer(store, question);
      const { _msgid, topic } = msg;
      // The chart keeps a copy of the message with each row.
      send({ _msgid, topic, payload: chartOf(frame, question), action: "replace" });
      return frame.length;
    }

    /** Parts as the core nodes know them: how many there are is said by the last one. */
    async function givePieces(msg: Message, send: Send, question: Question): Promise<number> {
      const id = RED.util.generateId();
      const outer = msg.parts === undefined ? {} : { parts: msg.parts };
      let index = 0;
      let n = 0;
      for await (const { frame, last } of pieces(store, question, pieceRows)) {
        if (pace.stopped || closing) break;
        const count = last ? { count: index + 1 } : {};
        give(msg, send, frame, question, { id, type: "array", len: pieceRows, index, ...count, ...outer });
        n += frame.length;
        index++;
        if (last) break;
        say("piece", index);
        await pace.taken();
      }
      return n;
    }

    async function giveAnswer(msg: Message, send: Send, question: Question): Promise<number> {
      if (output === "chart") return giveChart(msg, send, question);
      if (pieceRows > 0 && question.mode !== "last") return givePieces(msg, send, question);
      const frame = await answer(store, question);
      // One answer a question, also when there is nothing: a flow that waits for it must go on.
      give(msg, send, frame, question);
      return frame.length;
    }

    async function read(msg: Message, send: Send): Promise<void> {
      if (closing) return;
      pace.begin();
      const { question, id } = ask(settings, { value: series(msg), field: seriesField }, msg, clock.now());
      // Asked before the rows are read: what comes in between is told once more rather than not at all.
      const now = seen && JSON.stringify([await store.fingerprint(question.choice), id, output]);
      if (now !== undefined && seen!.is(now)) {
        say("up-to-date");
        return;
      }
      const n = await giveAnswer(msg, send, question);
      if (pace.stopped) {
        say("stopped", n);
        return;
      }
      if (now !== undefined) seen!.set(now);
      say("rows", n);
    }

    onInput(
      node,
      (msg, send) => {
        const command = controlOf(msg, ["next", "stop", "reset"]);
        if (!command) return turns.run(() => read(msg, send));
        if (command.do === "next") pace.next();
        else if (command.do === "stop") pace.stop();
        else seen?.forget();
      },
      { ...(seen && { ready: seen.ready }), maxWaiting: Number(RED.settings.nodeMessageBufferMaxLength ?? 0) },
    );

    onClose(node, async () => {
      closing = true;
      pace.stop();
      await turns.idle();
      await seen?.close();
      await release();
    });
  });
}
