import type { NodeAPI, NodeDef } from "node-red";
import { type Deviation, Deviations } from "../../lib/deviate/deviation.ts";
import { annotate } from "../../lib/points/annotate.ts";
import { asVigiaError, type VigiaError } from "../../lib/points/error.ts";
import { type Frame, isFrame } from "../../lib/points/frame.ts";
import { pointMessage } from "../../lib/points/messages.ts";
import { type Message, Reader } from "../../lib/points/reader.ts";
import type { SeriesRef } from "../../lib/points/series.ts";
import { missingRows } from "../../lib/state/catch-up.ts";
import { DEFAULT_MAX_SERIES } from "../../lib/state/keyed-state.ts";
import { checkVersion, choiceSetting, durationSetting, numberSetting, textSetting } from "../config.ts";
import { clock, controlOf, onClose, onInput, register, type Status, seriesSetting, statusOf } from "../shell.ts";
import { keepState, storedIn, storeOf } from "../stores.ts";

type DeviationConfig = NodeDef & Record<string, unknown> & { series?: string; seriesType?: string; store?: string };

function normalize(config: DeviationConfig) {
  checkVersion(config.version, 1);
  return {
    as: textSetting(config.as, "deviation"),
    options: {
      clock,
      falseAlarms: numberSetting(config.falseAlarms, "falseAlarms", 2, { min: 0.01, max: 10_000 }),
      holdOff: durationSetting(config.holdOff, "holdOff", "2h", { min: 0 }),
      direction: choiceSetting(config.direction, "direction", ["both", "above", "below"]),
      least: numberSetting(config.least, "least", 0, { min: 0 }),
      // The dialog speaks of per cent.
      leastRelative: numberSetting(config.leastPercent, "leastPercent", 0, { min: 0, max: 10_000 }) / 100,
      warmUp: durationSetting(config.warmUp, "warmUp", "1d", { min: 0 }),
      liveWithin: durationSetting(config.liveWithin, "liveWithin", "10m", { min: 1_000 }),
      zone: textSetting(config.zone, "UTC"),
      maxSeries: numberSetting(config.maxSeries, "maxSeries", DEFAULT_MAX_SERIES, { min: 1, integer: true }),
    },
  };
}

export default function (RED: NodeAPI): void {
  register<DeviationConfig>(RED, "vigia-deviation", (node, config) => {
    const { as, options } = normalize(config);
    const deviations = new Deviations(options);
    const reader = new Reader(clock, seriesSetting(RED, node, config));
    const lease = storeOf(RED, config.store);
    const status = statusOf(node);
    let alerts = 0;

    const currentStatus = (): Status => {
      const { size } = deviations.state;
      const { series, least } = deviations.warming();
      const counts = { n: size, series, alerts, done: Math.floor(least * 100) };
      if (size === 0) return { fill: "grey", shape: "ring", text: RED._("deviation.status.idle") };
      if (series === size) return { fill: "blue", shape: "ring", text: RED._("deviation.status.learning", counts) };
      return { fill: "green", shape: "dot", text: RED._("deviation.status.watching", counts) };
    };
    const showStatus = () => status(currentStatus);
    status(currentStatus);

    function alertMessage(ref: SeriesRef, time: number, value: number, found: Deviation): Message {
      alerts++;
      return { ...pointMessage(ref, time, value), [as]: found };
    }

    function catchUp(frame: Frame, seq: number, strangers = false): Message[] {
      const found: Message[] = [];
      for (const row of missingRows(frame, seq, (key) => deviations.progress(key), strangers)) {
        const [ref, time, value] = [frame.ref(row), frame.times[row]!, frame.values[row]!];
        const result = deviations.add(ref, time, value, seq);
        if (result.alert) found.push(alertMessage(ref, time, value, result));
      }
      return found;
    }

    const kept = keepState(RED, node, deviations.state, {
      beforeSave: () => deviations.beforeSave(),
      restored: () => {
        if (!deviations.afterRestore()) node.warn(RED._("deviation.zone-changed"));
      },
      lease,
      catchUp: (commit, seq) => {
        // Nobody knows whether it was told before the stop; whoever keeps alarms hears the same one twice and knows.
        const found = catchUp(commit, seq);
        if (found.length > 0) node.send([null, found] as never);
      },
      caughtUp: showStatus,
    });

    function control(msg: Message, send: (messages: unknown) => void): boolean {
      const command = controlOf(msg, ["reset", "state"]);
      if (!command) return false;
      const { series } = command;
      const keys = [...deviations.state.entries()].flatMap(([ref]) =>
        series === undefined || ref.series === series ? [ref.key] : [],
      );
      if (command.do === "reset") deviations.reset(keys);
      else send([{ topic: "state", payload: deviations.state.export(keys) }, null]);
      showStatus();
      return true;
    }

    onInput(
      node,
      (msg, send) => {
        if (control(msg, send)) return;
        const stored = storedIn(msg, lease?.file);
        const repeated = kept.repeats(stored);
        const seq = stored?.seq ?? 0;
        const found: Message[] = [];
        let error: VigiaError | undefined;
        const { payload } = msg;
        if (repeated !== undefined) {
          // It was read from the store at the start: it goes on as it came.
          found.push(...catchUp(reader.frame(msg).frame, repeated, true));
        } else if (isFrame(payload)) {
          const reasons: Record<number, string> = {};
          const judged = deviations.addFrame(
            payload,
            as,
            (row, result) => {
              found.push(alertMessage(payload.ref(row), payload.times[row]!, payload.values[row]!, result));
              reasons[row] = result.reason;
            },
            seq,
          );
          msg.payload = payload.with(judged.columns);
          // A Frame has numbers only.
          if (found.length > 0) msg[as] = { reasons };
          error = judged.error;
        } else {
          const results: Deviation[] = [];
          const reading = reader.read(msg, (ref, time, value, row) => {
            try {
              const result = deviations.add(ref, time, value, seq);
              results[row] = result;
              if (result.alert) found.push(alertMessage(ref, time, value, result));
            } catch (thrown) {
              error ??= asVigiaError(thrown);
            }
          });
          if (reading.form && reading.points > 0) annotate(msg, reading.form, as, results);
          error ??= reading.error;
          if (reading.points === 0 && error) throw error;
        }
        kept.seen(stored);
        send([msg, found]);
        showStatus();
        if (error) throw error;
      },
      { ready: kept.ready, maxWaiting: Number(RED.settings.nodeMessageBufferMaxLength ?? 0) },
    );

    onClose(node, async () => {
      await kept.close();
      await lease?.release();
    });
  });
}
