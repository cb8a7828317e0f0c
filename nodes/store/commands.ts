import type { NodeAPI } from "node-red";
import { VigiaError } from "../../lib/points/error.ts";
import { seriesFilter } from "../../lib/points/pattern.ts";
import { normalizeTags } from "../../lib/points/series.ts";
import { readTime } from "../../lib/points/time.ts";
import type { DeleteQuery, Store } from "../../lib/store/types.ts";
import { booleanSetting, listSetting, tagsSetting, textSetting } from "../config.ts";
import { storePath } from "../shared.ts";
import type { Control } from "../shell.ts";

export const COMMANDS = [
  "backup",
  "restore",
  "snapshot",
  "snapshots",
  "drop-snapshot",
  "delete",
  "check",
  "state",
] as const;

const FAR = 100 * 366 * 86_400_000;

/** @throws VigiaError `bad-control` */
function needed(command: Control, name: string, allowed: string): string {
  const text = typeof command[name] === "string" ? textSetting(command[name]) : "";
  if (text !== "") return text;
  throw new VigiaError("bad-control", { field: `msg.control.${name}`, value: command[name], allowed });
}

/** Nobody empties a store by leaving something out. @throws VigiaError `bad-control`, `bad-pattern`, `bad-time`, … */
function deletionOf(command: Control, now: number): DeleteQuery {
  const query: DeleteQuery = {};
  const series = listSetting(command.series);
  if (series.length > 0) query.series = series;
  seriesFilter(query, "msg.control.series");
  const { tags } = command;
  const read =
    typeof tags === "string" ? tagsSetting(tags, "msg.control.tags") : normalizeTags(tags, "msg.control.tags");
  if (read) query.tags = read;
  for (const end of ["from", "to"] as const) {
    const time = command[end];
    if (time !== undefined && time !== null) query[end] = readTime(time, now + FAR, `msg.control.${end}`);
  }
  const chosen = query.tags || query.from !== undefined || query.to !== undefined;
  if (chosen || (series.length > 0 && !series.includes("#")) || booleanSetting(command.all, false)) return query;
  throw new VigiaError("bad-control", {
    field: "msg.control",
    value: command,
    allowed: "a delete with series, tags, from or to; all: true with it takes every point away",
  });
}

/** Does what a message asks of the store; gives the answer. @throws VigiaError `bad-control`; as `Store` */
export async function runCommand(RED: NodeAPI, store: Store, command: Control, now: number): Promise<unknown> {
  const file = () => storePath(RED, needed(command, "file", "the name of a file, such as vigia/backup.db"));
  const name = () => needed(command, "name", "the name of a snapshot");
  switch (command.do as (typeof COMMANDS)[number]) {
    case "backup": {
      const to = file();
      await store.backup(to);
      return { file: to };
    }
    case "restore": {
      const from = file();
      await store.restore(from);
      return { file: from };
    }
    case "snapshot":
      await store.snapshot(name());
      return { name: name() };
    case "snapshots":
      return store.snapshots();
    case "drop-snapshot":
      await store.dropSnapshot(name());
      return { name: name() };
    case "delete":
      return { deleted: await store.delete(deletionOf(command, now)) };
    case "check":
      return store.check();
    case "state":
      return store.stats();
  }
}
