// The demo's post office: an SMTP server that takes every mail and delivers none, and a page to read them on.
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { Application, Request, Response } from "express";
import PostalMime, { type Address, type Email } from "postal-mime";
import { SMTPServer, type SMTPServerDataStream } from "smtp-server";

/** How many mails are kept, the newest. */
const MOST = 200;
/** What a mail may measure, bytes: together with `MOST` the bound of its memory. */
const LARGEST = 256 * 1024;

const FILES = ["index.html", "style.css", "view.js"];
const TYPES: Record<string, string> = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript" };

/** The page itself: its own files and its own frames, nothing inline, nobody outside. */
const PAGE_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'";
/** What a mail brought: no scripts, no forms, no origin, and nothing is fetched. */
const MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

interface Mail {
  id: number;
  from: string;
  to: string;
  subject: string;
  /** When it came, milliseconds since epoch. */
  time: number;
  text: string;
  html: string;
}

export interface Mailbox {
  /** Where it takes mails, on loopback. */
  port: number;
  close(): Promise<void>;
}

const named = (addresses: readonly (Address | undefined)[] = []): string =>
  addresses.flatMap((one) => (one ? [one.name ? `${one.name} <${one.address}>` : (one.address ?? "")] : [])).join(", ");

function asMail(id: number, { from, to, subject = "", text = "", html = "" }: Email): Mail {
  return { id, from: named([from]), to: named(to), subject, time: Date.now(), text, html };
}

async function bytesOf(stream: SMTPServerDataStream): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) if (!stream.sizeExceeded) pieces.push(piece as Buffer);
  if (stream.sizeExceeded) {
    throw Object.assign(new Error(`a mail of the demo has at most ${LARGEST} bytes`), { responseCode: 552 });
  }
  return Buffer.concat(pieces);
}

function serve(app: Application, mails: readonly Mail[], readers: Set<Response>): void {
  app.get("/mailbox", (req, res, next) => (req.path.endsWith("/") ? next() : res.redirect("/mailbox/")));

  for (const file of FILES) {
    const content = readFileSync(join(import.meta.dirname, "mailbox", file));
    app.get(`/mailbox/${file === "index.html" ? "" : file}`, (_req, res) => {
      res.set("Content-Security-Policy", PAGE_POLICY).type(TYPES[extname(file)]!).send(content);
    });
  }

  app.get("/mailbox/mails", (_req, res) => {
    const newestFirst = mails.toReversed().map(({ text, html, ...mail }) => ({ ...mail, html: html !== "" }));
    res.set("Cache-Control", "no-store").json(newestFirst);
  });

  app.get("/mailbox/mails/:id/:part", (req: Request, res: Response) => {
    const mail = mails.find(({ id }) => `${id}` === req.params.id);
    const { part } = req.params;
    if (!mail || (part !== "text" && part !== "html")) {
      res.status(404).type("text/plain").send("no such mail");
      return;
    }
    res.set("Content-Security-Policy", MAIL_POLICY).set("X-Content-Type-Options", "nosniff");
    res.type(part === "html" ? "text/html" : "text/plain").send(mail[part]);
  });

  app.get("/mailbox/events", (_req, res) => {
    res.set({ "Content-Type": "text/event-stream", "Cache-Control": "no-store" }).write("\n");
    readers.add(res);
    res.on("close", () => readers.delete(res));
  });
}

/** Takes mails on `port` of loopback (0: any), and shows them at `/mailbox/`. */
export async function startMailbox(app: Application, port: number): Promise<Mailbox> {
  const mails: Mail[] = [];
  const readers = new Set<Response>();
  let count = 0;

  const server = new SMTPServer({
    // A user and a password may be given: all are right.
    authOptional: true,
    allowInsecureAuth: true,
    onAuth: (_auth, _session, callback) => callback(null, { user: "demo" }),
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    size: LARGEST,
    closeTimeout: 1_000,
    onData(stream, _session, callback) {
      bytesOf(stream)
        .then((bytes) => PostalMime.parse(bytes))
        .then((email) => {
          mails.push(asMail(++count, email));
          mails.splice(0, mails.length - MOST);
          for (const reader of readers) reader.write(`data: ${count}\n\n`);
          callback();
        })
        .catch(callback);
    },
  });
  // A client that hangs up must not end the demo.
  server.on("error", () => {});
  serve(app, mails, readers);

  await new Promise<void>((resolve, reject) => {
    server.server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: (server.server.address() as { port: number }).port,
    async close() {
      for (const reader of readers) reader.end();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
