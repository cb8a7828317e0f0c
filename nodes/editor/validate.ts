// Validators of the edit dialogs. They take two arguments, since only then Node-RED shows a returned text as reason.

export interface ValidateOptions {
  label?: string;
}

/** `true`, or the reason; `node._` finds texts in the node's own catalogue. */
export type Validator = (this: EditorNode, value: unknown, options: ValidateOptions) => boolean | string;

/** A text of `common.invalid`, after the label of the field. */
export const reason = (
  node: EditorNode,
  options: ValidateOptions,
  key: string,
  values?: Record<string, unknown>,
): string => {
  const text = node._(`common.invalid.${key}`, values);
  return options.label ? `${options.label}: ${text}` : text;
};

const empty = (value: unknown) => value === undefined || value === null || String(value).trim() === "";

const DURATION = /^(\s*\d+(\.\d+)?\s*(ms|s|m|h|d|w))+\s*$/;

/** A duration; `blank`: an empty field is fine. */
export function duration({ blank = false } = {}): Validator {
  return function (value, options) {
    if (empty(value) ? blank : DURATION.test(String(value)) && /[1-9]/.test(String(value))) return true;
    return reason(this, options, "duration");
  };
}

/** A duration that may be zero (`0s`). */
export function durationOrZero(): Validator {
  return function (value, options) {
    return DURATION.test(String(value)) ? true : reason(this, options, "duration");
  };
}

/** One of these words, or what `other` takes; `key`: the reason when it is neither. */
export function oneOfOr(words: readonly string[], other: Validator, key: string): Validator {
  return function (value, options) {
    if (words.includes(String(value ?? "").trim()) || other.call(this, value, options) === true) return true;
    return options.label ? `${options.label}: ${this._(key)}` : this._(key);
  };
}

export function number(min: number, max: number, { integer = false, blank = false } = {}): Validator {
  return function (value, options) {
    if (empty(value)) return blank ? true : reason(this, options, "required");
    const n = Number(value);
    if (Number.isFinite(n) && n >= min && n <= max && (!integer || Number.isInteger(n))) return true;
    return reason(this, options, integer ? "integer" : "number", { min, max });
  };
}

export function required(): Validator {
  return function (value, options) {
    return empty(value) ? reason(this, options, "required") : true;
  };
}

/** A config node is chosen. */
export function chosen(): Validator {
  return function (value, options) {
    return empty(value) || value === "_ADD_" ? reason(this, options, "required") : true;
  };
}

/** Series patterns, separated by commas or line ends. */
export function patterns({ blank = true } = {}): Validator {
  return function (value, options) {
    if (empty(value)) return blank ? true : reason(this, options, "required");
    const fits = String(value)
      .split(/[,\n]/)
      .map((text) => text.trim())
      .filter((text) => text !== "")
      .every((text) => {
        const parts = text.split("/");
        return parts.every((part, i) => !part.includes("#") || (part === "#" && i === parts.length - 1));
      });
    return fits ? true : reason(this, options, "pattern");
  };
}

/** `site=madrid, line=2` */
export function tags(): Validator {
  return function (value, options) {
    if (empty(value)) return true;
    const fits = String(value)
      .split(/[,\n]/)
      .every((text) => text.trim() === "" || /^\s*[^=\s][^=]*=.+/.test(text));
    return fits ? true : reason(this, options, "tags");
  };
}

const AGGREGATE = /^(mean|min|max|sum|count|stddev|first|last|p(\d{1,2}(\.\d+)?|100))$/;

/** `mean, max, p95` */
export function aggregates(): Validator {
  return function (value, options) {
    const names = String(value ?? "")
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    if (names.length > 0 && names.every((name) => AGGREGATE.test(name))) return true;
    return reason(this, options, "aggregates");
  };
}

/** MQTT filters, separated by commas or line ends. */
export function mqttTopics(): Validator {
  return function (value, options) {
    const filters = String(value ?? "")
      .split(/[,\n]/)
      .map((filter) => filter.trim())
      .filter((filter) => filter !== "");
    const fits = (filter: string) =>
      filter.split("/").every((part, i, all) => {
        if (part.includes("#")) return part === "#" && i === all.length - 1;
        return !part.includes("+") || part === "+";
      });
    if (filters.length > 0 && filters.every(fits)) return true;
    return reason(this, options, "topics");
  };
}

/** `{site}/{device}/+` */
export function template(): Validator {
  return function (value, options) {
    const parts = String(value ?? "").split("/");
    const fits = parts.every(
      (part, i) => /^(\+|\{[^{}+#]+\}|[^{}+#]+)$/.test(part) || (part === "#" && i === parts.length - 1),
    );
    return fits ? true : reason(this, options, "template");
  };
}

/** An IANA time zone that the browser knows; blank is fine. */
export function zone(): Validator {
  return function (value, options) {
    if (empty(value)) return true;
    try {
      new Intl.DateTimeFormat("en", { timeZone: String(value) });
      return true;
    } catch {
      return reason(this, options, "zone");
    }
  };
}

/** Only while another field of the config node has this value; as the dialog stands, else as it is saved. */
export function when(field: string, wanted: string, validator: Validator): Validator {
  return function (value, options) {
    const now = $(`#node-config-input-${field}`).val() ?? this[field];
    return now === wanted ? validator.call(this, value, options) : true;
  };
}

/** All items of a list with commas or line ends fit; at least one. */
function list(pattern: RegExp, key: string): Validator {
  return function (value, options) {
    const items = String(value ?? "")
      .split(/[,\n]/)
      .map((item) => item.trim())
      .filter((item) => item !== "");
    return items.length > 0 && items.every((item) => pattern.test(item)) ? true : reason(this, options, key);
  };
}

/** `ops@example.com, Operations <ops@example.com>` */
export const addresses = (): Validator => list(/^[^<>@]*<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/, "addresses");

/** `-1001234, @name` */
export const chats = (): Validator => list(/^-?\d+$|^@\w+$/, "chats");
