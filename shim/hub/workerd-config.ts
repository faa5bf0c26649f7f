import { relative } from "node:path";

/** Same as in wrangler.toml; a test compares them. */
export const COMPATIBILITY_DATE = "2026-04-26";
export const COMPATIBILITY_FLAGS: readonly string[] = ["nodejs_compat"];

/** Variable that hands the master key to workerd without it standing in a file or an argument list. */
export const MASTER_KEY_VARIABLE = "TALLYWIRE_MASTER_KEY";

/** The same of the master key before, while its keys are good too; empty where there is none. */
export const PREVIOUS_MASTER_KEY_VARIABLE = "TALLYWIRE_MASTER_KEY_PREVIOUS";

/** Where the parts of a local hub lie; all absolute. */
export interface WorkerdPaths {
  /** Folder that the configuration file will lie in: embedded files are named from there. */
  configFolder: string;
  /** The built Worker: index.js and core.wasm. */
  workerFolder: string;
  objectsFolder: string;
  /** The built page; null where there is none. */
  assetsFolder: string | null;
}

/** Names of variables that the Worker gets as they are in workerd's environment. */
export type Variables = readonly string[];

/**
 * workerd's configuration of one hub on one address. Nothing in it may reach the network, but for the one address that events are posted to
 * where there is one.
 */
export function workerdConfig(paths: WorkerdPaths, address: string, variables: Variables, webhook: URL | null = null): string {
  const embedded = (file: string) => quote(`${relative(paths.configFolder, paths.workerFolder)}/${file}`.replaceAll("\\", "/"));
  const { assetsFolder } = paths;
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "hub", worker = .hub),
    (name = "objects", disk = (path = ${quote(paths.objectsFolder)}, writable = true)),
    ${assetsFolder === null ? "" : `(name = "assets", disk = (path = ${quote(assetsFolder)})),`}
    ${webhook === null ? "" : `(name = "webhook", external = (${externalServer(webhook)})),`}
    (name = "internet", network = (allow = [])),
  ],
  sockets = [(name = "http", address = ${quote(address)}, http = (), service = "hub")],
);

const hub :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed ${embedded("index.js")}),
    (name = "core.wasm", wasm = embed ${embedded("core.wasm")}),
  ],
  compatibilityDate = ${quote(COMPATIBILITY_DATE)},
  compatibilityFlags = [${COMPATIBILITY_FLAGS.map(quote).join(", ")}],
  durableObjectNamespaces = [(className = "Hub", uniqueKey = "tallywire-hub", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [
    (name = "HUB", durableObjectNamespace = "Hub"),
    (name = "MASTER_KEY", fromEnvironment = ${quote(MASTER_KEY_VARIABLE)}),
    (name = "MASTER_KEY_PREVIOUS", fromEnvironment = ${quote(PREVIOUS_MASTER_KEY_VARIABLE)}),
    ${variables.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)}),`).join("\n    ")}
    ${webhook === null ? "" : `(name = "WEBHOOK", service = "webhook"),`}
    ${assetsFolder === null ? "" : `(name = "ASSETS", service = "assets"),`}
  ],
);
`;
}

/** One host and port, and how it is spoken to. */
function externalServer({ protocol, hostname, port }: URL): string {
  if (protocol === "http:") return `address = ${quote(`${hostname}:${port || 80}`)}, http = ()`;
  const tls = `https = (options = (), tlsOptions = (trustBrowserCas = true), certificateHost = ${quote(hostname)})`;
  return `address = ${quote(`${hostname}:${port || 443}`)}, ${tls}`;
}

function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
