import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { Failure } from "../failure";
import type { ListenAddress } from "./address";
import { CONTENT_TYPES, expose, formatFor } from "./exposition";
import { carriesToken, namesLoopback } from "./guard";
import type { Totals } from "./totals";

const CONNECTIONS_MAX = 32;
const REQUESTS_PER_CONNECTION_MAX = 1000;
const HEADER_BYTES_MAX = 8 << 10;
const REQUEST_MS_MAX = 5000;
const IDLE_MS_MAX = 30_000;
const OWNER_ONLY = 0o600;
const OPEN_PATHS: readonly string[] = ["/healthz", "/readyz"];

/** What the agent's HTTP tells of. */
export interface Told {
  totals: Totals;
  /** Whether packets are being read. */
  isReady(): boolean;
}

/** The agent's HTTP while it is open. */
export interface Listener {
  /** Where it answers, as it is to be asked. */
  words: string;
  close(): void;
}

/** Answers at an address; who asks needs the token, if there is one, for all but whether the agent is well. Throws Failure. */
export async function listen(address: ListenAddress, token: string | undefined, told: Told): Promise<Listener> {
  const answering = (request: IncomingMessage, response: ServerResponse) => {
    // A socket in the file system is named by no page, so whatever its clients call it is right.
    const isOurs = address.kind === "unix" || namesLoopback(request.headers.host);
    answer(request, response, { isOurs, token, told });
  };
  const limits = { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: REQUEST_MS_MAX, requestTimeout: REQUEST_MS_MAX };
  const server = createServer({ ...limits, keepAliveTimeout: REQUEST_MS_MAX, connectionsCheckingInterval: 1000 }, answering);
  server.maxConnections = CONNECTIONS_MAX;
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
  server.setTimeout(IDLE_MS_MAX);
  if (address.kind === "unix") await removeDead(address.path);
  await open(server, address);
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  if (address.kind === "unix") return { words: `unix:${address.path}`, close };
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  return { words: `http://${address.host === "::1" ? "[::1]" : address.host}:${port}`, close };
}

function open(server: Server, address: ListenAddress): Promise<void> {
  const place = address.kind === "unix" ? `unix:${address.path}` : `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "another program listens there" : cause.message;
      reject(new Failure(`cannot listen on ${place}: ${why}`, 1, { cause }));
    });
    if (address.kind === "tcp") server.listen(address.port, address.host, resolve);
    else {
      // The socket is made at once, so that nobody else can reach it before its mode is set.
      const before = process.umask(0o177);
      server.listen(address.path, () => {
        chmodSync(address.path, OWNER_ONLY);
        resolve();
      });
      process.umask(before);
    }
  });
}

/** Takes a socket away that a killed agent left behind; one that somebody answers at stays. */
async function removeDead(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Failure(`${path} is there and is no socket; name another path with --listen`, 2);
  const isAlive = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
  if (isAlive) throw new Failure(`cannot listen on unix:${path}: another program listens there`);
  unlinkSync(path);
}

interface Asked {
  isOurs: boolean;
  token: string | undefined;
  told: Told;
}

interface Reply {
  status: number;
  text: string;
  headers?: Record<string, string>;
}

function answer(request: IncomingMessage, response: ServerResponse, asked: Asked): void {
  const { status, text, headers } = replyTo(request, asked);
  // What a request brings is not read: nothing here takes any.
  const isCarrying = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(isCarrying ? { connection: "close" } : {}),
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

function replyTo({ url = "", method = "", headers }: IncomingMessage, { isOurs, token, told }: Asked): Reply {
  const [path = ""] = url.split("?", 1);
  const isOpen = OPEN_PATHS.includes(path);
  if (!isOurs) return { status: 421, text: "this Host is not one that the agent answers for\n" };
  if (token !== undefined && !isOpen && !carriesToken(headers.authorization, token)) {
    const text = "this needs the token: Authorization: Bearer TOKEN\n";
    return { status: 401, text, headers: { "www-authenticate": "Bearer" } };
  }
  if (!isOpen && path !== "/metrics") return { status: 404, text: "there is /metrics, /healthz and /readyz\n" };
  if (method !== "GET" && method !== "HEAD")
    return { status: 405, text: "this can only be read\n", headers: { allow: "GET, HEAD" } };
  if (path === "/healthz") return { status: 200, text: "ok\n" };
  if (path === "/readyz") return told.isReady() ? { status: 200, text: "ready\n" } : { status: 503, text: "not yet reading\n" };
  const format = formatFor(headers.accept);
  return {
    status: 200,
    text: expose(told.totals, format),
    headers: { "content-type": CONTENT_TYPES[format], vary: "accept" },
  };
}
