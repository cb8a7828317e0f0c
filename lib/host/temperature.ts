import type { Emit } from "./kpis.ts";
import type { HostSource } from "./source.ts";

interface Sensor {
  name: string;
  /** Holds millidegrees Celsius. */
  path: string;
}

const byNumber = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

/** Temperatures of thermal zones and hardware monitoring chips. */
export class Temperature {
  readonly #source: HostSource;
  #listing = "";
  #sensors: readonly Sensor[] = [];

  constructor(source: HostSource) {
    this.#source = source;
  }

  async collect(emit: Emit): Promise<void> {
    const [zones, chips] = await Promise.all([this.#list("thermal"), this.#list("hwmon")]);
    const listing = [...zones, ...chips].join("\n");
    // Names and labels are read again only when something was plugged in or pulled out.
    if (listing !== this.#listing) {
      this.#sensors = await this.#discover(
        zones.filter((path) => path.includes("thermal_zone")),
        chips,
      );
      this.#listing = listing;
    }
    const values = await Promise.all(this.#sensors.map(({ path }) => this.#text(path)));
    this.#sensors.forEach(({ name }, row) => {
      const text = values[row];
      const degrees = text ? Number(text) / 1_000 : Number.NaN;
      // Below absolute zero: how some drivers say that nothing is connected.
      if (degrees > -273.15) emit("temperature", degrees, name);
    });
  }

  async #list(kind: "thermal" | "hwmon"): Promise<string[]> {
    const folder = `${this.#source.roots.sys}/class/${kind}`;
    return (await this.#source.list(folder)).sort(byNumber).map((name) => `${folder}/${name}`);
  }

  async #text(path: string): Promise<string | undefined> {
    return (await this.#source.readText(path))?.trim();
  }

  async #discover(zones: readonly string[], chips: readonly string[]): Promise<Sensor[]> {
    const taken = new Map<string, number>();
    // The numbers of hwmon0, hwmon1 change from start to start; names do not.
    const unique = (name: string) => {
      const n = (taken.get(name) ?? 0) + 1;
      taken.set(name, n);
      return n === 1 ? name : `${name}-${n}`;
    };
    const sensors: Sensor[] = [];
    const known = new Set<string>();
    for (const zone of zones) {
      const type = (await this.#text(`${zone}/type`)) || "zone";
      // The kernel shows a zone as a chip again, under this spelling.
      known.add(type.replaceAll("-", "_"));
      sensors.push({ name: unique(type), path: `${zone}/temp` });
    }
    for (const chip of chips) {
      const name = (await this.#text(`${chip}/name`)) || "chip";
      if (known.has(name)) continue;
      const own = unique(name);
      for (const file of (await this.#source.list(chip)).sort(byNumber)) {
        const input = /^(temp\d+)_input$/.exec(file)?.[1];
        if (input === undefined) continue;
        const label = (await this.#text(`${chip}/${input}_label`)) || input;
        sensors.push({ name: `${own}/${label}`, path: `${chip}/${file}` });
      }
    }
    return sensors;
  }
}
