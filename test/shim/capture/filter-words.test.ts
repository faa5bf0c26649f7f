/** Filters of the common words, without libpcap: of real captures they take the packets that tcpdump takes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { decodeProgram } from "../../../shim/capture/bpf";
import { compileWords, Refusal } from "../../../shim/capture/filter/compile";
import { Failure } from "../../../shim/failure";
import { runBpf } from "../../support/bpf";
import { filtersFor } from "../../support/capture/expressions";
import { HAS_TCPDUMP, namesIn, takenBy } from "../../support/capture/tcpdump";
import { CORPUS, type CorpusFile, corpusIndex, HAS_CORPUS } from "../../support/corpus";
import { FIXTURES, fixturePath } from "../../support/fixtures";
import { ipv4, ipv6, LINK, loopback, pcap, spaced, tcp, udp } from "../../support/pcap-builder";
import { totalsOf } from "../../support/summaries";

if (!HAS_TCPDUMP) console.warn("filters of common words are not compared with tcpdump's: it is not installed");

const folder = mkdtempSync(join(tmpdir(), "tallywire-words-"));
afterAll(() => rmSync(folder, { recursive: true }));
const output = join(folder, "taken.pcap");

const ROUNDS = Number(process.env.TALLYWIRE_LAW_ROUNDS ?? 1);
const FILTERS = 6 * ROUNDS;
const BYTES_MAX = 150_000;
const FILES_A_LINK = 8;
/** Link types that are known without libpcap. */
const LINKS = ["0", "1", "101", "113", "228", "229", "276"];

/** What a core without libpcap takes of a capture. */
function taken(file: Uint8Array, filter: string) {
  const packetFilter = (linkType: number) => {
    const program = compileWords(filter, linkType);
    if (program instanceof Refusal) throw new Error(program.reason);
    return program;
  };
  return totalsOf(file, { packetFilter }).summary;
}

/** Holds what is taken against tcpdump; gives how many packets that were. */
function compare(path: string, filter: string): number {
  const theirs = takenBy(path, filter, output);
  const ours = taken(readFileSync(path), filter);
  if (theirs.fault !== undefined) {
    expect([filter, theirs.fault]).toEqual([filter, expect.stringContaining("rejects all packets")]);
    expect([filter, ours.packets]).toEqual([filter, 0]);
    return 0;
  }
  expect([filter, ours]).toEqual([filter, totalsOf(theirs.file).summary]);
  return ours.packets;
}

/** Compares filters that are made of what occurs in a capture; gives how many took packets, and how many left some. */
function compareMany(path: string, seed: number): { took: number; left: number } {
  const all = totalsOf(readFileSync(path)).summary.packets;
  const filters = fc.sample(filtersFor(namesIn(path)), { numRuns: FILTERS, seed });
  const packets = filters.map((filter) => compare(path, filter));
  return { took: packets.filter((count) => count > 0).length, left: packets.filter((count) => count < all).length };
}

/** Compares filters of several captures, each of which is to take some packets of some of them and to leave others. */
function compareAll(paths: readonly string[]): void {
  const found = paths.map(compareMany);
  const sum = (of: "took" | "left") => found.reduce((all, one) => all + one[of], 0);
  expect(found.length).toBeGreaterThan(2);
  expect(sum("took")).toBeGreaterThan(found.length / 2);
  expect(sum("left")).toBeGreaterThan(found.length / 2);
}

describe.runIf(HAS_TCPDUMP)("takes what tcpdump takes", { timeout: 240_000 * ROUNDS }, () => {
  test("of the project's captures", () => {
    compareAll(FIXTURES.map(fixturePath));
  });

  test.runIf(HAS_CORPUS).each(LINKS)("of captures of others, link type %s", (linkType) => {
    const isFit = (one: CorpusFile) => one.linkTypes === linkType && one.format === "pcap-le-us" && one.bytes < BYTES_MAX;
    const files = corpusIndex().filter(isFit);
    const step = Math.max(1, files.length / (FILES_A_LINK * ROUNDS));
    const places = Array.from({ length: Math.floor(files.length / step) }, (_, index) => Math.floor(index * step));
    const paths = places.map((place) => join(CORPUS, files[place]!.file));
    compareAll(paths.filter((path) => takenBy(path, "", output).fault === undefined));
  });

  test("of loopbacks in both orders of bytes, and of all systems' families", () => {
    const frames = [2, 24, 28, 30].map((family) => {
      const inner =
        family === 2 ? ipv4(udp("a", { sourcePort: 5, destinationPort: 53 })) : ipv6(tcp("b", { destinationPort: 80 }));
      return (little: boolean) => loopback(inner, { family, little });
    });
    for (const [linkType, bigEndian, little] of [
      [LINK.null, false, true],
      [LINK.null, true, false],
      [LINK.loop, false, false],
      [LINK.loop, true, false],
    ] as const) {
      const path = join(folder, "loopback.pcap");
      writeFileSync(path, pcap(spaced(frames.map((frame) => frame(little))), { linkType, bigEndian }));
      expect(["ip", "ip6", "port 53", "tcp port 80", "not udp", "arp"].map((filter) => compare(path, filter))).toEqual([
        1, 3, 1, 3, 3, 0,
      ]);
    }
  });
});

test("a condition reaches over any number of instructions", () => {
  const hosts = Array.from({ length: 200 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
  const program = compileWords(`not (udp and host (${hosts.join(" or ")}))`, LINK.ipv4);
  if (program instanceof Refusal) throw new Error(program.reason);
  expect(program.length / 8).toBeGreaterThan(800);
  const instructions = decodeProgram(program).map(([code, jumpTrue, jumpFalse, k]) => ({ code, jumpTrue, jumpFalse, k }));
  const packetOf = (address: string) => {
    const bytes = new Uint8Array(20);
    bytes.set([0x45], 0);
    bytes.set([17], 9);
    bytes.set(address.split(".").map(Number), 12);
    return bytes;
  };
  for (const address of [...hosts, "10.0.1.0", "10.1.0.1"])
    expect(runBpf(instructions, packetOf(address), 20) === 0).toBe(hosts.includes(address));
});

test("an empty filter takes everything", () => {
  expect([taken(readFileSync(fixturePath(FIXTURES[0]!)), " ").packets]).toEqual([
    totalsOf(readFileSync(fixturePath(FIXTURES[0]!))).summary.packets,
  ]);
});

/** What is said of a filter: column and words. */
function fault(filter: string): string {
  try {
    compileWords(filter, LINK.ethernet);
    return "no fault";
  } catch (error) {
    return error instanceof Failure ? error.message : String(error);
  }
}

test.each([
  ["vlan 5", 1, /"vlan" takes libpcap, which is not installed .*; without it there are host, net,/],
  ["tcp port 80 and vlan", 17, /"vlan" takes libpcap/],
  ["port http", 6, /"http" takes libpcap/],
  ["host example.com or port 80", 6, /"example.com" takes libpcap/],
  ["tcp[13] & 2 != 0", 4, /"\[" takes libpcap/],
  ["port 80 and len = 5", 17, /"=" takes libpcap/],
  ["inbound", 1, /"inbound" takes libpcap/],
  ["ether host 00:00:00:00:00:01", 1, /"ether" takes libpcap/],
  ["host 10.0.0.256", 6, /"10.0.0.256" is no network/],
  ["host 10", 6, /10 is no address/],
  ["host 10.0.0.0/8", 6, /a host has no prefix: write net 10.0.0.0\/8/],
  ["net 10.0.0.1/8", 5, /10.0.0.1\/8 has bits behind its prefix/],
  ["net 10.0.0.0/33", 5, /"10.0.0.0\/33" is no network/],
  ["net 10.0.0.0 mask 255.0.255.0", 5, /"255.0.255.0" is no mask/],
  ["ip6 host 10.0.0.1", 10, /10.0.0.1 is no address of ip6/],
  ["tcp host 10.0.0.1", 1, /tcp does not go before host; ip, ip6, arp, rarp do/],
  ["port 65536", 6, /a number of a port, at most 65535/],
  ["portrange 1-2-3", 11, /portrange takes two numbers to 65535/],
  ["proto 256", 7, /a number of a protocol.*at most 255/],
  ["tcp or 80", 8, /"80" stands where host, net, port/],
  ["tcp udp", 5, /"udp" follows without and or or/],
  ["tcp and", 8, /something is missing here/],
  ["(tcp or udp", 12, /a parenthesis is not closed/],
  ["tcp)", 4, /no parenthesis is open here/],
  ["host", 5, /the address of a host is missing/],
  ["!".repeat(200), 102, /more than 100 parentheses and nots/],
])("%s is refused at column %i", (filter, column, words) => {
  const said = fault(filter);
  expect(said).toMatch(words);
  expect(said).toMatch(new RegExp(`^-f, column ${column}: `));
});

test("whatever is written ends in a program or in words", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "host",
      "net",
      "port",
      "src",
      "dst",
      "and",
      "or",
      "not",
      "(",
      ")",
      "tcp",
      "ip",
      "mask",
      "proto",
      "10.0.0.1",
      "80",
    ),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.constantFrom(...Object.values(LINK)), (words, linkType) => {
      try {
        compileWords(words.join(" "), linkType);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        expect(error.message).toMatch(/^-f, column \d+: /);
      }
    }),
    { numRuns: 5000 },
  );
  expect(fault(`${"not ".repeat(90)}tcp`)).toBe("no fault");
  expect(fault(Array(2001).fill("tcp").join(" "))).toMatch(/more than 2000 words/);
});
