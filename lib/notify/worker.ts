// The thread that owns the file of the queue: its fsync must not hold up the flows.
import { existsSync, renameSync, rmSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { VigiaError } from "../points/error.ts";
import { serve } from "../work/rpc.ts";
import { isDamaged, isPassing, queueFailure } from "./queue-failure.ts";
import {
  type Added,
  type Entry,
  type Head,
  type Kept,
  type Progress,
  QueueFile,
  type Settlement,
} from "./queue-file.ts";

export type QueueApi = {
  add(request: { entries: readonly Entry[]; limit: number; now: number }): Added[];
  heads(request: { channel: string; now: number }): Head[];
  read(request: { seqs: readonly number[]; now: number }): Kept[];
  progress(request: { seq: number; progress: Progress; now: number }): void;
  settle(request: Settlement): Head | undefined;
  close(request: { now: number }): void;
};

const { file } = workerData as { file: string };
let opened: QueueFile | undefined;

/** A damaged file is put aside: what it held is lost to us, not to whoever wants to look. */
function setAside(now: number): void {
  const aside = `${file}.damaged-${new Date(now).toISOString().replace(/[:.]/g, "-")}`;
  renameSync(file, aside);
  // They belong to the damaged file, and would be taken for the new one's.
  for (const end of ["-wal", "-shm"]) if (existsSync(`${file}${end}`)) rmSync(`${file}${end}`);
  tell(new VigiaError("queue-corrupt", `${file} is damaged: it is ${aside} now, and notifications begin anew`).message);
}

function open(now: number): QueueFile {
  if (opened) return opened;
  try {
    opened = new QueueFile(file, now);
  } catch (thrown) {
    if (!isDamaged(thrown)) throw thrown;
    setAside(now);
    opened = new QueueFile(file, now);
  }
  return opened;
}

/** Opens the file where it is not: so a folder that cannot be written is an answer, and may be mended meanwhile. */
function using<Request extends { now: number }, Answer>(run: (queue: QueueFile, request: Request) => Answer) {
  return (request: Request): Answer => {
    try {
      return run(open(request.now), request);
    } catch (thrown) {
      if (!isPassing(thrown)) {
        opened?.close();
        opened = undefined;
      }
      throw queueFailure(thrown, file);
    }
  };
}

const tell = serve<QueueApi>(parentPort!, {
  add: using((queue, { entries, limit, now }) => queue.add(entries, limit, now)),
  heads: using((queue, { channel }) => queue.heads(channel)),
  read: using((queue, { seqs }) => queue.read(seqs)),
  progress: using((queue, { seq, progress }) => queue.progress(seq, progress)),
  settle: using((queue, settlement) => queue.settle(settlement)),
  close: () => opened?.close(),
});
