import { asVigiaError, VigiaError } from "../points/error.ts";

export interface FailureOptions {
  /** Trying again cannot help. Default false. */
  permanent?: boolean;
  /** The channel is in trouble, not this one message. Default true. */
  whole?: boolean;
  /** The receiver said how long to wait, ms. */
  retryAfter?: number;
}

/** Why something was not delivered. Never has a `cause`: it might hold a password or a token. */
export class DeliveryError extends VigiaError {
  readonly permanent: boolean;
  readonly whole: boolean;
  readonly retryAfter: number | undefined;

  constructor(code: string, message: string, { permanent = false, whole = true, retryAfter }: FailureOptions = {}) {
    super(code, message);
    this.name = "DeliveryError";
    this.permanent = permanent;
    this.whole = whole;
    this.retryAfter = retryAfter;
  }
}

/** Takes secrets out of a text. */
export type Scrub = (text: string) => string;

const HIDDEN = "***";

/**
 * Hides secrets in whatever servers and libraries say: as they are, in URLs, and in the base64 of SMTP's AUTH.
 * Longer ones first, so that no part of one stays.
 */
export function scrubber(secrets: Readonly<{ user?: string | undefined; secret?: string | undefined }>): Scrub {
  const { user = "", secret = "" } = secrets;
  if (secret === "") return (text) => text;
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const forms = new Set([
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    JSON.stringify(secret).slice(1, -1),
    base64(secret),
    base64(secret).replace(/=+$/, ""),
    base64(`\u0000${user}\u0000${secret}`),
    base64(`${user}\u0000${user}\u0000${secret}`),
    base64(`${user}:${secret}`),
  ]);
  const sorted = [...forms].filter((form) => form !== "").sort((a, b) => b.length - a.length);
  return (text) => sorted.reduce((shown, form) => shown.replaceAll(form, HIDDEN), text);
}

/** Anything thrown as a `DeliveryError` without secrets. What is not known is worth another try. */
export function asDeliveryError(thrown: unknown, scrub: Scrub = (text) => text): DeliveryError {
  if (thrown instanceof DeliveryError) return thrown;
  const { code, message } = asVigiaError(thrown, "delivery-failed");
  return new DeliveryError(code, scrub(message));
}

/** It takes a person and a restart. */
const SELDOM = 600_000;

/** @throws DeliveryError `missing-package`; what waits is kept until the package is there */
export async function loadPackage<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch {
    throw new DeliveryError(
      "missing-package",
      `${what} needs the package "${name}", which is not installed: run "npm install ${name}" in the folder of ` +
        "settings.js and restart",
      { retryAfter: SELDOM },
    );
  }
}
