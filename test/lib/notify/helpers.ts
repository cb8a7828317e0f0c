import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Channel, Delivery, Kind, Notification } from "../../../lib/notify/notification.ts";
import type { FakeClock } from "../host/fake-clock.ts";

export const T = Date.UTC(2026, 2, 2, 12);

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone after the last test of the file. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "vigia-notify-"));
  folders.push(folder);
  return folder;
}

export function note(key: string, more: Partial<Notification> & { severity?: string } = {}): Notification {
  const { severity = "warning", ...rest } = more;
  const kind: Kind = rest.kind ?? "start";
  return {
    key,
    incident: key.split("/")[0]!,
    kind,
    time: T,
    language: "en",
    zone: "UTC",
    title: `title of ${key}`,
    text: `text of ${key}`,
    facts: { event: kind, severity, series: "plant/temperature", time: T },
    ...rest,
  };
}

/** A channel that does what it is told. */
export class FakeChannel implements Channel {
  readonly dialect = "text";
  readonly sent: Notification[] = [];
  onSend: (notification: Notification) => Delivery | Promise<Delivery> = () => ({ receipt: "ok" });

  get keys(): string[] {
    return this.sent.map(({ key }) => key);
  }

  async send(notification: Notification): Promise<Delivery> {
    const delivery = await this.onSend(notification);
    this.sent.push(notification);
    return delivery;
  }

  test(): Promise<Delivery> {
    return Promise.resolve({});
  }

  async close(): Promise<void> {}
}

/** Lets a clock that stands still run on, a step each millisecond, until `check` gives something true. */
export async function runUntil<T>(
  clock: FakeClock,
  check: () => T | undefined | false,
  step = 100,
  turns = 4_000,
): Promise<T> {
  for (let turn = 0; turn < turns; turn++) {
    const found = check();
    if (found) return found;
    await pause(1);
    await clock.advance(step);
  }
  throw new Error("waited too long");
}

/** Enough for the file's thread, while the clock stands still. */
export async function until<T>(check: () => T | undefined | false, what = "something", limit = 8_000): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const found = check();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited too long for ${what}`);
    await pause(2);
  }
}
