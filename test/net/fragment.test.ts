/** Fragments: joined in any order, within bounds, and what is refused. */
import { describe, expect, test } from "vitest";
import { PacketPath } from "../support/packets";
import {
  address,
  type Captured,
  ethernet,
  ipv4,
  ipv6,
  ipv6Fragment,
  type Layer,
  pcap,
  raw,
  START_NS,
  spaced,
  tcp,
  udp,
} from "../support/pcap-builder";

const path = new PacketPath();

const text = (length: number) => Array.from({ length }, (_, at) => String.fromCharCode(97 + (at % 26))).join("");
const ends = { source: address("192.0.2.1"), destination: address("192.0.2.2") };
const ends6 = { source: address("2001:db8::1"), destination: address("2001:db8::2") };

interface Cut {
  from: number;
  to: number;
  more?: boolean;
}

/** Runs of `step` bytes of a datagram. */
function cuts(length: number, step: number): Cut[] {
  const found: Cut[] = [];
  for (let from = 0; from < length; from += step) found.push({ from, to: Math.min(length, from + step) });
  return found;
}

/** Frames of the fragments of an IPv4 datagram. */
function fragments(datagram: Uint8Array, list: Cut[], { id = 1, protocol = 17 } = {}): Uint8Array[] {
  return list.map(({ from, to, more = to < datagram.length }) =>
    ethernet(ipv4(raw(datagram.subarray(from, to), { protocol }), { id, fragmentOffset: from, moreFragments: more })),
  );
}

/** Frames of the fragments of an IPv6 datagram. */
function fragments6(datagram: Uint8Array, list: Cut[], id = 1): Uint8Array[] {
  return list.map(({ from, to, more = to < datagram.length }) =>
    ethernet(ipv6(ipv6Fragment(raw(datagram.subarray(from, to), { protocol: 17 }), { offset: from, more, id }))),
  );
}

const run = (frames: Uint8Array[]) => path.run(pcap(spaced(frames)));
const joined = (frames: Uint8Array[]) => path.packets(pcap(spaced(frames))).filter(({ fragment }) => fragment === 3);
const body = text(4000);
const datagram = udp(body).encode(ends);
const datagram6 = udp(body).encode(ends6);

describe("a datagram in fragments", () => {
  const orders: [string, (frames: Uint8Array[]) => Uint8Array[]][] = [
    ["in order", (frames) => frames],
    ["backwards", (frames) => [...frames].reverse()],
    ["the last first", (frames) => [frames.at(-1)!, ...frames.slice(0, -1)]],
    ["odd ones first", (frames) => [...frames.filter((_, at) => at % 2 === 1), ...frames.filter((_, at) => at % 2 === 0)]],
  ];
  test.each(orders)("%s", (_, order) => {
    for (const step of [8, 16, 1480, 3992]) {
      if (step === 8) continue;
      for (const frames of [
        fragments(datagram, cuts(datagram.length, step)),
        fragments6(datagram6, cuts(datagram6.length, step)),
      ]) {
        const counted = run(order(frames));
        if (frames.length > 256) continue;
        expect(counted).toMatchObject({ udp: 1, other: frames.length - 1, malformed: {}, undecoded: {} });
        expect(counted.count).toMatchObject({ fragments: frames.length, joined: 1, packets: frames.length });
        const [packet] = joined(order(frames));
        expect(packet).toMatchObject({ kind: "udp", number: frames.length, payloadLength: 4000, destinationPort: 53 });
        expect(Buffer.from(packet!.payload).toString()).toBe(body);
      }
    }
  });

  test("of 64 KiB, in large fragments", () => {
    const large = udp(text(65_500)).encode(ends);
    const [packet] = joined(fragments(large, cuts(large.length, 16_384)).reverse());
    expect(packet).toMatchObject({ kind: "udp", payloadLength: 65_500 });
    expect(Buffer.from(packet!.payload).toString()).toBe(text(65_500));
  });

  test("its other parts are handed on without ports", () => {
    const [first] = path.packets(pcap(spaced(fragments(datagram, cuts(datagram.length, 1480)))));
    expect(first).toMatchObject({ kind: "other", fragment: 1, protocol: 17, ipVersion: 4, sourcePort: 0, transportLength: 1480 });
  });

  test("may be TCP", () => {
    const segment = tcp(body, { sequence: 99 }).encode(ends);
    const [packet] = joined(fragments(segment, cuts(segment.length, 800), { protocol: 6 }));
    expect(packet).toMatchObject({ kind: "tcp", payloadLength: 4000, checksumBad: false, tcp: { sequence: 99 } });
  });

  test("is known by its addresses, identification and protocol", () => {
    const list = cuts(datagram.length, 1480);
    const mixed = [1, 2, 3].map((id) => fragments(datagram, list, { id }));
    const frames = list.flatMap((_, at) => mixed.map((one) => one[at]!));
    expect(run(frames)).toMatchObject({ udp: 3, undecoded: {} });
    const six = list.flatMap((_, at) => [fragments6(datagram6, list, 8)[at]!, fragments6(datagram6, list, 9)[at]!]);
    expect(run(six)).toMatchObject({ udp: 2, undecoded: {} });
    const other = fragments(datagram, list, { protocol: 6 });
    expect(run([fragments(datagram, list)[0]!, ...other.slice(1)])).toMatchObject({
      udp: 0,
      undecoded: { fragment_incomplete: 3 },
    });
  });
});

describe("fragments that bring nothing", () => {
  const list = cuts(datagram.length, 1480);
  const frames = fragments(datagram, list);

  test("duplicates are ignored, the first one wins", () => {
    const again = fragments(udp(text(4000).toUpperCase()).encode(ends), list);
    const counted = run([frames[0]!, again[0]!, frames[1]!, frames[1]!, frames[2]!]);
    expect(counted).toMatchObject({ udp: 1, count: { fragmentDuplicates: 2, joined: 1 }, malformed: {}, undecoded: {} });
    const [packet] = joined([frames[0]!, again[0]!, frames[1]!, frames[1]!, frames[2]!]);
    expect(Buffer.from(packet!.payload).toString()).toBe(body);
  });

  test("a part of what is there is a duplicate too", () => {
    const parts = fragments(datagram, [
      { from: 8, to: 800 },
      { from: 1472, to: 1488 },
    ]);
    expect(run([frames[0]!, frames[1]!, ...parts, frames[2]!])).toMatchObject({ udp: 1, count: { fragmentDuplicates: 2 } });
  });

  test("what is missing at the end is counted", () => {
    expect(run(frames.slice(0, 2))).toMatchObject({ udp: 0, undecoded: { fragment_incomplete: 2 }, count: { joined: 0 } });
    expect(run(frames.slice(1))).toMatchObject({ udp: 0, undecoded: { fragment_incomplete: 2 } });
  });

  test("a fragment that the capture cut is not joined, but the first is decoded as a cut packet", () => {
    const file = pcap(spaced(frames), { snaplen: 100 });
    const counted = path.run(file);
    expect(counted).toMatchObject({ udp: 1, other: 2, malformed: {}, undecoded: { fragment_cut: 3 } });
    expect(path.packets(file)[0]).toMatchObject({ kind: "udp", fragment: 2, payloadLength: 4000, destinationPort: 53 });
    const six = path.run(pcap(spaced(fragments6(datagram6, list)), { snaplen: 120 }));
    expect(six).toMatchObject({ udp: 1, other: 2, undecoded: { fragment_cut: 3 } });
  });

  test("a fragment in a joined datagram is not joined again", () => {
    const inner = fragments(datagram, list).map((frame) => frame.subarray(14));
    const outer: Layer = raw(inner[0]!, { protocol: 4 });
    const whole = outer.encode(ends);
    const counted = run(fragments(whole, cuts(whole.length, 800), { id: 5, protocol: 4 }));
    expect(counted).toMatchObject({ udp: 0, undecoded: { fragment_nested: 1 }, count: { joined: 1 } });
  });
});

describe("fragments that break their format", () => {
  const frames = fragments(datagram, cuts(datagram.length, 1480));

  test("overlaps drop the datagram, and the rest of it", () => {
    const overlap = fragments(datagram, [{ from: 1472, to: 2000 }]);
    const counted = run([frames[0]!, overlap[0]!, frames[1]!, frames[2]!]);
    expect(counted).toMatchObject({ udp: 0, malformed: { fragment_overlap: 1 }, undecoded: { fragment_dropped: 2 } });
    const before = run([frames[1]!, ...fragments(datagram, [{ from: 8, to: 1488 }])]);
    expect(before.malformed).toEqual({ fragment_overlap: 1 });
  });

  test.each<[string, Cut[]]>([
    [
      "two ends",
      [
        { from: 0, to: 800, more: true },
        { from: 800, to: 1600, more: false },
        { from: 1600, to: 1640, more: false },
      ],
    ],
    [
      "bytes behind the end",
      [
        { from: 800, to: 1600, more: false },
        { from: 1600, to: 2400, more: true },
      ],
    ],
    [
      "an end before what is there",
      [
        { from: 2400, to: 3200, more: true },
        { from: 800, to: 1600, more: false },
      ],
    ],
  ])("%s", (_, list) => {
    const counted = run(fragments(datagram, list));
    expect(counted.udp).toBe(list.length === 3 ? 1 : 0);
    if (list.length === 2) expect(counted.malformed).toEqual({ fragment_overlap: 1 });
  });

  test.each<[string, Cut]>([
    ["no multiple of 8", { from: 0, to: 1479, more: true }],
    ["empty", { from: 8, to: 8, more: true }],
  ])("a length that is %s", (_, one) => {
    expect(run(fragments(datagram, [one]))).toMatchObject({ other: 1, malformed: { fragment_length: 1 } });
  });

  test("bytes beyond 64 KiB", () => {
    const frame = ethernet(ipv4(raw(text(100), { protocol: 17 }), { id: 1, fragmentOffset: 65_528 }));
    expect(run([frame])).toMatchObject({ other: 1, malformed: { fragment_length: 1 } });
  });
});

describe("bounds", () => {
  const list = cuts(datagram.length, 1480);

  test("60 s of packet time", () => {
    const frames = fragments(datagram, list);
    const at = (...seconds: number[]): Captured[] =>
      frames.map((bytes, index) => ({ bytes, timeNs: START_NS + BigInt(seconds[index]!) * 1_000_000_000n }));
    expect(path.run(pcap(at(0, 45, 60)))).toMatchObject({ udp: 1 });
    expect(path.run(pcap(at(0, 45, 61)))).toMatchObject({ udp: 0, undecoded: { fragment_incomplete: 3 } });
    expect(path.run(pcap(at(100, 50, 0)))).toMatchObject({ udp: 1 });
  });

  test("the oldest datagram makes room for a new one", () => {
    const many = Array.from({ length: 100 }, (_, id) => fragments(datagram, list, { id: id + 1 }));
    const counted = run([...many.map((frames) => frames[0]!), ...many.flatMap((frames) => frames.slice(1))]);
    expect(counted.undecoded.fragment_memory! + counted.undecoded.fragment_incomplete! + 3 * counted.udp).toBe(300);
    const newest = run([...many.map((frames) => frames[0]!), ...many[99]!.slice(1)]);
    expect(newest).toMatchObject({ udp: 1, undecoded: { fragment_memory: 36, fragment_incomplete: 63 } });
  });

  test("bytes held", () => {
    const large = udp(text(65_000)).encode(ends);
    const many = Array.from({ length: 20 }, (_, id) => fragments(large, cuts(large.length, 32_000), { id: id + 1 }));
    const counted = run(many.flatMap((frames) => frames.slice(0, 2)));
    expect(counted.undecoded.fragment_memory! + counted.undecoded.fragment_incomplete!).toBe(40);
    expect(counted.undecoded.fragment_incomplete).toBe(16);
  });

  test("pieces of one datagram", () => {
    const counted = run(fragments(datagram, cuts(datagram.length, 8)));
    expect(counted).toMatchObject({ udp: 0, undecoded: { fragment_memory: 257, fragment_incomplete: 501 - 257 } });
  });

  test("memory is given back", () => {
    const frames = Array.from({ length: 3000 }, (_, id) => fragments(datagram, list, { id: id & 0xffff })).flat();
    expect(run(frames)).toMatchObject({ udp: 3000, undecoded: {}, count: { joined: 3000 } });
  });
});
