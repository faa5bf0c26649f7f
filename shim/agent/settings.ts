import { hostname } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseKey } from "../../engine/keys";
import type { ForcedProtocol, LabelChoice } from "../../engine/settings";
import { type FileFilter, fileFilter } from "../capture/filter/file-filter";
import { type CaptureMethod, type LiveOptions, RING_BYTES, refuseCapture } from "../capture/live";
import { type Account, accountFor } from "../capture/privileges";
import { EDGE_NAME, SPOOL_MIB } from "../config/keys";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { forcedProtocols } from "../forced-protocols";
import { hostNetworksOf } from "../host-networks";
import { type ListenAddress, listenAddress } from "../listen/address";
import { readToken } from "../listen/guard";
import { hubAddress } from "../post/hub-address";
import { stateFolder } from "../state-folder";
import { labelChoices } from "./labels";
import type { LogLevel } from "./log-level";

/** The words of `tallywire agent`, as commander gives them. */
export interface AgentOptions {
  file?: string[];
  interface?: string;
  captureFilter?: string;
  capture?: CaptureMethod;
  promiscuous?: boolean;
  cpuMax?: number;
  user?: string;
  ring?: number;
  threads?: number;
  profile?: keyof typeof PROFILES;
  hub?: string;
  key?: string;
  tags?: string;
  spool?: string;
  spoolSize?: number;
  edge?: string;
  insecure?: boolean;
  budget?: number;
  hostNetwork?: string[];
  keepDuplicates?: boolean;
  theta?: boolean;
  /** A key log, with which TLS is opened. */
  tlsKeys?: string;
  labels?: string;
  protocol?: string;
  hideKey?: boolean;
  listen?: string;
  tokenFile?: string;
  owners?: boolean;
  logLevel?: LogLevel;
}

/** Bytes of a MiB. */
export const MIB = 1 << 20;

/** What an agent takes of memory unless told otherwise, MiB: for its budget, and for its ring. */
const PROFILES = {
  usual: { budget: 24, ring: RING_BYTES / MIB },
  /** For a host with little memory. */
  small: { budget: 12, ring: 4 },
};

/** Where bundles go. */
export interface HubSettings {
  address: URL;
  key: string;
  hideKey: boolean;
}

/** Where an agent answers. */
export interface ListenSettings {
  address: ListenAddress;
  /** Absent where none was given: then it is at the path, and is made the first time. */
  token: string | undefined;
  tokenPath: string;
}

/** What an agent captures on. */
export interface InterfaceSource {
  kind: "interface";
  live: LiveOptions;
  /** How many threads share its packets. */
  threads: number;
  /** Who it becomes once it captures. */
  account: Account | undefined;
  /** Whether it is found out whose connections are. */
  tellsOwners: boolean;
  /** Most that it is to take of a processor. */
  cpuPercentMax: number | undefined;
}

/** What an agent does, checked. */
export interface AgentSettings {
  source: { kind: "files"; paths: string[]; filter: FileFilter | undefined } | InterfaceSource;
  /** Absent: nothing leaves this host. */
  hub: HubSettings | undefined;
  edge: string;
  tags: string;
  spoolFolder: string;
  spoolBytesMax: number;
  /** Of all threads together. */
  budgetBytes: number;
  hostNetworks: string[] | undefined;
  keepDuplicates: boolean | undefined;
  /** Whether clients are kept as sets too. */
  theta: boolean | undefined;
  /** A key log, with which TLS is opened. */
  tlsKeys: string | undefined;
  /** Which labels of breakdowns are kept; absent: all. */
  labels: LabelChoice[] | undefined;
  /** Where its HTTP answers; absent: nowhere. */
  listen: ListenSettings | undefined;
  /** How much it says. */
  logLevel: LogLevel;
  /** Protocols that are spoken at a port. */
  forced: ForcedProtocol[] | undefined;
}

/** Whether interfaces are to be read in another way, whichever they are, which takes another reader with cores of its own. */
export function needsNewReader(before: AgentSettings, after: AgentSettings): boolean {
  return !isDeepStrictEqual(readingOf(before), readingOf(after));
}

/** What a reader is made for; the rest changes while it reads. */
function readingOf({ source, budgetBytes, hostNetworks, keepDuplicates, theta, tlsKeys, labels, forced, tags }: AgentSettings) {
  if (source.kind === "files") return source;
  const { threads, tellsOwners, live } = source;
  const settings = { budgetBytes, hostNetworks, keepDuplicates, theta, tlsKeys, labels, forced, tags };
  return { ...settings, threads, tellsOwners, live: { ...live, interface: undefined, filter: undefined } };
}

const TAG_NAME = /^[a-z][a-z0-9_]{0,31}$/;
const TAG_VALUE_CHARACTERS_MAX = 64;
/** Control characters, which no hub takes, and halves of a character, which cannot be sent. */
const NO_TEXT = /[\p{Cc}\p{Cs}]/u;
const TAGS_MAX = 8;
/** What a core takes at least, MiB. */
export const THREAD_MIB = 8;

/** Checks the words of the command line and the environment. Throws Failure. */
export function agentSettings(options: AgentOptions): AgentSettings {
  return {
    hub: hubOf(options),
    edge: edgeOf(options),
    source: sourceOf(options),
    spoolFolder: spoolFolderOf(options),
    spoolBytesMax: (options.spoolSize ?? SPOOL_MIB) * MIB,
    budgetBytes: memoryOf(options).budget * MIB,
    keepDuplicates: options.keepDuplicates,
    theta: options.theta,
    tlsKeys: options.tlsKeys,
    listen: listenOf(options),
    logLevel: options.logLevel ?? "info",
    ...wordsOf(options),
  };
}

/** What an agent is told of its traffic, and that can be wrong. Throws Failure. */
export function wordsOf({ tags = "", hostNetwork, labels, protocol }: AgentOptions) {
  return {
    tags: tagsHeader(tags),
    hostNetworks: hostNetworksOf(hostNetwork),
    labels: labels === undefined ? undefined : labelChoices(labels, loadCore({}).schema),
    forced: forcedProtocols(protocol),
  };
}

/** What an agent takes of memory, MiB: for its budget, of all threads together, and for each ring. Throws Failure. */
export function memoryOf({ profile = "usual", budget, ring, threads = 1 }: AgentOptions): { budget: number; ring: number } {
  const usual = PROFILES[profile];
  const least = THREAD_MIB * threads;
  if (budget !== undefined && budget < least) {
    const mend = `give --budget ${least}, or fewer threads`;
    throw new Failure(`${threads} threads take ${least} MiB at least, not ${budget}; ${mend}`, 2);
  }
  return { budget: budget ?? Math.max(usual.budget, least), ring: ring ?? usual.ring };
}

function sourceOf(options: AgentOptions): AgentSettings["source"] {
  const {
    file = [],
    interface: name,
    captureFilter: filter,
    capture: method,
    promiscuous,
    user,
    threads = 1,
    cpuMax,
    owners,
  } = options;
  if (file.length > 0 && name !== undefined) throw new Failure("give --file or --interface, not both", 2);
  if (file.length > 0 && threads > 1) throw new Failure("several threads read interfaces; leave --threads out with --file", 2);
  const account = accountFor(user, name !== undefined);
  if (cpuMax !== undefined && name === undefined) throw new Failure("--cpu-max is for captures of interfaces", 2);
  if (file.length > 0) return { kind: "files", paths: file, filter: fileFilter(filter) };
  if (name === undefined)
    throw new Failure("nothing to read; give -i INTERFACE (tallywire interfaces lists them) or --file FILE", 2);
  refuseCapture({ method, filter }, threads);
  const ringBytes = memoryOf(options).ring * MIB;
  const live = { interface: name, filter, method, promiscuous, ringBytes };
  return { kind: "interface", live, threads, account, tellsOwners: owners !== false, cpuPercentMax: cpuMax };
}

/** Where the agent's HTTP answers; undefined where it does not. Throws Failure. */
export function listenOf(options: AgentOptions): ListenSettings | undefined {
  const { listen, tokenFile } = options;
  if (listen === undefined) {
    if (tokenFile !== undefined) throw new Failure("a token but nowhere to listen; add --listen 127.0.0.1:9464", 2);
    return undefined;
  }
  const address = listenAddress(listen);
  if (tokenFile === undefined) return { address, token: undefined, tokenPath: `${spoolFolderOf(options)}.token` };
  return { address, token: readToken(tokenFile), tokenPath: tokenFile };
}

/** Where bundles go, with which key; undefined where they stay. Throws Failure. */
export function hubOf({ hub, key, insecure, hideKey = false }: AgentOptions): HubSettings | undefined {
  if (hub === undefined) {
    if (key !== undefined) throw new Failure("a key but no hub; add --hub https://HUB, or leave the key out", 2);
    return undefined;
  }
  const address = hubAddress(hub, insecure);
  if (key === undefined) throw new Failure("a hub but no key; give this edge's write key with --key or TALLYWIRE_KEY", 2);
  const holder = parseKey(key);
  if (holder?.kind === "write") return { address, key, hideKey };
  throw new Failure(`${holder ? `this is a ${holder.kind} key` : "this is no key"}; an agent needs a write key, tw_w_...`, 2);
}

/** Refuses a path that only a shell would understand. Throws Failure. */
export function refuseHomeSign(path: string): void {
  if (/^~(\/|$)/.test(path)) throw new Failure(`no shell reads ${path}; write the path in full, as /home/NAME/...`, 2);
}

/** The folder in which this edge's bundles wait. Throws Failure. */
export function spoolFolderOf(options: AgentOptions): string {
  refuseHomeSign(options.spool ?? "");
  return join(options.spool ?? stateFolder("spool"), edgeOf(options));
}

/** The hub takes the edge's name from its key, so the two must agree. */
function edgeOf({ edge: given, key }: AgentOptions): string {
  const named = key === undefined ? undefined : parseKey(key)?.edge || undefined;
  if (given !== undefined && named !== undefined && given !== named) {
    throw new Failure(`the key is of edge ${named}, not ${given}; leave --edge out, or take that edge's key`, 2);
  }
  const edge = named ?? given ?? hostname();
  if (EDGE_NAME.test(edge)) return edge;
  throw new Failure(`"${edge}" cannot name an edge; give --edge with letters, digits, and . _ -, at most 100 characters`, 2);
}

/** The header `tallywire-tags` from `site=fra1,role=edge`. Throws Failure. */
export function tagsHeader(text: string): string {
  const names = new Set<string>();
  const parts = text.split(",").flatMap((part) => {
    const pair = part.trim();
    if (pair === "") return [];
    const [name = "", ...rest] = pair.split("=");
    const value = rest.join("=");
    const isValue = value !== "" && value.length <= TAG_VALUE_CHARACTERS_MAX && !NO_TEXT.test(value);
    if (!TAG_NAME.test(name) || !isValue || names.has(name)) {
      throw new Failure(`"${pair}" is no tag; write tags as site=fra1,role=edge, each name once`, 2);
    }
    names.add(name);
    return [`${name}=${encodeURIComponent(value)}`];
  });
  if (parts.length > TAGS_MAX) throw new Failure(`${parts.length} tags; an edge has at most ${TAGS_MAX}`, 2);
  return parts.join(",");
}
