// Validators of what is asked of a store: the library that answers checks it.
import { readTime } from "../../lib/points/time.ts";
import { isAggregate } from "../../lib/store/aggregates.ts";
import { Grid } from "../../lib/store/grid.ts";
import { reason, type Validator } from "./validate.ts";

const blank = (value: unknown) => String(value ?? "").trim() === "";

const passes = (check: () => unknown): boolean => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};

/** Length of a bucket: `5m`, `1d`, `1mo`. */
export function bucket(): Validator {
  return function (value, options) {
    return blank(value) || passes(() => new Grid(value)) || reason(this, options, "bucket");
  };
}

/** A moment: ISO text or milliseconds. */
export function moment(): Validator {
  return function (value, options) {
    return blank(value) || passes(() => readTime(value, Infinity, "")) || reason(this, options, "moment");
  };
}

/** `mean, max, p95` */
export function storedAggregates(): Validator {
  return function (value, options) {
    const names = String(value ?? "").split(",");
    const fits = (name: string) => blank(name) || isAggregate(name.trim());
    return names.every(fits) || reason(this, options, "stored-aggregates");
  };
}
