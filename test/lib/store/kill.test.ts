import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Frame } from "../../../lib/points/frame.ts";
import { Engine } from "../../../lib/store/engine.ts";
import { openStore } from "../../../lib/store/open.ts";
import { childOf } from "./children.ts";
import { firstFormat } from "./first-format.ts";
import { checkWhole, Dice, ManualClock, START, TINY } from "./fixtures.ts";
import { ingestFrame } from "./ingest-frame.ts";
import { tempFolder } from "./temp-folder.ts";

/** Kills of each kind; without the setting some eight in all. */
const KILLS = Number(process.env.STORE_KILLS ?? 0);
const ROWS = ingestFrame(0).length;

const open = (file: string) => new Engine(file, new ManualClock(Date.now()), TINY);

/** Numbers of the frames that are there; each as a whole, and nothing but frames. */
function framesIn(frame: Frame): Set<number> {
  const found = new Map<number, Set<number>>();
  for (let row = 0; row < frame.length; row++) {
    const place = frame.values[row]!;
    const n = Math.floor(place / ROWS);
    const [ref, time, value] = ingestFrame(n)[place % ROWS]!;
    assert.deepEqual([frame.ref(row).key, frame.times[row], place], [ref.key, time, value]);
    found.set(n, (found.get(n) ?? new Set()).add(place));
  }
  for (const [n, rows] of found) assert.equal(rows.size, ROWS, `frame ${n} is there as a whole`);
  return new Set(found.keys());
}

function look<T>(file: string, ask: (engine: Engine) => T): T {
  const engine = open(file);
  try {
    return ask(engine);
  } finally {
    engine.close();
  }
}

function hasAll(found: Set<number>, wanted: Iterable<number>, what: string): void {
  for (const n of wanted) assert.ok(found.has(n), `frame ${n} is ${what}`);
}

function hasNone(found: Set<number>, gone: Iterable<number>, what: string): void {
  for (const n of gone) assert.ok(!found.has(n), `frame ${n} is ${what}`);
}

/** Runs the child again and again on one file, and looks after each kill. */
async function killed(
  t: TestContext,
  what: string,
  { kills, lines: most }: { kills: number; lines: number },
  onLine: (word: string, rest: string) => void,
  check: (file: string) => void,
): Promise<void> {
  const file = join(tempFolder(), "kpis.db");
  const dice = new Dice(what.length);
  let first = 0;
  for (let round = 0; round < kills; round++) {
    const { lines, kill } = childOf(t, "busy-child.ts", what, file, String(first));
    // A few kills come late, when much is under way; many come at any moment.
    const enough = dice.int(KILLS > 0 ? 1 : most / 2, most);
    let seen = 0;
    for await (const line of lines) {
      const [word = "", rest = ""] = line.split(" ");
      if (word === "frame") first = Math.max(first, Number(rest));
      onLine(word, rest);
      // The kill comes while more is done; what was printed until then is read to its end.
      if (++seen === enough) void sleep(dice.int(0, 30)).then(kill);
    }
    first += 100;
    checkWhole(file);
    check(file);
  }
}

for (const [what, kills, lines] of [
  ["ingest", 2, 250],
  ["load", 1, 120],
] as const) {
  test(`kill -9 during ${what} loses nothing that was acknowledged, doubles nothing and tears nothing`, {
    timeout: 120_000,
  }, async (t) => {
    const acknowledged = new Set<number>();
    let before = 0;
    await killed(
      t,
      what,
      { kills: KILLS || kills, lines },
      (word, rest) => {
        if (word === "frame") acknowledged.add(Number(rest));
      },
      (file) => {
        look(file, (engine) => {
          hasAll(framesIn(engine.reading.read({})), acknowledged, "there");
          assert.ok(engine.seq > before, "no sequence number comes twice");
          before = engine.seq;
          assert.ok(engine.stats().points > 0);
        });
      },
    );
    t.diagnostic(`${acknowledged.size} frames acknowledged`);
  });
}

test("kill -9 while points go to rollups loses and doubles none of them", { timeout: 120_000 }, async (t) => {
  let acknowledged = 0;
  let killsSoFar = 0;
  let rolledUp = 0;
  await killed(
    t,
    "retention",
    { kills: KILLS || 1, lines: 250 },
    (word) => {
      if (word === "frame") acknowledged++;
    },
    (file) => {
      killsSoFar++;
      look(file, ({ reading }) => {
        const edges = [START - 86_400_000, START + 1e12];
        const { columns } = reading.aggregate({ edges, aggregates: ["count"] });
        const points = columns.count!.reduce((sum, count) => sum + count, 0);
        assert.equal(points % ROWS, 0, "whole frames");
        // At most one batch of four was on its way at each kill.
        const more = points / ROWS - acknowledged;
        assert.ok(more >= 0 && more <= 4 * killsSoFar, `${more} more than acknowledged`);
        rolledUp = points - reading.read({}).length;
      });
    },
  );
  assert.ok(rolledUp > 0, "some had gone");
});

test("kill -9 around snapshots: each is whole or not there, and sees what was there when it was made", {
  timeout: 120_000,
}, async (t) => {
  const acknowledged: number[] = [];
  /** By name, how many frames were acknowledged before it. */
  const made = new Map<string, number>();
  await killed(
    t,
    "snapshot",
    { kills: KILLS || 1, lines: 150 },
    (word, rest) => {
      if (word === "frame") acknowledged.push(Number(rest));
      if (word === "snapshot") made.set(rest, acknowledged.length);
      if (word === "dropping") made.delete(rest);
    },
    (file) => {
      look(file, ({ reading }) => {
        hasAll(framesIn(reading.read({})), acknowledged, "there");
        const names = reading.snapshots.list().map(({ name }) => name);
        for (const [name, frames] of made) {
          assert.ok(names.includes(name), `snapshot ${name}`);
          const seen = framesIn(reading.read({ asOf: name }));
          hasAll(seen, acknowledged.slice(0, frames), `seen by snapshot ${name}`);
          hasNone(seen, acknowledged.slice(frames), `too new for snapshot ${name}`);
        }
        for (const asOf of names) framesIn(reading.read({ asOf }));
      });
    },
  );
  assert.ok(made.size > 0);
});

test("kill -9 during backups: the last one that was finished opens", { timeout: 120_000 }, async (t) => {
  const acknowledged: number[] = [];
  let copied = 0;
  await killed(
    t,
    "backup",
    { kills: KILLS || 1, lines: 60 },
    (word, rest) => {
      if (word === "frame") acknowledged.push(Number(rest));
      if (word === "copied") copied = acknowledged.length;
    },
    (file) => {
      look(file, ({ reading }) => hasAll(framesIn(reading.read({})), acknowledged, "there"));
      const copy = `${file}.copy`;
      if (copied === 0 && !existsSync(copy)) return;
      checkWhole(copy);
      look(copy, ({ reading }) => hasAll(framesIn(reading.read({})), acknowledged.slice(0, copied), "in the copy"));
    },
  );
});

test("kill -9 during restores: the file is as before or as restored, and what came after is there", {
  timeout: 120_000,
}, async (t) => {
  /** In the copy; since the copy or the last restore; taken away by a restore. */
  let [base, since, gone]: [number[], number[], number[]] = [[], [], []];
  let restoring = false;
  let restores = 0;
  await killed(
    t,
    "restore",
    { kills: KILLS || 1, lines: 80 },
    (word, rest) => {
      restoring = word === "restoring";
      if (word === "frame") since.push(Number(rest));
      if (word === "copied") [base, since] = [[...base, ...since], []];
      if (word === "restored") [gone, since, restores] = [[...gone, ...since], [], restores + 1];
    },
    (file) => {
      const found = look(file, ({ reading }) => framesIn(reading.read({})));
      hasAll(found, base, "there");
      hasNone(found, gone, "gone by a restore");
      if (!restoring || since.some((n) => found.has(n))) hasAll(found, since, "there");
      else since = [];
    },
  );
  t.diagnostic(`${restores} restores`);
});

test("kill -9 while a file of format 1 is brought up to date: it opens with all its points", {
  timeout: 120_000,
}, async (t) => {
  const dice = new Dice(11);
  let old = 0;
  for (let round = 0; round < (KILLS || 2); round++) {
    const file = join(tempFolder(), "kpis.db");
    const { rows } = firstFormat(file, { chunks: 60, chunkPoints: 4000 });
    const { lines, kill } = childOf(t, "busy-child.ts", "migrate", file, "0");
    await Promise.race([once(lines, "line"), sleep(dice.int(100, 500))]);
    await kill();
    const db = new DatabaseSync(file, { readOnly: true });
    old += Number(db.prepare("SELECT value = 1 AS old FROM meta WHERE key = 'format'").get()!.old);
    db.close();
    look(file, ({ reading }) => {
      const frame = reading.read({ keys: ["plant/1", "plant/2"], to: rows.at(-1)![1] });
      const wanted = rows.filter(([ref]) => ref.series === "plant/1").map(([, , value]) => value);
      assert.equal(frame.length, wanted.length + 1);
      assert.deepEqual(frame.values, Float64Array.from([...wanted, -4]));
    });
    checkWhole(file);
  }
  t.diagnostic(`${old} were not up to date yet`);
});

test("another process that writes the file keeps us out, and not a moment longer than it lives", {
  timeout: 60_000,
}, async (t) => {
  const file = join(tempFolder(), "kpis.db");
  const { lines, kill } = childOf(t, "busy-child.ts", "ingest", file, "0");
  await once(lines, "line");
  await assert.rejects(openStore({ file }), {
    name: "VigiaError",
    code: "store-locked",
    message: /kpis\.db.*another runtime/,
  });
  await kill();
  await (await openStore({ file })).close();
});

test("another process reads the file with SQLite alone while it is written, and what it sees fits together", {
  timeout: 60_000,
}, async (t) => {
  const file = join(tempFolder(), "kpis.db");
  const { lines } = childOf(t, "busy-child.ts", "ingest", file, "0");
  await once(lines, "line");
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  t.after(() => db.close());
  let most = 0;
  for (let asked = 0; asked < 40; asked++) {
    await once(lines, "line");
    db.exec("BEGIN");
    let points = Number(db.prepare("SELECT total(n) AS n FROM chunk").get()!.n);
    const flushed = new Map(
      db
        .prepare("SELECT sid, flushed FROM series")
        .all()
        .map((row) => [row.sid, row.flushed]),
    );
    for (const { seq, data } of db.prepare("SELECT seq, data FROM log").iterate()) {
      const bytes = data as Uint8Array;
      const n = bytes.byteLength / 20;
      const sids = new Uint32Array(bytes.buffer, bytes.byteOffset + 16 * n, n);
      points += sids.filter((sid) => (seq as number) > (flushed.get(sid) as number)).length;
    }
    db.exec("COMMIT");
    assert.equal(points % ROWS, 0, "whole frames only");
    assert.ok(points >= most);
    most = points;
  }
  assert.ok(most > 0);
});
