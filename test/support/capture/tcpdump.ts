/** What tcpdump takes of a capture: the truth about filters. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Whether tcpdump is there. */
export const HAS_TCPDUMP = spawnSync("tcpdump", ["--version"]).status === 0;

/** The capture that tcpdump writes of the packets that a filter takes, or what it says is wrong. */
export function takenBy(
  path: string,
  filter: string,
  output: string,
): { file: Uint8Array; fault?: undefined } | { fault: string } {
  const words = ["--time-stamp-precision=nano", "-r", path, "-w", output, filter];
  const { status, stderr } = spawnSync("tcpdump", words, { encoding: "utf8" });
  if (status === 0) return { file: readFileSync(output) };
  return { fault: stderr.trim().split("\n").at(-1)! };
}

/** IPv4 addresses, IPv6 addresses and ports that occur in a capture, some of each. */
export function namesIn(path: string): { hosts4: string[]; hosts6: string[]; ports: number[] } {
  const { stdout } = spawnSync("tcpdump", ["-nn", "-q", "-t", "-c", "300", "-r", path], { encoding: "utf8" });
  const some = <Value>(all: Iterable<Value>) => [...new Set(all)].slice(0, 12);
  const hosts4 = some([...stdout.matchAll(/\b(\d{1,3}(?:\.\d{1,3}){3})\b/g)].map(([, host]) => host!));
  const hosts6 = some([...stdout.matchAll(/\b([0-9a-f]{1,4}:[0-9a-f:]+:[0-9a-f]{1,4})\b/g)].map(([, host]) => host!));
  const ports = some(
    [...stdout.matchAll(/[.](\d{1,5})(?=[: ])/g)].map(([, port]) => Number(port)).filter((port) => port < 65_536),
  );
  return { hosts4, hosts6, ports };
}
