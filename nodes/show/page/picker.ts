import { type ListedKpi, MOST_SHOWN } from "../../../lib/live/wire.ts";
import { byId, el } from "./dom.ts";
import type { Format } from "./format.ts";
import { nameParts } from "./kpi.ts";
import { fetchKpis } from "./server.ts";
import type { Texts } from "./texts.ts";

const LISTED = 200;
const TYPING = 150;

export interface PickerEvents {
  /** `undefined`: back to the default choice. */
  chosen(kpis: readonly ListedKpi[] | undefined): void;
}

/** The dialog in which KPIs are searched and chosen. What is ticked shows at once. */
export class Picker {
  readonly #dialog = byId("picker") as HTMLDialogElement;
  readonly #search = byId("picker-search") as HTMLInputElement;
  readonly #list = byId("picker-list");
  readonly #note = byId("picker-note");
  readonly #texts: Texts;
  readonly #format: Format;
  readonly #events: PickerEvents;
  #chosen = new Map<string, ListedKpi>();
  #timer: number | undefined;
  #asked = 0;

  constructor(texts: Texts, format: Format, events: PickerEvents) {
    this.#texts = texts;
    this.#format = format;
    this.#events = events;
    byId("picker-title").textContent = texts("title");
    byId("picker-reset").textContent = texts("reset");
    byId("picker-close").textContent = texts("close");
    this.#search.placeholder = texts("search");
    this.#search.setAttribute("aria-label", texts("search"));
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#fill(), TYPING);
    });
    byId("picker-close").addEventListener("click", () => this.#dialog.close());
    byId("picker-reset").addEventListener("click", () => {
      this.#events.chosen(undefined);
      this.#dialog.close();
    });
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  open(shown: readonly ListedKpi[]): void {
    this.#chosen = new Map(shown.map((kpi) => [kpi.id, kpi]));
    this.#search.value = "";
    this.#list.replaceChildren();
    this.#dialog.showModal();
    // On a phone the keyboard would cover the list.
    (matchMedia("(pointer: coarse)").matches ? this.#list : this.#search).focus();
    void this.#fill();
  }

  async #fill(): Promise<void> {
    const asked = ++this.#asked;
    const { kpis, matched } = await fetchKpis({ search: this.#search.value, limit: LISTED }).catch(() => ({
      kpis: [],
      matched: 0,
    }));
    if (asked !== this.#asked) return;
    const texts = this.#texts;
    this.#list.replaceChildren(...kpis.map((kpi) => this.#item(kpi)));
    if (matched > kpis.length) this.#say(texts("some-listed", { shown: kpis.length, matched }));
    else this.#say(kpis.length === 0 ? texts("nothing-fits") : "");
  }

  #item(kpi: ListedKpi): HTMLElement {
    const box = el("input", { type: "checkbox" });
    box.checked = this.#chosen.has(kpi.id);
    box.addEventListener("change", () => {
      if (box.checked && this.#chosen.size >= MOST_SHOWN) {
        box.checked = false;
        this.#say(this.#texts("at-most", { max: MOST_SHOWN }));
        return;
      }
      if (box.checked) this.#chosen.set(kpi.id, kpi);
      else this.#chosen.delete(kpi.id);
      this.#events.chosen([...this.#chosen.values()]);
    });
    const name = el("span", { class: "name" }, ...nameParts(kpi));
    return el(
      "li",
      {},
      el("label", {}, box, name, el("span", { class: "value" }, this.#format.text(kpi.value, kpi.unit))),
    );
  }

  #say(text: string): void {
    this.#note.textContent = text;
  }
}
