// A real SMTP server on loopback: STARTTLS with a certificate of its own, AUTH, and troubles at will.
import type { TestContext } from "node:test";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

export interface ReceivedMail {
  from: string;
  /** Of the envelope. */
  recipients: string[];
  /** Names in small letters; of several of one name the last. */
  headers: Record<string, string>;
  subject: string;
  text: string;
  html: string;
  /** It came over TLS. */
  secure: boolean;
  /** Who logged in. */
  user: string | undefined;
  raw: string;
}

export interface MailServerOptions {
  /** 0: any that is free. */
  port?: number;
  /** Who may send; without it everybody. */
  login?: { user: string; password: string };
  /** TLS from the first byte. */
  secure?: boolean;
  /** Without STARTTLS. */
  plain?: boolean;
  /** Part of the mails that are answered with 451, by `random`. Default 0. */
  failRate?: number;
  random?: () => number;
  /** What a recipient gets to hear: `550 no such user`; `undefined`: welcome. */
  recipient?: (address: string) => string | undefined;
  /** What is said to a mail: `451 later`; `drop`: taken, but the connection ends without an answer. */
  judge?: (mail: ReceivedMail) => string | undefined;
}

export interface MailServer {
  port: number;
  /** What it took, also those whose answer got lost. */
  mails: ReceivedMail[];
  stop(): Promise<void>;
}

function reply(line: string): Error {
  const [, code, text] = /^(\d{3}) (.*)$/s.exec(line) ?? [];
  return Object.assign(new Error(text), { responseCode: Number(code) });
}

export async function startMailServer(t: TestContext, options: MailServerOptions = {}): Promise<MailServer> {
  const { port = 0, login, secure = false, plain = false, failRate = 0, random = Math.random } = options;
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    logger: false,
    secure,
    authOptional: !login,
    allowInsecureAuth: plain,
    disabledCommands: plain ? ["STARTTLS"] : [],
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth({ username, password }, _session, callback) {
      const fits = username === login?.user && password === login?.password;
      // A server that gives the password away: nothing of it may reach an error.
      if (fits) callback(null, { user: String(username) });
      else callback(reply(`535 5.7.8 ${username} with ${password} is wrong`));
    },
    onRcptTo({ address }, _session, callback) {
      const line = options.recipient?.(address);
      callback(line === undefined ? null : reply(line));
    },
    onData(stream, session, callback) {
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", async () => {
        const raw = Buffer.concat(pieces);
        const { headers, subject = "", text = "", html = "" } = await PostalMime.parse(raw);
        const { mailFrom, rcptTo } = session.envelope;
        const mail: ReceivedMail = {
          from: mailFrom ? mailFrom.address : "",
          recipients: rcptTo.map(({ address }) => address),
          headers: Object.fromEntries(headers.map(({ key, value }) => [key.toLowerCase(), value])),
          subject,
          text: text.replace(/\r\n/g, "\n").trimEnd(),
          html,
          secure: session.secure,
          user: session.user as string | undefined,
          raw: raw.toString(),
        };
        const line = random() < failRate ? "451 4.7.1 try again later" : options.judge?.(mail);
        if (line === undefined || line === "drop") mails.push(mail);
        if (line === "drop") for (const connection of [...server.connections]) connection.close();
        else callback(line === undefined ? null : reply(line));
      });
    },
  });
  // Clients that hang up, or do not like the certificate, are what the tests are about.
  server.on("error", () => {});
  const listening = await new Promise<number>((resolve) => {
    const listener = server.listen(port, "127.0.0.1", () => {
      const address = listener.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= new Promise<void>((resolve) => server.close(() => resolve()));
    return stopped;
  };
  t.after(stop);
  return { port: listening, mails, stop };
}
