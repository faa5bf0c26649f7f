/**
 * Everything that can be said to an agent, once: as an option of the command line, a key of a configuration file, and a variable. What
 * reads, checks and explains them goes by this list.
 */
import type { AgentOptions } from "../agent/settings";

/** What a value is. */
export type ConfigValue =
  | { kind: "text" /** How it is written, and what that is called. */; form?: RegExp; called?: string }
  | { kind: "list" }
  | { kind: "flag" }
  /** `name: value` each; on the command line and in a variable `name=value,name=value`. */
  | { kind: "tags" }
  /** Lists by protocol; on the command line and in a variable `http=method+path,kafka=topic`. */
  | { kind: "labels" }
  | { kind: "choice"; choices: readonly string[] }
  | { kind: "whole"; least: number; most: number };

/** One of them. */
export interface ConfigKey {
  /** Where it stands in a file, as `spool.sizeMiB`. */
  path: string;
  option: keyof AgentOptions;
  /** As commander writes it. */
  flags: string;
  /** Absent where there is none. */
  variable?: string;
  value: ConfigValue;
  /** What holds where it is not given. */
  usual?: string | number | boolean;
  /** Whether an agent takes another value over while it runs. */
  mayChange?: boolean;
  /** Whether it is not to be shown. */
  isSecret?: boolean;
  says: string;
  example: string;
}

/** The variable that names a file. */
export const CONFIG_VARIABLE = "TALLYWIRE_CONFIG";

/** How an edge may be named. */
export const EDGE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/;
/** Disk for minutes that wait, unless told otherwise, MiB. */
export const SPOOL_MIB = 256;

/** What a key log is for, as help says it. */
export const TLS_KEYS_HELP = "look into TLS with the secrets that a client or server logged there (SSLKEYLOGFILE)";

/** Groups of keys in a file, and what they are about. */
export const GROUPS: Record<string, string> = {
  capture: "What is captured, and how.",
  hub: "Where minutes go.",
  spool: "Where they wait.",
  listen: "Where the agent answers by HTTP.",
  memory: "What all that is kept of the traffic takes.",
  metrics: "What is counted.",
};

export const CONFIG_KEYS: readonly ConfigKey[] = [
  {
    path: "edge",
    option: "edge",
    flags: "--edge <name>",
    variable: "TALLYWIRE_EDGE",
    value: { kind: "text", form: EDGE_NAME, called: "letters, digits, and . _ -, at most 100" },
    says: "name of this edge; the key's, else the host's",
    example: "web-1",
  },
  {
    path: "tags",
    option: "tags",
    flags: "--tags <list>",
    variable: "TALLYWIRE_TAGS",
    value: { kind: "tags" },
    says: "what answers can be grouped by, as site=fra1,role=edge",
    example: "{ site: fra1, role: edge }",
  },
  {
    path: "labels",
    option: "labels",
    flags: "--labels <list>",
    variable: "TALLYWIRE_LABELS",
    value: { kind: "labels" },
    says: "labels that breakdowns keep, as http=method+path,kafka=topic; all of them unless given",
    example: "{ http: [method, path], kafka: [topic] }",
  },
  {
    path: "capture.interface",
    option: "interface",
    flags: "-i, --interface <names>",
    variable: "TALLYWIRE_INTERFACE",
    value: { kind: "text" },
    says: "capture on this interface, on several as eth0,veth*, or on any",
    example: "eth0",
  },
  {
    path: "capture.filter",
    mayChange: true,
    option: "captureFilter",
    flags: "-f, --capture-filter <filter>",
    variable: "TALLYWIRE_CAPTURE_FILTER",
    value: { kind: "text" },
    says: "only packets that this takes, as tcpdump's filters do; all of them with libpcap",
    example: "not port 22",
  },
  {
    path: "capture.promiscuous",
    option: "promiscuous",
    flags: "--promiscuous",
    variable: "TALLYWIRE_PROMISCUOUS",
    value: { kind: "flag" },
    usual: false,
    says: "take what is not meant for this host too",
    example: "true",
  },
  {
    path: "capture.user",
    option: "user",
    flags: "--user <name>",
    variable: "TALLYWIRE_USER",
    value: { kind: "text" },
    says: "give root up once it captures, for NAME or NAME:GROUP",
    example: "nobody",
  },
  {
    path: "capture.cpuMaxPercent",
    mayChange: true,
    option: "cpuMax",
    flags: "--cpu-max <percent>",
    variable: "TALLYWIRE_CPU_MAX",
    value: { kind: "whole", least: 1, most: 6400 },
    says: "of a processor: above it a sample of conversations is looked at, the rest counted",
    example: "50",
  },
  {
    path: "capture.method",
    option: "capture",
    flags: "--capture <method>",
    variable: "TALLYWIRE_CAPTURE",
    value: { kind: "choice", choices: ["ring", "libpcap", "cap"] },
    says: "capture in this way; in the best that there is unless given",
    example: "ring",
  },
  {
    path: "capture.ringMiB",
    option: "ring",
    flags: "--ring <mib>",
    variable: "TALLYWIRE_RING",
    value: { kind: "whole", least: 1, most: 1024 },
    says: "packets that may wait in the kernel; 8 unless given",
    example: "16",
  },
  {
    path: "capture.threads",
    option: "threads",
    flags: "--threads <n>",
    variable: "TALLYWIRE_THREADS",
    value: { kind: "whole", least: 1, most: 16 },
    usual: 1,
    says: "share the packets out among so many, each with such a ring (Linux)",
    example: "4",
  },
  {
    path: "capture.hostNetworks",
    option: "hostNetwork",
    flags: "--host-network <cidr...>",
    variable: "TALLYWIRE_HOST_NETWORK",
    value: { kind: "list" },
    says: "networks of the host, which tell in from out; its own addresses where live",
    example: "[192.0.2.0/24]",
  },
  {
    path: "capture.keepDuplicates",
    option: "keepDuplicates",
    flags: "--keep-duplicates",
    variable: "TALLYWIRE_KEEP_DUPLICATES",
    value: { kind: "flag" },
    usual: false,
    says: "count twice what the capture itself saw twice",
    example: "true",
  },
  {
    path: "capture.tlsKeys",
    option: "tlsKeys",
    flags: "--tls-keys <file>",
    variable: "TALLYWIRE_TLS_KEYS",
    value: { kind: "text" },
    says: TLS_KEYS_HELP,
    example: "/var/log/keys.txt",
  },
  {
    path: "hub.url",
    mayChange: true,
    option: "hub",
    flags: "--hub <url>",
    variable: "TALLYWIRE_HUB",
    value: { kind: "text" },
    says: "where minutes go; nothing leaves this host without it",
    example: "https://hub.example.com",
  },
  {
    path: "hub.key",
    mayChange: true,
    option: "key",
    flags: "--key <key>",
    variable: "TALLYWIRE_KEY",
    value: { kind: "text" },
    isSecret: true,
    says: "this edge's write key; better given as the variable",
    example: "tw_w_...",
  },
  {
    path: "hub.hideKey",
    mayChange: true,
    option: "hideKey",
    flags: "--hide-key",
    variable: "TALLYWIRE_HIDE_KEY",
    value: { kind: "flag" },
    usual: false,
    says: "send the key's name alone; signatures then stand for the key",
    example: "true",
  },
  {
    path: "hub.insecure",
    mayChange: true,
    option: "insecure",
    flags: "--insecure",
    variable: "TALLYWIRE_INSECURE",
    value: { kind: "flag" },
    usual: false,
    says: "allow a hub on another host without TLS",
    example: "true",
  },
  {
    path: "spool.folder",
    option: "spool",
    flags: "--spool <folder>",
    variable: "TALLYWIRE_SPOOL",
    value: { kind: "text" },
    says: "where minutes wait",
    example: "/var/lib/tallywire/spool",
  },
  {
    path: "spool.sizeMiB",
    mayChange: true,
    option: "spoolSize",
    flags: "--spool-size <mib>",
    variable: "TALLYWIRE_SPOOL_SIZE",
    value: { kind: "whole", least: 1, most: 1 << 20 },
    usual: SPOOL_MIB,
    says: "most that may wait; the oldest make room",
    example: "1024",
  },
  {
    path: "listen.address",
    option: "listen",
    flags: "--listen <address>",
    variable: "TALLYWIRE_LISTEN",
    value: { kind: "text" },
    says: "answer with metrics for Prometheus at 127.0.0.1:PORT, [::1]:PORT or unix:PATH",
    example: "127.0.0.1:9464",
  },
  {
    path: "listen.tokenFile",
    option: "tokenFile",
    flags: "--token-file <file>",
    variable: "TALLYWIRE_TOKEN_FILE",
    value: { kind: "text" },
    says: "who asks there needs the token in this file",
    example: "/etc/tallywire/token",
  },
  {
    path: "memory.profile",
    option: "profile",
    flags: "--profile <name>",
    variable: "TALLYWIRE_PROFILE",
    value: { kind: "choice", choices: ["small"] },
    says: "small: a budget of 12 MiB and a ring of 4, for a host with little memory",
    example: "small",
  },
  {
    path: "memory.budgetMiB",
    option: "budget",
    flags: "--budget <mib>",
    variable: "TALLYWIRE_BUDGET",
    value: { kind: "whole", least: 8, most: 1024 },
    says: "memory for all that is kept of the traffic; 24 unless given, and 8 a thread at least",
    example: "64",
  },
  {
    path: "metrics.theta",
    option: "theta",
    flags: "--theta",
    variable: "TALLYWIRE_THETA",
    value: { kind: "flag" },
    usual: false,
    says: "keep clients as sets too, so that a hub can tell who was seen at two sites; docs/privacy.md says what leaves",
    example: "true",
  },
];
