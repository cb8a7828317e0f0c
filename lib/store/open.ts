import { VigiaError } from "../points/error.ts";
import { startSqliteWorker } from "../work/sqlite-worker.ts";
import { StoreClient } from "./client.ts";
import { checkCount } from "./query.ts";
import type { Store, StoreOptions } from "./types.ts";

/** @throws VigiaError `bad-option` */
function checkOptions({ file, commitEvery, commitPoints, maxWaiting }: StoreOptions): void {
  if (typeof file !== "string" || file === "") {
    throw new VigiaError("bad-option", { field: "file", value: file, allowed: "the path of a file" });
  }
  for (const [field, value, least] of [
    ["commitEvery", commitEvery, 0],
    ["commitPoints", commitPoints, 1],
    ["maxWaiting", maxWaiting, 1],
  ] as const) {
    if (value !== undefined) checkCount(value, field, least, "bad-option");
  }
}

/**
 * Opens the embedded store on `file`, in a thread of its own; a missing file and its folder are created. The process
 * stays alive until `close`.
 * @throws VigiaError `bad-option`; `store-unwritable` (folder or file), `store-locked` (another runtime writes it),
 * `store-corrupt` (no store), `store-version` (a newer release wrote it), `store-disk-full`, `worker-died`, `node-too-old`
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  checkOptions(options);
  return new StoreClient(startSqliteWorker(import.meta.url), options).open();
}
