import { remember, remembered } from "./remember.ts";

export interface Palette {
  card: string;
  axis: string;
  grid: string;
  lines: string[];
}

export const LINES = 8;

/** Dark or light: as the system has it, until the reader says otherwise. The colours are in style.css only. */
export class Theme {
  palette: Palette;
  readonly #system = matchMedia("(prefers-color-scheme: dark)");
  /** Called when the colours are other ones. */
  changed = () => {};

  constructor() {
    this.palette = this.#apply();
    this.#system.addEventListener("change", () => this.#refresh());
  }

  get dark(): boolean {
    return (remembered().theme ?? (this.#system.matches ? "dark" : "light")) === "dark";
  }

  toggle(): void {
    const dark = !this.dark;
    // Who comes back to the system's choice follows the system again.
    remember({ theme: dark === this.#system.matches ? undefined : dark ? "dark" : "light" });
    this.#refresh();
  }

  #refresh(): void {
    this.palette = this.#apply();
    this.changed();
  }

  #apply(): Palette {
    document.documentElement.dataset.theme = this.dark ? "dark" : "light";
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
    return {
      card: color("card"),
      axis: color("quiet"),
      grid: color("grid"),
      lines: Array.from({ length: LINES }, (_, i) => color(`line-${i + 1}`)),
    };
  }
}
