import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openStore } from "../../lib/store/open.ts";
import { client, missing, startMosquitto, temporaryFolder, until } from "../lib/mqtt/helpers.ts";

const CHILD = fileURLToPath(new URL("./mqtt-child.ts", import.meta.url));
const MESSAGES = 20_000;
const SERIES = 50;
const LIMIT = 2_000;
const FIRST = Date.UTC(2026, 0, 1);

interface Report {
  state: string;
  points: number;
  outstanding: number;
  maxOutstanding: number;
  rebound: number;
}

for (const version of [4, 5] as const) {
  test(`MQTT ${version === 5 ? "5" : "3.1.1"}: kill -9, three times, while 20 000 messages come: each is stored exactly once`, {
    skip: missing("mosquitto"),
    timeout: 60_000,
  }, async (t) => {
    const file = join(temporaryFolder(t), "store.db");
    const broker = await startMosquitto(t);
    const reports: Report[] = [];
    let most = 0;
    let taken = 0;
    let child: ChildProcess | undefined;
    let ended = Promise.resolve<unknown>(undefined);

    const start = () => {
      const process_ = spawn(process.execPath, [CHILD, broker.url, file, String(version), String(LIMIT)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      child = process_;
      ended = new Promise((resolve) => process_.once("exit", resolve));
      createInterface(process_.stdout!).on("line", (line) => {
        const report: Report = JSON.parse(line);
        most = Math.max(most, report.maxOutstanding);
        reports.push(report);
      });
    };
    t.after(() => child?.kill("SIGKILL"));

    start();
    await until(() => reports.at(-1)?.state === "connected", "the subscription");

    const sender = await client(t, broker.url);
    const publishing = (async () => {
      const underWay = new Set<Promise<unknown>>();
      for (let n = 0; n < MESSAGES; n++) {
        const payload = JSON.stringify({ value: n, time: FIRST + n });
        const sent = sender.publishAsync(`kill/${n % SERIES}`, payload, { qos: 1 });
        underWay.add(sent);
        sent.then(() => underWay.delete(sent));
        if (underWay.size >= 500) await Promise.race(underWay);
      }
      await Promise.all(underWay);
    })();

    for (let kill = 1; kill <= 3; kill++) {
      reports.length = 0;
      // In the middle of things: enough taken by this one, and some of it not stored yet.
      await until(
        () => {
          const now = reports.at(-1);
          return now !== undefined && now.points >= 3_000 && now.outstanding > 0;
        },
        `kill ${kill}`,
        20_000,
      );
      child!.kill("SIGKILL");
      await ended;
      taken += reports.at(-1)!.points;
      start();
    }
    await publishing;
    await until(
      () => {
        const now = reports.at(-1);
        return now !== undefined && now.state === "connected" && now.points > 0 && now.outstanding === 0;
      },
      "the last message",
      20_000,
    );
    // Quiet for a while: the broker has nothing left.
    let quiet = reports.at(-1)!.points;
    for (let calm = 0; calm < 5; calm++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      const now = reports.at(-1)!;
      if (now.points !== quiet || now.outstanding > 0) calm = -1;
      quiet = now.points;
    }
    assert.ok(most <= LIMIT, `${most} outstanding`);
    t.diagnostic(`at most ${most} outstanding, about ${taken + quiet - MESSAGES} taken again after the kills`);
    child!.kill("SIGTERM");
    await ended;

    const store = await openStore({ file });
    t.after(() => store.close());
    const rows = await store.read({ series: "kill/#" });
    assert.equal(rows.length, MESSAGES);
    const seen = new Set<number>();
    for (let row = 0; row < rows.length; row++) {
      const value = rows.values[row]!;
      assert.equal(rows.times[row], FIRST + value);
      assert.equal(rows.ref(row).series, `kill/${value % SERIES}`);
      seen.add(value);
    }
    assert.equal(seen.size, MESSAGES);
    assert.equal((await store.list({})).length, SERIES);
  });
}
