/**
 * Which thread takes a packet, in the kernel's classic BPF: a number made of the addresses of its innermost IP packet, of which the
 * kernel takes the remainder by the number of threads.
 *
 * - Addresses alone, the same for both directions: only the first piece of a datagram has ports, and a response in pieces belongs with
 *   its query. So all that two hosts say to each other comes to one thread.
 * - Innermost, as a tunnel's UDP ports and also its ends may differ with direction, and one packet may be seen inside and outside of it.
 *   A tunnel's packet that is itself a fragment goes by the tunnel's addresses: what is inside shows only in the first piece.
 * - What holds no IP packet goes to the first thread. A query to a multicast group goes by its sender and the group, and the answers by
 *   theirs: nobody pairs these, as whoever answers does so from an address of its own.
 *
 * Each level of tunnels is the same code once more, since programs only go forward:
 * ```
 * frame -> type -> ppp -> mpls -> v4, v6 -> transport -> udp -> vxlan, geneve, gpe -> gre -> erspan, etherip -> frame of the next level
 * ```
 * What is wrong in the core's eyes too (assembly/link, net) ends there, with the addresses that were found so far. The kernel hands over a
 * packet that goes out from its link header on, and one that comes in from what follows it.
 */
import { Assembler, HARDWARE, KNOWN, OP, OUTGOING } from "./bpf";

/** Levels of IP packets within each other that are gone through: three tunnels. */
const LEVELS = 4;
const VLAN_TAGS_MAX = 3;
const MPLS_LABELS_MAX = 4;
const IPV6_EXTENSIONS_MAX = 3;

/** Words that the program keeps. */
const OFFSET = 0;
const HASH = 1;
const NEXT = 2;
const PASSING = 3;
const SENDER = 4;
const FLAGS = 5;

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd, mpls: [0x8847, 0x8848], pppoe: 0x8864, tags: [0x8100, 0x88a8, 0x9100, 0x9200] };
const PROTOCOL = { ipv4: 4, udp: 17, ipv6: 41, gre: 47, etherIp: 97, mpls: 137 };
const PORT = { vxlan: [4789, 8472], geneve: 6081, vxlanGpe: 4790, gre: 4754 };
const GRE = { ethernet: 0x6558, ppp: 0x880b, erspan: 0x88be, erspan3: 0x22eb };
/** Extension headers that count in 8 bytes, that of AH, which counts in 4, and that of a fragment. */
const EXTENSION = { options: [0, 43, 60, 135, 139, 140], authentication: 51, fragment: 44 };

/** Odd numbers of which the bits spread well. */
const SPREAD = 0x9e3779b1;
const SPREAD_SUM = 0x85ebca6b;

/** The program that shares packets out among threads. */
export function fanoutProgram(): Uint8Array {
  const fanout = new Fanout();
  fanout.begin();
  for (let level = 0; level < LEVELS; level++) fanout.level(level);
  return fanout.finish();
}

/** Writes the program; places of level n are named with it, and `give` is the end. */
class Fanout {
  private readonly program = new Assembler();

  begin(): void {
    const { program } = this;
    program.put(OP.setA, 0).put(OP.keepA, HASH).put(OP.keepA, OFFSET).put(OP.aToX);
    program.put(OP.loadWord, KNOWN.packetType).jumpUnless(OP.jumpEqual, OUTGOING, "known");
    program.put(OP.loadWord, KNOWN.hardwareType);
    for (const hardware of [HARDWARE.ethernet, HARDWARE.loopback]) program.jumpIf(OP.jumpEqual, hardware, "frame0");
    program.label("known").put(OP.loadWord, KNOWN.etherType).jump("type0");
  }

  level(level: number): void {
    this.frame(level);
    this.type(level);
    this.ppp(level);
    this.mpls(level);
    this.ipv4(level);
    this.ipv6(level);
    this.transport(level);
    if (level === LEVELS - 1) return;
    this.udp(level);
    this.gre(level);
    this.etherIp(level);
  }

  finish(): Uint8Array {
    return this.program.label("give").put(OP.recallA, HASH).put(OP.giveA).finish();
  }

  /** Ends where fewer bytes than these follow. */
  private need(bytes: number): void {
    this.program.put(OP.recallA, OFFSET).put(OP.add, bytes).put(OP.aToX);
    this.program.put(OP.loadLength).jumpUnless(OP.jumpAtLeastX, 0, "give").put(OP.recallX, OFFSET);
  }

  private step(bytes: number): void {
    this.program.put(OP.recallA, OFFSET).put(OP.add, bytes).put(OP.keepA, OFFSET).put(OP.aToX);
  }

  /** Goes on as many bytes as a says. */
  private stepByA(): void {
    this.program.put(OP.addX).put(OP.keepA, OFFSET).put(OP.aToX);
  }

  private jumpIfAny(values: readonly number[], to: string): void {
    for (const value of values) this.program.jumpIf(OP.jumpEqual, value, to);
  }

  /** An Ethernet header. */
  private frame(level: number): void {
    this.program.label(`frame${level}`);
    this.need(14);
    this.program.put(OP.loadHalfAtX, 12).put(OP.keepA, NEXT);
    this.step(14);
    this.program.put(OP.recallA, NEXT);
  }

  /** What follows a link header, an EtherType in a. */
  private type(level: number): void {
    const { program } = this;
    program.label(`type${level}`);
    for (let tag = 0; tag < VLAN_TAGS_MAX; tag++) {
      this.jumpIfAny(ETHERTYPE.tags, `tag${level}.${tag}`);
      program.jump(`untagged${level}`).label(`tag${level}.${tag}`);
      this.need(4);
      program.put(OP.loadHalfAtX, 2).put(OP.keepA, NEXT);
      this.step(4);
      program.put(OP.recallA, NEXT);
    }
    program.label(`untagged${level}`);
    program.jumpIf(OP.jumpEqual, ETHERTYPE.ipv4, `v4.${level}`).jumpIf(OP.jumpEqual, ETHERTYPE.ipv6, `v6.${level}`);
    this.jumpIfAny(ETHERTYPE.mpls, `mpls${level}`);
    program.jumpUnless(OP.jumpEqual, ETHERTYPE.pppoe, "give");
    this.step(6);
  }

  /** PPP, with or without HDLC's address and control, its protocol in one or two bytes. */
  private ppp(level: number): void {
    const { program } = this;
    program.label(`ppp${level}`);
    this.need(2);
    program.put(OP.loadHalfAtX, 0).jumpUnless(OP.jumpEqual, 0xff03, `bare${level}`);
    this.step(2);
    program.label(`bare${level}`);
    this.need(2);
    for (const [load, bytes] of [
      [OP.loadHalfAtX, 2],
      [OP.loadByteAtX, 1],
    ] as const) {
      for (const [protocol, version] of [
        [0x21, "v4"],
        [0x57, "v6"],
      ] as const) {
        const other = `ppp${level}.${bytes}.${version}`;
        program.put(load, 0).jumpUnless(OP.jumpEqual, protocol, other);
        this.step(bytes);
        program.jump(`${version}.${level}`).label(other);
      }
    }
    program.jump("give");
  }

  private mpls(level: number): void {
    const { program } = this;
    program.label(`mpls${level}`);
    for (let label = 0; label < MPLS_LABELS_MAX; label++) {
      this.need(4);
      program.put(OP.loadWordAtX, 0).put(OP.keepA, NEXT);
      this.step(4);
      program.put(OP.recallA, NEXT).jumpIf(OP.jumpAnyBit, 0x100, `bottom${level}`);
    }
    program.jump("give").label(`bottom${level}`);
    this.need(1);
    program.put(OP.loadByteAtX, 0).put(OP.shiftRight, 4);
    program.jumpIf(OP.jumpEqual, 6, `v6.${level}`).jumpUnless(OP.jumpEqual, 4, "give");
  }

  private ipv4(level: number): void {
    const { program } = this;
    program.label(`v4.${level}`);
    this.need(20);
    program.put(OP.loadByteAtX, 0).put(OP.shiftRight, 4).jumpUnless(OP.jumpEqual, 4, "give");
    program.put(OP.loadByteAtX, 0).put(OP.and, 15).jumpUnless(OP.jumpAtLeast, 5, "give");
    this.hash(12, 16, 1);
    // More fragments, or one that is not the first.
    program.put(OP.loadHalfAtX, 6).jumpIf(OP.jumpAnyBit, 0x3fff, "give");
    program.put(OP.loadByteAtX, 9).put(OP.keepA, NEXT);
    program.put(OP.loadByteAtX, 0).put(OP.and, 15).put(OP.shiftLeft, 2);
    this.stepByA();
    program.jump(`transport${level}`);
  }

  private ipv6(level: number): void {
    const { program } = this;
    program.label(`v6.${level}`);
    this.need(40);
    program.put(OP.loadByteAtX, 0).put(OP.shiftRight, 4).jumpUnless(OP.jumpEqual, 6, "give");
    this.hash(8, 24, 4);
    program.put(OP.loadByteAtX, 6).put(OP.keepA, NEXT);
    this.step(40);
    for (let count = 0; count < IPV6_EXTENSIONS_MAX; count++) this.extension(`extension${level}.${count}`, `transport${level}`);
  }

  /** An extension header of IPv6 where there is one; past the last, what follows is a transport. */
  private extension(name: string, transport: string): void {
    const { program } = this;
    program.put(OP.recallA, NEXT);
    this.jumpIfAny(EXTENSION.options, `${name}.options`);
    program.jumpIf(OP.jumpEqual, EXTENSION.authentication, `${name}.authentication`);
    program.jumpUnless(OP.jumpEqual, EXTENSION.fragment, transport);
    this.need(8);
    program.put(OP.loadHalfAtX, 2).jumpIf(OP.jumpAnyBit, 0xfff9, "give");
    program.put(OP.loadByteAtX, 0).put(OP.keepA, NEXT);
    this.step(8);
    program.jump(`${name}.done`);
    for (const [kind, more, shift] of [
      ["options", 1, 3],
      ["authentication", 2, 2],
    ] as const) {
      program.label(`${name}.${kind}`);
      this.need(8);
      program.put(OP.loadByteAtX, 0).put(OP.keepA, NEXT);
      program.put(OP.loadByteAtX, 1).put(OP.add, more).put(OP.shiftLeft, shift);
      this.stepByA();
      program.jump(`${name}.done`);
    }
    program.label(`${name}.done`);
  }

  /** Makes the number of two addresses of so many words each, whichever is whose. */
  private hash(source: number, destination: number, words: number): void {
    const { program } = this;
    this.mixed(source, words);
    program.put(OP.keepA, SENDER).put(OP.recallX, OFFSET);
    this.mixed(destination, words);
    program.put(OP.recallX, SENDER).put(OP.addX).put(OP.multiply, SPREAD_SUM);
    this.fold(16);
    program.put(OP.keepA, HASH).put(OP.recallX, OFFSET);
  }

  /** An address as one word in a, x being where its header begins. */
  private mixed(at: number, words: number): void {
    const { program } = this;
    program.put(OP.loadWordAtX, at);
    for (let word = 1; word < words; word++) {
      program.put(OP.multiply, SPREAD).put(OP.keepA, PASSING);
      program
        .put(OP.loadWordAtX, at + 4 * word)
        .put(OP.recallX, PASSING)
        .put(OP.addX)
        .put(OP.recallX, OFFSET);
    }
    this.fold(15);
    program.put(OP.multiply, SPREAD);
    this.fold(13);
  }

  /** a ^= a >> bits */
  private fold(bits: number): void {
    this.program.put(OP.keepA, PASSING).put(OP.shiftRight, bits).put(OP.aToX).put(OP.recallA, PASSING).put(OP.xorX);
  }

  private transport(level: number): void {
    const { program } = this;
    program.label(`transport${level}`);
    if (level < LEVELS - 1) {
      program.put(OP.recallA, NEXT);
      program.jumpIf(OP.jumpEqual, PROTOCOL.udp, `udp${level}`).jumpIf(OP.jumpEqual, PROTOCOL.gre, `gre${level}`);
      program.jumpIf(OP.jumpEqual, PROTOCOL.ipv4, `v4.${level + 1}`).jumpIf(OP.jumpEqual, PROTOCOL.ipv6, `v6.${level + 1}`);
      program.jumpIf(OP.jumpEqual, PROTOCOL.mpls, `mpls${level + 1}`);
      program.jumpIf(OP.jumpEqual, PROTOCOL.etherIp, `etherip${level}`);
    }
    program.jump("give");
  }

  /** The tunnels that are known by their port, the destination's before the source's. */
  private udp(level: number): void {
    const { program } = this;
    program.label(`udp${level}`);
    this.need(16);
    for (const port of [2, 0]) {
      program.put(OP.loadHalfAtX, port);
      this.jumpIfAny(PORT.vxlan, `vxlan${level}`);
      program.jumpIf(OP.jumpEqual, PORT.geneve, `geneve${level}`).jumpIf(OP.jumpEqual, PORT.vxlanGpe, `gpe${level}`);
      program.jumpIf(OP.jumpEqual, PORT.gre, `udpgre${level}`);
    }
    program.jump("give");
    this.vxlan(level);
    this.geneve(level);
    this.vxlanGpe(level);
    program.label(`udpgre${level}`);
    this.step(8);
  }

  private vxlan(level: number): void {
    this.program.label(`vxlan${level}`).put(OP.loadByteAtX, 8).jumpUnless(OP.jumpAnyBit, 0x08, "give");
    this.step(16);
    this.program.jump(`frame${level + 1}`);
  }

  private geneve(level: number): void {
    const { program } = this;
    program.label(`geneve${level}`);
    program.put(OP.loadByteAtX, 8).jumpIf(OP.jumpAnyBit, 0xc0, "give");
    program.put(OP.loadByteAtX, 9).jumpIf(OP.jumpAnyBit, 0x3f, "give");
    program.put(OP.loadByteAtX, 15).jumpUnless(OP.jumpEqual, 0, "give");
    program.put(OP.loadHalfAtX, 10).put(OP.keepA, NEXT);
    program.put(OP.loadByteAtX, 8).put(OP.shiftLeft, 2).put(OP.add, 16);
    this.stepByA();
    program.put(OP.recallA, NEXT).jumpIf(OP.jumpEqual, GRE.ethernet, `frame${level + 1}`);
    program.jumpIf(OP.jumpEqual, ETHERTYPE.ipv4, `v4.${level + 1}`).jumpIf(OP.jumpEqual, ETHERTYPE.ipv6, `v6.${level + 1}`);
    program.jump("give");
  }

  private vxlanGpe(level: number): void {
    const { program } = this;
    program.label(`gpe${level}`);
    program.put(OP.loadByteAtX, 8).put(OP.and, 0xf7).jumpUnless(OP.jumpEqual, 0x04, "give");
    program.put(OP.loadHalfAtX, 9).jumpUnless(OP.jumpEqual, 0, "give");
    program.put(OP.loadByteAtX, 11).put(OP.keepA, NEXT);
    this.step(16);
    program
      .put(OP.recallA, NEXT)
      .jumpIf(OP.jumpEqual, 1, `v4.${level + 1}`)
      .jumpIf(OP.jumpEqual, 2, `v6.${level + 1}`);
    program.jumpIf(OP.jumpEqual, 3, `frame${level + 1}`).jump("give");
  }

  private gre(level: number): void {
    const { program } = this;
    program.label(`gre${level}`);
    this.need(4);
    program.put(OP.loadHalfAtX, 2).put(OP.keepA, NEXT).put(OP.loadHalfAtX, 0).put(OP.keepA, FLAGS);
    // Routing, or a version above 1.
    program.put(OP.and, 0x4007).jumpIf(OP.jumpGreater, 1, "give");
    this.step(4);
    // Checksum, key, sequence, and with version 1 acknowledgment, where its bit is there.
    for (const bits of [0x8000, 0x2000, 0x1000, 0x0081]) {
      program.put(OP.recallA, FLAGS).put(OP.and, bits).jumpUnless(OP.jumpEqual, bits, `gre${level}.${bits}`);
      this.step(4);
      program.label(`gre${level}.${bits}`);
    }
    program.put(OP.recallA, NEXT);
    program.jumpIf(OP.jumpEqual, GRE.ethernet, `frame${level + 1}`).jumpIf(OP.jumpEqual, GRE.ppp, `ppp${level + 1}`);
    program.jumpIf(OP.jumpEqual, GRE.erspan, `erspan${level}`).jumpUnless(OP.jumpEqual, GRE.erspan3, `type${level + 1}`);
    this.need(12);
    program.put(OP.loadByteAtX, 11).put(OP.keepA, FLAGS);
    this.step(12);
    program.put(OP.recallA, FLAGS).jumpUnless(OP.jumpAnyBit, 1, `frame${level + 1}`);
    this.step(8);
    program.jump(`frame${level + 1}`);
    // Type II has a header where GRE has a sequence number.
    program
      .label(`erspan${level}`)
      .put(OP.recallA, FLAGS)
      .jumpUnless(OP.jumpAnyBit, 0x1000, `frame${level + 1}`);
    this.step(8);
    program.jump(`frame${level + 1}`);
  }

  private etherIp(level: number): void {
    const { program } = this;
    program.label(`etherip${level}`);
    this.need(2);
    program.put(OP.loadHalfAtX, 0).jumpUnless(OP.jumpEqual, 0x3000, "give");
    this.step(2);
  }
}
