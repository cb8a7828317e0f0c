import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { VigiaError } from "../points/error.ts";
import type { Kind, Notification, Refusal, Told } from "./notification.ts";

const FORMAT = 1;
const DAY = 86_400_000;
/** Delivered keys are known for so long, ms. */
const KNOWN_FOR = 7 * DAY;
/** An incident that is older ends without its start being known, ms. */
const TOLD_FOR = 90 * DAY;
/** Rows of either that are kept at most. */
const MOST_KEPT = 100_000;
/** Deliveries between two looks for what is out of date. */
const PRUNE_EVERY = 1_000;

// Exclusive: one process delivers what is in the file, and the kernel frees it when that dies in any way.
const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS waiting (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, key TEXT NOT NULL, incident TEXT NOT NULL,
    kind TEXT NOT NULL, severity TEXT, added INTEGER NOT NULL, tag TEXT, progress TEXT, notification TEXT NOT NULL,
    UNIQUE (channel, key)
  );
  CREATE TABLE IF NOT EXISTS known (
    channel TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (channel, key)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS known_at ON known (at);
  CREATE TABLE IF NOT EXISTS told (
    channel TEXT NOT NULL, incident TEXT NOT NULL, key TEXT, receipt TEXT, except_for TEXT, at INTEGER NOT NULL,
    PRIMARY KEY (channel, incident)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS told_at ON told (at);
`;

/** A notification that waits, as far as it has to be in memory. */
export interface Head {
  seq: number;
  incident: string;
  kind: Kind;
  critical: boolean;
  /** Milliseconds since epoch. */
  added: number;
  /** Some recipients have got it. */
  partly: boolean;
}

/** How far a delivery has come that is not complete. */
export interface Progress {
  /** Who is still to get it. */
  only: readonly string[];
  receipt?: string;
  refused?: Refusal[];
}

export interface Entry {
  channel: string;
  notification: Notification;
  tag?: string;
}

/** `full`: there is no room for it. */
export type Added = Head | "known" | "full";

/** A notification that waits, with all that is needed to send it. */
export interface Kept {
  seq: number;
  notification: Notification;
  tag?: string;
  progress?: Progress;
  /** How its incident's start was told; `failed`: nobody was told. */
  start?: (Told & { except?: string[] }) | "failed";
}

export interface Settlement {
  channel: string;
  seqs: readonly number[];
  /** Absent: it failed. */
  delivered?: { receipt?: string; refused?: readonly Refusal[]; digest?: string };
  /** What takes their place: a digest that some recipients have not got. */
  rest?: { notification: Notification; progress: Progress };
  /** Milliseconds since epoch. */
  now: number;
}

type Row = Record<string, unknown>;

const text = (value: unknown): string | undefined =>
  value === null || value === undefined ? undefined : String(value);

function headOf(row: Row): Head {
  return {
    seq: Number(row.seq),
    incident: String(row.incident),
    kind: String(row.kind) as Kind,
    critical: row.severity === "critical",
    added: Number(row.added),
    partly: row.progress !== null,
  };
}

/**
 * The file that keeps what is to be told until somebody has taken it. Synchronous; each change is one transaction with
 * fsync.
 */
export class QueueFile {
  readonly #db: DatabaseSync;
  #sincePruned = 0;

  /** @throws VigiaError `bad-queue` when a newer release wrote the file; errors of SQLite and of the file system */
  constructor(file: string, now: number) {
    mkdirSync(dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file, { timeout: 1_000 });
    try {
      const format = Number(this.#db.prepare("PRAGMA user_version").get()?.user_version);
      if (format > FORMAT) {
        throw new VigiaError("bad-queue", { field: `format of ${file}`, value: format, allowed: `up to ${FORMAT}` });
      }
      this.#check();
      this.#db.exec(SCHEMA);
      this.#db.exec(`PRAGMA user_version = ${FORMAT}`);
      this.#transaction(() => this.#prune(now));
    } catch (thrown) {
      this.#db.close();
      throw thrown;
    }
  }

  /** All of them or, when it throws, none. */
  add(entries: readonly Entry[], limit: number, now: number): Added[] {
    return this.#transaction(() => entries.map((entry) => this.#addOne(entry, limit, now)));
  }

  /** What waits for a channel, the oldest first. */
  heads(channel: string): Head[] {
    const rows = this.#db.prepare(
      "SELECT seq, incident, kind, severity, added, progress FROM waiting WHERE channel = ? ORDER BY seq",
    );
    return rows.all(channel).map(headOf);
  }

  /** Those that are still there. */
  read(seqs: readonly number[]): Kept[] {
    const one = this.#db.prepare("SELECT * FROM waiting WHERE seq = ?");
    return seqs.flatMap((seq) => {
      const row = one.get(seq);
      return row ? [this.#keptOf(row)] : [];
    });
  }

  progress(seq: number, progress: Progress): void {
    this.#db.prepare("UPDATE waiting SET progress = ? WHERE seq = ?").run(JSON.stringify(progress), seq);
  }

  settle(settlement: Settlement): Head | undefined {
    return this.#transaction(() => {
      for (const seq of settlement.seqs) this.#settleOne(seq, settlement);
      this.#sincePruned += settlement.seqs.length;
      if (this.#sincePruned >= PRUNE_EVERY) this.#prune(settlement.now);
      const { rest, channel, now } = settlement;
      return rest && this.#insert({ channel, notification: rest.notification }, now, rest.progress);
    });
  }

  close(): void {
    this.#db.close();
  }

  /** @throws as for a damaged file */
  #check(): void {
    const found = this.#db.prepare("PRAGMA quick_check(1)").get();
    if (found?.quick_check === "ok") return;
    throw Object.assign(new Error(String(found?.quick_check)), { errcode: 11 });
  }

  #addOne({ channel, notification, tag }: Entry, limit: number, now: number): Added {
    const { key } = notification;
    const known = this.#db.prepare(
      "SELECT 1 FROM known WHERE channel = ?1 AND key = ?2 UNION ALL SELECT 1 FROM waiting WHERE channel = ?1 AND key = ?2",
    );
    if (known.get(channel, key)) return "known";
    const count = this.#db.prepare("SELECT count(*) AS n FROM waiting WHERE channel = ?").get(channel);
    if (Number(count?.n) >= limit) return "full";
    return this.#insert(tag === undefined ? { channel, notification } : { channel, notification, tag }, now);
  }

  #insert({ channel, notification, tag }: Entry, now: number, progress?: Progress): Head {
    const { key, incident, kind, facts } = notification;
    const row = {
      incident,
      kind,
      severity: facts.severity ?? null,
      added: now,
      progress: progress ? JSON.stringify(progress) : null,
    };
    const { lastInsertRowid } = this.#db
      .prepare(
        `INSERT INTO waiting (channel, key, tag, notification, incident, kind, severity, added, progress)
         VALUES (:channel, :key, :tag, :notification, :incident, :kind, :severity, :added, :progress)`,
      )
      .run({ ...row, channel, key, tag: tag ?? null, notification: JSON.stringify(notification) });
    return headOf({ ...row, seq: lastInsertRowid });
  }

  #keptOf(row: Row): Kept {
    const kept: Kept = { seq: Number(row.seq), notification: JSON.parse(String(row.notification)) as Notification };
    const [tag, progress] = [text(row.tag), text(row.progress)];
    if (tag !== undefined) kept.tag = tag;
    if (progress !== undefined) kept.progress = JSON.parse(progress) as Progress;
    const start = this.#startOf(String(row.channel), String(row.incident));
    if (start) kept.start = start;
    return kept;
  }

  #startOf(channel: string, incident: string): Kept["start"] {
    const row = this.#db.prepare("SELECT * FROM told WHERE channel = ? AND incident = ?").get(channel, incident);
    if (!row) return undefined;
    const [key, receipt, except] = [row.key, row.receipt, row.except_for].map(text);
    if (key === undefined) return "failed";
    return {
      key,
      ...(receipt === undefined ? {} : { receipt }),
      ...(except === undefined ? {} : { except: JSON.parse(except) as string[] }),
    };
  }

  #settleOne(seq: number, { channel, delivered, now }: Settlement): void {
    const row = this.#db.prepare("SELECT key, incident, kind FROM waiting WHERE seq = ?").get(seq);
    if (!row) return;
    this.#db.prepare("DELETE FROM waiting WHERE seq = ?").run(seq);
    const [key, incident] = [String(row.key), String(row.incident)];
    if (delivered) this.#db.prepare("INSERT OR REPLACE INTO known VALUES (?, ?, ?)").run(channel, key, now);
    const refused = delivered?.refused?.map(({ recipient }) => recipient);
    const told = {
      key: delivered ? (delivered.digest ?? key) : null,
      receipt: delivered?.receipt ?? null,
      except: refused && refused.length > 0 ? JSON.stringify(refused) : null,
    };
    const remember = () =>
      this.#db
        .prepare("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?, ?)")
        .run(channel, incident, told.key, told.receipt, told.except, now);
    switch (String(row.kind) as Kind) {
      case "start":
        remember();
        break;
      case "severity":
      case "update": {
        // Whoever hears of it only now has been told all the same.
        const start = this.#startOf(channel, incident);
        if (delivered && (start === undefined || start === "failed")) remember();
        break;
      }
      case "end":
        this.#db.prepare("DELETE FROM told WHERE channel = ? AND incident = ?").run(channel, incident);
    }
  }

  #prune(now: number): void {
    this.#sincePruned = 0;
    const age = { known: KNOWN_FOR, told: TOLD_FOR };
    for (const [table, keptFor] of Object.entries(age)) {
      this.#db.prepare(`DELETE FROM ${table} WHERE at < ?`).run(now - keptFor);
      const oldest = this.#db.prepare(`SELECT at FROM ${table} ORDER BY at DESC LIMIT 1 OFFSET ${MOST_KEPT}`).get();
      if (oldest) this.#db.prepare(`DELETE FROM ${table} WHERE at <= ?`).run(Number(oldest.at));
    }
  }

  #transaction<T>(run: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = run();
      this.#db.exec("COMMIT");
      return result;
    } catch (thrown) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw thrown;
    }
  }
}
