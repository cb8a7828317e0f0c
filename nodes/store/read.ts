import type { NodeAPI, NodeDef } from "node-red";
import { parseDuration } from "../../lib/points/duration.ts";
import { VigiaError } from "../../lib/points/error.ts";
import { frameMessages } from "../../lib/points/messages.ts";
import type { Message } from "../../lib/points/reader.ts";
import { normalizeTags } from "../../lib/points/series.ts";
import { readTime } from "../../lib/points/time.ts";
import type { RangeQuery } from "../../lib/store/types.ts";
import {
  booleanSetting,
  checkVersion,
  choiceSetting,
  durationSetting,
  listSetting,
  numberSetting,
  tagsSetting,
} from "../config.ts";
import { clock, onClose, onInput, register, seriesSetting, statusOf } from "../shell.ts";
import { storeOf } from "../stores.ts";

interface ReadConfig extends NodeDef {
  version?: number;
  store?: string;
  mode?: string;
  series?: string;
  seriesType?: string;
  tags?: string;
  range?: string;
  limit?: number | string;
  output?: string;
  batched?: boolean;
}

/** What a message may ask for instead of the settings: `msg.query`. */
interface Query {
  mode?: unknown;
  series?: unknown;
  tags?: unknown;
  range?: unknown;
  from?: unknown;
  to?: unknown;
  limit?: unknown;
}

const MODES = ["last", "range"] as const;
const MOST = 1_000_000;
const FAR = 100 * 366 * 86_400_000;

function normalize(config: ReadConfig) {
  checkVersion(config.version, 1);
  return {
    mode: choiceSetting(config.mode, "mode", MODES),
    tags: tagsSetting(config.tags, "tags"),
    range: durationSetting(config.range, "range", "1h"),
    limit: numberSetting(config.limit, "limit", 100_000, { min: 1, max: MOST, integer: true }),
    output: choiceSetting(config.output, "output", ["rows", "points"]),
    batched: booleanSetting(config.batched, false),
  };
}

function queryOf(msg: Message): Query {
  const { query = {} } = msg;
  if (typeof query === "object" && query !== null && !Array.isArray(query)) return query;
  throw new VigiaError("bad-query", {
    field: "msg.query",
    value: query,
    allowed: 'an object such as {"mode":"range","series":"plant/#","from":"2026-01-01","limit":100}',
  });
}

export default function (RED: NodeAPI): void {
  register<ReadConfig>(RED, "vigia-read", (node, config) => {
    const settings = normalize(config);
    const { store, release } = storeOf(RED, config.store, true);
    const { series } = seriesSetting(RED, node, {
      series: config.series ?? "#",
      seriesType: config.seriesType ?? "str",
    });
    const status = statusOf(node);

    function range(query: Query): { from: number; to: number } {
      const now = clock.now();
      const to = query.to === undefined ? now + FAR : readTime(query.to, now + FAR, "msg.query.to");
      if (query.from !== undefined) return { from: readTime(query.from, now + FAR, "msg.query.from"), to };
      const back = query.range === undefined ? settings.range : parseDuration(query.range, "msg.query.range");
      return { from: (query.to === undefined ? now : to) - back, to };
    }

    onInput(node, async (msg, send) => {
      const query = queryOf(msg);
      const asked = listSetting(query.series ?? series?.(msg));
      const tags = query.tags === undefined ? settings.tags : normalizeTags(query.tags, "msg.query.tags");
      const filter: RangeQuery = {};
      if (asked.length > 0) filter.series = asked;
      if (tags) filter.tags = tags;
      const mode = query.mode === undefined ? settings.mode : choiceSetting(query.mode, "msg.query.mode", MODES);
      const limit = numberSetting(query.limit, "msg.query.limit", settings.limit, { min: 1, max: MOST, integer: true });
      const frame =
        mode === "last"
          ? await store.last(filter)
          : await store.read({ ...filter, ...range(query), limit, take: "newest" });
      const texts = { n: frame.length.toLocaleString("en") };
      status(() => ({ fill: "green", shape: "dot", text: RED._("read.status.rows", texts) }));
      // One answer a question, also when there is nothing: a flow that waits for it must go on.
      if (settings.batched) send({ ...msg, payload: frame });
      else if (settings.output === "rows") send({ ...msg, payload: Array.from(frame) });
      else send([frameMessages(frame, false)]);
    });

    onClose(node, release);
  });
}
