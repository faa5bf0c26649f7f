import { existsSync, lstatSync } from "node:fs";
import { get } from "node:http";
import { connect, createServer } from "node:net";
import { basename, dirname, join, resolve as resolvePath } from "node:path";
import { type ListenSettings, listenOf, spoolFolderOf } from "../agent/settings";
import { reasonOf } from "../failure";
import type { ListenAddress } from "../listen/address";
import { readToken } from "../listen/guard";
import { EDGE_HEADER } from "../listen/routes";
import { shellWord } from "../shell-word";
import { type Finding, failed, ok, skipped } from "./finding";
import { type FolderFault, folderFault, isThere, makeFolderCommand } from "./folder";
import type { Subject } from "./subject";

const TIMEOUT_MS = 3000;
const OTHER_MEND = "name another port or path with --listen or TALLYWIRE_LISTEN";
const NAME_MAX = 100;

/** Whether the agent could answer by HTTP where it is to. Throws Failure where the address or the token is none. */
export async function checkListen({ options }: Subject): Promise<Finding> {
  const listen = listenOf(options);
  if (listen === undefined)
    return skipped("no address is given: it would answer nobody by HTTP; --listen 127.0.0.1:9464 has it answer");
  const { address } = listen;
  const fault = tokenFault(listen) ?? (address.kind === "unix" ? await socketFault(address.path) : await portFault(address));
  if (fault !== undefined && fault !== "taken") return fault;
  const whose = existsSync(listen.tokenPath)
    ? `the token is in ${listen.tokenPath}`
    : `the token is at ${listen.tokenPath}, and made the first time`;
  const words = wordsOf(address);
  if (fault === undefined) return ok(`nothing is in the way at ${words}; ${whose}`);
  const edge = await edgeAt(address);
  if (edge === undefined) return failed(`another program is at ${words}`, OTHER_MEND);
  if (edge === basename(spoolFolderOf(options))) return ok(`the agent of edge ${edge} answers at ${words} already; ${whose}`);
  return failed(`the agent of edge ${edge} is at ${words}`, OTHER_MEND);
}

const wordsOf = (address: ListenAddress) =>
  address.kind === "unix" ? `unix:${address.path}` : `${address.host}:${address.port}`;

/** What keeps a token from being read, or from being made beside the spool. Throws Failure. */
function tokenFault({ token, tokenPath }: ListenSettings): Finding | undefined {
  if (token !== undefined) return undefined;
  if (existsSync(tokenPath)) readToken(tokenPath);
  else if (isThere(dirname(tokenPath))) {
    const fault = folderFault(dirname(tokenPath));
    if (fault !== undefined)
      return failed(`no token can be made at ${tokenPath}: ${reasonWords(fault)}`, "name a file with a token with --token-file");
  }
  return undefined;
}

/** What keeps a socket from being made at a path; what a killed agent left there does not. */
async function socketFault(path: string): Promise<Finding | "taken" | undefined> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isSocket()) return failed(`${path} is there and is no socket`, OTHER_MEND);
  if (found !== undefined && (await isAnswered(path))) return "taken";
  const folder = resolvePath(dirname(path));
  const fault = folderFault(folder);
  if (fault === undefined && isThere(folder)) return undefined;
  const said = fault === undefined ? `there is no folder ${folder}` : reasonWords(fault);
  return failed(`it cannot answer at unix:${path}: ${said}`, folderMend(fault, path, folder));
}

/** A folder that is missing can be made; one that is there may be somebody's, and stays so. */
function folderMend(fault: FolderFault | undefined, path: string, folder: string): string {
  if (fault !== undefined && (fault.code !== "EACCES" || !fault.isReached)) return OTHER_MEND;
  if (!isThere(folder)) return `${makeFolderCommand(folder)}, or another path with --listen`;
  const own = join(folder, "tallywire");
  if (isThere(own)) return OTHER_MEND;
  return `${makeFolderCommand(own)}, with --listen ${shellWord(`unix:${join(own, basename(path))}`)}`;
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    // Whose it is cannot be told where it may not be opened: somebody's.
    socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code !== "ECONNREFUSED"));
  });
}

/** What keeps a port from being taken. */
function portFault({ host, port }: { host: string; port: number }): Promise<Finding | "taken" | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") return resolve("taken");
      const mend = error.code === "EACCES" ? "take a port of 1024 or more with --listen" : `--listen 127.0.0.1:${port}`;
      resolve(failed(`it cannot answer at ${host}:${port}: ${reasonWords(error)}`, mend));
    });
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

function reasonWords(fault: { code?: string; place?: string }): string {
  if (fault.code === "EADDRNOTAVAIL") return "this host has no such address";
  if (fault.code === "EROFS") return `${fault.place} is mounted read-only`;
  if (fault.code === "ENOTDIR") return `${fault.place} is no folder`;
  const place = fault.place === undefined ? "" : ` write to ${fault.place}`;
  return fault.code === "EACCES" ? `uid ${process.getuid?.()} may not${place}` : reasonOf(fault);
}

/** The edge of the agent that answers there, by its own word; undefined where no agent does. */
function edgeAt(address: ListenAddress): Promise<string | undefined> {
  const place = address.kind === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve) => {
    const headers = { host: "localhost" };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const asked = get({ ...place, path: "/healthz", headers, agent: false, signal }, (response) => {
      response.resume();
      const edge = response.headers[EDGE_HEADER];
      resolve(response.statusCode === 200 && typeof edge === "string" ? edge.slice(0, NAME_MAX) : undefined);
    });
    asked.once("error", () => resolve(undefined));
  });
}
