import type { ListedKpi, Listing, PageSettings } from "../../../lib/live/wire.ts";
import { Board } from "./board.ts";
import { byId, el, write } from "./dom.ts";
import { formatFor } from "./format.ts";
import { keys } from "./gestures.ts";
import { type Kpi, kpiOf } from "./kpi.ts";
import { Picker } from "./picker.ts";
import { remember, remembered } from "./remember.ts";
import { fetchKpis, Stream } from "./server.ts";
import { textsFor } from "./texts.ts";
import { Theme } from "./theme.ts";
import { clockStep, View } from "./view.ts";
import { DAY, zoneOf } from "./zone.ts";

const RETRY = 2000;
const RANGES: readonly [label: string, ms: number][] = [
  ["5\u00a0min", 300_000],
  ["1\u00a0h", 3_600_000],
  ["6\u00a0h", 6 * 3_600_000],
  ["24\u00a0h", DAY],
  ["7\u00a0d", 7 * DAY],
];

const texts = textsFor(navigator.language);
document.documentElement.lang = texts.language;

/** Server's clock minus the viewer's, ms. */
let ahead: number | undefined;
const now = () => Date.now() + (ahead ?? 0);

/** The answer that took the shortest way tells best: it says the latest time. */
function setClock(time: number): void {
  const sample = time - Date.now();
  ahead = ahead === undefined || Math.abs(sample - ahead) > 1000 ? sample : Math.max(ahead, sample);
}

function say(state: "connecting" | "streaming" | "lost"): void {
  const indicator = byId("state");
  indicator.dataset.state = state;
  write(indicator, texts(state));
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the page shows at first: what this reader chose last time, else the default. */
async function firstListing(): Promise<Listing & PageSettings> {
  for (;;) {
    try {
      const { kpis } = remembered();
      if (kpis?.length) {
        const listing = await fetchKpis({ keys: kpis.join(",") });
        if (listing.kpis.length > 0) return listing;
        // None of them is there any more.
        remember({ kpis: undefined });
      }
      return await fetchKpis({});
    } catch {
      say("lost");
      await pause(RETRY);
    }
  }
}

async function start(): Promise<void> {
  say("connecting");
  const theme = new Theme();
  const first = await firstListing();
  setClock(first.now);
  const zone = zoneOf(first.zone);
  const format = formatFor(texts.language, zone);
  const view = new View(first.range, now, () => moved());
  const board = new Board({ view, theme, format, zone, texts, now }, { warning, drawn });
  let kpis: Kpi[] = [];
  let total = first.total;

  const title = first.name || "Vigía";
  document.title = title;
  byId("name").textContent = title;
  byId("help").textContent = texts("help");
  const note = byId("note");
  if (!first.history) write(note, texts("no-store"));

  const liveButton = byId("live");
  const kpisButton = byId("choose");
  const groupButton = byId("group");
  const themeButton = byId("theme");
  const span = byId("span");
  liveButton.textContent = texts("live");
  liveButton.title = texts("live-hint");
  kpisButton.title = texts("choose-hint");
  groupButton.textContent = texts("group");
  groupButton.title = texts("group-hint");
  byId("ranges").setAttribute("aria-label", texts("ranges"));
  const rangeButtons = RANGES.map(([label, ms]) => {
    const button = el("button", { type: "button" }, label);
    button.addEventListener("click", () => view.follow(ms));
    byId("ranges").append(button);
    return button;
  });

  const stream = new Stream({
    clock: setClock,
    points(points) {
      const byKey = new Map(kpis.map((kpi) => [kpi.id, kpi]));
      for (const [id, times, values] of points) {
        const kpi = byKey.get(id);
        if (!kpi) continue;
        kpi.track.add(times, values);
        board.touched(kpi);
      }
    },
    lost(ids) {
      for (const { id, track } of kpis) if (ids === undefined || ids.includes(id)) track.distrust();
      board.load();
    },
    kpis: () => void refresh(),
    state: say,
  });

  function show(listed: readonly ListedKpi[]): void {
    const known = new Map(kpis.map((kpi) => [kpi.id, kpi]));
    const before = kpis.map(({ id }) => id).join();
    kpis = listed.map((one) => known.get(one.id) ?? kpiOf(one));
    const grouped = remembered().grouped ?? false;
    groupButton.setAttribute("aria-pressed", String(grouped));
    board.show(kpis, grouped);
    kpisButton.textContent = texts("choose", { shown: kpis.length, total });
    const empty = byId("empty");
    empty.hidden = kpis.length > 0;
    byId("empty-title").textContent = texts(total > 0 ? "unchosen-title" : "empty-title");
    byId("empty-text").textContent = texts(total > 0 ? "unchosen-text" : "empty-text");
    if (kpis.map(({ id }) => id).join() !== before) stream.open(kpis.map(({ id }) => id));
  }

  /** A new KPI may belong to the default choice. */
  async function refresh(): Promise<void> {
    const chosen = remembered().kpis !== undefined;
    const listing = await fetchKpis({}).catch(() => undefined);
    if (kpis.length === 0) say(listing ? "streaming" : "lost");
    if (!listing) return;
    setClock(listing.now);
    total = listing.total;
    show(chosen ? kpis : listing.kpis);
  }

  function moved(): void {
    board.moved();
    for (const [i, [, ms]] of RANGES.entries()) {
      rangeButtons[i]!.setAttribute("aria-pressed", String(view.live && Math.abs(view.span - ms) < 1));
    }
    liveButton.setAttribute("aria-pressed", String(view.live));
    drawn();
  }

  function drawn(): void {
    const step = clockStep(view.span);
    const [from, to] = [format.day(view.from), format.day(view.to)];
    write(
      span,
      `${from}, ${format.clock(view.from, step)} – ${from === to ? "" : `${to}, `}${format.clock(view.to, step)}`,
    );
  }

  function warning(code: string | undefined): void {
    const text = code === undefined ? (first.history ? "" : texts("no-store")) : texts("warning", { code });
    note.classList.toggle("warning", code !== undefined);
    write(note, text);
  }

  function repaint(): void {
    themeButton.textContent = texts(theme.dark ? "light" : "dark");
    board.repaint();
  }

  const picker = new Picker(texts, format, {
    chosen(chosen) {
      remember({ kpis: chosen?.map(({ id }) => id) });
      if (chosen) show(chosen);
      else void refresh();
    },
  });
  liveButton.addEventListener("click", () => view.follow());
  kpisButton.addEventListener("click", () => picker.open(kpis));
  groupButton.addEventListener("click", () => {
    remember({ grouped: !remembered().grouped });
    show(kpis);
  });
  themeButton.addEventListener("click", () => theme.toggle());
  keys(view);
  byId("zone").textContent = zone.name;

  // A hidden tab asks for nothing; when it is looked at again, the stream goes on where it was.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stream.close();
    else stream.open(kpis.map(({ id }) => id));
  });
  // Without a KPI there is no stream that could announce one.
  setInterval(() => {
    if (kpis.length === 0 && !document.hidden) void refresh();
  }, RETRY);

  theme.changed = repaint;
  repaint();
  warning(first.warning);
  show(first.kpis);
  moved();
  if (kpis.length === 0) say("streaming");

  // A way to look in, for tests and the curious.
  Object.assign(window, {
    vigiaLive: {
      view: () => ({ from: view.from, to: view.to, live: view.live }),
      state: () => byId("state").dataset.state,
      charts: () =>
        board.cards.map(({ kpis, root, data }) => ({
          series: kpis.map(({ series }) => series),
          from: Number(root.dataset.from),
          to: Number(root.dataset.to),
          data,
        })),
      track: (series: string) => {
        const track = kpis.find((kpi) => kpi.series === series)?.track;
        return track && { times: track.times, values: track.values, loaded: track.loaded };
      },
    },
  });
}

void start();
