import { parentPort } from "node:worker_threads";
import type { Clock } from "../points/clock.ts";
import { VigiaError } from "../points/error.ts";
import { moving, serve } from "../work/rpc.ts";
import { FileReader } from "./file-reader.ts";
import { buffersOf, Host, Teller } from "./host.ts";
import { backUp, checkFile } from "./maintenance.ts";
import type { StoreApi } from "./protocol.ts";
import type { Reading } from "./reading.ts";
import type { StoreHealth } from "./types.ts";

/** The edge of the library: only here time is the machine's own. */
const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

let host: Host | undefined;
let reader: FileReader | undefined;
const teller = new Teller();

function writer(): Host {
  if (host) return host;
  throw reader
    ? new VigiaError("store-read-only", "the store was opened to read only")
    : new VigiaError("store-closed", "the store is not open");
}

const query = <T>(ask: (reading: Reading) => T): T => (reader ?? writer().engine).query(ask);

const emit: (health: StoreHealth) => void = serve<StoreApi>(parentPort!, {
  open(options) {
    if (options.readOnly) {
      reader = new FileReader(options.file);
      return query(({ log }) => log.last);
    }
    host = new Host(options, systemClock, emit);
    return host.engine.seq;
  },
  append: (batch) => writer().append(batch),
  load: (batch) => writer().load(batch),
  read: (request) => teller.send(query((reading) => reading.read(request))),
  thin: (request) => teller.send(query((reading) => reading.thin(request))),
  aggregate: (request) => teller.send(query((reading) => reading.aggregate(request))),
  last: (request) => teller.send(query((reading) => reading.last(request))),
  list: (request) => query((reading) => reading.list(request)),
  fingerprint: (request) => query((reading) => reading.fingerprint(request)),
  replay({ cursor, limit }) {
    const replay = query((reading) => reading.replay(cursor, limit));
    const frame = teller.send(replay.frame);
    return moving({ ...replay, frame }, buffersOf(frame));
  },
  delete: (request) => writer().delete(request),
  snapshot: ({ name }) => writer().snapshot(name),
  snapshots: () => query(({ snapshots }) => snapshots.list()),
  dropSnapshot: ({ name }) => writer().engine.dropSnapshot(name),
  restore: ({ file }) => writer().restore(file),
  backup: ({ file, to }) => backUp(file, to),
  check: ({ file }) => checkFile(file),
  stats: () => (reader ?? writer().engine).stats(),
  close() {
    reader?.close();
    host?.close();
    reader = host = undefined;
  },
});
