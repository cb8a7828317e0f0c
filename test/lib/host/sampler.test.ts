import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Rates } from "../../../lib/host/counters.ts";
import { HOST_GROUPS, HOST_KPIS, type HostGroup } from "../../../lib/host/kpis.ts";
import { HostSampler } from "../../../lib/host/sampler.ts";
import { hostSource, type Space } from "../../../lib/host/source.ts";
import type { Frame } from "../../../lib/points/frame.ts";
import { FakeClock } from "./fake-clock.ts";
import { FixtureSource } from "./fixture.ts";

/** `cpu/core/used 0` → value */
function valuesOf(frame: Frame): Map<string, number | null> {
  const found = new Map<string, number | null>();
  for (const { series, tags, value } of frame) {
    const name = [series.replace(/^host\//, ""), ...Object.values(tags ?? {})].join(" ");
    assert.ok(!found.has(name), `${name} twice`);
    found.set(name, value);
  }
  return found;
}

function machine(name = "server/1", groups: readonly HostGroup[] = HOST_GROUPS) {
  const source = new FixtureSource(name);
  const clock = new FakeClock();
  const sampler = new HostSampler({ clock, source, groups });
  return { source, clock, sampler, sample: async () => valuesOf(await sampler.sample()) };
}

async function twoReadings(groups?: readonly HostGroup[]) {
  const m = machine("server/1", groups);
  const first = await m.sample();
  m.source.roots.proc = m.source.roots.proc.replace("server/1", "server/2");
  m.source.time += 10_000;
  m.source.cpu += 250_000;
  return { ...m, first, second: await m.sample() };
}

const pick = (all: Map<string, unknown>, start: string) =>
  Object.fromEntries([...all].filter(([name]) => name.startsWith(start)));

test("the first sample has no rates; the second has every KPI of the list, with its unit and tag", async () => {
  const { first, sampler } = await twoReadings();
  const rates = new Set<string>(HOST_KPIS.filter((kpi) => "rate" in kpi).map(({ series }) => series));
  for (const name of first.keys()) assert.ok(!rates.has(name.split(" ")[0]!), name);

  const frame = await sampler.sample();
  assert.equal(frame.times[0], Date.UTC(2026, 2, 2, 12));
  const missing = await twoReadings();
  for (const kpi of HOST_KPIS) {
    const found = [...missing.second.keys()].filter((name) => name.split(" ")[0] === kpi.series);
    assert.ok(found.length > 0, `${kpi.series} is not given`);
  }
  const known = new Map(HOST_KPIS.map((kpi) => [`host/${kpi.series}`, kpi as { unit?: string; tag?: string }]));
  for (const { series, unit, tags } of frame) {
    const kpi = known.get(series);
    assert.ok(kpi, `${series} is not in the list`);
    assert.equal(unit, kpi.unit);
    assert.deepEqual(Object.keys(tags ?? {}), kpi.tag ? [kpi.tag] : []);
  }
});

test("CPU: shares of the time between two readings, guests not counted twice, iowait never below 0", async () => {
  const { second } = await twoReadings(["cpu"]);
  assert.deepEqual(Object.fromEntries(second), {
    "cpu/used": 60,
    "cpu/iowait": 10,
    "cpu/steal": 10,
    "cpu/core/used 0": 92,
    "cpu/core/used 1": 28,
  });

  const { source, sample } = machine("server/1", ["cpu"]);
  source.texts.set("/stat", "cpu  100 0 0 100 50\n");
  await sample();
  source.texts.set("/stat", "cpu  200 0 0 200 40\n");
  const values = await sample();
  assert.equal(values.get("cpu/iowait"), 0);
  assert.ok(values.get("cpu/used")! <= 100);
});

test("CPU: a core that comes back, a reset and a reading at the same moment give nothing", async () => {
  const { source, sample } = machine("server/1", ["cpu"]);
  source.texts.set("/stat", "cpu  200 0 0 200\ncpu0 100 0 0 100\ncpu1 100 0 0 100\n");
  await sample();
  assert.equal((await sample()).size, 0);
  source.texts.set("/stat", "cpu  300 0 0 300\ncpu0 200 0 0 200\n");
  assert.deepEqual([...(await sample()).keys()].sort(), ["cpu/core/used 0", "cpu/iowait", "cpu/steal", "cpu/used"]);
  source.texts.set("/stat", "cpu  400 0 0 400\ncpu0 300 0 0 300\ncpu1 5 0 0 5\n");
  assert.equal((await sample()).has("cpu/core/used 1"), false);
  source.texts.set("/stat", "cpu  40 0 0 40\ncpu0 30 0 0 30\ncpu1 10 0 0 10\n");
  assert.deepEqual([...(await sample()).keys()], ["cpu/core/used 1"]);
});

test("load, memory and swap", async () => {
  const { second } = await twoReadings(["load", "memory"]);
  assert.deepEqual(Object.fromEntries(second), {
    "load/1m": 0.25,
    "load/5m": 1.08,
    "load/15m": 2.5,
    "memory/used": 25,
    "memory/available": 6_000_000 * 1_024,
    "memory/swap/used": 25,
  });
});

test("space: real file systems only, bind mounts once, as df counts", async () => {
  const { source, second } = await twoReadings(["disk"]);
  assert.deepEqual(pick(second, "disk/used"), {
    "disk/used /": (100 * 600) / 950,
    "disk/used /data disk": (100 * 600) / 950,
    "disk/used /mnt/nas": (100 * 600) / 950,
    "disk/used /mnt/backup": (100 * 600) / 950,
  });
  assert.equal(second.get("disk/free /"), 350 * 4_096);
  assert.equal(second.get("disk/inodes/used /"), 25);
  assert.deepEqual(source.asked.slice(0, 4).sort(), ["/", "/data disk", "/mnt/backup", "/mnt/nas"]);
});

test("space: in a container / is an overlay, and the files that the engine mounts are no disks", async () => {
  const { source, sample } = machine("server/1", ["disk"]);
  source.texts.set(
    "/mounts",
    "overlay / overlay rw,lowerdir=/x 0 0\n/dev/sda1 /etc/hosts ext4 rw 0 0\n/dev/sda1 /data ext4 rw 0 0\n",
  );
  const used = Object.keys(pick(await sample(), "disk/used"));
  assert.deepEqual(used, ["disk/used /", "disk/used /data"]);
});

test("a mount that does not answer: a gap after the limit, asked no more until it answers, the others go on", async () => {
  const { source, clock, sampler } = machine("server/1", ["disk"]);
  const good = source.space;
  let answer: (space: Space) => void = () => {};
  source.space = (path) => (path === "/mnt/nas" ? new Promise((resolve) => (answer = resolve)) : good(path));

  const first = sampler.sample();
  await clock.advance(2_000);
  const gaps = valuesOf(await first);
  assert.equal(gaps.get("disk/used /mnt/nas"), null);
  assert.equal(gaps.get("disk/free /mnt/nas"), null);
  assert.equal(gaps.get("disk/used /mnt/backup"), null, "its server may be the same: not asked");
  assert.equal(gaps.get("disk/free /"), 350 * 4_096);

  source.asked = [];
  const second = valuesOf(await sampler.sample());
  assert.deepEqual(source.asked, ["/", "/data disk"]);
  assert.equal(second.get("disk/used /mnt/nas"), null);

  answer(await good("/mnt/nas"));
  source.space = good;
  await clock.advance(0);
  assert.equal(valuesOf(await sampler.sample()).get("disk/free /mnt/nas"), 350 * 4_096);
});

test("a mount that may not be asked is left out", async () => {
  const { source, sample } = machine("server/1", ["disk"]);
  source.space = () => Promise.reject(new Error("EACCES"));
  assert.deepEqual([...(await sample()).keys()], []);
});

test("disk rates: whole disks, 512-byte sectors, an unmoved disk is 0", async () => {
  const { second } = await twoReadings(["disk"]);
  assert.deepEqual(
    Object.keys(pick(second, "disk/busy")),
    ["sda", "nvme0n1", "xvda1"].map((name) => `disk/busy ${name}`),
  );
  assert.equal(second.get("disk/read sda"), 20_000 * 51.2);
  assert.equal(second.get("disk/written sda"), 100_000 * 51.2);
  assert.equal(second.get("disk/reads sda"), 10);
  assert.equal(second.get("disk/writes sda"), 50);
  assert.equal(second.get("disk/busy sda"), 25);
  assert.equal(second.get("disk/read nvme0n1"), 0);
});

test("network rates: both ways, no loopback, no container ends", async () => {
  const { second } = await twoReadings(["network"]);
  assert.deepEqual(Object.fromEntries(second), {
    "network/received eth0": 1_000,
    "network/sent eth0": 2_000,
    "network/errors eth0": 0.2,
    "network/drops eth0": 0.5,
    "network/received wlan0": 10,
    "network/sent wlan0": 0,
    "network/errors wlan0": 0,
    "network/drops wlan0": 0,
  });
});

test("temperatures: zones, chips that are no zones, like names told apart, absurd values left out", async () => {
  const { sample, source } = machine("server/1", ["temperature"]);
  assert.deepEqual(Object.fromEntries(await sample()), {
    "temperature acpitz": 27.8,
    "temperature coretemp/Package id 0": 45,
    "temperature coretemp/temp2": 43,
    "temperature coretemp/Core 9": 44,
    "temperature nvme/Composite": 38.85,
    "temperature nvme-2/Composite": 41.85,
  });
  source.texts.set("thermal_zone0/temp", undefined);
  assert.equal((await sample()).has("temperature acpitz"), false);
});

test("processes, open files, uptime and this process", async () => {
  const { first, second } = await twoReadings(["process"]);
  assert.equal(first.has("node-red/cpu"), false);
  assert.deepEqual(Object.fromEntries(second), {
    "processes/count": 3,
    "processes/running": 5,
    "processes/blocked": 1,
    "files/open": 4_960,
    uptime: 123_466.78,
    "node-red/cpu": 2.5,
    "node-red/memory": 90_000_000,
    "node-red/heap": 20_000_000,
    "node-red/delay": 1.5,
  });
});

test("a Raspberry Pi: an old meminfo, the SD card once, the zone once, a counter that wraps", async () => {
  const { source, sample } = machine("pi");
  const first = await sample();
  assert.equal(first.get("memory/available"), (412_340 + 34_560 + 301_200) * 1_024);
  assert.equal(first.get("memory/swap/used"), 0);
  assert.deepEqual(pick(first, "temperature"), { "temperature cpu-thermal": 48.312 });
  assert.deepEqual(Object.keys(pick(first, "disk/used")), ["disk/used /", "disk/used /boot"]);

  source.time += 10_000;
  const net = (await source.readText(`${source.roots.proc}/net/dev`))!;
  source.texts.set("/net/dev", net.replace("4294967000", "1704"));
  const second = await sample();
  assert.deepEqual(Object.keys(pick(second, "network/received")), ["network/received eth0"]);
  assert.deepEqual(Object.keys(pick(second, "disk/busy")), ["disk/busy mmcblk0"]);
});

test("without procfs: what Node knows", async () => {
  const { source, sample } = machine("nowhere");
  const times = { user: 100, nice: 0, sys: 50, idle: 850, irq: 0 };
  source.os.cpus = () => [{ model: "", speed: 0, times: { ...times } }];
  await sample();
  times.user += 30;
  times.idle += 70;
  source.time += 100;
  const values = Object.fromEntries(await sample());
  assert.deepEqual(values, {
    "cpu/core/used 0": 30,
    "cpu/used": 30,
    "load/1m": 1,
    "load/5m": 2,
    "load/15m": 3,
    "memory/used": 75,
    "memory/available": 2_000,
    "disk/used /": (100 * 600) / 950,
    "disk/free /": 350 * 4_096,
    "disk/inodes/used /": 25,
    uptime: 77,
    "node-red/cpu": 0,
    "node-red/memory": 90_000_000,
    "node-red/heap": 20_000_000,
    "node-red/delay": 1.5,
  });
  source.os.platform = () => "win32";
  assert.equal((await sample()).has("load/1m"), false);
});

test("calls that overlap share one reading; close lets go", async () => {
  const { sampler, source } = machine();
  const [a, b] = await Promise.all([sampler.sample(), sampler.sample()]);
  assert.equal(a, b);
  assert.notEqual(await sampler.sample(), a);
  sampler.close();
  assert.equal(source.closed, true);
});

test("rubbish in every file gives no value that is not a number", async () => {
  const { source, sample } = machine("server/1");
  source.readText = async () => "cpu x y\nMemTotal: many kB\n a b c d e f g h i j k l m n\n eth0: z\n\u0000";
  await sample();
  source.time += 1_000;
  for (const [name, value] of await sample()) assert.ok(value !== null && Number.isFinite(value), name);
});

test("law: a rate times its time is what the counter grew, whatever came before", () => {
  const readings = fc.array(
    fc.record({ grow: fc.integer({ min: -5, max: 1_000 }), wait: fc.integer({ min: 0, max: 60_000 }) }),
  );
  fc.assert(
    fc.property(readings, (steps) => {
      const rates = new Rates<"n">();
      let at = 0;
      let n = 100;
      let last = { at, n };
      rates.update(at, new Map([["a", { n }]]));
      for (const { grow, wait } of steps) {
        at += wait;
        n += grow;
        const rate = rates.update(at, new Map([["a", { n }]])).get("a")?.n;
        if (at === last.at || n < last.n) assert.equal(rate, undefined);
        else assert.ok(Math.abs((rate! * (at - last.at)) / 1_000 - (n - last.n)) < 1e-6);
        if (at > last.at) last = { at, n };
      }
    }),
  );
});

test("this machine", async () => {
  const source = hostSource();
  const sampler = new HostSampler({ clock: { now: () => Date.UTC(2026, 0, 1), after: () => () => {} }, source });
  await sampler.sample();
  for (let i = 0; i < 1e6; i++) Math.sqrt(i);
  const frame = await sampler.sample();
  sampler.close();
  const values = valuesOf(frame);
  assert.ok(values.get("memory/used")! > 0);
  assert.ok(values.get("node-red/memory")! > 1e7);
  for (const [name, value] of values)
    assert.ok(value! >= 0 && (!/used|busy|iowait|steal/.test(name) || value! <= 100.001), `${name} ${value}`);
});
