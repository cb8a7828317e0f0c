import type { NodemailerError } from "nodemailer";
import { DeliveryError, type Scrub } from "./failure.ts";
import type { Delivery, Refusal } from "./notification.ts";

/** A wrong password does not mend itself, and servers lock out who tries it too often. */
const SLOW = 300_000;

/** 5yz: trying again cannot help (RFC 5321, 4.2.1). 503 is about the session. */
const isPermanent = (code: number | undefined): boolean => code !== undefined && code >= 500 && code !== 503;

export interface Rejected {
  recipient: string;
  code: number | undefined;
  reason: string;
}

export function rejectedOf(errors: readonly NodemailerError[] | undefined, scrub: Scrub): Rejected[] {
  return (errors ?? []).map(({ recipient, responseCode, response, message }) => ({
    recipient: String(recipient),
    code: responseCode,
    reason: scrub(String(response ?? message)),
  }));
}

/** Who will never get it, and who may yet. */
export function sortRejected(rejected: readonly Rejected[]): Pick<Delivery, "refused" | "later"> {
  const sorted: Pick<Delivery, "refused" | "later"> = {};
  const refused = rejected.filter(({ code }) => isPermanent(code));
  const later = rejected.filter(({ code }) => !isPermanent(code));
  if (refused.length > 0) sorted.refused = refused.map(({ recipient, reason }): Refusal => ({ recipient, reason }));
  if (later.length > 0) sorted.later = later.map(({ recipient }) => recipient);
  return sorted;
}

const isCertificate = (text: string): boolean =>
  /self[- ]signed|certificate|unable to verify|altname|ERR_TLS|wrong version number/i.test(text);

/** What a mail server, or the way to it, said, as a failure that tells what to do. */
export function mailFailure(thrown: unknown, server: string, scrub: Scrub): DeliveryError {
  const { code, responseCode, response, message } = thrown as NodemailerError;
  const said = scrub(String(response ?? message ?? thrown)).slice(0, 300);
  if (code === "EAUTH" || code === "ENOAUTH" || responseCode === 530 || responseCode === 535) {
    const busy = responseCode !== undefined && responseCode < 500;
    return new DeliveryError(
      busy ? "mail-busy" : "mail-auth",
      busy ? `${server} cannot check user and password now: ${said}` : `${server} refuses user and password: ${said}`,
      busy ? {} : { retryAfter: SLOW },
    );
  }
  if (code === "ETLS" || isCertificate(said)) {
    return new DeliveryError(
      "mail-tls",
      `no secure connection to ${server}: ${said}. Look at the security and port of the channel; a certificate of ` +
        "one's own has to be allowed there",
      { retryAfter: SLOW },
    );
  }
  // Only what is said of an envelope or of a mail is about that mail.
  if (code === "EENVELOPE" || code === "EMESSAGE") {
    if (responseCode === undefined || isPermanent(responseCode)) {
      return new DeliveryError("mail-refused", `${server} refuses the mail: ${said}`, {
        permanent: true,
        whole: false,
      });
    }
    // 421: the server is going away.
    const whole = responseCode === 421;
    return new DeliveryError("mail-busy", `${server} does not take the mail now: ${said}`, { whole });
  }
  if (isPermanent(responseCode)) {
    return new DeliveryError("mail-denied", `${server} does not want to talk: ${said}`, { retryAfter: SLOW });
  }
  return new DeliveryError("mail-unreachable", `no connection to ${server}: ${said}`);
}
