import type { NodeAPI, NodeDef } from "node-red";
import { asVigiaError, type VigiaError } from "../../lib/points/error.ts";
import { FrameBuilder, isFrame } from "../../lib/points/frame.ts";
import { frameMessages } from "../../lib/points/messages.ts";
import { type Message, Reader } from "../../lib/points/reader.ts";
import type { SeriesRef } from "../../lib/points/series.ts";
import { DEFAULT_MAX_SERIES } from "../../lib/state/keyed-state.ts";
import type { Store } from "../../lib/store/types.ts";
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
import { keepState, Results, replayFrom, storedIn, storeOf } from "../stores.ts";

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

/** Smaller than every commit's number: known series have it. */
const NEVER = -1;

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

    let known = 0;
    /** Commits up to this one were read from the store. */
    let replayed = 0;
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

    async function replay(store: Store): Promise<void> {
      const { state } = windows;
      if (state.cursor === undefined) return;
      const { cursor, complete } = await replayFrom(store, state.cursor, (commit, seq) =>
        windows.catchUp(commit, seq, emit),
      );
      replayed = cursor;
      if (!complete) node.warn(RED._("window.replay-gap"));
      state.cursor = cursor;
      take((messages) => node.send(messages as never));
    }

    const kept = keepState(RED, node, windows.state, {
      beforeSave: () => windows.beforeSave(),
      settled: () => results.settled(),
      afterRestore: async (restored) => {
        if (!restored) return;
        windows.afterRestore();
        if (lease) await replay(lease.store).catch((thrown) => node.warn(asVigiaError(thrown).message));
        showStatus();
      },
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
        const seq = stored?.seq ?? 0;
        if (stored && (stored.again || seq <= replayed)) {
          // It was read from the store at the start, unless its KPI was not known then.
          windows.catchUp(reader.frame(msg).frame, stored.again ? NEVER : seq, emit, true);
          take(send);
          return;
        }
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
        if (windows.state.size > known) kept.saveSoon();
        known = windows.state.size;
        if (seq > 0) windows.state.cursor = Math.max(windows.state.cursor ?? 0, seq);
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
