import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { decodePacket } from "../../lib/live/packet.ts";
import type { Listing, PageSettings } from "../../lib/live/wire.ts";
import { type FlowNode, type Gateway, notBuilt, startGateway, until } from "../editor/live-gateway.ts";

// The whole Node-RED: the helper of the other tests has no httpNode.

let gateway: Gateway;
const seen: string[] = [];
const settings: Record<string, unknown> = {
  httpNodeMiddleware: (req: IncomingMessage, _res: ServerResponse, next: () => void) => {
    seen.push(req.url!);
    next();
  },
};

const options = { skip: notBuilt };
if (!notBuilt) {
  before(async () => {
    gateway = await startGateway(settings);
  });
  after(() => gateway?.stop());
  beforeEach(() => gateway.deploy([]));
}

const live = (more: object = {}): FlowNode => ({ id: "live1", type: "vigia-live", z: "tab1", wires: [], ...more });
const get = (path: string, init: RequestInit = {}) => fetch(gateway.url + path, { redirect: "manual", ...init });
const list = async (path = "vigia/live/kpis") => (await (await get(path)).json()) as Listing & PageSettings;

test("with its defaults: a page, its files, what came by and its history without a store", options, async () => {
  await gateway.deploy([live()]);
  assert.equal(gateway.status("live1")?.text, "0 KPIs · 0 viewers");
  const redirect = await get("vigia/live");
  assert.deepEqual([redirect.status, redirect.headers.get("location")], [302, "live/"]);
  const page = await get("vigia/live/");
  const html = await page.text();
  assert.match(page.headers.get("content-security-policy")!, /default-src 'self'/);
  assert.doesNotMatch(html, /style=|<script>|https?:/);
  for (const [, file] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    assert.equal((await get(`vigia/live/${file}`)).status, 200, file);
  }
  const now = Date.now();
  gateway.send("live1", { topic: "plant", payload: { temperature: 21.5, pressure: 6 }, timestamp: now - 1000 });
  gateway.send("live1", { topic: "plant/temperature", payload: "22", timestamp: now });
  const { kpis, range, zone } = await list();
  assert.deepEqual([range, zone], [300_000, ""]);
  assert.deepEqual(
    kpis.map(({ series, value }) => [series, value]),
    [
      ["plant/pressure", 6],
      ["plant/temperature", 22],
    ],
  );
  const points = await get(`vigia/live/points?from=${now - 5000}&to=${now}&buckets=10&keys=${kpis[1]!.id}`);
  assert.deepEqual([...decodePacket(await points.arrayBuffer()).series[0]!.values], [21.5, 22]);
  await until(() => gateway.status("live1")?.text === "2 KPIs · 0 viewers", "the status");
  assert.ok(seen.includes("/live/kpis"), "httpNodeMiddleware was asked");
});

test("the store's KPIs are there before anything comes by", options, async () => {
  const store = { id: "store1", type: "vigia-store", file: "live-test.db", every: "50ms" };
  const write = { id: "write1", type: "vigia-write", z: "tab1", store: "store1", wires: [[]] };
  await gateway.deploy([store, write]);
  gateway.send("write1", { topic: "kept", payload: 7, unit: "bar" });
  await gateway.deploy([store, live({ store: "store1", kpis: "kept" })]);
  const found = await until(async () => (await list()).kpis[0], "the stored KPI");
  assert.deepEqual([found.series, found.value, found.unit], ["kept", 7, "bar"]);
});

test("a page is gone with its node, and deploys leave nothing behind", options, async () => {
  await gateway.deploy([live()]);
  const routes = gateway.routes();
  for (let i = 0; i < 5; i++) {
    await gateway.deploy([live({ path: `hall/${i}` })]);
    assert.equal((await get(`vigia/hall/${i}/`)).status, 200);
  }
  assert.equal(gateway.routes(), routes);
  assert.equal((await get("vigia/hall/3/")).status, 404);
  await gateway.deploy([live({ path: "hall/4", d: true })]);
  assert.equal((await get("vigia/hall/4/")).status, 404);
});

test("viewers are counted, and a deploy ends their streams", options, async () => {
  await gateway.deploy([live()]);
  gateway.send("live1", { topic: "a", payload: 1 });
  const { id } = (await list()).kpis[0]!;
  const stream = await get(`vigia/live/stream?keys=${id}`);
  await until(() => gateway.status("live1")?.text === "1 KPIs · 1 viewer", "the viewer");
  await gateway.deploy([]);
  const text = await stream.text();
  assert.match(text, /event: hello/);
});

test("reset forgets what came by", options, async () => {
  await gateway.deploy([live()]);
  gateway.send("live1", { topic: "a", payload: 1 });
  await until(async () => (await list()).total === 1, "a KPI");
  gateway.send("live1", { reset: true });
  await until(async () => (await list()).total === 0, "no KPI");
});

test("bad settings are told on the canvas", options, async () => {
  const cases: [object, RegExp][] = [
    [{ path: "a b" }, /^path is "a b"; allowed: letters, digits/],
    [{ path: "../admin" }, /^path is/],
    [{ zone: "Mars/Olympus" }, /^zone is "Mars\/Olympus"; allowed: a zone such as/],
    [{ range: "soon" }, /^range is "soon"/],
    [{ kpis: "a/#/b" }, /^kpis is "a\/#\/b"/],
    [{ maxSeries: 0 }, /^maxSeries is 0/],
    [{ store: "gone" }, /^store is "gone"/],
  ];
  for (const [more, text] of cases) {
    await gateway.deploy([live(more)]);
    await until(() => text.test(gateway.status("live1")?.text ?? ""), `${text}`);
  }
  await gateway.deploy([live(), live({ id: "live2", name: "other" })]);
  await until(
    () =>
      /^path is "live"; allowed: a path that no other page has; live1 has this one/.test(
        gateway.status("live2")?.text ?? "",
      ),
    "the second one complains",
  );
  assert.equal((await get("vigia/live/")).status, 200);
});

test("httpNodeRoot false: no page, and a status that says so", options, async () => {
  const { settings: own } = gateway;
  own.httpNodeRoot = false;
  try {
    await gateway.deploy([live()]);
    await until(() => gateway.status("live1")?.text?.startsWith("httpNodeRoot in settings.js is false"), "the status");
  } finally {
    own.httpNodeRoot = "/edge";
  }
});
