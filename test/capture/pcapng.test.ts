/** pcapng files, block by block, from hand-made bytes. */
import { describe, expect, test } from "vitest";
import { PacketPath } from "../support/packets";
import {
  type Bytes,
  ethernet,
  ipv4,
  join,
  LINK,
  number,
  Pcapng,
  type PcapngOption,
  rawIp,
  START_NS,
  udp,
} from "../support/pcap-builder";

const path = new PacketPath();
const frame = (text: string) => ethernet(ipv4(udp(text, { sourcePort: 5000, destinationPort: 6000 })));
const texts = (file: Uint8Array) => path.packets(file).map(({ payload }) => Buffer.from(payload).toString());
const at = (bytes: Uint8Array, timeNs = START_NS) => ({ timeNs, bytes });

describe.each([
  ["least significant byte first", false],
  ["most significant byte first", true],
])("pcapng, %s", (_, bigEndian) => {
  const ng = new Pcapng(bigEndian);

  test("packets of all three kinds", () => {
    const file = join(
      ng.section(),
      ng.interface(),
      ng.packet(at(frame("enhanced"))),
      ng.simplePacket(frame("simple")),
      ng.oldPacket(at(frame("old"), START_NS + 5_000_000n)),
    );
    expect(texts(file)).toEqual(["enhanced", "simple", "old"]);
    const times = path.packets(file).map(({ timeNs }) => timeNs);
    expect(times).toEqual([START_NS, undefined, START_NS + 5_000_000n]);
  });

  test("every other block is skipped and counted", () => {
    const file = join(
      ng.section([[4, "maker"]]),
      ng.interface({ options: [[2, "eth0"]] }),
      ng.block(4, "names..."),
      ng.block(0x0a, "secrets"),
      ng.block(0x0bad, number(1, 4, !bigEndian), "custom"),
      ng.block(0x40000bad, number(1, 4, !bigEndian), "custom"),
      ng.block(0x7777, new Uint8Array(100)),
      ng.packet(at(frame("one"))),
      ng.block(9, "journal"),
    );
    const counted = path.run(file);
    expect(counted.count).toMatchObject({ packets: 1, blocksSkipped: 6, sections: 1 });
    expect(counted.malformed).toEqual({});
  });

  test("interfaces differ in link type, resolution and offset", () => {
    const options = (...list: [number, Bytes][]): PcapngOption[] => list;
    const seconds = (value: bigint) => number(BigInt.asUintN(64, value), 8, !bigEndian);
    const file = join(
      ng.section(),
      ng.interface({ linkType: LINK.ethernet }),
      ng.interface({ linkType: LINK.raw, options: options([9, [9]]) }),
      ng.interface({ linkType: LINK.ipv4, options: options([9, [3]]) }),
      ng.interface({ linkType: LINK.ethernet, options: options([9, [0x80 | 20]]) }),
      ng.interface({ linkType: LINK.ethernet, options: options([9, [10]]) }),
      ng.interface({ linkType: LINK.ethernet, options: options([9, [9]], [14, seconds(3600n)]) }),
      ng.interface({ linkType: LINK.ethernet, options: options([14, seconds(-3600n)]) }),
      ng.packet(at(frame("0"), START_NS), { id: 0 }),
      ng.packet(at(rawIp(ipv4(udp("1"))), START_NS + 1n), { id: 1, unitNs: 1n }),
      ng.packet(at(rawIp(ipv4(udp("2"))), START_NS), { id: 2, unitNs: 1_000_000n }),
      ng.packet({ timeNs: (START_NS / 1_000_000_000n) * 1048576n + 1n, bytes: frame("3") }, { id: 3, unitNs: 1n }),
      ng.packet({ timeNs: START_NS * 10n + 29n, bytes: frame("4") }, { id: 4, unitNs: 1n }),
      ng.packet(at(frame("5")), { id: 5, unitNs: 1n }),
      ng.packet(at(frame("6")), { id: 6 }),
    );
    const packets = path.packets(file);
    expect(packets.map(({ timeNs }) => timeNs! - START_NS)).toEqual([
      0n,
      1n,
      0n,
      953n,
      2n,
      3600_000_000_000n,
      -3600_000_000_000n,
    ]);
    expect(packets.map(({ interfaceId }) => interfaceId)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(packets.every(({ kind }) => kind === "udp")).toBe(true);
  });

  test("a new section has its own interfaces and byte order", () => {
    const other = new Pcapng(!bigEndian);
    const file = join(
      ng.section(),
      ng.interface(),
      ng.packet(at(frame("first"))),
      other.section(),
      other.interface({ linkType: LINK.raw }),
      other.packet(at(rawIp(ipv4(udp("second"))))),
      ng.section(),
      ng.packet(at(frame("nowhere"))),
    );
    expect(texts(file).slice(0, 2)).toEqual(["first", "second"]);
    const counted = path.run(file);
    expect(counted.count).toMatchObject({ packets: 3, udp: 2, sections: 3, otherNetwork: 1 });
    expect(counted.malformed).toEqual({ interface_unknown: 1 });
    expect(counted.undecoded).toEqual({ link_type: 1 });
  });

  test("flags tell the direction", () => {
    const flags = (value: number): PcapngOption[] => [
      [1, "comment"],
      [2, number(value, 4, !bigEndian)],
    ];
    const packets = [1, 2, 0, 0x101].map((value) => ng.packet(at(frame("x")), { options: flags(value) }));
    const file = join(ng.section(), ng.interface(), ...packets, ng.packet(at(frame("x"))));
    expect(path.packets(file).map(({ direction }) => direction)).toEqual([1, 2, 0, 1, 0]);
  });

  test("interface statistics tell what was dropped, once", () => {
    const u64 = (value: number) => number(value, 8, !bigEndian);
    const u16 = (value: number) => number(value, 2, !bigEndian);
    const statistics = (id: number, dropped: number, os: number) => {
      const options = join(u16(5), u16(8), u64(dropped), u16(7), u16(8), u64(os), new Uint8Array(4));
      return ng.block(5, number(id, 4, !bigEndian), new Uint8Array(8), options);
    };
    const file = join(
      ng.section(),
      ng.interface(),
      ng.interface(),
      statistics(0, 3, 1),
      statistics(1, 10, 0),
      statistics(0, 5, 1),
    );
    expect(path.run(join(file, statistics(7, 99, 0))).count.dropped).toBe(16);
  });

  test("a simple packet is cut at the snap length of the first interface", () => {
    const bytes = frame("0123456789");
    const file = join(ng.section(), ng.interface({ snaplen: 44 }), ng.simplePacket(bytes.subarray(0, 44), bytes.length));
    expect(path.run(file).count).toMatchObject({ packets: 1, wireBytes: 52, capturedBytes: 44, truncated: 1 });
  });

  test("more interfaces than are kept", () => {
    const many = Array.from({ length: 300 }, () => ng.interface());
    const file = join(ng.section(), ...many, ng.packet(at(frame("x")), { id: 255 }), ng.packet(at(frame("y")), { id: 256 }));
    const counted = path.run(file);
    expect(counted.count).toMatchObject({ packets: 2, udp: 1, otherNetwork: 1 });
    expect([counted.malformed, counted.undecoded]).toEqual([{}, { interface_limit: 1 }]);
    expect(path.packets(file).map(({ timeNs }) => timeNs)).toEqual([START_NS, undefined]);
    const beyond = path.run(join(file, ng.packet(at(frame("z")), { id: 300 })));
    expect([beyond.malformed, beyond.undecoded]).toEqual([{ interface_unknown: 1 }, { interface_limit: 1, link_type: 1 }]);
  });

  test("lengths that cannot be", () => {
    const view = (bytes: Uint8Array) => new DataView(bytes.buffer);
    const start = join(ng.section(), ng.interface());
    const claims = ng.packet(at(frame("x")));
    view(claims).setUint32(20, 10_000, !bigEndian);
    expect(path.run(join(start, claims)).malformed).toMatchObject({ block_length: 1 });
    const trailer = ng.packet(at(frame("x")));
    view(trailer).setUint32(trailer.length - 4, 4, !bigEndian);
    const counted = path.run(join(start, trailer, ng.packet(at(frame("y")))));
    expect(counted.malformed).toEqual({ block_length: 1 });
    expect(counted.count.udp).toBe(2);
    const small = ng.packet(at(frame("x")));
    view(small).setUint32(4, 8, !bigEndian);
    expect(path.run(join(start, small)).malformed).toEqual({ file_broken: 1 });
    for (const type of [1, 2, 3, 5, 6]) expect(path.run(join(start, ng.block(type, []))).malformed).toEqual({ block_length: 1 });
    expect(path.run(join(start, claims.subarray(0, 40))).malformed).toEqual({ record_cut: 1 });
  });

  test("absurd times are clamped", () => {
    const file = (resolution: number, ticks: bigint) =>
      join(
        ng.section(),
        ng.interface({ options: [[9, [resolution]]] }),
        ng.packet({ timeNs: ticks, bytes: frame("x") }, { unitNs: 1n }),
      );
    const time = (resolution: number, ticks: bigint) => path.packets(file(resolution, ticks))[0]!.timeNs;
    const most = 2n ** 63n - 1n;
    const all = 2n ** 64n - 1n;
    for (const resolution of [0, 3, 6, 9, 0x80, 0x81, 0x80 | 10, 0x80 | 30]) expect(time(resolution, all)).toBe(most);
    expect(time(12, all)).toBe(all / 1000n);
    expect(time(127, all)).toBe(0n);
    expect(time(0xff, all)).toBe(0n);
    for (const power of [32, 33, 40, 60, 63]) {
      expect(time(0x80 | power, all)).toBe(
        (all * 1_000_000_000n) >> BigInt(power) > most ? most : (all * 1_000_000_000n) >> BigInt(power),
      );
    }
    expect(time(0x80 | 64, all)).toBe((all * 1_000_000_000n) >> 64n);
    expect(time(0x80 | 95, all)).toBe(0n);
  });

  test("blocks longer than the input holds", () => {
    const bytes = join(frame("big"), new Uint8Array(900_000));
    const file = join(
      ng.section(),
      ng.block(0x0a, new Uint8Array(800_000)),
      ng.interface(),
      ng.packet({ timeNs: START_NS, bytes, wireBytes: 2_000_000 }),
      ng.simplePacket(bytes),
      ng.packet(at(frame("after"))),
    );
    for (const chunk of [undefined, () => 70_000]) {
      const counted = path.run(file, { chunk });
      expect(counted.count).toMatchObject({ packets: 3, udp: 3, wireBytes: 2_000_000 + bytes.length + 47, blocksSkipped: 1 });
      expect(counted.count.capturedBytes).toBe(2 * bytes.length + 47);
      expect(counted.malformed).toEqual({ record_oversize: 2 });
    }
  });
});

test("a section without a byte order ends the file", () => {
  const file = new Pcapng().section();
  file[8] = 0;
  expect(path.run(file).malformed).toEqual({ file_broken: 1 });
});
