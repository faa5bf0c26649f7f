import { Hono } from "hono";
import type { Environment } from "../environment";
import { Refusal } from "../refusal";

/** Types of what the built page has; a bare disk does not tell them. */
const CONTENT_TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  wasm: "application/wasm",
  svg: "image/svg+xml",
  png: "image/png",
  ico: "image/x-icon",
  webmanifest: "application/manifest+json",
  txt: "text/plain; charset=utf-8",
};

/** What the page may do: load and ask its own origin, nothing else. Same as in web/public/_headers; a test compares them. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** What the page's workers may do, which read captures: compute. They cannot connect to anything. */
const WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";

/** The built page, where the platform does not serve it before the Worker runs. */
export const page = new Hono<{ Bindings: Environment }>().get("*", async (context) => {
  const assets = context.env.ASSETS;
  const { pathname } = new URL(context.req.url);
  const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
  const extension = /\.([a-z0-9]+)$/.exec(path)?.[1] ?? "";
  const type = CONTENT_TYPES[extension];
  if (assets === undefined || type === undefined) throw notFound(pathname);
  const found = await assets.fetch(new URL(path, "http://assets"), { headers: conditions(context.req.raw) });
  if (found.status !== 200 && found.status !== 304) throw notFound(pathname);
  const response = new Response(found.body, found);
  response.headers.set("content-type", type);
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("referrer-policy", "no-referrer");
  response.headers.set("content-security-policy", path.startsWith("/assets/workers/") ? WORKER_POLICY : PAGE_POLICY);
  const hashed = path.startsWith("/assets/");
  response.headers.set("cache-control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
  return response;
});

/** The headers by which a browser asks whether its copy is still good. */
function conditions(request: Request): Headers {
  const headers = new Headers();
  for (const name of ["if-none-match", "if-modified-since"]) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}

function notFound(pathname: string): Refusal {
  return new Refusal(404, "not_found", `there is nothing at ${pathname}; the API is under /v1/`);
}
