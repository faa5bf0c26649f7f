/** Inputs: live records, chunks, stops, and how they are opened and closed. */
import { describe, expect, test } from "vitest";
import { PacketPath } from "../support/packets";
import {
  ethernet,
  ipv4,
  join,
  LINK,
  number,
  Pcapng,
  pcap,
  raw,
  rawIp,
  START_NS,
  spaced,
  tcp,
  udp,
} from "../support/pcap-builder";

const path = new PacketPath();

/** A record as the live capture hands it over. */
function live(
  seconds: number,
  nanoseconds: number,
  bytes: Uint8Array,
  { wire = bytes.length, linkType = LINK.ethernet as number, interfaceId = 0, direction = 0 } = {},
): Uint8Array {
  const words = [seconds, nanoseconds, bytes.length, wire, interfaceId].map((value) => number(value, 4, true));
  return join(...words, number(linkType, 2, true), Uint8Array.of(direction, 0), bytes);
}

const frames = [
  ethernet(ipv4(udp("first"))),
  ethernet(ipv4(tcp("second", { sequence: 7, acknowledgment: 9, flags: "P.", window: 99 }))),
  ethernet(ipv4(udp("third", { sourcePort: 1, destinationPort: 2 }), { id: 77, ttl: 3 })),
];

describe("live records", () => {
  test("are read with their times and lengths", () => {
    const batch = join(...frames.map((frame, index) => live(1_700_000_000 + index, 5 + index, frame, { wire: 1000 + index })));
    const packets = path.packets(batch, { kind: "live" });
    expect(packets.map(({ timeNs }) => timeNs)).toEqual([1700000000000000005n, 1700000001000000006n, 1700000002000000007n]);
    expect(packets.map(({ wireBytes }) => wireBytes)).toEqual([1000, 1001, 1002]);
    expect(packets.map(({ kind }) => kind)).toEqual(["udp", "tcp", "udp"]);
    expect(packets[1]!.tcp).toEqual({ sequence: 7, acknowledgment: 9, flags: 24, window: 99 });
    expect(packets[2]).toMatchObject({ ipId: 77, hopLimit: 3, sourcePort: 1, destinationPort: 2 });
  });

  test("have each their link type, interface and direction", () => {
    const batch = join(
      live(1, 2, rawIp(ipv4(udp("x"))), { linkType: LINK.raw, interfaceId: 7, direction: 2 }),
      live(1, 3, frames[0]!, { interfaceId: 0xffffffff, direction: 1 }),
      live(1, 4, frames[0]!, { linkType: 65534, direction: 255 }),
    );
    expect(path.run(batch, { kind: "live" })).toMatchObject({
      count: { packets: 3, udp: 2, sections: 1 },
      other: 1,
      undecoded: { link_type: 1 },
    });
    const packets = path.packets(batch, { kind: "live" });
    expect(packets.map(({ interfaceId }) => interfaceId)).toEqual([7, 0xffffffff, 0]);
    expect(packets.map(({ direction }) => direction)).toEqual([2, 1, 0]);
  });

  test("that claim too much, or are too long, or are cut", () => {
    const claims = live(1, 2, frames[0]!);
    new DataView(claims.buffer).setUint32(8, 0x7fffffff, true);
    expect(path.run(claims, { kind: "live" }).malformed).toEqual({ file_broken: 1 });
    const long = live(1, 2, join(frames[0]!, new Uint8Array(400_000)));
    const counted = path.run(join(long, live(1, 3, frames[1]!)), { kind: "live" });
    expect(counted.malformed).toEqual({ record_oversize: 1 });
    expect(counted.count).toMatchObject({ packets: 2, udp: 1, tcp: 1 });
    expect(path.run(long.subarray(0, 50), { kind: "live" }).malformed).toEqual({ record_cut: 1 });
  });
});

const blocks = new Pcapng(true);
const files: Record<string, Uint8Array> = {
  pcap: pcap(spaced(frames)),
  "pcap, cut": pcap(spaced(frames)).subarray(0, -3),
  pcapng: join(
    blocks.section(),
    blocks.interface(),
    ...spaced(frames).map((packet) => blocks.packet(packet)),
    blocks.block(4, "names"),
  ),
};

describe("chunks", () => {
  test.each(Object.keys(files))("%s: whole = split at every byte = byte by byte", (name) => {
    const file = files[name]!;
    const whole = path.run(file);
    expect(path.run(file, { chunk: () => 1 })).toEqual(whole);
    for (let at = 1; at < file.length; at++) {
      let first = true;
      const chunk = () => {
        const length = first ? at : file.length;
        first = false;
        return length;
      };
      expect(path.run(file, { chunk })).toEqual(whole);
    }
  });

  test("a stop after each packet loses none", () => {
    expect(path.packets(files.pcap!).map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(path.packets(files.pcapng!, { chunk: () => 7 }).map(({ number }) => number)).toEqual([1, 2, 3]);
  });
});

test("a packet's time and order are those of its record", () => {
  const backwards = [3n, 1n, 2n].map((second, index) => ({ timeNs: START_NS + second * 1_000_000_000n, bytes: frames[index]! }));
  expect(path.packets(pcap(backwards)).map(({ timeNs }) => timeNs! - START_NS)).toEqual([
    3_000_000_000n,
    1_000_000_000n,
    2_000_000_000n,
  ]);
});

describe("several inputs", () => {
  const whole = udp("x".repeat(100)).encode({ source: Uint8Array.of(192, 0, 2, 1), destination: Uint8Array.of(192, 0, 2, 2) });
  const parts = [0, 56].map((from) => {
    const content = whole.subarray(from, from === 0 ? 56 : undefined);
    return ethernet(ipv4(raw(content, { protocol: 17 }), { id: 5, fragmentOffset: from, moreFragments: from === 0 }));
  });

  test("are read side by side, and their fragments kept apart", () => {
    const ng = new Pcapng(true);
    const other = join(ng.section(), ng.interface(), ...spaced([...frames, parts[0]!]).map((packet) => ng.packet(packet)));
    const both = [pcap(spaced([parts[0]!, ...frames, parts[1]!])), other, pcap(spaced([parts[1]!]), { bigEndian: true })];
    for (const chunk of [1, 33, 1000]) {
      const { counted, handles } = path.alternate(both, chunk);
      expect(handles).toEqual([0, 1, 2]);
      expect(counted).toMatchObject({ udp: 5, tcp: 2, other: 3, undecoded: { fragment_incomplete: 2 }, malformed: {} });
      expect(counted.count).toMatchObject({ packets: 10, sections: 3, joined: 1 });
    }
  });

  test("are bounded", () => {
    const { handles, counted } = path.alternate(
      Array.from({ length: 10 }, () => files.pcap!),
      1000,
    );
    expect(handles).toEqual([0, 1, 2, 3, 4, 5, 6, 7, -1, -1]);
    expect(counted.count.packets).toBe(24);
  });
});
