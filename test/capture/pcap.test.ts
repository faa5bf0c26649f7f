/** pcap files of every kind, from hand-made bytes. */
import { describe, expect, test } from "vitest";
import { PacketPath } from "../support/packets";
import { ethernet, hex, ipv4, join, pcap, START_NS, spaced, udp } from "../support/pcap-builder";

const path = new PacketPath();
const frame = (text: string) => ethernet(ipv4(udp(text, { sourcePort: 5000, destinationPort: 6000 })));
const two = spaced([frame("one"), frame("two.")], 1_500_001_000n);

describe("pcap", () => {
  const kinds = [
    { bigEndian: false, nanoseconds: false },
    { bigEndian: true, nanoseconds: false },
    { bigEndian: false, nanoseconds: true },
    { bigEndian: true, nanoseconds: true },
    { bigEndian: false, kuznetzov: true },
    { bigEndian: true, kuznetzov: true },
  ];
  test.each(kinds)("%o", (form) => {
    const packets = path.packets(pcap(two, form));
    expect(packets.map(({ timeNs }) => timeNs)).toEqual([START_NS, START_NS + 1_500_001_000n]);
    expect(packets.map(({ payload }) => Buffer.from(payload).toString())).toEqual(["one", "two."]);
    expect(packets.map(({ number }) => number)).toEqual([1, 2]);
    expect(packets[0]).toMatchObject({ kind: "udp", sourcePort: 5000, destinationPort: 6000, wireBytes: 45, linkType: 1 });
    expect(packets[0]!.source).toBe("00000000000000000000ffffc0000201");
    expect(packets[0]!.destination).toBe("00000000000000000000ffffc0000202");
  });

  test("nanoseconds are kept", () => {
    const bytes = pcap([{ timeNs: START_NS + 123_456_789n, bytes: frame("") }], { nanoseconds: true });
    expect(path.packets(bytes)[0]!.timeNs).toBe(START_NS + 123_456_789n);
  });

  test("Kuznetzov's records tell interface and direction", () => {
    const bytes = pcap(two, { kuznetzov: true });
    bytes[24 + 22] = 4;
    const packets = path.packets(bytes);
    expect(packets.map(({ direction, interfaceId }) => [direction, interfaceId])).toEqual([
      [2, 1],
      [1, 1],
    ]);
  });

  test("a snap length cuts packets, not their lengths", () => {
    const counted = path.run(pcap(spaced([frame("0123456789")]), { snaplen: 44 }));
    expect(counted.count).toMatchObject({ packets: 1, wireBytes: 52, capturedBytes: 44, truncated: 1, udp: 1, checksums: 0 });
    expect(counted.malformed).toEqual({});
    const [packet] = path.packets(pcap(spaced([frame("0123456789")]), { snaplen: 44 }));
    expect(packet).toMatchObject({ payloadLength: 10, payload: new TextEncoder().encode("01") });
  });

  test("before version 2.4 the lengths stood the other way round", () => {
    const bytes = pcap(spaced([frame("0123456789")]), { snaplen: 44 });
    const view = new DataView(bytes.buffer);
    view.setUint16(6, 2, true);
    view.setUint32(24 + 8, 52, true);
    view.setUint32(24 + 12, 44, true);
    expect(path.run(bytes).count).toMatchObject({ packets: 1, wireBytes: 52, capturedBytes: 44 });
    view.setUint16(6, 3, true);
    expect(path.run(bytes).count).toMatchObject({ packets: 1, wireBytes: 52, capturedBytes: 44 });
  });

  test("bits above the link type tell of a check sequence", () => {
    const bytes = pcap(two);
    bytes[23] = 0x24;
    expect(path.run(bytes).count).toMatchObject({ packets: 2, udp: 2 });
  });

  test.each([
    ["inside the bytes", 1],
    ["inside the header of the record", 46],
  ])("a last record that is cut %s is a count", (_, less) => {
    const bytes = pcap(two);
    const counted = path.run(bytes.subarray(0, bytes.length - less));
    expect(counted.count.packets).toBe(1);
    expect(counted.malformed).toEqual({ record_cut: 1 });
  });

  test("absurd times break nothing", () => {
    const bytes = pcap(two);
    bytes.fill(0xff, 24, 32);
    const [packet] = path.packets(bytes);
    expect(packet!.timeNs).toBe(4294967295n * 1_000_000_000n + 4294967295n * 1000n);
  });

  test("a length that cannot be ends the file", () => {
    const bytes = pcap(two);
    new DataView(bytes.buffer).setUint32(24 + 16 + 45 + 8, 0x80000000, true);
    const counted = path.run(bytes);
    expect(counted.count.packets).toBe(1);
    expect(counted.malformed).toEqual({ file_broken: 1 });
    expect(counted.left).toBe(0);
  });

  test("what is no capture is counted and taken", () => {
    for (const bytes of ["", "0a", "736e6f6f70 00000000000200000004", "d4c3b2", "ffffffff"].map(hex)) {
      expect(path.run(bytes).malformed).toEqual({ file_format: 1 });
    }
    expect(path.run(pcap([]).subarray(0, 23)).malformed).toEqual({ file_format: 1 });
    expect(path.run(pcap([])).malformed).toEqual({});
  });
});

describe("records longer than the input holds", () => {
  const long = (bytes: number, wire = bytes) => {
    const body = join(frame("big"), new Uint8Array(bytes - 45));
    return { timeNs: START_NS, bytes: body, wireBytes: wire };
  };

  test.each([262145, 300000, 700000, 2_000_000])("%d bytes: counted in full, decoded as far as they fit", (bytes) => {
    const file = pcap([long(bytes, 3_000_000), { timeNs: START_NS, bytes: frame("after") }], { snaplen: 0xffffffff });
    for (const chunk of [undefined, () => 65536, () => 262_160]) {
      const counted = path.run(file, { chunk });
      expect(counted.count).toMatchObject({ packets: 2, wireBytes: 3_000_047, capturedBytes: bytes + 47, udp: 2 });
      expect(counted.malformed).toEqual({ record_oversize: 1 });
    }
  });

  test("a whole one of the largest size is no exception", () => {
    const counted = path.run(pcap([long(262144)], { snaplen: 0xffffffff }), { chunk: () => 5000 });
    expect(counted.malformed).toEqual({});
    expect(counted.count).toMatchObject({ packets: 1, capturedBytes: 262144 });
  });

  test("one that is cut where it would be skipped counts as cut", () => {
    const file = pcap([long(300000)], { snaplen: 0xffffffff });
    const counted = path.run(file.subarray(0, 290000));
    expect(counted.count).toMatchObject({ packets: 1, wireBytes: 300000 });
    expect(counted.malformed).toEqual({ record_oversize: 1, record_cut: 1 });
  });
});
