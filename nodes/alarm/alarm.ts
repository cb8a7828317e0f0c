import type { NodeAPI, NodeDef } from "node-red";
import { Alarms, type Standing } from "../../lib/alarm/alarms.ts";
import { Courier } from "../../lib/alarm/courier.ts";
import { evidenceOf, reasonsOf } from "../../lib/alarm/evidence.ts";
import { parseRules, type When } from "../../lib/alarm/rule.ts";
import { SEVERITIES, type Severity } from "../../lib/alarm/severity.ts";
import { annotate, annotationsOf } from "../../lib/points/annotate.ts";
import { asVigiaError, type VigiaError } from "../../lib/points/error.ts";
import { type Frame, isFrame } from "../../lib/points/frame.ts";
import { type Message, Reader } from "../../lib/points/reader.ts";
import { missingRows } from "../../lib/state/catch-up.ts";
import { DEFAULT_MAX_SERIES } from "../../lib/state/keyed-state.ts";
import { checkVersion, choiceSetting, durationSetting, numberSetting, textSetting } from "../config.ts";
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
import { keepState, storedIn, storeOf } from "../stores.ts";

type AlarmConfig = NodeDef & Record<string, unknown> & { series?: string; seriesType?: string; store?: string };

/** The default comes first, then from the least severe on. */
const NODATA_SEVERITIES: [Severity, ...Severity[]] = ["warning", ...SEVERITIES];

const NEED_DEVIATION: readonly When[] = ["band", "score", "alert"];

function noDataSetting(raw: unknown): "off" | "learned" | number {
  const text = textSetting(raw, "off");
  return text === "off" || text === "learned" ? text : durationSetting(text, "noData (off, learned or a duration)", "");
}

function normalize(config: AlarmConfig) {
  checkVersion(config.version, 1);
  return {
    as: textSetting(config.as, "alarm") || "alarm",
    deviation: textSetting(config.deviation, "deviation") || "deviation",
    options: {
      clock,
      alarm: textSetting(config.alarm) || textSetting(config.name) || "alarm",
      rules: parseRules(config.rules),
      noData: noDataSetting(config.noData),
      noDataSeverity: choiceSetting(config.noDataSeverity, "noDataSeverity", NODATA_SEVERITIES),
      liveWithin: durationSetting(config.liveWithin, "liveWithin", "10m", { min: 1_000 }),
      zone: textSetting(config.zone) || undefined,
      maxSeries: numberSetting(config.maxSeries, "maxSeries", DEFAULT_MAX_SERIES, { min: 1, integer: true }),
    },
  };
}

/** Names of the alarms that run: their series are told apart by it. */
const names = new Map<string, number>();

export default function (RED: NodeAPI): void {
  register<AlarmConfig>(RED, "vigia-alarm", (node, config) => {
    const { as, deviation, options } = normalize(config);
    const { alarm } = options;
    const alarms = new Alarms({
      ...options,
      onDue: () => {
        courier.flush();
        showStatus();
      },
    });
    const reader = new Reader(clock, seriesSetting(RED, node, config));
    const lease = storeOf(RED, config.store);
    const status = statusOf(node);
    // A limit needs nobody before it; rules of the other kinds never hold without a deviation node.
    let deaf = options.rules.every(({ when }) => NEED_DEVIATION.includes(when));

    const currentStatus = (): Status => {
      const counts = alarms.counts();
      if (counts.series === 0) return { fill: "blue", shape: "ring", text: RED._("alarm.status.idle") };
      if (deaf)
        return { fill: "yellow", shape: "ring", text: RED._("alarm.status.no-deviation", { n: counts.series }) };
      const parts = [RED._("alarm.status.watching", { n: counts.series })];
      if (counts.firing > 0) parts.push(RED._("alarm.status.firing", { n: counts.firing }));
      if (counts.pending > 0) parts.push(RED._("alarm.status.pending", { n: counts.pending }));
      if (counts.silent > 0) parts.push(RED._("alarm.status.silent", { n: counts.silent }));
      const fill = counts.firing > 0 ? "red" : counts.silent > 0 ? "yellow" : "green";
      return { fill, shape: "dot", text: parts.join(" · ") };
    };
    const showStatus = () => status(currentStatus);
    status(currentStatus);

    function catchUp(frame: Frame, seq: number, strangers = false): void {
      for (const row of missingRows(frame, seq, (key) => alarms.progress(key), strangers)) {
        alarms.add(frame.ref(row), frame.times[row]!, frame.values[row]!, undefined, seq);
      }
    }

    const kept = keepState(RED, node, alarms.state, { beforeSave: () => alarms.beforeSave(), lease, catchUp });
    const courier = new Courier({
      alarms,
      clock,
      save: () => kept.save(),
      send: (events) =>
        node.send([events.map((event) => ({ topic: event.series, payload: { ...event } })), null] as never),
    });
    const ready = kept.ready.then(() => {
      alarms.resume();
      courier.flush();
      showStatus();
    });

    const others = names.get(alarm) ?? 0;
    names.set(alarm, others + 1);
    if (others > 0) node.warn(RED._("alarm.same-name", { alarm }));

    function control(msg: Message, send: Send): boolean {
      const command = controlOf(msg, ["reset", "state"]);
      if (!command) return false;
      const { series } = command;
      if (command.do === "state") send([null, { topic: "state", payload: alarms.open(series) }]);
      else if (series === undefined) alarms.reset();
      else alarms.reset(Array.from(alarms.state.entries(), ([ref]) => (ref.series === series ? [ref.key] : [])).flat());
      return true;
    }

    /** Judges the points of a message and annotates it; gives the first thing that was wrong. */
    function judge(msg: Message): VigiaError | undefined {
      const stored = storedIn(msg, lease?.file);
      const repeated = kept.repeats(stored);
      const seq = stored?.seq ?? 0;
      let error: VigiaError | undefined;
      if (repeated !== undefined) {
        // It was read from the store at the start: it goes on as it came.
        catchUp(reader.frame(msg).frame, repeated, true);
      } else if (isFrame(msg.payload)) {
        const columns = Object.keys(msg.payload.columns);
        if (deaf) deaf = !columns.some((name) => name.startsWith(`${deviation}.`));
        const judged = alarms.addFrame(msg.payload, as, deviation, seq, reasonsOf(msg[deviation]));
        msg.payload = msg.payload.with(judged.columns);
        error = judged.error;
      } else {
        const standings: Standing[] = [];
        const found = annotationsOf(msg, deviation);
        const reading = reader.read(msg, (ref, time, value, row) => {
          try {
            const annotation = found(row);
            if (annotation !== undefined) deaf = false;
            standings[row] = alarms.add(ref, time, value, evidenceOf(annotation), seq);
          } catch (thrown) {
            error ??= asVigiaError(thrown);
          }
        });
        if (reading.form && reading.points > 0) annotate(msg, reading.form, as, standings);
        error ??= reading.error;
        if (reading.points === 0 && error) throw error;
      }
      kept.seen(stored);
      return error;
    }

    onInput(
      node,
      (msg, send) => {
        let error: VigiaError | undefined;
        if (!control(msg, send)) {
          error = judge(msg);
          send([null, msg]);
        }
        showStatus();
        const told = courier.flush();
        if (!error) return told;
        const failed = error;
        return Promise.resolve(told).then(() => {
          throw failed;
        });
      },
      { ready, maxWaiting: Number(RED.settings.nodeMessageBufferMaxLength ?? 0) },
    );

    onClose(node, async () => {
      const left = names.get(alarm)! - 1;
      if (left > 0) names.set(alarm, left);
      else names.delete(alarm);
      alarms.stop();
      await ready;
      alarms.stop();
      await courier.close();
      await kept.close();
      await lease?.release();
    });
  });
}
