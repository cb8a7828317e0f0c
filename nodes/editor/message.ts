import { compile } from "../../lib/notify/template.ts";
import { reason, type Validator } from "./validate.ts";

/** Text with `{{name}}`; blank is fine. Apart from the other validators, since it brings the compiler with it. */
export function message(): Validator {
  return function (value, options) {
    try {
      compile(String(value ?? ""), "");
      return true;
    } catch {
      return reason(this, options, "message");
    }
  };
}
