// The thread that owns the state file: its fsync must not hold up the flows.
import { parentPort, workerData } from "node:worker_threads";
import { serve } from "../work/rpc.ts";
import type { Changes, Snapshot } from "./keyed-state.ts";
import { StateFile } from "./state-file.ts";

export type StateApi = {
  load(request: { node: string }): Snapshot | undefined;
  save(request: { node: string; changes: Changes; now: number }): void;
  forget(request: { node: string }): void;
  close(request: { now: number }): void;
};

const { file } = workerData as { file: string };
let opened: StateFile | undefined;
// Opened at the first request, so that a folder that is not writable is an answer and not a dead thread.
const open = () => {
  opened ??= new StateFile(file);
  return opened;
};

serve<StateApi>(parentPort!, {
  load: ({ node }) => open().load(node),
  save: ({ node, changes, now }) => open().save(node, changes, now),
  forget: ({ node }) => open().forget(node),
  close: ({ now }) => opened?.close(now),
});
