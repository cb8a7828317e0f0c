import { Worker } from "node:worker_threads";
import { checkOptions, StoreClient } from "./client.ts";
import type { Store, StoreOptions } from "./types.ts";

const WORKER = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

/**
 * Opens the embedded store on `file`, in a thread of its own; a missing file and its folder are created. The process
 * stays alive until `close`.
 * @throws VigiaError `bad-option`; `store-unwritable` (folder or file), `store-locked` (another runtime writes it),
 * `store-corrupt` (no store), `store-version` (a newer release wrote it), `store-disk-full`, `worker-died`
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  checkOptions(options);
  return new StoreClient(new Worker(WORKER), options).open(options);
}
