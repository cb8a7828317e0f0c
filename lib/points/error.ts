/** What went wrong, in the words a user can act on. */
export interface Complaint {
  /** The field as the user knows it: `msg.payload`, `every`, `tags.site`. */
  field: string;
  /** What stood there. */
  value: unknown;
  /** What may stand there. */
  allowed: string;
}

const MAX_SHOWN = 80;

/** A value as one short line for an error message; never throws, never long. */
export function show(value: unknown): string {
  let text: string;
  try {
    text = textOf(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text;
}

function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === "[object Date]";
}

function textOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  // A Date of another realm (a function node) is none of ours by instanceof.
  if (isDate(value)) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength} bytes)`;
  if (typeof value === "object" && value !== null) return JSON.stringify(value) ?? String(value);
  return String(value);
}

/**
 * The one kind of error that Vigía reports. Its message names the field, the value and what is allowed;
 * `code` stays the same over releases, so that a flow can switch on it (`msg.error.code` in a catch node).
 */
export class VigiaError extends Error {
  readonly code: string;
  readonly field: string | undefined;
  readonly value: unknown;
  readonly allowed: string | undefined;

  constructor(code: string, complaint: Complaint | string, options?: ErrorOptions) {
    super(
      typeof complaint === "string"
        ? complaint
        : `${complaint.field} is ${show(complaint.value)}; allowed: ${complaint.allowed}`,
      options,
    );
    this.name = "VigiaError";
    this.code = code;
    if (typeof complaint !== "string") {
      this.field = complaint.field;
      this.value = complaint.value;
      this.allowed = complaint.allowed;
    }
  }
}

/** Any thrown thing as a `VigiaError`; foreign errors keep their message and become the cause. */
export function asVigiaError(thrown: unknown, code = "failed"): VigiaError {
  if (thrown instanceof VigiaError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new VigiaError(code, message, { cause: thrown });
}
