import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { asVigiaError, type VigiaError } from "../points/error.ts";
import type { Asset } from "./assets.ts";
import type { Feed } from "./feed.ts";
import { encodePacket } from "./packet.ts";
import { readListRequest, readPointsRequest, readStreamRequest } from "./request.ts";
import type { PageSettings } from "./wire.ts";

export interface LivePage {
  feed: Feed;
  settings: PageSettings;
  assets: ReadonlyMap<string, Asset>;
}

/** Whoever embeds the page decides on `frame-ancestors`, with headers of his own. */
const SECURITY: OutgoingHttpHeaders = {
  "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

function reply(res: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  res.writeHead(status, {
    ...SECURITY,
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
  });
  res.end(body);
}

const json = (res: ServerResponse, status: number, value: object) =>
  reply(res, status, "application/json; charset=utf-8", JSON.stringify(value));

function refuse(res: ServerResponse, { code, message, field, value, allowed }: VigiaError): void {
  if (code === "bad-query") json(res, 400, { error: { code, message, field, value, allowed } });
  // Not the message: it may name files, and the page may be open to anybody.
  else json(res, 500, { error: { code, message: "the gateway could not answer this" } });
}

function sendAsset(req: IncomingMessage, res: ServerResponse, { type, body, etag }: Asset): void {
  // "no-cache" is "ask each time whether it changed", so that a new release shows at once.
  const headers = { ...SECURITY, "Content-Type": type, "Cache-Control": "no-cache", ETag: etag };
  if (req.headers["if-none-match"] === etag) res.writeHead(304, headers).end();
  else res.writeHead(200, { ...headers, "Content-Length": body.length }).end(body);
}

function stream(feed: Feed, req: IncomingMessage, res: ServerResponse, query: URLSearchParams): void {
  const header = req.headers["last-event-id"];
  const request = readStreamRequest(query, typeof header === "string" ? header : undefined);
  res.writeHead(200, {
    ...SECURITY,
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    // nginx would hold events back.
    "X-Accel-Buffering": "no",
  });
  if (req.method === "HEAD") {
    res.end();
    return;
  }
  res.write("retry: 1000\n\n");
  const close = feed.open(request, {
    write: (text) => void res.write(text),
    get waiting() {
      return res.writableLength;
    },
    // `destroy` lets a reader go that stopped reading; `end` would wait for it.
    end: () => (res.writableLength > 0 ? res.destroy() : res.end()),
  });
  res.once("close", close);
}

/**
 * Answers a request for `path` below the page's own ("", "main.js", "kpis", "points", "stream"). Reads only; the
 * answer `false` means that there is no such thing here.
 */
export async function serveLive(
  { feed, settings, assets }: LivePage,
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  query: URLSearchParams,
): Promise<boolean> {
  const asset = assets.get(path === "" ? "index.html" : path);
  if (!asset && !["kpis", "points", "stream"].includes(path)) return false;
  if (req.method !== "GET" && req.method !== "HEAD") {
    res.setHeader("Allow", "GET, HEAD");
    json(res, 405, { error: { code: "read-only", message: "this page can only be read" } });
    return true;
  }
  try {
    if (asset) sendAsset(req, res, asset);
    else if (path === "kpis") json(res, 200, { ...settings, ...(await feed.list(readListRequest(query))) });
    else if (path === "points") {
      const packet = await feed.points(readPointsRequest(query));
      reply(res, 200, "application/octet-stream", encodePacket(packet));
    } else stream(feed, req, res, query);
  } catch (thrown) {
    if (res.headersSent) res.destroy();
    else refuse(res, asVigiaError(thrown));
  }
  return true;
}
