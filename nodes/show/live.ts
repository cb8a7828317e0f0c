import type { NodeAPI, NodeDef } from "node-red";
import { readAssets } from "../../lib/live/assets.ts";
import { Feed } from "../../lib/live/feed.ts";
import { serveLive } from "../../lib/live/serve.ts";
import { asVigiaError, VigiaError } from "../../lib/points/error.ts";
import { seriesFilter } from "../../lib/points/pattern.ts";
import { Reader } from "../../lib/points/reader.ts";
import { DEFAULT_MAX_SERIES } from "../../lib/state/keyed-state.ts";
import { checkVersion, durationSetting, listSetting, numberSetting, textSetting, zoneSetting } from "../config.ts";
import { clock, controlOf, onClose, onInput, register, seriesSetting, statusOf } from "../shell.ts";
import { storeOf } from "../stores.ts";
import { mount } from "./mount.ts";

interface LiveConfig extends NodeDef {
  version?: number;
  path?: string;
  store?: string;
  kpis?: string | string[];
  series?: string;
  seriesType?: string;
  range?: string;
  zone?: string;
  maxSeries?: number;
}

/** The page is bundled by the build; run from source it is the last one built. */
const PAGE = new URL(import.meta.url.endsWith(".ts") ? "../../dist/nodes/show/page/" : "./page/", import.meta.url);

function pathSetting(raw: unknown): string {
  const path = textSetting(raw, "live").replace(/^\/+|\/+$/g, "");
  if (/^[\w-]+(?:\/[\w-]+)*$/.test(path) && path.length <= 100) return path;
  throw new VigiaError("bad-setting", {
    field: "path",
    value: raw,
    allowed: "letters, digits, - and _, with / between several parts, up to 100 characters",
  });
}

function patternsSetting(raw: unknown): string[] {
  const patterns = listSetting(raw);
  for (const series of patterns) seriesFilter({ series }, "kpis");
  return patterns;
}

function normalize(config: LiveConfig) {
  checkVersion(config.version, 1);
  return {
    path: pathSetting(config.path),
    settings: {
      name: textSetting(config.name),
      zone: zoneSetting(config.zone, "zone"),
      range: durationSetting(config.range, "range", "5m", { min: 10_000, max: 20 * 365 * 86_400_000 }),
    },
    kpis: patternsSetting(config.kpis),
    maxSeries: numberSetting(config.maxSeries, "maxSeries", DEFAULT_MAX_SERIES, { min: 1, integer: true }),
  };
}

export default function (RED: NodeAPI): void {
  register<LiveConfig>(RED, "vigia-live", (node, config) => {
    const { path, settings, kpis, maxSeries } = normalize(config);
    const reader = new Reader(clock, seriesSetting(RED, node, config));
    const assets = readAssets(PAGE);
    const lease = storeOf(RED, config.store);
    const status = statusOf(node);
    let takeDown = () => {};

    const showStatus = () =>
      status(() => {
        const { series, viewers } = feed;
        const text = RED._(`live.status.${viewers === 1 ? "viewer" : "viewers"}`, { kpis: series, viewers });
        return { fill: series > 0 ? "green" : "grey", shape: viewers > 0 ? "dot" : "ring", text };
      });
    const newFeed = () => new Feed(clock, { store: lease?.store, kpis, maxSeries, onChange: showStatus });
    let feed = newFeed();

    onClose(node, async () => {
      takeDown();
      feed.close();
      await lease?.release();
    });
    takeDown = mount(RED, path, node.name || node.id, (req, res, file, query) =>
      serveLive({ feed, settings, assets }, req, res, file, query),
    );
    showStatus();

    onInput(node, (msg) => {
      if (controlOf(msg, ["reset"])) {
        feed.close();
        feed = newFeed();
        showStatus();
        return;
      }
      let refused: VigiaError | undefined;
      const reading = reader.read(msg, (ref, time, value) => {
        try {
          feed.add(ref, time, value);
        } catch (thrown) {
          refused ??= asVigiaError(thrown);
        }
      });
      const error = refused ?? reading.error;
      if (error) throw error;
    });
  });
}
