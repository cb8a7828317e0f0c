// The live page with 4 KPIs of 100 000 stored points, in Chromium: from a cold navigation to the charts, zooms by key
// from the press to what is drawn anew, and what one view weighs on the wire.
import type { Listing } from "../lib/live/wire.ts";
import { FrameBuilder } from "../lib/points/frame.ts";
import { seriesRef } from "../lib/points/series.ts";
import { openBrowser } from "../test/editor/editor.ts";
import { startGateway, until } from "../test/editor/live-gateway.ts";
import { median, print, round } from "./support/runtime.ts";

const KPIS = 4;
const POINTS = 100_000;
const OPENED = 7;
const ZOOMS = 8;

/** What the page lets tests see. */
declare const vigiaLive: {
  charts(): { series: string[]; data: number[][] }[];
  track(series: string): { loaded?: object };
};

const browser = await openBrowser();
const gateway = await startGateway();
await gateway.deploy([
  { id: "store1", type: "vigia-store", file: "bench.db", every: "100ms" },
  { id: "write1", type: "vigia-write", z: "tab1", store: "store1", wires: [[]] },
  { id: "live1", type: "vigia-live", z: "tab1", store: "store1", kpis: "plant/#", range: "28h", wires: [] },
]);

/** Until all KPIs are stored up to a time. */
async function stored(time: number): Promise<void> {
  const url = `${gateway.url}vigia/live/kpis`;
  const newest = async () => ((await (await fetch(url)).json()) as Listing).kpis.map((kpi) => kpi.time);
  await until(async () => (await newest()).filter((each) => each === time).length === KPIS, "the store", 30_000);
}

// One point a second until now, of a wave with noise.
const refs = Array.from({ length: KPIS }, (_, i) => seriesRef(`plant/${i}/temperature`, undefined, "°C"));
const start = Date.now() - POINTS * 1000;
const builder = new FrameBuilder();
for (let i = 0; i < POINTS; i++) {
  const time = start + i * 1000;
  for (const [k, ref] of refs.entries()) builder.add(ref, time, 20 + 5 * Math.sin(i / 5000 + k) + Math.random());
  if ((i + 1) % 10_000 > 0) continue;
  gateway.send("write1", { payload: builder.take() });
  await stored(time);
}

const firstMs: number[] = [];
const allMs: number[] = [];
const zoomMs: number[] = [];
const bytes: number[] = [];
for (let run = 0; run < OPENED; run++) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on("response", (response) => {
    if (response.url().includes("/points?")) bytes.push(Number(response.headers()["content-length"]));
  });
  await page.goto(`${gateway.url}vigia/live/`, { waitUntil: "commit" });
  // `performance.now` counts from the navigation.
  const shown = (charts: number) =>
    page.evaluate(
      (n) =>
        new Promise<number>((resolve) => {
          const look = () => {
            const all = Reflect.has(globalThis, "vigiaLive") ? vigiaLive.charts() : [];
            if (all.filter(({ data }) => data[0]!.length > 100).length >= n) resolve(performance.now());
            else requestAnimationFrame(look);
          };
          look();
        }),
      charts,
    );
  firstMs.push(await shown(1));
  allMs.push(await shown(KPIS));
  for (let zoom = 0; zoom < ZOOMS; zoom++) {
    zoomMs.push(
      await page.evaluate(
        (key) =>
          new Promise<number>((resolve) => {
            const loaded = () => vigiaLive.charts().map(({ series }) => vigiaLive.track(series[0]!).loaded);
            const before = loaded();
            const pressed = performance.now();
            document.dispatchEvent(new KeyboardEvent("keydown", { key }));
            // What arrived is drawn in the next frame: the frame after that one has it on the screen.
            const look = () => {
              if (loaded().some((span, i) => span === before[i])) requestAnimationFrame(look);
              else requestAnimationFrame(() => resolve(performance.now() - pressed));
            };
            requestAnimationFrame(look);
          }),
        zoom < ZOOMS / 2 ? "+" : "-",
      ),
    );
  }
  await context.close();
}

print({
  bench: "live",
  kpis: KPIS,
  points: POINTS,
  firstChartMs: round(median(firstMs)),
  allChartsMs: round(median(allMs)),
  zoomMs: round(median(zoomMs)),
  zoomWorstMs: round(Math.max(...zoomMs)),
  viewBytes: median(bytes),
  viewBytesMost: Math.max(...bytes),
});
await browser.close();
await gateway.stop();
process.exit(0);
