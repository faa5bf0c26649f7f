import { Command, CommanderError, Option } from "commander";
import { Failure } from "./failure";

const program = new Command("tallywire")
  .description("Reads packets, understands the requests in them, and adds up what it saw.")
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "tallywire: ")) });

program
  .command("read")
  .description("show the round trips of captures, or what they add up to")
  .argument("<file...>", "pcap or pcapng, plain or gzipped; - is standard input")
  .addOption(new Option("-o, --output <form>", "how to print").choices(["line", "wide", "json"]))
  .option("--summary", "what the captures add up to instead of each round trip")
  .option("--raw", "keep query strings in paths")
  .option("--keep-duplicates", "count packets twice that the capture itself saw twice")
  .option("--host-network <cidr...>", "networks of the host, which make directions in and out")
  .action(async (files, options) => {
    const { read } = await import("./commands/read");
    process.exitCode = await read(files, options);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`tallywire: ${error.message}\n`);
  return error.exitCode;
}
