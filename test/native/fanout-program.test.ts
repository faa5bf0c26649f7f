/** The program that shares packets out among threads, run as a kernel would on packets of all kinds. */
import { describe, expect, test } from "vitest";
import { fanoutProgram } from "../../shim/capture/fanout-program";
import { fanoutNumber, numberOfFrame } from "../support/fan";
import { bare, received, runProgram, sent } from "../support/kernel-bpf";
import { manyHosts } from "../support/many-hosts";
import {
  address,
  ethernet,
  geneve,
  gre,
  hex,
  ipv4,
  ipv6,
  ipv6Extension,
  ipv6Fragment,
  join,
  type Layer,
  ppp,
  raw,
  TPID,
  tcp,
  u16,
  u32,
  udp,
  vlan,
  vxlan,
} from "../support/pcap-builder";
import { Random } from "../support/traffic";

const [HERE, THERE] = ["192.0.2.1", "198.51.100.7"];
const [HERE6, THERE6] = ["2001:db8::1", "2001:db8:7::2"];
const there = (above: Layer) => ipv4(above, { source: HERE, destination: THERE });
const back = (above: Layer) => ipv4(above, { source: THERE, destination: HERE });
const there6 = (above: Layer) => ipv6(above, { source: HERE6, destination: THERE6 });
const back6 = (above: Layer) => ipv6(above, { source: THERE6, destination: HERE6 });
const outer = (above: Layer, from = "10.0.0.1", to = "10.0.0.2") => ipv4(above, { source: from, destination: to });
const request = tcp("GET / HTTP/1.1\r\n\r\n", { sourcePort: 40_000, destinationPort: 80 });
const response = tcp("HTTP/1.1 200 OK\r\n\r\n", { sourcePort: 80, destinationPort: 40_000 });

const PLAIN = numberOfFrame(ethernet(there(request)));
const PLAIN6 = numberOfFrame(ethernet(there6(request)));
const OUTER = numberOfFrame(ethernet(outer(udp("x"))));

test("is a program that kernels take", () => {
  const instructions = fanoutProgram().length / 8;
  expect(instructions).toBeGreaterThan(100);
  expect(instructions).toBeLessThanOrEqual(4096);
});

test("tells hosts apart, not ports and not directions", () => {
  expect(new Set([PLAIN, PLAIN6, OUTER, 0]).size).toBe(4);
  expect(numberOfFrame(ethernet(back(response)))).toBe(PLAIN);
  expect(numberOfFrame(ethernet(back(udp("other", { sourcePort: 1, destinationPort: 2 }))))).toBe(PLAIN);
  expect(numberOfFrame(ethernet(back6(response)))).toBe(PLAIN6);
  expect(fanoutNumber(bare(ethernet(back6(response)).subarray(14)))).toBe(PLAIN6);
});

/** A frame around an IP packet in each of many ways. */
const WAYS: [string, (net: Layer) => Uint8Array][] = [
  ["tags", (net) => ethernet(vlan(vlan(vlan(net), { id: 3 }), { id: 9, tpid: TPID.service }))],
  ["PPPoE", (net) => ethernet(raw(join(hex("11 00 00 01"), u16(99), ppp(net).subarray(2)), { etherType: 0x8864 }))],
  ["MPLS", (net) => ethernet(raw(join(u32(0x00010040), u32(0x00020140), ethernet(net).subarray(14)), { etherType: 0x8847 }))],
  ["VXLAN", (net) => ethernet(outer(udp(vxlan(ethernet(net)), { sourcePort: 51_234, destinationPort: 4789 })))],
  ["VXLAN on Linux' port", (net) => ethernet(outer(udp(vxlan(ethernet(net)), { destinationPort: 8472 })))],
  ["VXLAN over IPv6", (net) => ethernet(ipv6(udp(vxlan(ethernet(net)), { destinationPort: 4789 })))],
  ["VXLAN of a tagged frame", (net) => ethernet(outer(udp(vxlan(ethernet(vlan(net))), { destinationPort: 4789 })))],
  ["Geneve", (net) => ethernet(outer(udp(geneve(ethernet(net), { options: new Uint8Array(12) }), { destinationPort: 6081 })))],
  ["GRE", (net) => ethernet(outer(gre(net)))],
  ["GRE with key and sequence", (net) => ethernet(outer(gre(net, { key: 1, sequence: 2 })))],
  ["GRE of Ethernet", (net) => ethernet(outer(gre(raw(ethernet(net), { etherType: 0x6558 }), { key: 5 })))],
  [
    "ERSPAN II",
    (net) => ethernet(outer(gre(raw(join(new Uint8Array(8), ethernet(net)), { etherType: 0x88be }), { sequence: 1 }))),
  ],
  ["PPP in GRE", (net) => ethernet(outer(gre(raw(ppp(net), { etherType: 0x880b }))))],
  ["IP in IP", (net) => ethernet(outer(net))],
  ["IP in IPv6", (net) => ethernet(ipv6(ipv6Extension(net, 60)))],
  ["EtherIP", (net) => ethernet(outer(raw(join(u16(0x3000), ethernet(net)), { protocol: 97 })))],
  [
    "VXLAN in GRE in IP",
    (net) => ethernet(outer(outer(gre(outer(udp(vxlan(ethernet(net)), { destinationPort: 4789 })))), "10.9.0.1", "10.9.0.2")),
  ],
];

test.each(WAYS)("in %s goes by the addresses inside", (_, wrap) => {
  expect(numberOfFrame(wrap(there(request)))).toBe(PLAIN);
  expect(numberOfFrame(wrap(back(response)))).toBe(PLAIN);
  expect(numberOfFrame(wrap(there6(request)))).toBe(PLAIN6);
  expect(numberOfFrame(wrap(back6(response)))).toBe(PLAIN6);
});

test("all pieces of a datagram go where its conversation goes, tunnels in pieces by their ends", () => {
  for (const [offset, more] of [
    [0, true],
    [512, true],
    [1024, false],
  ] as const) {
    const piece = raw(new Uint8Array(512).fill(offset), { protocol: 17 });
    expect(
      numberOfFrame(ethernet(ipv4(piece, { source: THERE, destination: HERE, fragmentOffset: offset, moreFragments: more }))),
    ).toBe(PLAIN);
    expect(numberOfFrame(ethernet(back6(ipv6Fragment(piece, { offset, more }))))).toBe(PLAIN6);
    expect(numberOfFrame(ethernet(back6(ipv6Extension(ipv6Fragment(piece, { offset, more }), 0))))).toBe(PLAIN6);
  }
  const whole = udp(vxlan(ethernet(there(request))), { destinationPort: 4789 }).encode({
    source: address("10.0.0.1"),
    destination: address("10.0.0.2"),
  });
  const first = ipv4(raw(whole.subarray(0, 64), { protocol: 17 }), {
    source: "10.0.0.1",
    destination: "10.0.0.2",
    moreFragments: true,
  });
  const later = ipv4(raw(whole.subarray(64), { protocol: 17 }), {
    source: "10.0.0.1",
    destination: "10.0.0.2",
    fragmentOffset: 64,
  });
  expect([first, later].map((piece) => numberOfFrame(ethernet(piece)))).toEqual([OUTER, OUTER]);
  expect(numberOfFrame(ethernet(there6(ipv6Fragment(outer(udp("x"))))))).toBe(OUTER);
});

describe("what is no tunnel after all goes by its own addresses", () => {
  test.each<[string, Layer]>([
    ["a datagram on the port of VXLAN", udp("nothing like it", { destinationPort: 4789 })],
    ["a short one", udp("x", { destinationPort: 4789 })],
    ["VXLAN of ARP", udp(vxlan(ethernet(raw(new Uint8Array(28), { etherType: 0x0806 }))), { destinationPort: 4789 })],
    ["VXLAN that is cut", udp(vxlan(ethernet(there(request)).subarray(0, 30)), { destinationPort: 4789 })],
    ["GRE of nothing", raw([0, 0, 8, 0], { protocol: 47 })],
    ["GRE of a later version", raw(join(u16(3), u16(0x800), ethernet(there(request)).subarray(14)), { protocol: 47 })],
    ["an empty packet", raw([], { protocol: 4 })],
    ["EtherIP of another version", raw(join(u16(0x2000), ethernet(there(request))), { protocol: 97 })],
  ])("%s", (_, above) => {
    expect(numberOfFrame(ethernet(outer(above)))).toBe(OUTER);
    expect(numberOfFrame(ethernet(outer(above, "10.0.0.2", "10.0.0.1")))).toBe(OUTER);
  });
});

test("what is no IP goes to the first thread", () => {
  for (const frame of [
    new Uint8Array(0),
    new Uint8Array(13),
    ethernet(raw(new Uint8Array(28), { etherType: 0x0806 })),
    ethernet(raw(new Uint8Array(40), { etherType: 0x0800 })),
    ethernet(raw(hex("60 00 00 00"), { etherType: 0x86dd })),
    ethernet(there(request)).subarray(0, 30),
  ])
    expect(numberOfFrame(frame)).toBe(0);
});

test("reads nothing outside of what is there, however it is cut or damaged", () => {
  const random = new Random(11);
  const program = fanoutProgram();
  for (const [, wrap] of WAYS) {
    const frame = wrap(there6(request));
    for (let length = 0; length < frame.length; length++) {
      const cut = frame.subarray(0, length);
      expect(runProgram(program, sent(cut))).toBe(runProgram(program, received(cut)));
    }
    for (let round = 0; round < 300; round++) {
      const damaged = frame.slice();
      for (let count = 1 + random.below(4); count > 0; count--) damaged[random.below(damaged.length)] = random.below(256);
      expect(runProgram(program, sent(damaged))).toBe(runProgram(program, received(damaged)));
    }
  }
});

test("spreads hosts evenly over any number of threads", () => {
  for (const threads of [2, 3, 4, 7, 8]) {
    const taken = new Array<number>(threads).fill(0);
    let pairs = 0;
    for (let client = 1; client <= 250; client++) {
      for (let server = 1; server <= 16; server++, pairs++) {
        const frame = ethernet(ipv4(udp("x"), { source: `10.1.0.${client}`, destination: `10.2.0.${server}` }));
        taken[numberOfFrame(frame) % threads]! += 1;
      }
    }
    // Six times the deviation that chance has.
    const most = 6 * Math.sqrt((pairs / threads) * (1 - 1 / threads));
    for (const count of taken) expect(Math.abs(count - pairs / threads)).toBeLessThan(most);
  }
});

test("answers the same whichever way real traffic goes", () => {
  for (const { bytes } of manyHosts({ seed: 5, conversations: 400, seconds: 10 })) numberOfFrame(bytes);
});
