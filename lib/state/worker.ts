// The thread that owns the state file: its fsync must not hold up the flows.
import { parentPort, workerData } from "node:worker_threads";
import { serve } from "../work/rpc.ts";
import type { Changes, Snapshot } from "./keyed-state.ts";
import { StateFile } from "./state-file.ts";

export type StateApi = {
  load(request: { node: string; now: number }): Snapshot | undefined;
  save(request: { node: string; changes: Changes; now: number }): void;
  forget(request: { node: string; now: number }): void;
  close(request: object): void;
};

const { file } = workerData as { file: string };
let opened: StateFile | undefined;
// Opened at the first request, so that a folder that is not writable is an answer and not a dead thread.
const open = (now: number) => {
  opened ??= new StateFile(file, now);
  return opened;
};

serve<StateApi>(parentPort!, {
  load: ({ node, now }) => open(now).load(node),
  save: ({ node, changes, now }) => open(now).save(node, changes, now),
  forget: ({ node, now }) => open(now).forget(node),
  close: () => opened?.close(),
});
