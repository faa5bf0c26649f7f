/** Checksums: verified against a plain sum, aware of offloading, and only as far as the setting goes. */
import { describe, expect, test } from "vitest";
import { PacketPath } from "../support/packets";
import {
  address,
  checksum,
  ethernet,
  icmp,
  ipv4,
  ipv6,
  join,
  type Layer,
  pcap,
  spaced,
  tcp,
  u16,
  u32,
  udp,
} from "../support/pcap-builder";

const path = new PacketPath();
const countedOf = (layer: Layer, checksumBytesMax?: number) => path.run(pcap(spaced([ethernet(layer)])), { checksumBytesMax });

/** Bytes that differ at every place, without randomness. */
const noise = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, at) => (at * 167 + seed * 89 + ((at * at) >> 3)) & 255);

test("sums of every length are right, and a changed bit is not", () => {
  const frames: Uint8Array[] = [];
  const changed: Uint8Array[] = [];
  for (let length = 0; length < 400; length++) {
    for (const layer of [udp(noise(length, length)), tcp(noise(length, length + 1))]) {
      frames.push(ethernet(ipv4(layer)), ethernet(ipv6(layer)));
      const other = ethernet(ipv4(layer));
      const at = 42 + ((length * 31) % Math.max(1, length));
      if (length === 0) continue;
      other[at === 42 ? other.length - 1 : at + (other.length - 42 - length)]! ^= 1 << (length & 7);
      changed.push(other);
    }
  }
  expect(path.run(pcap(spaced(frames)))).toMatchObject({ malformed: {}, count: { checksums: 1600, checksumsOffloaded: 0 } });
  const wrong = path.run(pcap(spaced(changed)));
  expect(wrong.malformed.tcp_checksum! + wrong.malformed.udp_checksum!).toBe(changed.length);
});

test("of 64 KiB and more", () => {
  for (const length of [65_000, 65_507]) expect(countedOf(ipv4(udp(new Uint8Array(length).fill(255)))).malformed).toEqual({});
  expect(countedOf(ipv6(tcp(noise(200_000, 1)), { payloadLength: 0 })).malformed).toEqual({});
  expect(countedOf(ipv6(tcp(new Uint8Array(100_000).fill(255)), { payloadLength: 0 })).malformed).toEqual({});
});

describe("a checksum that is wrong", () => {
  test.each<[string, Layer]>([
    ["udp_checksum", udp("hello", { checksum: 0x1234 })],
    ["tcp_checksum", tcp("hello", { checksum: 0x1234 })],
  ])("%s", (reason, layer) => {
    for (const packet of [ipv4(layer), ipv6(layer)]) {
      const counted = countedOf(packet);
      expect(counted.malformed).toEqual({ [reason]: 1 });
      expect(counted.tcp + counted.udp).toBe(1);
      expect(path.packets(pcap(spaced([ethernet(packet)])))[0]).toMatchObject({ checksumBad: true, payloadLength: 5 });
    }
  });

  test("of ICMP and ICMPv6", () => {
    for (const layer of [ipv4(icmp(8, 0, "ping")), ipv6(icmp(128, 0, "ping", 6))]) {
      expect(countedOf(layer).malformed).toEqual({});
      const frame = ethernet(layer);
      frame[frame.length - 1]! ^= 1;
      expect(path.run(pcap(spaced([frame])))).toMatchObject({ other: 1, malformed: { icmp_checksum: 1 } });
    }
  });
});

describe("a checksum that was left to the network card", () => {
  const pseudo = (protocol: number, length: number) => {
    const ends = join(address("192.0.2.1"), address("192.0.2.2"));
    return 0xffff - checksum(join(ends, u32(length), u16(0), u16(protocol)));
  };

  test.each<[string, Layer]>([
    ["zero, UDP", udp("hello", { checksum: 0 })],
    ["zero, TCP", tcp("hello", { checksum: 0 })],
    ["the pseudo header's sum, UDP", udp("hello", { checksum: pseudo(17, 13) })],
    ["the pseudo header's sum, TCP", tcp("hello", { checksum: pseudo(6, 25) })],
    ["the pseudo header's sum without a length", tcp("hello", { checksum: pseudo(6, 0) })],
  ])("%s", (_, layer) => {
    const counted = countedOf(ipv4(layer));
    expect(counted).toMatchObject({ malformed: {}, count: { checksumsOffloaded: 1 } });
    expect(path.packets(pcap(spaced([ethernet(ipv4(layer))])))[0]!.checksumBad).toBe(false);
  });
});

describe("the setting", () => {
  const wrong = ipv4(udp("hello", { checksum: 0x1234 }));
  test("bounds what is verified", () => {
    expect(countedOf(wrong, 13).malformed).toEqual({ udp_checksum: 1 });
    expect(countedOf(wrong, 12)).toMatchObject({ malformed: {}, count: { checksums: 0 } });
    expect(countedOf(wrong, 0)).toMatchObject({ malformed: {}, count: { checksums: 0 } });
  });

  test("truncated packets are not verified", () => {
    const counted = path.run(pcap(spaced([ethernet(wrong)]), { snaplen: 44 }));
    expect(counted).toMatchObject({ udp: 1, malformed: {}, count: { checksums: 0 } });
  });
});
