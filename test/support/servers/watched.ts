/** `tallywire watch -o json` beside a capture: it shows what the capture holds, which tests compare with what the clients know. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Endpoint, RoundTrip } from "../../../engine/round-trip";
import { ADDON } from "../capture/network";
import { COMMAND, tallywire } from "../command";

/** Why nothing is watched on this host; undefined where it is. */
export const watchMissing =
  ADDON === undefined || process.getuid?.() !== 0 ? "only root may capture, with native/ built" : undefined;

if (watchMissing !== undefined) console.warn(`round trips are read from captures, and not watched live: ${watchMissing}`);

/** As much as tcpdump gets beside it: on a busy machine both wait long for their turn. */
const RING_MIB = 64;

/** A watch that runs. */
export class Watched {
  private lines = "";
  private words = "";

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.lines += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.words += text));
  }

  /** Begins to watch what a filter takes of an interface; `start` starts a program. */
  static async begin(
    start: (program: string, words: string[]) => ChildProcess,
    device: string,
    filter: string,
  ): Promise<Watched> {
    const words = ["watch", "-i", device, "-f", filter, "--ring", `${RING_MIB}`, "-o", "json"];
    const watched = new Watched(start(process.execPath, [COMMAND, ...words]));
    while (!watched.words.includes(`watching ${device}`)) {
      if (watched.child.exitCode !== null) throw new Error(`watch ended: ${watched.words}`);
      await sleep(10);
    }
    return watched;
  }

  /** Ends it, and sees that it has shown what a capture file of the same packets holds. */
  async compare(path: string): Promise<void> {
    if (this.child.exitCode !== null) throw new Error(`watch ended by itself with ${this.child.exitCode}: ${this.words}`);
    const ended = once(this.child, "close");
    this.child.kill("SIGTERM");
    await ended;
    const { stdout } = await tallywire(["read", path, "-o", "json"]);
    expect(this.words).toContain("dropped before the capture: none");
    expect(linesOf(this.lines)).toEqual(linesOf(stdout));
  }
}

/**
 * Round trips in some order, without what two captures of the same packets do not share: clocks, whose packet of two CPUs came first, and
 * what a file does not know, whose the ends are among it.
 */
function linesOf(text: string): string[] {
  const end = ({ address, port }: Endpoint) => ({ address, port });
  const shared = (line: string) => {
    const { time, durationNs, timing, tcp, interface: index, direction, client, server, ...rest } = JSON.parse(line) as RoundTrip;
    return JSON.stringify({ client: end(client), server: end(server), ...rest });
  };
  return text.trimEnd().split("\n").filter(Boolean).map(shared).sort();
}
