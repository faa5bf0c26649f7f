/** `-f` on files: as many packets as tcpdump takes of them with the same filter. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hasLibpcap } from "../support/capture/network";
import { tallywire } from "../support/command";
import { ROOT } from "../support/repository";

const isPossible = hasLibpcap() && spawnSync("tcpdump", ["--version"]).status === 0;
if (!isPossible) console.warn("filters of files are not tested: libpcap or tcpdump is missing");

const folder = mkdtempSync(join(tmpdir(), "tallywire-filter-"));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = (name: string) => join(ROOT, "test/fixtures", `${name}.pcap`);

/** Packets that tcpdump takes. */
function taken(path: string, filter: string): number {
  const output = join(folder, "taken.pcap");
  execFileSync("tcpdump", ["-r", path, "-w", output, filter], { stdio: "ignore" });
  return Number(/(\d+)/.exec(execFileSync("tcpdump", ["-r", output, "--count"], { encoding: "utf8" }))![1]);
}

async function read(path: string, ...words: string[]): Promise<{ packets: number; start: string }> {
  const { code, stdout, stderr } = await tallywire(["read", path, "--summary", "-o", "json", ...words]);
  expect([code, stderr]).toEqual([0, expect.stringContaining("seen")]);
  return JSON.parse(stdout);
}

test.runIf(isPossible).each([
  ["http1_curl", "tcp[tcpflags] & tcp-syn != 0"],
  ["http1_curl", "src port 80 or greater 200"],
  ["http1_nano", "tcp and ip"],
  ["http1_raw", "tcp[13] & 2 == 0"],
  ["http1_sll2", "tcp and not src port 8080"],
])("%s: %s", async (name, filter) => {
  const { packets } = await read(fixture(name), "-f", filter);
  expect(packets).toBe(taken(fixture(name), filter));
  expect(packets).toBeGreaterThan(0);
});

test.runIf(isPossible)("a filter that takes all gives what there is without it", async () => {
  for (const name of ["http1_curl", "http1_nano", "http1_raw", "http1_sll2"])
    expect(await read(fixture(name), "-f", "len >= 0")).toEqual(await read(fixture(name)));
});

test.runIf(isPossible).each([
  ["read", join(folder, "nothing"), fixture("http1_curl"), "-o", "json"],
  ["read", "--summary", fixture("http1_curl")],
  ["watch", "-r", fixture("http1_curl")],
  ["agent", "--edge", "e", "--spool", folder, "--file", fixture("http1_curl")],
])("what is no filter is a wrong use of %s, as a wrong -Y is, and no file is read", async (...words) => {
  const { code, stdout, stderr } = await tallywire([...words, "-f", "nonsense here"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^tallywire: "nonsense here" is no filter: .*; pcap-filter\(7\).*\n$/);
});

test.runIf(isPossible)("what cannot be is said", async () => {
  const said = async (path: string, filter: string) => (await tallywire(["read", path, "-f", filter])).stderr.split("\n")[0];
  expect(await said(join(folder, "nothing"), "tcp")).toMatch(/cannot read .* through libpcap, which -f takes: .*No such file/);
  writeFileSync(join(folder, "words"), "these are words and no capture");
  expect(await said(join(folder, "words"), "tcp")).toMatch(/cannot read .* through libpcap, which -f takes: unknown file format/);
});
