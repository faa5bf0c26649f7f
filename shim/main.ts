import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { Failure } from "./failure";

/** Errors that speak for themselves; any other is a fault of this program and shows where it was. */
const EXPECTED = new Set(["Failure", "SettingError", "CoreError"]);

const program = new Command("tallywire")
  .description("Reads packets, understands the requests in them, and adds up what it saw.")
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "tallywire: ")) });

program
  .command("read")
  .description("show the round trips of captures, or what they add up to")
  .argument("[file...]", "pcap or pcapng, plain or gzipped; - is standard input")
  .addOption(new Option("-o, --output <form>", "how to print").choices(["line", "wide", "json"]))
  .option("--summary", "what the captures add up to instead of each round trip")
  .option("--raw", "keep query strings in paths")
  .option("--keep-duplicates", "count packets twice that the capture itself saw twice")
  .option("--host-network <cidr...>", "networks of the host, which make directions in and out")
  .action(async (files, options) => {
    const { read } = await import("./commands/read");
    const { networks, others } = sortNetworks(options.hostNetwork);
    process.exitCode = await read([...files, ...others], { ...options, hostNetwork: networks });
  });

program
  .command("agent")
  .description("read packets and keep each minute of metrics on disk until the hub has it")
  .addOption(new Option("-i, --interface <name>", "capture on this interface").env("TALLYWIRE_INTERFACE"))
  .option("--file <path...>", "read captures instead; ends when the hub has their minutes")
  .addOption(new Option("--hub <url>", "where minutes go; nothing leaves this host without it").env("TALLYWIRE_HUB"))
  .addOption(new Option("--key <key>", "this edge's write key").env("TALLYWIRE_KEY"))
  .addOption(new Option("--tags <list>", "what answers can be grouped by, as site=fra1,role=edge").env("TALLYWIRE_TAGS"))
  .addOption(new Option("--edge <name>", "name of this edge; the key's, else the host's").env("TALLYWIRE_EDGE"))
  .addOption(new Option("--spool <folder>", "where minutes wait").env("TALLYWIRE_SPOOL"))
  .addOption(
    new Option("--spool-size <mib>", "most that may wait, the oldest make room").default(256).argParser(wholeNumber(1, 1 << 20)),
  )
  .addOption(new Option("--budget <mib>", "memory for all that is kept").default(24).argParser(wholeNumber(8, 1024)))
  .option("--host-network <cidr...>", "networks of the host, which make directions in and out; its addresses where live")
  .option("--keep-duplicates", "count packets twice that the capture itself saw twice")
  .option("--insecure", "allow a hub on another host without TLS")
  .action(async (options) => {
    const { agent } = await import("./commands/agent");
    process.exitCode = await agent(options);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof Error) || !EXPECTED.has(error.name)) throw error;
  process.stderr.write(`tallywire: ${error.message}\n`);
  return error instanceof Failure ? error.exitCode : error.name === "SettingError" ? 2 : 1;
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}

/** An option that takes several words takes files as well when they follow it: they are told apart by their form. */
function sortNetworks(words: readonly string[] = []): { networks: string[] | undefined; others: string[] } {
  const isNetwork = (word: string) => /^[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]*(\/.*)?$/.test(word);
  const networks = words.filter(isNetwork);
  return { networks: networks.length > 0 ? networks : undefined, others: words.filter((word) => !isNetwork(word)) };
}
