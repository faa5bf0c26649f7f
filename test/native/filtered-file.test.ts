/** `-f` on files, with libpcap and without: as many packets as tcpdump takes of them with the same filter. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { hasLibpcap } from "../support/capture/network";
import { HAS_TCPDUMP, takenBy } from "../support/capture/tcpdump";
import { tallywire } from "../support/command";
import { ethernet, ipv4, join as joined, LINK, Pcapng, pcap, ppp, rawIp, spaced, tcp, udp } from "../support/pcap-builder";
import { ROOT } from "../support/repository";
import { totalsOf } from "../support/summaries";

if (!HAS_TCPDUMP) console.warn("filters of files are not compared with tcpdump's: it is not installed");
const withLibpcap = hasLibpcap();
if (!withLibpcap) console.warn("filters by libpcap are not tested: it is not installed");

const folder = mkdtempSync(join(tmpdir(), "tallywire-filter-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Libpcap as it is looked for, and as it is not found. */
const LIBPCAP = { with: {}, without: { TALLYWIRE_LIBPCAP: join(folder, "no-library") } };
const WAYS = (["with", "without"] as const).filter((way) => way === "without" || withLibpcap);

const fixture = (name: string) => join(ROOT, "test/fixtures", `${name}.pcap`);

/** Writes a file that tests read. */
function written(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

/** Packets that tcpdump takes. */
function taken(path: string, filter: string): number {
  const found = takenBy(path, filter, join(folder, "taken.pcap"));
  if (found.fault !== undefined) throw new Error(found.fault);
  return totalsOf(found.file).summary.packets;
}

async function read(way: keyof typeof LIBPCAP, path: string, ...words: string[]): Promise<{ packets: number; start: string }> {
  const run = await tallywire(["read", path, "--summary", "-o", "json", ...words], { env: LIBPCAP[way] });
  expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("seen")]);
  return JSON.parse(run.stdout);
}

test.runIf(HAS_TCPDUMP && withLibpcap).each([
  ["http1_curl", "tcp[tcpflags] & tcp-syn != 0"],
  ["http1_curl", "src port 80 or greater 200"],
  ["http1_nano", "tcp and ip"],
  ["http1_raw", "tcp[13] & 2 == 0"],
  ["http1_sll2", "tcp and not src port 8080"],
])("with libpcap, %s: %s", async (name, filter) => {
  const { packets } = await read("with", fixture(name), "-f", filter);
  expect(packets).toBe(taken(fixture(name), filter));
  expect(packets).toBeGreaterThan(0);
});

describe.each(WAYS)("%s libpcap", (way) => {
  test.runIf(HAS_TCPDUMP).each([
    ["http1_curl", "src port 80 or greater 200"],
    ["http1_nano", "tcp and ip"],
    ["http1_raw", "not dst port 80"],
    ["http1_sll2", "tcp and not src port 8080"],
  ])("%s: %s", async (name, filter) => {
    const { packets } = await read(way, fixture(name), "-f", filter);
    expect(packets).toBe(taken(fixture(name), filter));
    expect(packets).toBeGreaterThan(0);
  });

  test("a filter that takes all gives what there is without it", async () => {
    for (const name of ["http1_curl", "http1_nano", "http1_raw", "http1_sll2"])
      expect(await read(way, fixture(name), "-f", "greater 0")).toEqual(await read(way, fixture(name)));
  });

  test("takes of a compressed file what it takes of the plain one", async () => {
    const path = written("curl.pcap.gz", gzipSync(readFileSync(fixture("http1_curl"))));
    expect(await read(way, path, "-f", "src port 80")).toEqual(await read(way, fixture("http1_curl"), "-f", "src port 80"));
  });

  test("takes of a file with several link types, and of several files, what fits each", async () => {
    const packet = (port: number) => ipv4(udp("a", { sourcePort: 5, destinationPort: port }));
    const blocks = new Pcapng();
    const [first, second] = spaced([ethernet(packet(53)), ethernet(packet(54))]);
    const [third] = spaced([rawIp(packet(53))]);
    const file = joined(
      blocks.section(),
      blocks.interface({ linkType: LINK.ethernet }),
      blocks.packet(first!),
      blocks.packet(second!),
      blocks.interface({ linkType: LINK.raw }),
      blocks.packet(third!, { id: 1 }),
    );
    const path = written("links.pcapng", file);
    expect((await read(way, path, "-f", "port 53")).packets).toBe(2);
    expect((await read(way, path, "-f", "udp and not port 53")).packets).toBe(1);
    expect((await read(way, path, "-f", "arp")).packets).toBe(0);
  });

  test.each([
    ["read", join(folder, "nothing"), fixture("http1_curl"), "-o", "json"],
    ["read", "--summary", fixture("http1_curl")],
    ["watch", "-r", fixture("http1_curl")],
    ["stat", "-r", fixture("http1_curl")],
    ["agent", "--edge", "e", "--spool", folder, "--file", fixture("http1_curl")],
  ])("what is no filter is a wrong use of %s, as a wrong -Y is, and no file is read", async (...words) => {
    const { code, stdout, stderr } = await tallywire([...words, "-f", "nonsense here"], { env: LIBPCAP[way] });
    expect([code, stdout]).toEqual([2, ""]);
    if (way === "with") expect(stderr).toMatch(/^tallywire: "nonsense here" is no filter: .*; pcap-filter\(7\).*\n$/);
    else expect(stderr).toMatch(/^tallywire: -f, column 1: "nonsense" takes libpcap, .*\n {2}nonsense here\n {2}\^\n$/);
  });

  test("what cannot be is said", async () => {
    const said = async (path: string) =>
      (await tallywire(["read", path, "-f", "tcp"], { env: LIBPCAP[way] })).stderr.split("\n")[0];
    expect(await said(join(folder, "nothing"))).toMatch(/cannot read .*: there is no such file/);
    expect(await said(written("words", Buffer.from("these are words and no capture")))).toMatch(/is no capture/);
  });
});

test("without libpcap a link type that is not known is named", async () => {
  const file = pcap(spaced([ppp(ipv4(tcp("a")))]), { linkType: LINK.ppp });
  const run = await tallywire(["read", written("ppp.pcap", file), "-f", "tcp"], { env: LIBPCAP.without });
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/ppp.pcap: -f cannot be put to packets of link type 9, which were left out: .*libpcap/);
  if (withLibpcap) expect((await read("with", join(folder, "ppp.pcap"), "-f", "tcp")).packets).toBe(1);
});
