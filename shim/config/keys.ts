/**
 * Everything that can be said to an agent, once: as an option of the command line, a key of a configuration file, and a variable. What
 * reads, checks and explains them goes by this list.
 */
import { LOG_LEVELS } from "../agent/log-level";
import type { AgentOptions } from "../agent/settings";

/** What a value is. */
export type ConfigValue =
  | {
      kind: "text";
      /** How it is written, and what that is called. */
      form?: RegExp;
      called?: string;
      /** Whether it has several, with commas between them. */
      isList?: boolean;
    }
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
  /** Whether an agent takes another value over while it runs: always, or where it reads interfaces. Absent: it does not. */
  changes?: "always" | "live";
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

/** What `--protocol` is for, as help says it. */
export const PROTOCOL_HELP = "read what a port speaks as this protocol only, as http:8080,redis:7000; elsewhere it is recognised";

/** Groups of keys in a file, and what they are about. */
export const GROUPS: Record<string, string> = {
  capture: "What is captured, and how.",
  hub: "Where minutes go.",
  spool: "Where they wait.",
  listen: "Where the agent answers by HTTP.",
  memory: "What all that is kept of the traffic takes.",
  metrics: "What is counted.",
  log: "What the agent says.",
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
    changes: "live",
    option: "tags",
    flags: "--tags <list>",
    variable: "TALLYWIRE_TAGS",
    value: { kind: "tags" },
    says: "what answers can be grouped by, as site=fra1,role=edge",
    example: "{ site: fra1, role: edge }",
  },
  {
    path: "labels",
    changes: "live",
    option: "labels",
    flags: "--labels <list>",
    variable: "TALLYWIRE_LABELS",
    value: { kind: "labels" },
    says: "labels that breakdowns keep, as http=method+path,kafka=topic; all of them unless given",
    example: "{ http: [method, path], kafka: [topic] }",
  },
  {
    path: "capture.interface",
    changes: "live",
    option: "interface",
    flags: "-i, --interface <names>",
    variable: "TALLYWIRE_INTERFACE",
    value: { kind: "text", isList: true },
    says: "capture on this interface, on several as eth0,veth*, or on any",
    example: "eth0",
  },
  {
    path: "capture.filter",
    changes: "live",
    option: "captureFilter",
    flags: "-f, --capture-filter <filter>",
    variable: "TALLYWIRE_CAPTURE_FILTER",
    value: { kind: "text" },
    says: "only packets that this takes, as tcpdump's filters do; all of them with libpcap",
    example: "not port 22",
  },
  {
    path: "capture.promiscuous",
    changes: "live",
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
    changes: "live",
    option: "cpuMax",
    flags: "--cpu-max <percent>",
    variable: "TALLYWIRE_CPU_MAX",
    value: { kind: "whole", least: 1, most: 6400 },
    says: "of a processor: above it a sample of conversations is looked at, the rest counted",
    example: "50",
  },
  {
    path: "capture.method",
    changes: "live",
    option: "capture",
    flags: "--capture <method>",
    variable: "TALLYWIRE_CAPTURE",
    value: { kind: "choice", choices: ["ring", "libpcap", "cap"] },
    says: "capture in this way; in the best that there is unless given",
    example: "ring",
  },
  {
    path: "capture.ringMiB",
    changes: "live",
    option: "ring",
    flags: "--ring <mib>",
    variable: "TALLYWIRE_RING",
    value: { kind: "whole", least: 1, most: 1024 },
    says: "packets that may wait in the kernel; 8 unless given",
    example: "16",
  },
  {
    path: "capture.threads",
    changes: "live",
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
    changes: "live",
    option: "hostNetwork",
    flags: "--host-network <cidr...>",
    variable: "TALLYWIRE_HOST_NETWORK",
    value: { kind: "list" },
    says: "networks of the host, which tell in from out; its own addresses, as they come and go, where live",
    example: "[192.0.2.0/24]",
  },
  {
    path: "capture.keepDuplicates",
    changes: "live",
    option: "keepDuplicates",
    flags: "--keep-duplicates",
    variable: "TALLYWIRE_KEEP_DUPLICATES",
    value: { kind: "flag" },
    usual: false,
    says: "count twice what the capture itself saw twice",
    example: "true",
  },
  {
    path: "capture.protocol",
    changes: "live",
    option: "protocol",
    flags: "--protocol <name:port>",
    variable: "TALLYWIRE_PROTOCOL",
    value: {
      kind: "text",
      form: /^[a-z0-9]+:\d+(,[a-z0-9]+:\d+)*$/,
      called: "protocols with a port, as http:8080,redis:7000",
      isList: true,
    },
    says: PROTOCOL_HELP,
    example: "http:8080",
  },
  {
    path: "capture.owners",
    changes: "live",
    option: "owners",
    flags: "--no-owners",
    variable: "TALLYWIRE_OWNERS",
    value: { kind: "flag" },
    usual: true,
    says: "find out whose connections are: processes, users, containers and pods (Linux); --no-owners and false leave it out",
    example: "false",
  },
  {
    path: "capture.tlsKeys",
    changes: "live",
    option: "tlsKeys",
    flags: "--tls-keys <file>",
    variable: "TALLYWIRE_TLS_KEYS",
    value: { kind: "text" },
    says: TLS_KEYS_HELP,
    example: "/var/log/keys.txt",
  },
  {
    path: "hub.url",
    changes: "always",
    option: "hub",
    flags: "--hub <url>",
    variable: "TALLYWIRE_HUB",
    value: { kind: "text" },
    says: "where minutes go; nothing leaves this host without it",
    example: "https://hub.example.com",
  },
  {
    path: "hub.key",
    changes: "always",
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
    changes: "always",
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
    changes: "always",
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
    changes: "always",
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
    changes: "always",
    option: "listen",
    flags: "--listen <address>",
    variable: "TALLYWIRE_LISTEN",
    value: { kind: "text" },
    says: "answer by HTTP, with metrics for Prometheus, at 127.0.0.1:PORT, [::1]:PORT or unix:PATH; docs/agent-http.md",
    example: "127.0.0.1:9464",
  },
  {
    path: "listen.tokenFile",
    changes: "always",
    option: "tokenFile",
    flags: "--token-file <file>",
    variable: "TALLYWIRE_TOKEN_FILE",
    value: { kind: "text" },
    says: "the token that who asks there needs; made beside the spool unless given",
    example: "/etc/tallywire/token",
  },
  {
    path: "memory.profile",
    changes: "live",
    option: "profile",
    flags: "--profile <name>",
    variable: "TALLYWIRE_PROFILE",
    value: { kind: "choice", choices: ["small"] },
    says: "small: a budget of 12 MiB and a ring of 4, for a host with little memory",
    example: "small",
  },
  {
    path: "memory.budgetMiB",
    changes: "live",
    option: "budget",
    flags: "--budget <mib>",
    variable: "TALLYWIRE_BUDGET",
    value: { kind: "whole", least: 8, most: 1024 },
    says: "memory for all that is kept of the traffic; 24 unless given, and 8 a thread at least",
    example: "64",
  },
  {
    path: "metrics.theta",
    changes: "live",
    option: "theta",
    flags: "--theta",
    variable: "TALLYWIRE_THETA",
    value: { kind: "flag" },
    usual: false,
    says: "keep clients as sets too, so that a hub can tell who was seen at two sites; docs/privacy.md says what leaves",
    example: "true",
  },
  {
    path: "log.level",
    changes: "always",
    option: "logLevel",
    flags: "--log-level <level>",
    variable: "TALLYWIRE_LOG_LEVEL",
    value: { kind: "choice", choices: LOG_LEVELS },
    usual: "info",
    says: "how much it says: what is wrong, what happens too, or each minute and request beside it",
    example: "debug",
  },
];
