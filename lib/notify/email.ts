import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import type { NodemailerError, Transporter } from "nodemailer";
import { VigiaError } from "../points/error.ts";
import { line } from "./escape.ts";
import { DeliveryError, loadPackage, type Scrub, scrubber } from "./failure.ts";
import { mailFailure, type Rejected, rejectedOf, sortRejected } from "./mail-failure.ts";
import { mailHeaders } from "./mail-headers.ts";
import { mailPage } from "./mail-page.ts";
import { type Channel, type Delivery, type Notification, recipientsOf, type TestOptions } from "./notification.ts";
import { testNotification } from "./texts.ts";

export interface EmailSettings {
  host: string;
  port: number;
  /** `tls`: from the first byte (465); `starttls`: required (587); `none`: in the clear. */
  security: "tls" | "starttls" | "none";
  user?: string;
  password?: string;
  /** `alarms@example.com` or `Plant <alarms@example.com>`. */
  from: string;
  to: readonly string[];
  replyTo?: string;
  /** How long the server may stay silent, ms. Default 20 s. */
  timeout?: number;
  /** Certificates are not checked. Default false. */
  allowSelfSigned?: boolean;
}

interface Address {
  name: string;
  address: string;
}

const ADDRESS = /^[^\s@<>(),;:"\\[\]\p{Cc}]+@[^\s@<>(),;:"\\[\]\p{Cc}]+$/u;
const NAMED = /^\s*(?:"([^"\p{Cc}]*)"|([^"<>,;\p{Cc}]*?))\s*<([^<>]*)>\s*$/u;

/** Taken apart here, so that nothing but an address can stand in an envelope or a header. */
function readAddress(text: unknown, field: string): Address {
  const given = typeof text === "string" ? text.trim() : "";
  const named = NAMED.exec(given);
  const address = named ? named[3]!.trim() : given;
  if (!ADDRESS.test(address)) {
    throw new VigiaError("bad-config", {
      field,
      value: text,
      allowed: 'an address such as "ops@example.com" or "Operations <ops@example.com>"',
    });
  }
  return { name: named ? line(named[1] ?? named[2] ?? "") : "", address };
}

/** Servers and libraries write an address their own way: the domain in ASCII, and in small letters. */
function sameForAll(address: string): string {
  const at = address.lastIndexOf("@");
  return `${address.slice(0, at)}@${domainToASCII(address.slice(at + 1))}`.toLowerCase();
}

function checkServer({ host, port, user = "", password = "" }: EmailSettings): void {
  if (typeof host !== "string" || !/^[\w.:-]+$/.test(host)) {
    throw new VigiaError("bad-config", {
      field: "host",
      value: host,
      allowed: "a name or an address of a mail server",
    });
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new VigiaError("bad-config", { field: "port", value: port, allowed: "1 to 65535" });
  }
  if ((user === "") !== (password === "")) {
    const field = user === "" ? "user" : "password";
    throw new VigiaError("bad-config", { field, value: "", allowed: "both user and password, or none of them" });
  }
}

class EmailChannel implements Channel {
  readonly dialect = "html";
  readonly #settings: EmailSettings;
  readonly #from: Address;
  readonly #to: readonly Address[];
  readonly #replyTo: Address | undefined;
  readonly #scrub: Scrub;
  readonly #end = new AbortController();
  #transport: Promise<Transporter> | undefined;

  constructor(settings: EmailSettings) {
    checkServer(settings);
    const { from, to, replyTo, user, password } = settings;
    this.#settings = settings;
    this.#from = readAddress(from, "from");
    this.#to = to.map((one) => readAddress(one, "to"));
    if (this.#to.length === 0) {
      throw new VigiaError("bad-config", { field: "to", value: to, allowed: "at least one address" });
    }
    this.#replyTo = replyTo === undefined || replyTo === "" ? undefined : readAddress(replyTo, "replyTo");
    this.#scrub = scrubber({ user, secret: password });
  }

  async send(notification: Notification): Promise<Delivery> {
    const transport = await this.#connect();
    const wanted = recipientsOf(
      this.#to.map(({ address }) => address),
      notification,
    );
    if (wanted.length === 0) return {};
    try {
      const { response, rejectedErrors } = await transport.sendMail({
        ...this.#mail(notification),
        envelope: { from: this.#from.address, to: wanted },
        signal: this.#end.signal,
      });
      return { receipt: this.#scrub(line(String(response))), ...sortRejected(this.#rejected(rejectedErrors)) };
    } catch (thrown) {
      return this.#nobody(thrown);
    }
  }

  test(options: TestOptions = {}): Promise<Delivery> {
    return this.send(testNotification(options));
  }

  async close(): Promise<void> {
    this.#end.abort();
    const transport = await this.#transport?.catch(() => undefined);
    transport?.close();
  }

  /** Nobody got it: each recipient was refused, or the mail itself. */
  #nobody(thrown: unknown): Delivery {
    if (this.#end.signal.aborted) throw new DeliveryError("channel-closed", "the channel was closed meanwhile");
    const rejected = this.#rejected((thrown as NodemailerError).rejectedErrors);
    const { refused, later } = sortRejected(rejected);
    if (refused && later) return { refused, later };
    const failure = mailFailure(thrown, this.#server, this.#scrub);
    if (rejected.length === 0) throw failure;
    const who = rejected.map(({ recipient, reason }) => `${recipient} (${reason})`).join(", ");
    throw new DeliveryError(failure.code, `${this.#server} takes it for nobody: ${who}`, {
      permanent: later === undefined,
      whole: false,
    });
  }

  /** By the addresses of the settings. */
  #rejected(errors: readonly NodemailerError[] | undefined): Rejected[] {
    return rejectedOf(errors, this.#scrub).map((one) => {
      const own = this.#to.find(({ address }) => sameForAll(address) === sameForAll(one.recipient));
      return own ? { ...one, recipient: own.address } : one;
    });
  }

  get #server(): string {
    return `${this.#settings.host}:${this.#settings.port}`;
  }

  #mail(notification: Notification) {
    const { language, title, text, kind, facts } = notification;
    const subject = line(title);
    return {
      from: this.#from,
      to: [...this.#to],
      ...(this.#replyTo ? { replyTo: this.#replyTo } : {}),
      subject,
      text,
      html: notification.html ?? mailPage({ language, title: subject, text, kind, severity: facts.severity }),
      ...mailHeaders(notification, this.#from.address.split("@")[1]!),
      disableFileAccess: true,
      disableUrlAccess: true,
    };
  }

  #connect(): Promise<Transporter> {
    this.#transport ??= this.#createTransport().catch((thrown) => {
      this.#transport = undefined;
      throw thrown;
    });
    return this.#transport;
  }

  async #createTransport(): Promise<Transporter> {
    const { host, port, security, user, password, timeout = 20_000, allowSelfSigned = false } = this.#settings;
    const { createTransport } = await loadPackage("nodemailer", "e-mail", () => import("nodemailer"));
    return createTransport({
      host,
      port,
      secure: security === "tls",
      requireTLS: security === "starttls",
      ignoreTLS: security === "none",
      ...(user && password ? { auth: { user, pass: password } } : {}),
      // A name in a certificate is looked for where the server has one.
      tls: { rejectUnauthorized: !allowSelfSigned, ...(isIP(host) ? {} : { servername: host }) },
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
      dnsTimeout: timeout,
    });
  }
}

/**
 * Mail by SMTP, one connection a mail, as text and HTML. All recipients see each other; the ones a server refuses
 * for good are told as refused, those it puts off are tried again.
 * @throws VigiaError `bad-config` naming the setting
 */
export function emailChannel(settings: EmailSettings): Channel {
  return new EmailChannel(settings);
}
