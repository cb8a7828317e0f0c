// The store beside others, on the same points: those of rrdtool, whisper, InfluxDB, VictoriaMetrics and PostgreSQL that are
// installed. A server pays for its protocol and for standing elsewhere; ours does not: this is what a flow would get.
//
//   npm run bench -- store-peers [--rows 10000] [--series 100]
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FrameBuilder } from "../lib/points/frame.ts";
import { seriesRef } from "../lib/points/series.ts";
import { openStore } from "../lib/store/open.ts";
import { mixed } from "./support/columns.ts";

const { values: args } = parseArgs({
  options: { rows: { type: "string", default: "10000" }, series: { type: "string", default: "100" } },
});
const rows = Number(args.rows);
const columns = Array.from({ length: Number(args.series) }, (_, n) => mixed(n, rows));
const total = rows * columns.length;
const folder = mkdtempSync(join(tmpdir(), "vigia-peers-"));
chmodSync(folder, 0o755);
const children: ChildProcess[] = [];
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const digits = (n: number) => Number(n.toPrecision(3));
const has = (command: string) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
const since = (start: number) => performance.now() - start;
const bytesUnder = (path: string) =>
  globSync("**/*", { cwd: path })
    .map((file) => statSync(join(path, file)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until(check: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 300; n++) {
    if (await check().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the server did not start");
}

interface Result {
  peer: string;
  /** ms */
  write: number;
  bytes: number;
  /** One series whole, ms, and how many rows came. */
  read: number;
  got: number;
  exact: boolean;
  note?: string;
}

const print = ({ peer, write, bytes, read, got, exact, note }: Result) =>
  console.log(
    JSON.stringify({
      bench: "store-peers",
      peer,
      points: total,
      writeMillionsPerSecond: digits(total / write / 1000),
      bytesPerPoint: digits(bytes / total),
      readMillionsPerSecond: digits(got / read / 1000),
      rowsOfOneSeries: got,
      valuesAsWritten: exact,
      ...(note ? { note } : {}),
    }),
  );

/** Whether the values of series 4 are those that were written. */
const isExact = (values: ArrayLike<number>) =>
  values.length === rows && columns[4]!.values.every((value, row) => value === values[row]);

async function ours(): Promise<void> {
  const file = join(folder, "ours.db");
  const store = await openStore({ file, commitPoints: 1000 });
  const refs = columns.map((_, n) => seriesRef(`k${n}`));
  const frames = [];
  for (let row = 0; row < rows; row++) {
    const builder = new FrameBuilder(columns.length);
    for (const [n, { times, values }] of columns.entries()) builder.add(refs[n]!, times[row]!, values[row]!);
    frames.push(builder.take());
  }
  const start = performance.now();
  let last: Promise<unknown> = Promise.resolve();
  for (const [n, frame] of frames.entries()) {
    last = store.append(frame);
    if (n % 100 === 99) await last;
  }
  store.flush();
  await last;
  const write = since(start);
  await store.snapshot("all");
  await store.close();
  const again = await openStore({ file });
  await again.read({ keys: ["k3"] });
  const began = performance.now();
  const frame = await again.read({ keys: ["k4"] });
  const read = since(began);
  await again.close();
  const log = 20 * Math.min(total, 1_000_000);
  const bytes = Math.max(0, statSync(file).size - log);
  print({
    peer: "ours, 1 000 points a commit, fsync",
    write,
    bytes,
    read,
    got: frame.length,
    exact: isExact(frame.values),
    note: "without the log, which is 20 MB at most",
  });
}

async function rrdtool(): Promise<void> {
  if (!has("rrdtool")) return;
  const at = join(folder, "rrd");
  mkdirSync(at);
  const child = spawn("rrdtool", ["-"], { cwd: at, stdio: ["pipe", "pipe", "ignore"] });
  children.push(child);
  let answers = 0;
  let wanted = 0;
  let wake = () => {};
  child.stdout!.on("data", (chunk: Buffer) => {
    answers += String(chunk).match(/^(OK u:|ERROR:)/gm)?.length ?? 0;
    if (answers >= wanted) wake();
  });
  const done = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
      if (answers >= wanted) resolve();
    });
  const ask = (line: string) => {
    wanted++;
    child.stdin!.write(`${line}\n`);
  };
  for (const [n, { times }] of columns.entries()) {
    const step = Math.round((times[1]! - times[0]!) / 1000);
    ask(
      `create ${n}.rrd --start ${Math.floor(times[0]! / 1000) - 1} --step ${step} DS:v:GAUGE:${10 * step}:U:U RRA:LAST:0.5:1:${rows + 100}`,
    );
  }
  await done();
  const start = performance.now();
  for (const [n, { times, values }] of columns.entries()) {
    for (let row = 0; row < rows; row += 500) {
      const some = Array.from(
        times.subarray(row, row + 500),
        (time, i) => `${Math.floor(time / 1000)}:${values[row + i]}`,
      );
      ask(`update ${n}.rrd ${some.join(" ")}`);
    }
  }
  await done();
  const write = since(start);
  child.kill();
  const began = performance.now();
  const { times } = columns[4]!;
  const text = execFileSync("rrdtool", [
    "fetch",
    join(at, "4.rrd"),
    "LAST",
    "--start",
    `${Math.floor(times[0]! / 1000)}`,
    "--end",
    `${Math.floor(times.at(-1)! / 1000)}`,
  ]);
  const values = String(text)
    .split("\n")
    .slice(2)
    .filter((line) => line.includes(": "))
    .map((line) => Number(line.split(": ")[1]));
  const note = "no fsync; times moved to the grid, values interpolated, milliseconds refused, no back-fill";
  print({
    peer: "rrdtool, 500 values a command",
    write,
    bytes: bytesUnder(at),
    read: since(began),
    got: values.length,
    exact: isExact(values),
    note,
  });
}

function whisper(): void {
  const python = "/usr/bin/python3";
  if (spawnSync(python, ["-c", "import whisper"]).status !== 0) return;
  const at = join(folder, "whisper");
  mkdirSync(at);
  for (const [n, { times, values }] of columns.entries()) {
    writeFileSync(join(at, `${n}.csv`), Array.from(times, (time, row) => `${time / 1000},${values[row]}`).join("\n"));
  }
  writeFileSync(
    join(at, "run.py"),
    `
import whisper, time, glob, json, sys
now = ${columns[0]!.times.at(-1)! / 1000}
write = 0
for n in range(${columns.length}):
    rows = [tuple(map(float, line.split(','))) for line in open('%d.csv' % n)]
    step = int(round(rows[1][0] - rows[0][0]))
    whisper.create('%d.wsp' % n, [(step, ${rows + 100})])
    began = time.time()
    whisper.update_many('%d.wsp' % n, rows, now=int(rows[-1][0]) + 1)
    write += time.time() - began
rows = [tuple(map(float, line.split(','))) for line in open('4.csv')]
began = time.time()
info, values = whisper.fetch('4.wsp', int(rows[0][0]) - 1, int(rows[-1][0]) + 1, now=int(rows[-1][0]) + 1)
read = time.time() - began
print(json.dumps({'write': write * 1000, 'read': read * 1000, 'values': [v for v in values if v is not None]}))
`,
  );
  const out = execFileSync(python, ["run.py"], { cwd: at, maxBuffer: 1 << 28 });
  const { write, read, values } = JSON.parse(String(out)) as { write: number; read: number; values: number[] };
  const bytes = globSync("*.wsp", { cwd: at }).reduce((sum, file) => sum + statSync(join(at, file)).size, 0);
  const note = "no fsync; one value a slot of the grid, whole seconds";
  print({ peer: "whisper, update_many", write, bytes, read, got: values.length, exact: isExact(values), note });
}

function* lines(size: number): Generator<string> {
  let batch: string[] = [];
  for (let row = 0; row < rows; row++) {
    for (const [n, { times, values }] of columns.entries()) {
      batch.push(`k,n=k${n} v=${values[row]} ${times[row]}`);
      if (batch.length === size) {
        yield batch.join("\n");
        batch = [];
      }
    }
  }
  if (batch.length > 0) yield batch.join("\n");
}

async function postLines(url: string): Promise<number> {
  const batches = [...lines(5000)];
  const start = performance.now();
  for (const body of batches) {
    const response = await fetch(url, { method: "POST", body });
    if (!response.ok) throw new Error(await response.text());
  }
  return since(start);
}

async function influx(): Promise<void> {
  if (!has("influxd")) return;
  const at = join(folder, "influx");
  mkdirSync(at);
  const [rpc, http] = [await freePort(), await freePort()];
  const config = join(folder, "influx.conf");
  writeFileSync(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
dir = "${at}/meta"
[data]
dir = "${at}/data"
wal-dir = "${at}/wal"
index-version = "tsi1"
[http]
bind-address = "127.0.0.1:${http}"
log-enabled = false
[monitor]
store-enabled = false
`,
  );
  const child = spawn("influxd", ["-config", config], { stdio: "ignore" });
  children.push(child);
  const base = `http://127.0.0.1:${http}`;
  await until(async () => (await fetch(`${base}/ping`)).status === 204);
  await fetch(`${base}/query?q=CREATE%20DATABASE%20k`, { method: "POST" });
  const write = await postLines(`${base}/write?db=k&precision=ms`);
  const began = performance.now();
  const query = encodeURIComponent(`SELECT v FROM k WHERE n='k4'`);
  const answer = (await (await fetch(`${base}/query?db=k&epoch=ms&q=${query}`)).json()) as {
    results: { series: { values: [number, number][] }[] }[];
  };
  const values = answer.results[0]!.series[0]!.values.map(([, value]) => value);
  const read = since(began);
  child.kill();
  await new Promise((resolve) => child.once("exit", resolve));
  const bytes = bytesUnder(at);
  print({
    peer: "InfluxDB 1.6, 5 000 lines a request",
    write,
    bytes,
    read,
    got: values.length,
    exact: isExact(values),
    note: "disk with its write-ahead log, before compaction",
  });
}

async function victoria(): Promise<void> {
  if (!has("victoria-metrics")) return;
  const at = join(folder, "vm");
  const http = await freePort();
  const child = spawn(
    "victoria-metrics",
    [
      `-storageDataPath=${at}`,
      `-httpListenAddr=127.0.0.1:${http}`,
      "-retentionPeriod=100y",
      "-search.latencyOffset=0s",
    ],
    { stdio: "ignore" },
  );
  children.push(child);
  const base = `http://127.0.0.1:${http}`;
  await until(async () => (await fetch(`${base}/health`)).ok);
  const write = await postLines(`${base}/write?precision=ms`);
  await fetch(`${base}/internal/force_flush`);
  const began = performance.now();
  const exported = await (await fetch(`${base}/api/v1/export?match[]=${encodeURIComponent('k_v{n="k4"}')}`)).text();
  const rowsRead = exported
    .trim()
    .split("\n")
    .flatMap((line) => {
      const { timestamps, values } = JSON.parse(line) as { timestamps: number[]; values: number[] };
      return timestamps.map((time, row) => [time, values[row]!] as const);
    })
    .sort(([a], [b]) => a - b);
  const read = since(began);
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
  print({
    peer: "VictoriaMetrics 1.79, 5 000 lines a request",
    write,
    bytes: bytesUnder(at),
    read,
    got: rowsRead.length,
    exact: isExact(rowsRead.map(([, value]) => value)),
    note: "no fsync a request; rounds to 12 digits",
  });
}

async function postgres(): Promise<void> {
  const [bin] = globSync("/usr/lib/postgresql/*/bin");
  if (!bin || !existsSync(join(bin, "initdb")) || process.getuid?.() !== 0) return;
  const at = join(folder, "pg");
  mkdirSync(at);
  execFileSync("chown", ["postgres", at]);
  const port = await freePort();
  const as = (command: string, input?: string) =>
    execFileSync("su", ["postgres", "-c", command], {
      maxBuffer: 1 << 30,
      stdio: ["pipe", "pipe", "ignore"],
      ...(input === undefined ? {} : { input }),
    });
  const psql = `${bin}/psql -h 127.0.0.1 -p ${port} -U postgres -qAt -F ,`;
  as(`${bin}/initdb -D ${at}/data -A trust -U postgres`);
  as(
    `${bin}/pg_ctl -D ${at}/data -o '-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${at}' -l ${at}/log -w start`,
  );
  try {
    as(`${psql} -c "CREATE TABLE p (n int, t bigint, v float8, PRIMARY KEY (n, t))"`);
    const before = bytesUnder(`${at}/data/base`);
    const copy = Array.from({ length: rows }, (_, row) =>
      columns.map(({ times, values }, n) => `${n},${times[row]},${values[row]}`).join("\n"),
    ).join("\n");
    const start = performance.now();
    as(`${psql} -c "COPY p FROM STDIN CSV"`, copy);
    const write = since(start);
    as(`${psql} -c CHECKPOINT`);
    const bytes = bytesUnder(`${at}/data/base`) - before;
    const began = performance.now();
    const values = String(as(`${psql} -c "SELECT t, v FROM p WHERE n = 4 ORDER BY t"`))
      .trim()
      .split("\n")
      .map((line) => Number(line.split(",")[1]));
    print({
      peer: "PostgreSQL, one COPY",
      write,
      bytes,
      read: since(began),
      got: values.length,
      exact: isExact(values),
      note: "with the primary key that makes it idempotent; one transaction",
    });
  } finally {
    as(`${bin}/pg_ctl -D ${at}/data -m fast stop`);
  }
}

await ours();
await rrdtool();
whisper();
await influx();
await victoria();
await postgres();
