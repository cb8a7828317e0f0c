import type { IncomingMessage, ServerResponse } from "node:http";
import type { NodeAPI } from "node-red";
import { VigiaError } from "../../lib/points/error.ts";

/** Answers a request for a path below its own, or says `false`: there is no such thing. */
export type Page = (
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  query: URLSearchParams,
) => Promise<boolean>;

/** All our pages live below this on httpNode. */
const PREFIX = "/vigia";

type Next = (error?: unknown) => void;

/**
 * The pages of each Express app. Express cannot take a route back, so there is one for all of ours, put up once, that
 * looks here whether a page is (still) there: deploys come and go, nothing is left behind.
 */
const apps = new WeakMap<object, Map<string, { page: Page; owner: string }>>();

function dispatcher(pages: ReadonlyMap<string, { page: Page }>) {
  return (req: IncomingMessage, res: ServerResponse, next: Next): void => {
    // Only the path counts; the host is any.
    const url = new URL(req.url ?? "/", "http://localhost");
    const path = url.pathname.slice(1);
    const end = path.lastIndexOf("/");
    const found = pages.get(path.slice(0, Math.max(0, end)));
    if (found) {
      found.page(req, res, path.slice(end + 1), url.searchParams).then((done) => {
        if (!done) next();
      }, next);
    } else if (pages.has(path)) {
      // Relative, so that it is right behind any proxy; with the slash the page finds its files.
      res.writeHead(302, { Location: `${path.slice(end + 1)}/` }).end();
    } else next();
  };
}

/**
 * Puts a page up at `/vigia/<path>/` on httpNode, behind whatever guards httpNode. Returns how to take it down.
 * @throws VigiaError `http-off` when httpNodeRoot is false, `path-taken`
 */
export function mount(RED: NodeAPI, path: string, owner: string, page: Page): () => void {
  const { httpNodeRoot, httpNodeMiddleware } = RED.settings as { httpNodeRoot?: unknown; httpNodeMiddleware?: unknown };
  if (httpNodeRoot === false) {
    throw new VigiaError("http-off", {
      field: "httpNodeRoot in settings.js",
      value: false,
      allowed: 'a path such as "/": pages are served below it',
    });
  }
  const app = RED.httpNode;
  let pages = apps.get(app);
  if (!pages) {
    pages = new Map();
    apps.set(app, pages);
    // httpNodeAuth stands before the whole of httpNode; the middleware is for each node to apply.
    const guards = [httpNodeMiddleware ?? []].flat() as never[];
    app.use(PREFIX, ...guards, dispatcher(pages) as never);
  }
  const other = pages.get(path);
  if (other) {
    throw new VigiaError("path-taken", {
      field: "path",
      value: path,
      allowed: `a path that no other page has; ${other.owner} has this one`,
    });
  }
  const mine = { page, owner };
  pages.set(path, mine);
  return () => {
    if (pages.get(path) === mine) pages.delete(path);
  };
}
