import { isBuiltin } from "node:module";
import { Worker } from "node:worker_threads";
import { VigiaError } from "../points/error.ts";

/**
 * The thread `worker.ts` beside the caller (`worker.js` in the build), which owns an SQLite file.
 * @throws VigiaError `node-too-old` where Node.js has no SQLite
 */
export function startSqliteWorker(importMetaUrl: string, workerData?: object): Worker {
  if (!isBuiltin("node:sqlite")) {
    throw new VigiaError(
      "node-too-old",
      `Vigía keeps its data in the SQLite of Node.js 22.13 and newer, and this is Node.js ${process.versions.node}: ` +
        "update Node.js",
    );
  }
  const file = importMetaUrl.endsWith(".ts") ? "./worker.ts" : "./worker.js";
  return new Worker(new URL(file, importMetaUrl), { workerData });
}
