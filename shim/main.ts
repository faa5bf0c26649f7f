import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { STAT_ROWS_MAX } from "../engine/stat";
import { CONFIG_KEYS, CONFIG_VARIABLE, type ConfigKey, PROTOCOL_HELP, TLS_KEYS_HELP } from "./config/keys";
import { Failure, reasonOf } from "./failure";
import { hostNetworksOf } from "./host-networks";
import { printable } from "./output/printable";
import { STAT_SORTS } from "./output/stat-table";
import { VERSION } from "./version";

/** Errors that speak for themselves; any other is a fault of this program and shows where it was. */
const EXPECTED = new Set(["Failure", "SettingError", "CoreError"]);

const RAW_HELP =
  "show query strings, the literals of statements, values that errors repeat, and secrets and literals of contents";
const HEADERS_HELP = "show header fields of HTTP and gRPC, but secrets; they stay on this host";
/** Bytes of a body that a core keeps at the most. */
const BODY_BYTES_MAX = 2048;

/** The largest that libpcap takes. */
const SNAP_BYTES_MAX = 262_144;

const program = new Command("tallywire")
  .description("Reads packets, understands the requests in them, and adds up what it saw.")
  .version(VERSION)
  .exitOverride()
  .configureHelp({ helpWidth: Math.min(process.stdout.columns || 100, 100) })
  .configureOutput({ outputError: (text, write) => write(oneLine(text)) });

/** Each command is loaded when it is called, so that none waits for another's needs. */
command("read", "show the round trips of captures, or what they add up to")
  .argument("[file...]", "pcap or pcapng, plain or gzipped; - is standard input")
  .addOption(new Option("-o, --output <form>", "how to print").choices(["line", "wide", "json"]))
  .option("-Y, --filter <filter>", "only the round trips that it wants; docs/filters.md has the language")
  .addOption(new Option("-c, --count <n>", "end after so many round trips").argParser(whole(1, 2 ** 31)))
  .option("-f, --capture-filter <filter>", "only packets that this takes, as tcpdump's filters do; all of them with libpcap")
  .option("--summary", "what the captures add up to, instead of each round trip")
  .option("--headers", HEADERS_HELP)
  .addOption(bodyOption())
  .option("--raw", RAW_HELP)
  .option("--keep-duplicates", "count twice what the capture itself saw twice")
  .option("--host-network <cidr...>", "networks of the host, which tell in from out")
  .option("--tls-keys <file>", TLS_KEYS_HELP)
  .option("--protocol <name:port>", PROTOCOL_HELP, together)
  .addHelpText(
    "after",
    examples(
      ["tallywire read capture.pcap", "a line a round trip"],
      ["tallywire read capture.pcap -Y 'http.statusCode >= 500 or durationNs > 1s'", "those that failed or were slow"],
      ["tallywire read *.pcap.gz --summary", "what they add up to"],
      ["tcpdump -w - | tallywire read - -o json", "from a pipe, as JSON"],
    ),
  )
  .action(async (files, options) => {
    const { read } = await import("./commands/read");
    const { networks, others } = sortNetworks(options.hostNetwork);
    process.exitCode = await read([...files, ...others], { ...options, hostNetwork: networks });
  });

looking("watch", "show round trips as they happen, on an interface or in a capture")
  .argument("[protocol...]", "only these; tallywire protocols lists them")
  .addOption(new Option("-c, --count <n>", "end after so many round trips").argParser(whole(1, 2 ** 31)))
  .option("-n", "taken for the habit of it: addresses are always shown as numbers")
  .addOption(new Option("-o, --output <form>", "how to print").choices(["line", "wide", "json"]))
  .option("--headers", HEADERS_HELP)
  .addOption(bodyOption())
  .addOption(
    new Option("--rate <lines>", "show so many a second at the most, 0 for all; 50 for an interface on a terminal").argParser(
      whole(0, 1_000_000),
    ),
  )
  .addHelpText(
    "after",
    examples(
      ["tallywire watch -i eth0", "all of them"],
      ["tallywire watch http redis -i eth0 -Y 'durationNs > 100ms'", "those of two protocols that were slow"],
      ["tallywire watch -r capture.pcap -o wide", "with a bar of their time: request >, network ~, server #, transfer <"],
      ["tallywire watch -i any -o wide", "and with the interfaces that a request and its response passed"],
    ),
  )
  .action(looks(async (...words) => (await import("./commands/watch")).watch(...words)));

looking("log", "write round trips into files, a line of JSON each, and make room for the next")
  .argument("[protocol...]", "only these; tallywire protocols lists them")
  .option("-w, --write <file>", "the file; old ones are beside it, with their time in their names")
  .addOption(new Option("-c, --count <n>", "end after so many round trips").argParser(whole(1, 2 ** 31)))
  .addOption(
    new Option("--rotate-size <mib>", "begin another file before it is larger").default(100).argParser(whole(1, 1 << 20)),
  )
  .addOption(new Option("--rotate-age <span>", "begin another file when it is so old, as 24h").argParser(span))
  .addOption(new Option("--keep <n>", "old files that are kept").default(10).argParser(whole(0, 10_000)))
  .option("--gzip", "compress old files")
  .option("--headers", HEADERS_HELP)
  .addOption(bodyOption())
  .addHelpText(
    "after",
    examples(
      ["tallywire log -i any -w /var/log/tallywire.json", "all of them; SIGHUP has it begin the file anew, as logrotate does"],
      [
        "tallywire log http -i eth0 -Y 'http.statusCode >= 500' -w errors.json --rotate-age 24h --keep 7 --gzip",
        "a week of errors",
      ],
    ),
  )
  .action(looks(async (...words) => (await import("./commands/log")).log(...words)));

looking("stat", "add round trips up by any of their fields, on an interface or in a capture", "--snapshot-length <bytes>")
  .argument("[protocol...]", "only these; of one alone fields go without its name")
  .option("--by <fields...>", "what makes the rows, as client.address,http.path; the server's address unless given")
  .option("--metric <value>", "duration, size, count, errors, or a field with numbers; duration unless given")
  .option("--slow", "durations, the slowest rows first, and three of the slowest round trips of each")
  .option("--big", "sizes, the largest first, and three of the largest")
  .addOption(new Option("--sort <figure>", "what comes first; as the metric suggests unless given").choices([...STAT_SORTS]))
  .addOption(new Option("--rows <n>", "rows that are shown; all in JSON, unless given").argParser(whole(1, STAT_ROWS_MAX)))
  .addOption(new Option("-s, --samples <n>", "round trips that are shown of each row").argParser(whole(0, 10)))
  .addOption(new Option("--time <span>", "look at an interface for so long, as 10s").argParser(span))
  .addOption(new Option("--every <span>", "show what there is so often; once a second on a terminal").argParser(span))
  .addOption(new Option("-o, --output <form>", "how to print: an object a line").choices(["json"]))
  .addHelpText(
    "after",
    examples(
      ["tallywire stat -i eth0", "who is asked how often, how fast and with what success, once a second"],
      ["tallywire stat http -i any --by path --slow --time 10s", "the slowest paths of ten seconds, and their slowest requests"],
      ["tallywire stat -r capture.pcap --by client.address,dns.name --metric errors", "who asks for what is not there"],
    ),
  )
  .action(looks(async (...words) => (await import("./commands/stat")).stat(...words)));

looking("overview", "show what this host depends on, and who depends on it, on an interface or in a capture")
  .argument("[protocol...]", "only these; tallywire protocols lists them")
  .option("-n, --numbers", "show addresses as numbers, also where DNS on the wire named them")
  .addOption(new Option("--sort <figure>", "what comes first").choices([...STAT_SORTS]).default("requests"))
  .addOption(new Option("--rows <n>", "rows that are shown; all in JSON, unless given").argParser(whole(1, STAT_ROWS_MAX)))
  .addOption(new Option("--time <span>", "look at an interface for so long, as 10s").argParser(span))
  .addOption(new Option("--every <span>", "show what there is so often; once a second on a terminal").argParser(span))
  .addOption(new Option("-o, --output <form>", "how to print: an object a line").choices(["json"]))
  .addHelpText(
    "after",
    examples(
      ["tallywire overview -i any", "every service that is asked here, once a second"],
      ["tallywire overview -i any --time 60s --sort p99", "of a minute, the slowest first"],
      ["tallywire overview -r capture.pcap --host-network 10.0.0.5", "of the host with this address, in a capture"],
    ),
  )
  .action(looks(async (...words) => (await import("./commands/overview")).overview(...words)));

agentLike("agent", "read packets, and keep each minute's metrics on disk until the hub has them")
  .option("--file <path...>", "read captures instead, and end when the hub has their minutes")
  .addHelpText(
    "after",
    examples(
      ["tallywire agent -i eth0", "keeps minutes in the spool"],
      ["TALLYWIRE_KEY=tw_w_... tallywire agent -i eth0 --hub https://hub.example.com --tags site=fra1", "and posts them"],
      ["tallywire agent --config /etc/tallywire/agent.yaml", "as a file says"],
      ["tallywire agent --file capture.pcap --hub http://127.0.0.1:8787 --key tw_w_...", "posts a capture"],
    ),
  )
  .action(async (options) => {
    const { agent } = await import("./commands/agent");
    process.exitCode = await agent(options);
  });

agentLike("config", "print a configuration of an agent that explains each of its keys")
  .option("--show", "what holds of options, variables and file instead, and which of them says so")
  .option("--schema", "the JSON schema of configurations instead")
  .addHelpText(
    "after",
    examples(
      ["tallywire config > agent.yaml", "one to begin with, which says what is usual"],
      ["tallywire config --config agent.yaml --threads 2 --show", "what an agent with these words would do"],
    ),
  )
  .action(async (options) => {
    const { config } = await import("./commands/config");
    process.exitCode = await config(options);
  });

agentLike("doctor", "say what an agent with the same words would miss on this host, and what mends it")
  .addOption(new Option("-o, --output <form>", "how to print").choices(["json"]))
  .addHelpText(
    "after",
    examples(
      ["tallywire doctor", "whether packets can be captured here, and minutes kept"],
      ["TALLYWIRE_KEY=tw_w_... tallywire doctor -i eth0 --hub https://hub.example.com", "and whether that hub takes them"],
    ),
  )
  .action(async (options) => {
    const { doctor } = await import("./commands/doctor");
    process.exitCode = await doctor(options);
  });

command("query", "ask a hub for one figure over a window")
  .argument("<metric>", "as tallywire schema names it")
  .argument(
    "[op]",
    "sum, rate, distinct, top, quantile, histogram, breakdown or last; of sets intersect, union or difference; the usual one unless given",
  )
  .addOption(new Option("--hub <url>", "the hub").env("TALLYWIRE_HUB"))
  .addOption(new Option("--read-key <key>", "a read key; better given as the variable").env("TALLYWIRE_READ_KEY"))
  .option("--from <time>", "RFC 3339, unix seconds, or a span before now as -15m; -1h unless given")
  .option("--to <time>", "the same, not included; now unless given")
  .option("--step <span>", "a row for each, as 5m; the whole window unless given")
  .option("--by <names...>", "tags and labels to keep apart, as site,direction")
  .option("--where <condition...>", "site=fra1, site=fra1,ams2 or role=!db")
  .option("-n, --n <count>", "items of a top or breakdown")
  .option("-q, --q <list...>", "quantiles, as 0.5,0.99")
  .option("--key <item>", "only this item of a top")
  .option("--with <condition...>", "the other set of intersect, union and difference, as --where is the first")
  .option("--per <metric>", "divide by this metric: the error rate of a site, requests a client")
  .option("--compare <span>", "beside it the value of earlier: 1d ago, or previous for the window before")
  .option("--edge <name>", "only what this edge posted; the last two hours can be asked so")
  .option("--policy <name>", "the policy whose minutes are meant")
  .option("--insecure", "allow a hub on another host without TLS")
  .addOption(new Option("-o, --output <form>", "the hub's answer as it is").choices(["json", "csv"]))
  .addHelpText(
    "after",
    examples(
      ["tallywire query dns_clients --by site", "distinct clients of each site in the last hour"],
      ["tallywire query http_duration_seconds -q 0.5,0.99 --from -15m --step 1m", "latency by the minute"],
      ["tallywire query dns_top_names --where site=fra1 -n 20", "the busiest names of a site"],
      ["tallywire query dns_clients_theta intersect --where site=fra1 --with site=ams2", "clients that were seen at both"],
      [
        "tallywire query dns_requests_total --where status=error --per dns_requests_total --compare 1d",
        "errors, and yesterday's",
      ],
    ),
  )
  .action(async (metric, op, options) => {
    const { query } = await import("./commands/query");
    process.exitCode = await query(metric, op, options);
  });

const hubCommand = command("hub", "serve a hub on this machine: one process, its data in a folder")
  .option("--data <folder>", "where everything is kept, the master key too; in your state folder unless given")
  .addOption(new Option("--port <port>", "port to listen on; 0 takes any").default(8787).argParser(whole(0, 65_535)))
  .option("--host <address>", "address to listen on; any but loopback is reached without TLS", "127.0.0.1")
  .option("--keep-minutes <span>", "how long minutes are kept, at least 48h; 48h unless given")
  .option("--keep-hours <span>", "how long hours are kept; 30d unless given")
  .option("--keep-days <span>", "how long days are kept; 400d unless given")
  .option("--webhook <url>", "where to post events: edges that fall silent, lag or drift; the one address it reaches")
  .option("--set <setting...>", "other settings, as MAX_EDGES=500; docs/hub.md lists them")
  .addHelpText(
    "after",
    examples(
      ["tallywire hub", "at http://127.0.0.1:8787, until Ctrl-C or SIGTERM"],
      ["tallywire hub --data /var/lib/tallywire --port 8787 --keep-days 800d", "on a folder of its own, for two years"],
    ),
  )
  .action(async (options) => {
    const { hub } = await import("./commands/hub");
    process.exitCode = await hub(options);
  });

hubCommand
  .command("backup")
  .description("save all that a hub has of a tenant in one file")
  .argument("<tenant>", "whose it is; its admin key is needed")
  .requiredOption("-o, --output <file>", "the file, written whole or not at all; r2: is the hub's own bucket")
  .addOption(new Option("--hub <url>", "the hub").env("TALLYWIRE_HUB"))
  .addOption(new Option("--key <key>", "an admin key; better given as the variable").env("TALLYWIRE_ADMIN_KEY"))
  .option("--insecure", "allow a hub on another host without TLS")
  .addHelpText(
    "after",
    examples(
      ["tallywire hub backup acme -o acme.backup.gz --hub https://hub.example.com", "while it runs"],
      ["tallywire hub backup acme -o r2: --hub https://hub.example.com", "into the bucket that is bound to the hub as BACKUPS"],
    ),
  )
  .action(async (tenant, options) => {
    const { backup } = await import("./commands/backup");
    process.exitCode = await backup(tenant, options);
  });

hubCommand
  .command("backups")
  .description("list what is in the bucket of a hub of a tenant, the newest first")
  .argument("<tenant>", "whose it is; its admin key is needed")
  .addOption(new Option("--hub <url>", "the hub").env("TALLYWIRE_HUB"))
  .addOption(new Option("--key <key>", "an admin key; better given as the variable").env("TALLYWIRE_ADMIN_KEY"))
  .option("--insecure", "allow a hub on another host without TLS")
  .action(async (tenant, options) => {
    const { backups } = await import("./commands/backup");
    process.exitCode = await backups(tenant, options);
  });

hubCommand
  .command("restore")
  .description("give a hub a tenant out of such a file: all of it, or nothing")
  .argument("<file>", "what backup wrote; r2:NAME is one in the hub's own bucket")
  .addOption(new Option("--hub <url>", "the hub, the same or another").env("TALLYWIRE_HUB"))
  .addOption(new Option("--key <key>", "an admin key of the tenant on that hub").env("TALLYWIRE_ADMIN_KEY"))
  .option("--force", "in the place of what the hub has of the tenant, which is deleted")
  .option("--insecure", "allow a hub on another host without TLS")
  .addHelpText(
    "after",
    examples(["tallywire hub restore acme.backup.gz --hub http://127.0.0.1:8787", "into a hub that has nothing of acme"]),
  )
  .action(async (file, options) => {
    const { restore } = await import("./commands/backup");
    process.exitCode = await restore(file, options);
  });

command("keys", "make a hub's keys: for edges to post, and for people and programs to ask")
  .addArgument(
    new Argument(
      "<kind>",
      "what it is for: to post, to ask, to administer; or what events posted to a webhook are signed with",
    ).choices(["write", "read", "admin", "webhook"]),
  )
  .argument("<tenant>", "whose edges and figures they are")
  .argument("[edge...]", "a write key for each of these edges")
  .option("--where <condition...>", "limit a read key to edges with these tags: site=fra1, site=fra1,ams2 or role=!db")
  .option("--data <folder>", "the folder of a hub on this machine, which holds its master key")
  .addOption(new Option("-o, --output <form>", "how to print").choices(["json"]))
  .addHelpText(
    "after",
    examples(
      ["tallywire keys write acme web-1 web-2", "a key for each of two edges, of the hub on this machine"],
      ["TALLYWIRE_MASTER_KEY=... tallywire keys read acme", "of a hub elsewhere, by its secret"],
      ["tallywire keys read acme --where site=fra1", "a key that sees the edges of one site alone"],
    ),
  )
  .action(async (kind, tenant, edges, options) => {
    const { keys } = await import("./commands/keys");
    process.exitCode = await keys(kind, tenant, edges, options);
  });

command("schema", "print every metric, label, protocol and field as JSON").action(async () => {
  const { schema } = await import("./commands/schema");
  process.exitCode = await schema();
});

command("protocols", "list the protocols that are understood, and the fields of their round trips")
  .addOption(new Option("-o, --output <form>", "how to print").choices(["json"]))
  .action(async (options) => {
    const { protocols } = await import("./commands/protocols");
    process.exitCode = await protocols(options);
  });

command("interfaces", "list this host's interfaces, and which packets can be captured on")
  .addOption(new Option("-o, --output <form>", "how to print").choices(["json"]))
  .action(async (options) => {
    const { interfaces } = await import("./commands/interfaces");
    process.exitCode = await interfaces(options);
  });

process.stdout.on("error", onOutputError);
// Who cannot be told anything, as the terminal was closed, is to lose nothing else by that.
process.stderr.on("error", () => {});
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function command(name: string, description: string): Command {
  return program.command(name).description(description);
}

/** A command that looks at the round trips of an interface or a capture. */
function looking(name: string, description: string, snapFlags = "-s, --snapshot-length <bytes>"): Command {
  return command(name, description)
    .option("-i, --interface <names>", "look at this interface, several as eth0,veth*, or any, until Ctrl-C")
    .option("-r, --read <file>", "read a capture instead; - is standard input")
    .option("-f, --capture-filter <filter>", "only packets that this takes, as tcpdump's filters do; all of them with libpcap")
    .option("-Y, --filter <filter>", "only the round trips that it wants; docs/filters.md has the language")
    .addOption(
      new Option(
        snapFlags,
        "take so many bytes of each packet at the most, 0 for all; what is behind them is not understood",
      ).argParser(whole(0, SNAP_BYTES_MAX)),
    )
    .addOption(
      new Option("--ring <mib>", "packets that may wait in the kernel, of an interface; 8 unless given").argParser(
        whole(1, 1024),
      ),
    )
    .option("--user <name>", "give root up once it captures, for NAME or NAME:GROUP")
    .option("--no-owners", "leave out whose connections are: processes, users, containers and pods (Linux)")
    .option("--raw", RAW_HELP)
    .option("--keep-duplicates", "count twice what the capture itself saw twice")
    .option(
      "--host-network <cidr...>",
      "networks of the host, which tell in from out; its own addresses, as they come and go, where live",
    )
    .option("--tls-keys <file>", TLS_KEYS_HELP)
    .option("--protocol <name:port>", PROTOCOL_HELP, together);
}

/** Runs a command that looks: what follows the networks of a host is its protocols. */
function looks<Options>(run: (protocols: string[], options: Options) => Promise<number>) {
  return async (words: string[], options: Options & { hostNetwork?: string[] }) => {
    const { networks, others } = sortNetworks(options.hostNetwork);
    process.exitCode = await run([...words, ...others], { ...options, hostNetwork: networks });
  };
}

/** A command with the words of an agent: what it captures, where its minutes wait and go. Variables and a file may say them too. */
function agentLike(name: string, description: string): Command {
  const made = command(name, description);
  made.addOption(new Option("--config <file>", `what is said in a file; tallywire config shows how (env: ${CONFIG_VARIABLE})`));
  for (const key of CONFIG_KEYS) made.addOption(optionOf(key));
  return made;
}

/** What is not said stays open here: a variable or a file may say it. */
function optionOf({ flags, variable, value, usual, says }: ConfigKey): Option {
  const known = [usual === undefined || usual === false ? "" : `default: ${usual}`, variable ? `env: ${variable}` : ""];
  const notes = known.filter(Boolean).join(", ");
  const option = new Option(flags, notes === "" ? says : `${says} (${notes})`);
  if (value.kind === "choice") option.choices(value.choices);
  if (value.kind === "whole") option.argParser(whole(value.least, value.most));
  return option;
}

/** Of help and version, which nobody else looks after: a reader that went away ends them quietly. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE" || process.stdout.listenerCount("error") > 1) return;
  process.stderr.write(`tallywire: cannot write the output: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof Error) || !EXPECTED.has(error.name)) throw error;
  process.stderr.write(`tallywire: ${printable(error.message)}\n`);
  if (error instanceof Failure) for (const line of error.below) process.stderr.write(`${printable(line)}\n`);
  return error instanceof Failure ? error.exitCode : error.name === "SettingError" ? 2 : 1;
}

/** What is wrong with the words, and what may have been meant, in one line. */
function oneLine(text: string): string {
  const line = text
    .replace(/^error: /, "tallywire: ")
    .replace(
      /command-argument value '(.*)' is invalid for argument '(.*)'\. Allowed choices are (.*)\./,
      "$1 is no $2; there are $3",
    )
    .replace(/\n\(Did you mean/, " (did you mean");
  return `${printable(line.trimEnd())}\n`;
}

function examples(...lines: [command: string, says: string][]): string {
  return `\nExamples:\n${lines.map(([line, says]) => `  ${line}\n      ${says}\n`).join("")}`;
}

/** Of commands that show round trips. */
function bodyOption(): Option {
  const option = new Option(
    "--body <bytes>",
    "show so many bytes of bodies, and of what other protocols carry, with ? for what they say; docs/contents.md lists them",
  );
  return option.argParser(whole(1, BODY_BYTES_MAX));
}

/** Several lists are one. */
function together(list: string, before: string | undefined): string {
  return before === undefined ? list : `${before},${list}`;
}

/** Reads a whole number within bounds. */
function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}

/** Reads a span of time, in ms. */
function span(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(number) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit ?? ""] ?? 0);
  if (ms >= 100) return ms;
  throw new InvalidArgumentError("Give a span of at least 100ms, as 500ms, 10s, 5m or 1h.");
}

/** An option that takes several words takes files as well when they follow it: they are told apart by their form. */
function sortNetworks(words: readonly string[] = []): { networks: string[] | undefined; others: string[] } {
  const isNetwork = (word: string) => /^[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]*(\/.*)?$/.test(word);
  const networks = words.filter(isNetwork);
  if (networks.length === 0 && words.length > 0) hostNetworksOf([...words]);
  return { networks: networks.length > 0 ? networks : undefined, others: words.filter((word) => !isNetwork(word)) };
}
