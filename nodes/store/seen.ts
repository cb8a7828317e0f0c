import type { Node, NodeAPI } from "node-red";
import { seriesRef } from "../../lib/points/series.ts";
import { KeyedState, type RecordKind } from "../../lib/state/keyed-state.ts";
import { keepState } from "../stores.ts";

interface Answered {
  id: string;
}

const kind: RecordKind<Answered> = {
  version: 1,
  create: () => ({ id: "" }),
  save: ({ id }) => id,
  load: (id) => ({ id: String(id) }),
};

/** What was answered last, also before a restart. */
export function keepSeen(RED: NodeAPI, node: Node) {
  const state = new KeyedState(kind, 1);
  const last = seriesRef("last answer");
  const kept = keepState(RED, node, state, { beforeSave: () => {} });
  return {
    ready: kept.ready,
    is: (id: string) => state.peek(last.key)?.id === id,
    set(id: string) {
      state.get(last).id = id;
      kept.seen(undefined);
    },
    forget: () => void state.drop(),
    close: () => kept.close(),
  };
}
