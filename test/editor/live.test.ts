import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { noBrowser, openBrowser } from "./editor.ts";
import { type FlowNode, type Gateway, notBuilt, startGateway, until } from "./live-gateway.ts";

// The live page as an operator sees it: real Node-RED, real Chromium.

const skip = notBuilt || noBrowser;
const options = { skip };

interface Debug {
  view(): { from: number; to: number; live: boolean };
  state(): string;
  charts(): { series: string[]; from: number; to: number; data: (number | null)[][] }[];
  track(series: string): { times: number[]; values: (number | null)[] } | undefined;
}
declare const vigiaLive: Debug;

const STORE: FlowNode = { id: "store1", type: "vigia-store", file: "live-page.db", every: "100ms" };
const WRITE: FlowNode = { id: "write1", type: "vigia-write", z: "tab1", store: "store1", wires: [[]] };
const LIVE: FlowNode = { id: "live1", type: "vigia-live", z: "tab1", store: "store1", kpis: "plant/#", wires: [] };
const HISTORY = 3000;

let gateway: Gateway;
let browser: Browser;
let ticker: NodeJS.Timeout | undefined;
/** Values that were sent as `plant/a/temperature`; each is one more than the one before. */
let count = 0;

function send(time: number): void {
  const payload = [
    { series: "plant/a/temperature", unit: "°C", time, value: count++ },
    { series: "plant/b/temperature", unit: "°C", time, value: Math.sin(count / 50) },
    { series: "plant/b/pressure", unit: "bar", time, value: 6 },
    { series: "gateway/load", time, value: 1 },
  ];
  for (const id of ["write1", "live1"]) gateway.send(id, { payload });
}

if (!skip) {
  before(async () => {
    browser = await openBrowser();
    gateway = await startGateway();
    await gateway.deploy([STORE, WRITE, LIVE]);
    const now = Date.now();
    for (let i = HISTORY; i > 0; i--) send(now - i * 1000);
    ticker = setInterval(() => send(Date.now()), 100);
  });
  after(async () => {
    clearInterval(ticker);
    await browser?.close();
    await gateway?.stop();
  });
  beforeEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
}

/** The page, open and drawn; what it must not do is collected in `wrong`. */
async function open(
  context: BrowserContextOptions = {},
  path = "vigia/live/",
): Promise<{ page: Page; wrong: string[] }> {
  const own = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 }, ...context });
  const page = await own.newPage();
  const wrong: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") wrong.push(message.text());
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  await own.route("**/*", (route) => {
    if (new URL(route.request().url()).hostname === "127.0.0.1") return route.continue();
    wrong.push(`outside: ${route.request().url()}`);
    return route.abort();
  });
  await page.goto(gateway.url + path);
  return { page, wrong };
}

const view = (page: Page) => page.evaluate(() => vigiaLive.view());
const charts = (page: Page) => page.evaluate(() => vigiaLive.charts());
const track = (page: Page, series = "plant/a/temperature") => page.evaluate((name) => vigiaLive.track(name), series);

async function drawn(page: Page): Promise<void> {
  await page.waitForFunction(
    () => Reflect.has(globalThis, "vigiaLive") && vigiaLive.charts().some(({ data }) => data[0]!.length > 9),
  );
}

test("history and the stream: drawn without an error, an outside request or anything inline", options, async () => {
  const { page, wrong } = await open();
  await drawn(page);
  assert.equal(await page.title(), "Vigía");
  assert.deepEqual(
    (await charts(page)).map(({ series }) => series[0]),
    ["plant/a/temperature", "plant/b/pressure", "plant/b/temperature"],
  );
  const { from, to } = await view(page);
  assert.ok(Math.abs(to - from - 300_000) < 1);
  const before = (await track(page))!;
  assert.ok(before.times[0]! <= from + 1000, "history reaches to the left edge");

  const value = count;
  await until(async () => (await track(page))!.values.includes(value), "a new point within a second", 1000);
  await page.waitForFunction(() => vigiaLive.state() === "streaming");
  assert.equal(await page.locator("#state").textContent(), "connected");
  assert.match((await page.locator(".card").first().textContent())!, /plant\/a\/temperature.*°C/);
  await until(async () => gateway.status("live1")?.text === "4 KPIs · 1 viewer", "the status");
  assert.deepEqual(wrong, []);
});

test("a drag on one chart zooms all of them, double-click goes back to live", options, async () => {
  const { page, wrong } = await open();
  await drawn(page);
  const plot = (await page.locator(".u-over").first().boundingBox())!;
  const y = plot.y + plot.height / 2;
  await page.mouse.move(plot.x + plot.width * 0.25, y);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.5, y, { steps: 4 });
  await page.mouse.up();
  await until(async () => !(await view(page)).live, "a view that stands");
  const { from, to } = await view(page);
  assert.ok(Math.abs(to - from - 75_000) < 3000, `${to - from} ms`);
  await until(
    async () => (await charts(page)).every((chart) => chart.from === from && chart.to === to),
    "all charts with one time axis",
  );

  await page.keyboard.press("ArrowLeft");
  assert.ok(Math.abs((await view(page)).from - (from - (to - from) / 10)) < 2);
  await page.keyboard.press("-");
  assert.ok(Math.abs((await view(page)).to - (await view(page)).from - 2 * (to - from)) < 2);
  await page.keyboard.down("Shift");
  await page.mouse.down();
  const before = await view(page);
  await page.mouse.move(plot.x + plot.width * 0.75, y, { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up("Shift");
  const panned = await view(page);
  assert.ok(panned.from < before.from && Math.abs(panned.to - panned.from - (before.to - before.from)) < 1);

  await page.mouse.dblclick(plot.x + plot.width / 2, y);
  await until(async () => (await view(page)).live, "live");
  await page.click("#ranges button:nth-child(2)");
  await until(async () => (await track(page))!.times[0]! < Date.now() - 2_900_000, "an hour of history");
  assert.deepEqual(wrong, []);
});

test("a stream that is cut goes on by itself, without a gap", options, async () => {
  const { page } = await open();
  await drawn(page);
  await page.waitForFunction(() => vigiaLive.state() === "streaming");
  const first = count;
  await until(async () => (await track(page))!.values.includes(first), "a point before the cut");
  gateway.cut();
  await page.waitForFunction(() => vigiaLive.state() === "lost");
  await page.waitForFunction(() => vigiaLive.state() === "streaming");
  const last = count;
  await until(async () => (await track(page))!.values.includes(last), "a point after the cut");
  const got = new Set((await track(page))!.values);
  for (let value = first; value <= last; value++) assert.ok(got.has(value), `value ${value} of ${first} to ${last}`);
});

test("a deploy: the page comes back by itself and has what came meanwhile from the store", options, async () => {
  const { page } = await open();
  await drawn(page);
  const first = count;
  await until(async () => (await track(page))!.values.includes(first), "a point before the deploy");
  clearInterval(ticker);
  await gateway.deploy([STORE, WRITE]);
  await page.waitForFunction(() => vigiaLive.state() === "lost");
  const time = Date.now();
  for (let i = 0; i < 5; i++)
    gateway.send("write1", { payload: { series: "plant/a/temperature", time: time + i, value: -i } });
  await gateway.deploy([STORE, WRITE, LIVE]);
  ticker = setInterval(() => send(Date.now()), 100);
  const deployed = Date.now();
  await until(async () => (await track(page))!.times.at(-1)! > deployed, "points after the deploy", 15_000);
  assert.ok((await track(page))!.values.includes(-4), "what came meanwhile");
});

test("KPIs are searched, chosen, remembered and grouped", options, async () => {
  const { page, wrong } = await open();
  await drawn(page);
  await page.click("#choose");
  await page.fill("#picker-search", "GATE load");
  await page.locator("#picker-list label", { hasText: "gateway/load" }).click();
  await page.click("#picker-close");
  assert.equal(await page.locator(".card").count(), 4);
  assert.equal(await page.locator("#choose").textContent(), "4 of 4 KPIs");
  await page.click("#group");
  assert.equal(await page.locator(".card.grouped").count(), 1);
  assert.equal(await page.locator(".card").count(), 3);
  await page.reload();
  await drawn(page);
  assert.deepEqual(
    (await charts(page)).map(({ series }) => series.length),
    [2, 1, 1],
  );
  const { data } = (await charts(page))[0]!;
  assert.equal(data.length, 3, "times and two KPIs");
  assert.deepEqual(wrong, []);
});

test("a phone: nothing is wider than 360 px, a finger pans", options, async () => {
  const { page, wrong } = await open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await drawn(page);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  const plot = (await page.locator(".u-over").first().boundingBox())!;
  const touch = await page.context().newCDPSession(page);
  const at = (x: number) => [{ x: plot.x + x, y: plot.y + 40 }];
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(50) });
  for (let x = 60; x <= 150; x += 10) {
    await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(x) });
  }
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  const { live, from, to } = await view(page);
  assert.equal(live, false);
  assert.ok(Math.abs(to - from - 300_000) < 1);
  assert.deepEqual(wrong, []);
});

test("both themes: the system's, and the reader's own", options, async () => {
  const { page } = await open({ colorScheme: "dark" });
  await drawn(page);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await page.click("#theme");
  const light = await background();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await background(), light, "remembered");
  await page.click("#theme");
  assert.equal(await background(), dark);
  await page.emulateMedia({ colorScheme: "light" });
  await until(async () => (await background()) === light, "the system's theme again");
});

test("words in the reader's language when there is nothing to see yet, then the KPI that comes", options, async () => {
  await gateway.deploy([
    STORE,
    WRITE,
    LIVE,
    { ...LIVE, id: "live2", path: "other", store: "", kpis: "", name: "Nave 2" },
  ]);
  const { page, wrong } = await open({ locale: "es-MX" }, "vigia/other/");
  await page.waitForSelector("#empty:not([hidden])");
  assert.equal(await page.title(), "Nave 2");
  assert.equal(await page.locator("#empty-title").textContent(), "Todavía no ha llegado ningún KPI");
  gateway.send("live2", { topic: "nuevo/valor", payload: 1.5 });
  await page.waitForSelector(".card");
  await until(async () => (await page.locator(".number").first().textContent()) === "1.5", "the value");
  assert.deepEqual(wrong, []);
});
