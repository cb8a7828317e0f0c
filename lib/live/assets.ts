import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

export interface Asset {
  type: string;
  body: Uint8Array;
  etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "main.js": "text/javascript; charset=utf-8",
  "style.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

/** The files of the page, read once. Nothing else of the folder can be asked for. */
export function readAssets(folder: URL): ReadonlyMap<string, Asset> {
  return new Map(
    Object.entries(TYPES).map(([name, type]) => {
      const body = readFileSync(new URL(name, folder));
      return [name, { type, body, etag: `"${createHash("sha1").update(body).digest("base64url")}"` }];
    }),
  );
}
