import { chmodSync, existsSync, lstatSync, unlinkSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import { Failure, reasonOf } from "../failure";
import type { ListenAddress } from "./address";
import { carriesToken, namesLoopback } from "./guard";
import { Places } from "./places";
import { answer, type Told } from "./routes";

const REQUESTS_PER_CONNECTION_MAX = 1000;
const HEADER_BYTES_MAX = 8 << 10;
const REQUEST_MS_MAX = 5000;
const IDLE_MS_MAX = 30_000;
const OWNER_ONLY = 0o600;

/** The agent's HTTP while it is open. */
export interface Listener {
  /** Where it answers, as `http://ADDRESS:PORT` or `unix:PATH`. */
  words: string;
  /** Has another token be the right one from now on. */
  takeToken(token: string): void;
  /** Takes no further connection, and lets those that there are come to their end. */
  leave(): void;
  close(): void;
}

/** Answers at an address; who asks needs the token for all but whether the agent is well. Throws Failure. */
export async function listen(address: ListenAddress, firstToken: string, told: Told): Promise<Listener> {
  let token = firstToken;
  const places = new Places();
  const answering = (request: IncomingMessage, response: ServerResponse) => {
    // A socket in the file system is named by no page, so whatever its clients call it is right.
    const isOurs = address.kind === "unix" || namesLoopback(request.headers.host);
    response.once("finish", () => told.log.debug(`${request.method} ${request.url?.split("?")[0]} ${response.statusCode}`));
    const isTrusted = isOurs && carriesToken(request.headers.authorization, token);
    if (isTrusted) places.trust(request.socket);
    answer(request, response, { isOurs, isTrusted, told }).catch((error: unknown) => {
      // Who goes away while it sends leaves nothing to answer.
      if (request.destroyed) return;
      told.log.error(`a request for ${request.url?.split("?")[0]} failed: ${reasonOf(error)}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { connection: "close" }).end("this failed, and the agent has said why\n");
    });
  };
  const limits = { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: REQUEST_MS_MAX, requestTimeout: REQUEST_MS_MAX };
  const server = createServer({ ...limits, keepAliveTimeout: REQUEST_MS_MAX, connectionsCheckingInterval: 1000 }, answering);
  server.on("connection", (socket) => places.enter(socket));
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
  server.setTimeout(IDLE_MS_MAX);
  if (address.kind === "unix") await removeDead(address.path);
  await open(server, address);
  return {
    words: wordsOf(server, address),
    takeToken: (next) => {
      token = next;
    },
    leave: () => void server.close(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function wordsOf(server: Server, address: ListenAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  return `http://${address.host === "::1" ? "[::1]" : address.host}:${port}`;
}

function open(server: Server, address: ListenAddress): Promise<void> {
  const place = address.kind === "unix" ? `unix:${address.path}` : `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(new Failure(`cannot listen on ${place}: ${refusal(cause, address)}`, 1, { cause }));
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

function refusal({ code, message }: NodeJS.ErrnoException, address: ListenAddress): string {
  if (code === "EADDRINUSE") return "another program listens there";
  // Of a folder that is missing the same is said as of one that may not be written to.
  if (address.kind === "unix" && code === "EACCES")
    return existsSync(dirname(address.path))
      ? `you may not write to ${dirname(address.path)}`
      : `there is no folder ${dirname(address.path)}`;
  const isLow = code === "EACCES" && address.kind === "tcp" && address.port < 1024;
  return isLow ? "ports below 1024 take CAP_NET_BIND_SERVICE; take another" : message;
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
  try {
    unlinkSync(path);
  } catch (cause) {
    throw new Failure(`cannot take the dead socket ${path} away: ${reasonOf(cause)}`, 1, { cause });
  }
}
