/** What an expression asks of packets of a link type, as libpcap has it. */

import { OP } from "../bpf";
import { all, any, type Condition, not, test } from "./condition";
import type { Expression, Network, Side } from "./parse";

/** How a link type tells what it carries, and where that begins. */
interface Link {
  payload: number;
  /** Whether this EtherType follows. */
  carries(etherType: number): Condition;
}

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_RARP = 0x8035;
const PROTOCOL_ICMP = 1;
const PROTOCOL_IGMP = 2;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_IPV6_FRAGMENT = 44;
const PROTOCOL_ESP = 50;
const PROTOCOL_AH = 51;
const PROTOCOL_ICMP6 = 58;
const PROTOCOL_PIM = 103;
const PROTOCOL_SCTP = 132;

/** Offsets in headers of IP and ARP. */
const IPV4_FRAGMENT = 6;
const IPV4_FRAGMENT_OFFSET_BITS = 0x1fff;
const IPV4_PROTOCOL = 9;
const IPV4_ADDRESSES = [12, 16] as const;
const IPV6_NEXT = 6;
const IPV6_ADDRESSES = [8, 24] as const;
const IPV6_BYTES = 40;
const ARP_ADDRESSES = [14, 24] as const;
const PORTS = [0, 2] as const;

/** Families of BSD's loopback that stand for IPv4, and for IPv6 on several systems. */
const FAMILY_IPV4 = 2;
const FAMILIES_IPV6 = [24, 28, 30];

/** The link types that are known here, by their LINKTYPE_ number. */
const LINKS = new Map<number, Link>([
  [0, loopback(true)],
  [1, typed(12, 14)],
  [101, { payload: 0, carries: byVersion }],
  [108, loopback(false)],
  [113, typed(14, 16)],
  [228, { payload: 0, carries: (etherType) => etherType === ETHERTYPE_IPV4 }],
  [229, { payload: 0, carries: (etherType) => etherType === ETHERTYPE_IPV6 }],
  [276, typed(0, 20)],
]);

/** What an expression asks of packets of a link type; undefined where that is not known here. */
export function meaningOf(expression: Expression, linkType: number): Condition | undefined {
  const link = LINKS.get(linkType);
  return link && new Meaning(link).of(expression);
}

/** A link whose header has an EtherType. */
function typed(offset: number, payload: number): Link {
  return { payload, carries: (etherType) => test([[OP.loadHalf, offset]], OP.jumpEqual, etherType) };
}

/** IP without a link: its version says which. */
function byVersion(etherType: number): Condition {
  const version = etherType === ETHERTYPE_IPV4 ? 0x40 : etherType === ETHERTYPE_IPV6 ? 0x60 : undefined;
  return (
    version !== undefined &&
    test(
      [
        [OP.loadByte, 0],
        [OP.and, 0xf0],
      ],
      OP.jumpEqual,
      version,
    )
  );
}

function loopback(isLittleEndian: boolean): Link {
  const families = (etherType: number) =>
    etherType === ETHERTYPE_IPV4 ? [FAMILY_IPV4] : etherType === ETHERTYPE_IPV6 ? FAMILIES_IPV6 : [];
  const word = (family: number) => (isLittleEndian ? (family << 24) >>> 0 : family);
  const carries = (etherType: number) =>
    any(...families(etherType).map((family) => test([[OP.loadWord, 0]], OP.jumpEqual, word(family))));
  return { payload: 4, carries };
}

/** The meaning of expressions on one link. */
class Meaning {
  constructor(private readonly link: Link) {}

  of(expression: Expression): Condition {
    switch (expression.is) {
      case "all":
        return all(...expression.of.map((one) => this.of(one)));
      case "any":
        return any(...expression.of.map((one) => this.of(one)));
      case "not":
        return not(this.of(expression.of));
      case "protocol":
        return this.protocol(expression.name);
      case "host":
        return this.host(expression);
      case "port":
        return this.port(expression);
      case "proto":
        return this.proto(expression.number, expression.protocol);
      case "length":
        return lengthBetween(expression.least, expression.most);
    }
  }

  private protocol(name: string): Condition {
    switch (name) {
      case "ip":
        return this.link.carries(ETHERTYPE_IPV4);
      case "ip6":
        return this.link.carries(ETHERTYPE_IPV6);
      case "arp":
        return this.link.carries(ETHERTYPE_ARP);
      case "rarp":
        return this.link.carries(ETHERTYPE_RARP);
      case "icmp":
        return this.proto(PROTOCOL_ICMP, "ip");
      case "igmp":
        return this.proto(PROTOCOL_IGMP, "ip");
      case "icmp6":
        return this.proto(PROTOCOL_ICMP6, "ip6");
      default:
        return this.proto(NUMBER_OF[name]!, undefined);
    }
  }

  private proto(number: number, version: string | undefined): Condition {
    const own = this.payload(OP.loadByte, IPV4_PROTOCOL, number);
    const next = this.payload(OP.loadByte, IPV6_NEXT, number);
    const fragment = this.payload(OP.loadByte, IPV6_NEXT, PROTOCOL_IPV6_FRAGMENT);
    const behind = this.payload(OP.loadByte, IPV6_BYTES, number);
    return any(
      version !== "ip6" && all(this.link.carries(ETHERTYPE_IPV4), own),
      version !== "ip" && all(this.link.carries(ETHERTYPE_IPV6), any(next, all(fragment, behind))),
    );
  }

  private host({ protocol, side, network }: Expression & { is: "host" }): Condition {
    if (!network.isIpv4) return this.addressed(ETHERTYPE_IPV6, IPV6_ADDRESSES, side, network);
    const wanted = (name: string) => protocol === undefined || protocol === name;
    return any(
      wanted("ip") && this.addressed(ETHERTYPE_IPV4, IPV4_ADDRESSES, side, network),
      wanted("arp") && this.addressed(ETHERTYPE_ARP, ARP_ADDRESSES, side, network),
      wanted("rarp") && this.addressed(ETHERTYPE_RARP, ARP_ADDRESSES, side, network),
    );
  }

  private addressed(etherType: number, offsets: readonly [number, number], side: Side, network: Network): Condition {
    const at = (offset: number) =>
      all(...wordsOf(network).map(([place, value, mask]) => this.masked(offset + place, value, mask)));
    return all(this.link.carries(etherType), sided(side, offsets, at));
  }

  /** Whether a word has these bits where the mask has them. */
  private masked(offset: number, value: number, mask: number): Condition {
    if (mask === 0) return true;
    if (mask === 0xffff_ffff) return this.payload(OP.loadWord, offset, value);
    return test(
      [
        [OP.loadWord, this.link.payload + offset],
        [OP.and, mask],
      ],
      OP.jumpEqual,
      value,
    );
  }

  private port({ protocol, side, least, most }: Expression & { is: "port" }): Condition {
    const { payload, carries } = this.link;
    const numbers = protocol === undefined ? [PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP] : [NUMBER_OF[protocol]!];
    const isFragment = test([[OP.loadHalf, payload + IPV4_FRAGMENT]], OP.jumpAnyBit, IPV4_FRAGMENT_OFFSET_BITS);
    const headerLength: [number, number] = [OP.loadHeaderLength, payload];
    const ipv4 = (offset: number) => within([headerLength, [OP.loadHalfAtX, payload + offset]], least, most);
    const ipv6 = (offset: number) => within([[OP.loadHalf, payload + IPV6_BYTES + offset]], least, most);
    const ofIpv4 = (number: number) =>
      all(this.payload(OP.loadByte, IPV4_PROTOCOL, number), not(isFragment), sided(side, PORTS, ipv4));
    const ofIpv6 = (number: number) => all(this.payload(OP.loadByte, IPV6_NEXT, number), sided(side, PORTS, ipv6));
    return any(
      all(carries(ETHERTYPE_IPV4), any(...numbers.map(ofIpv4))),
      all(carries(ETHERTYPE_IPV6), any(...numbers.map(ofIpv6))),
    );
  }

  private payload(load: number, offset: number, value: number): Condition {
    return test([[load, this.link.payload + offset]], OP.jumpEqual, value);
  }
}

/** Protocols of both versions of IP, by their names. */
const NUMBER_OF: Record<string, number> = {
  tcp: PROTOCOL_TCP,
  udp: PROTOCOL_UDP,
  sctp: PROTOCOL_SCTP,
  pim: PROTOCOL_PIM,
  ah: PROTOCOL_AH,
  esp: PROTOCOL_ESP,
};

/** Whether it holds at the source's place, the destination's, one or both. */
function sided(side: Side, [source, destination]: readonly [number, number], at: (offset: number) => Condition): Condition {
  if (side === "src") return at(source);
  if (side === "dst") return at(destination);
  return side === "both" ? all(at(source), at(destination)) : any(at(source), at(destination));
}

/** The words of an address: place, value and mask. */
function wordsOf({ isIpv4, bytes, prefix }: Network): [place: number, value: number, mask: number][] {
  const first = isIpv4 ? 12 : 0;
  const view = new DataView(Uint8Array.from(bytes).buffer);
  return Array.from({ length: (16 - first) / 4 }, (_, index) => {
    const at = first + 4 * index;
    const bits = Math.min(32, Math.max(0, prefix - 8 * at));
    const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
    return [at - first, view.getUint32(at), mask];
  });
}

function within(steps: [number, number][], least: number, most: number): Condition {
  if (least === most) return test(steps, OP.jumpEqual, least);
  return all(test(steps, OP.jumpAtLeast, least), not(test(steps, OP.jumpGreater, most)));
}

function lengthBetween(least: number, most: number): Condition {
  const length: [number, number][] = [[OP.loadLength, 0]];
  return least === 0 ? not(test(length, OP.jumpGreater, most)) : test(length, OP.jumpAtLeast, least);
}
