// Node-RED's editor in a real Chromium. The page may talk to this Node-RED and to nobody else; what it complains about
// is kept in `problems`.
import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import type { NodeRed } from "./node-red.ts";
import { types } from "./package.ts";

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);

/** Why tests in the browser cannot run here; `false`: they can. A CI without a browser must not stay green. */
export const noBrowser: string | false =
  executablePath !== undefined || process.env.CI
    ? false
    : "Chromium is missing: install it, or name it in CHROMIUM, to test the editor";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function openBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error("Chromium is missing: install it, or name it in CHROMIUM");
  return chromium.launch({ executablePath, args: FLAGS });
}

/** A page that reports errors of scripts and of the console, failed answers of the server, and calls to the outside. */
export async function openPage(browser: Browser, locale = "en-US"): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext({
    locale,
    reducedMotion: "reduce",
    viewport: { width: 1280, height: 860 },
  });
  const problems: string[] = [];
  await context.route(
    ({ hostname, protocol }) => hostname !== "127.0.0.1" && /^(https?|wss?):$/.test(protocol),
    (route) => {
      problems.push(`asked somebody outside: ${route.request().url()}`);
      return route.abort();
    },
  );
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => problems.push(`script: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()} (${message.location().url})`);
    // The editor catches what a definition throws, and only tells the console.
    if (/error/i.test(message.text()) && message.type() !== "error") problems.push(`console: ${message.text()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400)
      problems.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  return { page, problems };
}

export interface State {
  changed: boolean;
  valid: boolean;
  validationErrors: string[];
  label: string;
  ports: string[];
  status?: { fill?: string; shape?: string; text?: string };
  saved: Record<string, unknown>;
  /** Properties that the node does not have: opening its dialog would add them. */
  missing: string[];
}

export interface Field {
  there: boolean;
  shown: boolean;
  /** A typed input. */
  typed: boolean;
  /** Whether one can type into it. */
  keys: boolean;
  selector: string;
  marked: boolean;
  reason?: string;
}

interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Editor {
  page: Page;
  problems: string[];
  /** Asks `in-page.js`. */
  ask<T>(name: string, ...args: unknown[]): Promise<T>;
  /** Loads the editor, and the flow that runs, again. */
  load(): Promise<void>;
  /** Opens the dialog of a node and waits until it can be used. */
  open(id: string): Promise<void>;
  /** Waits for a dialog that was opened by other means. */
  opened(): Promise<void>;
  /** *Done*, *Add* or *Update*; waits until the dialog is gone. */
  done(): Promise<void>;
  /** Closes what a failed test left open. */
  cancel(): Promise<void>;
  deploy(): Promise<void>;
  /** Of the dialog, or else of the whole editor. */
  picture(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function openEditor(browser: Browser, nodeRed: NodeRed, locale = "en-US"): Promise<Editor> {
  const { page, problems } = await openPage(browser, locale);
  await page.addInitScript({ path: join(import.meta.dirname, "in-page.js") });
  const ask = <T>(name: string, ...args: unknown[]) =>
    page.evaluate(`vigia.${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`) as Promise<T>;
  async function load(): Promise<void> {
    await page.goto(nodeRed.url);
    await page.waitForFunction(`vigia.ready(${JSON.stringify(types)})`);
    await page.locator("#red-ui-main-container").waitFor();
    await page.locator("#red-ui-loading-progress").waitFor({ state: "hidden" });
    await ask("watchTooltips");
  }
  await load();

  const folder = join(tmpdir(), `vigia-editor-${nodeRed.version}`);
  mkdirSync(folder, { recursive: true });
  const ok = page.locator("#node-dialog-ok, #node-config-dialog-ok").last();

  async function opened(): Promise<void> {
    await ok.waitFor();
    // It slides in, takes the focus, and is then laid before the sidebars.
    await page.waitForFunction("vigia.settled()");
  }

  return {
    page,
    problems,
    ask,
    load,
    async open(id) {
      await ask("open", id);
      await opened();
    },
    opened,
    async done() {
      const open = await ask<number>("dialogs");
      await ok.click();
      await page.waitForFunction(`vigia.dialogs() < ${open}`);
    },
    async cancel() {
      if ((await ask<number>("dialogs")) === 0) return;
      await ask("cancel");
      await page.waitForFunction("vigia.dialogs() === 0");
    },
    async deploy() {
      const next = nodeRed.starts() + 1;
      // An import from the library comes later than its dialog goes.
      await page.waitForFunction("vigia.changed()");
      const answer = page.waitForResponse(
        (response) => response.url().endsWith("/flows") && response.request().method() === "POST",
      );
      await page.locator("#red-ui-header-button-deploy").click();
      const status = await answer.then(
        (response) => response.status(),
        async (error) => {
          const dialog = await page.locator(".red-ui-notification").allTextContents();
          throw new Error(`not deployed; the editor says: ${dialog.join(" | ")}`, { cause: error });
        },
      );
      if (status >= 300) throw new Error(`POST /flows: ${status}`);
      await page.waitForFunction("vigia.deployed()");
      await nodeRed.started(next);
    },
    picture: async (name) => {
      const clip = (await ask<number>("dialogs")) > 0 ? { clip: await ask<Area>("area") } : {};
      await page.screenshot({ path: join(folder, `${name}.png`), ...clip });
    },
    close: () => page.context().close(),
  };
}
