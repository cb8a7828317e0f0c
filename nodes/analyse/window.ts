import type { NodeAPI, NodeDef } from "node-red";
import { asVigiaError, type VigiaError } from "../../lib/points/error.ts";
import { type Frame, FrameBuilder, isFrame } from "../../lib/points/frame.ts";
import { frameMessages } from "../../lib/points/messages.ts";
import { type Message, Reader } from "../../lib/points/reader.ts";
import type { SeriesRef } from "../../lib/points/series.ts";
import { missingRows } from "../../lib/state/catch-up.ts";
import { DEFAULT_MAX_SERIES } from "../../lib/state/keyed-state.ts";
import { type AggregateName, checkAggregates } from "../../lib/window/aggregate.ts";
import { TumblingWindows } from "../../lib/window/tumbling.ts";
import { booleanSetting, checkVersion, choiceSetting, durationSetting, listSetting, numberSetting } from "../config.ts";
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
import { keepState, Results, storedIn, storeOf } from "../stores.ts";

interface WindowConfig extends NodeDef {
  version?: number;
  every?: string;
  lateness?: string;
  aggregates?: string | string[];
  stamp?: string;
  series?: string;
  seriesType?: string;
  store?: string;
  batched?: boolean;
  maxSeries?: number;
}

function normalize(config: WindowConfig) {
  checkVersion(config.version, 1);
  const names = listSetting(config.aggregates);
  return {
    every: durationSetting(config.every, "every", "1m", { min: 100, max: 366 * 86_400_000 }),
    lateness: durationSetting(config.lateness, "lateness", "5s", { min: 0 }),
    aggregates: checkAggregates(names.length > 0 ? names : ["mean"]) as AggregateName[],
    stamp: choiceSetting(config.stamp, "stamp", ["start", "end"]),
    batched: booleanSetting(config.batched, false),
    maxSeries: numberSetting(config.maxSeries, "maxSeries", DEFAULT_MAX_SERIES, { min: 1, integer: true }),
  };
}

export default function (RED: NodeAPI): void {
  register<WindowConfig>(RED, "vigia-window", (node, config) => {
    const { batched, ...options } = normalize(config);
    const windows = new TumblingWindows(options);
    const reader = new Reader(clock, seriesSetting(RED, node, config));
    const lease = storeOf(RED, config.store);
    const status = statusOf(node);
    const made = new FrameBuilder();
    const emit = made.add.bind(made);

    const currentStatus = (): Status => {
      const { late, state } = windows;
      const text = RED._(late > 0 ? "window.status.late" : "window.status.ok", { n: state.size, late });
      return { fill: late > 0 ? "yellow" : "green", shape: "dot", text };
    };
    const showStatus = () => status(currentStatus);

    const results = new Results(node, lease, batched);
    const take = (send: Send) => {
      if (made.length > 0) results.send(made.take(), (messages) => send([messages, null]));
    };

    function catchUp(frame: Frame, seq: number, strangers = false): void {
      for (const row of missingRows(frame, seq, (key) => windows.progress(key), strangers)) {
        windows.add(frame.ref(row), frame.times[row]!, frame.values[row]!, emit, seq);
      }
    }

    const kept = keepState(RED, node, windows.state, {
      beforeSave: () => windows.beforeSave(),
      restored: () => windows.afterRestore(),
      lease,
      catchUp,
      caughtUp: () => {
        take((messages) => node.send(messages as never));
        showStatus();
      },
      settled: () => results.settled(),
    });

    function control(msg: Message, send: Send): boolean {
      const command = controlOf(msg, ["reset", "flush", "state"]);
      if (!command) return false;
      if (command.do === "flush") windows.flush(emit);
      else if (command.do === "reset") windows.reset(keysOf(command.series));
      else send([{ topic: "state", payload: windows.state.export(keysOf(command.series)) }, null]);
      take(send);
      showStatus();
      return true;
    }

    const keysOf = (series: string | undefined) =>
      series === undefined
        ? undefined
        : [...windows.state.entries()].filter(([ref]) => ref.series === series).map(([ref]) => ref.key);

    onInput(
      node,
      (msg, send) => {
        if (control(msg, send)) return;
        const stored = storedIn(msg, lease?.file);
        const repeated = kept.repeats(stored);
        if (repeated !== undefined) {
          catchUp(reader.frame(msg).frame, repeated, true);
          take(send);
          return;
        }
        const seq = stored?.seq ?? 0;
        let late: FrameBuilder | undefined;
        const keepLate = (ref: SeriesRef, time: number, value: number) => {
          late ??= new FrameBuilder(4);
          late.add(ref, time, value);
        };
        const { payload } = msg;
        let error: VigiaError | undefined;
        if (isFrame(payload)) {
          error = windows.addFrame(payload, emit, seq, (row) =>
            keepLate(payload.ref(row), payload.times[row]!, payload.values[row]!),
          );
        } else {
          const reading = reader.read(msg, (ref, time, value) => {
            try {
              if (!windows.add(ref, time, value, emit, seq)) keepLate(ref, time, value);
            } catch (thrown) {
              error ??= asVigiaError(thrown);
            }
          });
          error ??= reading.error;
        }
        kept.seen(stored);
        take(send);
        if (late) send([null, frameMessages(late.take(), batched)]);
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
