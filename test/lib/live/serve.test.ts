import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { Feed } from "../../../lib/live/feed.ts";
import { decodePacket } from "../../../lib/live/packet.ts";
import { serveLive } from "../../../lib/live/serve.ts";
import { seriesRef } from "../../../lib/points/series.ts";
import { FakeClock } from "./helpers.ts";

const feed = new Feed(new FakeClock());
const page = {
  feed,
  settings: { name: "Hall 3", zone: "", range: 300_000 },
  assets: new Map([["index.html", { type: "text/html; charset=utf-8", body: Buffer.from("<p>page"), etag: '"1"' }]]),
};
const server = createServer(async (req, res) => {
  const url = new URL(req.url!, "http://localhost");
  if (!(await serveLive(page, req, res, url.pathname.slice(1), url.searchParams))) res.writeHead(404).end();
});
let base = "";
let id = "";

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  for (let i = 0; i < 10; i++) feed.add(seriesRef("a"), i, i);
  id = (await feed.list({ limit: 1 })).kpis[0]!.id;
});
after(() => {
  feed.close();
  server.close();
  server.closeAllConnections();
});

test("the page: security headers, an etag, no way to write", async () => {
  const got = await fetch(base);
  assert.equal(await got.text(), "<p>page");
  assert.match(got.headers.get("content-security-policy")!, /^default-src 'self'/);
  assert.doesNotMatch(got.headers.get("content-security-policy")!, /unsafe|frame-ancestors/);
  assert.equal(got.headers.get("x-content-type-options"), "nosniff");
  assert.equal((await fetch(base, { headers: { "If-None-Match": '"1"' } })).status, 304);
  for (const method of ["POST", "PUT", "DELETE"]) assert.equal((await fetch(`${base}kpis`, { method })).status, 405);
  assert.equal((await fetch(`${base}../package.json`)).status, 404);
  assert.equal((await fetch(`${base}stream?keys=${id}`, { method: "HEAD" })).status, 200);
  assert.equal(feed.viewers, 0);
});

test("data: never cached", async () => {
  const kpis = await fetch(`${base}kpis`);
  assert.equal(kpis.headers.get("cache-control"), "no-store");
  const listing = (await kpis.json()) as Record<string, unknown>;
  assert.deepEqual([listing.name, listing.range, listing.matched], ["Hall 3", 300_000, 1]);
  const points = await fetch(`${base}points?from=2&to=5&buckets=9&keys=${id}`);
  assert.equal(points.headers.get("cache-control"), "no-store");
  assert.deepEqual([...decodePacket(await points.arrayBuffer()).series[0]!.values], [2, 3, 4, 5]);
});

test("a bad query is a 400 that names field, value and what is allowed", async () => {
  const good = { from: "1", to: "2", buckets: "9", keys: "abcdefghij" };
  const cases: [string, string | undefined, string][] = [
    ["from", undefined, "a whole number from 0 to"],
    ["from", "yesterday", "a whole number from 0 to"],
    ["from", "-1", "a whole number from 0 to"],
    ["to", "1", "later than from (1)"],
    ["to", "1e99", "a whole number"],
    ["buckets", "0", "a whole number from 1 to 4000"],
    ["buckets", "4001", "a whole number from 1 to 4000"],
    ["keys", undefined, "1 to 60 ids"],
    ["keys", "../../etc", "1 to 60 ids"],
    ["keys", Array.from({ length: 61 }, (_, i) => `abcdefgh${10 + i}`).join(","), "1 to 60 ids"],
  ];
  for (const [field, value, allowed] of cases) {
    const query = new URLSearchParams({ ...good, ...(value === undefined ? {} : { [field]: value }) });
    if (value === undefined) query.delete(field);
    const got = await fetch(`${base}points?${query}`);
    assert.equal(got.status, 400, `${field}=${value}`);
    const { error } = (await got.json()) as { error: Record<string, string> };
    assert.equal(error.field, field);
    assert.ok(error.allowed!.includes(allowed), error.allowed);
    assert.ok(error.value!.length <= 80);
  }
  for (const query of [
    "kpis?limit=0",
    "kpis?limit=1001",
    `kpis?search=${"x".repeat(201)}`,
    "stream?keys=",
    `stream?keys=${id}&after=<`,
  ]) {
    assert.equal((await fetch(base + query)).status, 400, query);
  }
});

test("the stream: hello, and the viewer is counted until it leaves", async () => {
  const stop = new AbortController();
  const got = await fetch(`${base}stream?keys=${id}`, { signal: stop.signal });
  assert.equal(got.headers.get("content-type"), "text/event-stream");
  const reader = got.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("event: hello")) text += (await reader.read()).value;
  assert.match(
    text,
    /^retry: 1000\n\nid: [a-z0-9]+-10\nevent: hello\ndata: \{"now":\d+,"resumed":false,"beat":10000\}/,
  );
  assert.equal(feed.viewers, 1);
  stop.abort();
  for (let i = 0; feed.viewers > 0 && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(feed.viewers, 0);
});
