import type { NodeAPI, NodeDef } from "node-red";
import { parseDuration } from "../../lib/points/duration.ts";
import { VigiaError } from "../../lib/points/error.ts";
import type { Frame } from "../../lib/points/frame.ts";
import { frameMessages } from "../../lib/points/messages.ts";
import { seriesRef } from "../../lib/points/series.ts";
import { readTime } from "../../lib/points/time.ts";
import { CsvRecording } from "../../lib/replay/csv.ts";
import { inRealTime, Player, type PlayerSnapshot, TIMES } from "../../lib/replay/player.ts";
import { PRESET_NAMES, readKpis, syntheticConfig } from "../../lib/replay/presets.ts";
import { ANOMALY_KINDS, type Injected, Synthetic } from "../../lib/replay/synthetic.ts";
import { type Json, KeyedState } from "../../lib/state/keyed-state.ts";
import { booleanSetting, checkVersion, choiceSetting, durationSetting, numberSetting, textSetting } from "../config.ts";
import { storePath } from "../shared.ts";
import { type Control, clock, controlOf, onClose, onInput, register, type Status, statusOf } from "../shell.ts";
import { keepState, type Stored, storeOf } from "../stores.ts";

/** What is played, and how: a place in one recording means nothing in another. */
const RECORDING_SETTINGS = [
  ...["source", "kpis", "custom", "every", "copies", "seed", "anomalies", "gaps"],
  ...["file", "precision", "series", "times", "loop", "history"],
];

type ReplayConfig = NodeDef & Record<string, unknown>;

/** Where it was, as it is saved. */
interface Saved {
  settings: string;
  /** When the trend of synthetic KPIs is 0: the day on which they began. */
  origin: number;
  player: PlayerSnapshot;
  injected: readonly Injected[];
}

const DAY = 86_400_000;
const COMMANDS = ["start", "stop", "pause", "resume", "seek", "anomaly", "state", "reset"];
const PLACE = seriesRef("replay");
const FILLS = { playing: "green", paused: "yellow", stopped: "grey", ended: "grey", failed: "red" } as const;

const optionalDuration = (raw: unknown, field: string) =>
  textSetting(raw) === "" ? undefined : durationSetting(raw, field, "", { min: 1_000 });

function normalize(RED: NodeAPI, config: ReplayConfig) {
  checkVersion(config.version, 1);
  const series = textSetting(config.series);
  const player = {
    times: choiceSetting(config.times, "times", TIMES),
    history: durationSetting(config.history, "history", "0s", { min: 0, max: 3_660 * DAY }),
    speed: config.speed === "max" ? Infinity : numberSetting(config.speed, "speed", 1, { min: 1e-3, max: 1e9 }),
    loop: booleanSetting(config.loop, false),
  };
  const fromFile = choiceSetting(config.source, "source", ["synthetic", "file"]) === "file";
  return {
    player,
    settings: JSON.stringify(RECORDING_SETTINGS.map((name) => config[name])),
    batched: booleanSetting(config.batched, false),
    autostart: booleanSetting(config.autostart, true),
    file: fromFile ? fileSettings(RED, config, series) : undefined,
    synthetic: fromFile ? undefined : syntheticSettings(config, series),
  };
}

function fileSettings(RED: NodeAPI, config: ReplayConfig, series: string) {
  const file = textSetting(config.file);
  if (file === "") throw new VigiaError("bad-setting", { field: "file", value: file, allowed: "path of a CSV file" });
  const precision = choiceSetting(config.precision, "precision", ["ms", "s", "us", "ns"]);
  return { file: storePath(RED, file), series, precision };
}

function syntheticSettings(config: ReplayConfig, series: string) {
  const kpis = choiceSetting(config.kpis, "kpis", [...PRESET_NAMES, "custom"]);
  return {
    kpis: kpis === "custom" ? readKpis(config.custom, "custom") : kpis,
    series,
    copies: numberSetting(config.copies, "copies", 1, { min: 1, max: 100_000, integer: true }),
    seed: numberSetting(config.seed, "seed", 1),
    step: durationSetting(config.every, "every", "10s", { min: 10, max: 366 * DAY }),
    anomalies: optionalDuration(config.anomalies, "anomalies"),
    gaps: optionalDuration(config.gaps, "gaps"),
  };
}

/** An anomaly that begins now. @throws VigiaError `bad-setting`, `bad-duration` */
function anomalyOf({ kind = "shift", for: length = "10m", series, size }: Control): Injected {
  const anomaly: Injected = {
    kind: choiceSetting(kind, "msg.control.kind", ANOMALY_KINDS),
    at: clock.now(),
    for: parseDuration(length, "msg.control.for"),
  };
  if (series !== undefined) anomaly.series = series;
  if (size !== undefined) anomaly.size = numberSetting(size, "msg.control.size", 0);
  return anomaly;
}

export default function (RED: NodeAPI): void {
  register<ReplayConfig>(RED, "vigia-replay", (node, config) => {
    const { player: options, settings, batched, autostart, file, synthetic } = normalize(RED, config);
    const lease = storeOf(RED, config.store as string | undefined);
    const status = statusOf(node);
    let origin = Math.floor(clock.now() / DAY) * DAY;
    let player: Player | undefined;
    let reason = "";

    const makeSynthetic = () => (synthetic ? new Synthetic(syntheticConfig({ ...synthetic, origin })) : undefined);
    let made = makeSynthetic();

    function makeFile(): CsvRecording {
      return new CsvRecording({
        ...file!,
        clock,
        onRejected: (rows, more) => {
          node.warn(RED._("replay.rejected", { n: rows.length + more, reason: rows[0]!.error.message }));
        },
      });
    }

    function currentStatus(): Status {
      const { state, points, recorded } = player!.state;
      const at = recorded === null || synthetic ? "" : new Date(recorded).toISOString().slice(0, 16).replace("T", " ");
      const text = RED._(`replay.status.${state}`, { points: points.toLocaleString("en"), at, reason });
      return { fill: FILLS[state], shape: state === "playing" ? "dot" : "ring", text: text.trim() };
    }

    const showStatus = () => {
      if (player) status(currentStatus);
    };

    async function emit(frame: Frame, more: boolean): Promise<void> {
      const messages = frameMessages(frame, batched);
      if (lease) {
        const appended = lease.store.append(frame);
        if (more) lease.store.flush();
        const { seq } = await appended;
        for (const msg of messages) msg.stored = { file: lease.file, seq } satisfies Stored;
      }
      node.send([messages] as never);
    }

    const state = new KeyedState<{ saved?: Saved }>({
      version: 1,
      create: () => ({}),
      save: ({ saved }) => (saved ?? null) as unknown as Json,
      load: (data) => ({ saved: data as unknown as Saved }),
    });

    function open(): void {
      const found = state.peek(PLACE.key)?.saved;
      const saved = found?.settings === settings ? found : undefined;
      if (saved && saved.origin !== origin) {
        origin = saved.origin;
        made = makeSynthetic();
      }
      if (saved) made?.inject(saved.injected);
      const recording = made ?? makeFile();
      const speed = inRealTime({ ...options, recording }) ? 1 : options.speed;
      player = new Player({
        ...options,
        speed,
        recording,
        clock,
        emit,
        onChange: showStatus,
        onError: (error) => {
          reason = error.message;
          showStatus();
          node.error(error, {});
        },
      });
      if (saved) player.restore(saved.player);
      else if (autostart) player.start();
      if (player.state.state === "failed") player.resume();
      showStatus();
    }

    let last = "";
    const kept = keepState(RED, node, state, {
      beforeSave: () => {
        if (!player) return;
        const saved = { settings, origin, player: player.snapshot(), injected: made?.injected ?? [] };
        const text = JSON.stringify(saved);
        if (text !== last) state.get(PLACE).saved = saved;
        last = text;
      },
    });
    // Not before all the nodes are there that are to get the points.
    let started = () => {};
    const flows = new Promise<void>((resolve) => {
      started = resolve;
    });
    RED.events.once("flows:started", started);
    let closed = false;
    const ready = Promise.all([kept.ready, flows]).then(() => closed || open());

    function control(command: Control, send: (messages: unknown) => void): void {
      const own = player!;
      if (command.do === "start" || command.do === "reset") own.start();
      else if (command.do === "stop") void own.stop();
      else if (command.do === "pause") own.pause();
      else if (command.do === "resume") own.resume();
      else if (command.do === "seek") own.seek(readTime(command.time, clock.now() + 3_660 * DAY, "msg.control.time"));
      else if (command.do === "state")
        send({ topic: "state", payload: { ...own.state, injected: made?.injected ?? [] } });
      else if (made) {
        made.inject([anomalyOf(command)]);
        own.refresh();
      } else throw new VigiaError("bad-control", "an anomaly can only be added to synthetic KPIs, not to a file");
    }

    onInput(
      node,
      (msg, send) => {
        const command = controlOf(msg, COMMANDS);
        const allowed = `an object such as {"do":"start"}: ${COMMANDS.join(", ")}`;
        if (!command) throw new VigiaError("bad-control", { field: "msg.control", value: undefined, allowed });
        control(command, send);
      },
      { ready, maxWaiting: Number(RED.settings.nodeMessageBufferMaxLength ?? 0) },
    );

    onClose(node, async () => {
      closed = true;
      RED.events.off("flows:started", started);
      // A store that cannot write just now must not hold the deploy up; what it did not take comes again.
      await Promise.race([player?.close(), new Promise<void>((resolve) => clock.after(2_000, resolve))]);
      await kept.close();
      await lease?.release();
    });
  });
}
