/** What an IP packet carries, by its protocol number (IANA, Assigned Internet Protocol Numbers). */
import { u8At } from "../bytes/reader";
import { Packet } from "../capture/packet";
import { Undecoded } from "../capture/tally";
import { Tunnel, throughTunnel } from "./encapsulation";
import { icmp, icmpv6 } from "./icmp";
import { otherTransport, transportShort, withoutTransport } from "./other";
import { sctp } from "./sctp";
import { tcp } from "./tcp";
import { udp } from "./udp";

enum Protocol {
  ICMP = 1,
  IGMP = 2,
  IPV4 = 4,
  TCP = 6,
  UDP = 17,
  IPV6 = 41,
  GRE = 47,
  ESP = 50,
  AH = 51,
  ICMPV6 = 58,
  OSPF = 89,
  ETHERIP = 97,
  SCTP = 132,
  MPLS = 137,
}

const AH_LENGTH: usize = 1;
const AH_BYTES_MIN: u32 = 8;

/** Reads the transport at `p`; the packet is handed on in any case, and the answer is always true. */
export function transport(protocol: u32, p: usize, end: usize, missing: u32): bool {
  Packet.transportStart = p;
  Packet.transportEnd = end;
  Packet.transportLength = <u32>(end - p) + missing;
  if (protocol == Protocol.TCP) return tcp(p, end, missing);
  if (protocol == Protocol.UDP) return udp(p, end, missing);
  return transportOther(protocol, p, end, missing);
}

function transportOther(protocol: u32, p: usize, end: usize, missing: u32): bool {
  switch (protocol) {
    case Protocol.ICMP:
      return icmp(p, end, missing);
    case Protocol.ICMPV6:
      return icmpv6(p, end, missing);
    case Protocol.SCTP:
      return sctp(p, end, missing);
    case Protocol.GRE:
      return throughTunnel(Tunnel.GRE, p, end, missing) || withoutTransport(p, end, missing);
    case Protocol.IPV4:
      return throughTunnel(Tunnel.IPV4, p, end, missing) || withoutTransport(p, end, missing);
    case Protocol.IPV6:
      return throughTunnel(Tunnel.IPV6, p, end, missing) || withoutTransport(p, end, missing);
    case Protocol.ETHERIP:
      return throughTunnel(Tunnel.ETHERIP, p, end, missing) || withoutTransport(p, end, missing);
    case Protocol.MPLS:
      return throughTunnel(Tunnel.MPLS, p, end, missing) || withoutTransport(p, end, missing);
    case Protocol.AH:
      return authentication(p, end, missing);
    case Protocol.ESP:
      return otherTransport(Undecoded.ESP, p, end, missing);
    case Protocol.IGMP:
      return otherTransport(Undecoded.IGMP, p, end, missing);
    case Protocol.OSPF:
      return otherTransport(Undecoded.OSPF, p, end, missing);
    default:
      return otherTransport(Undecoded.IP_PROTOCOL, p, end, missing);
  }
}

/** Steps over IPv4's authentication header (RFC 4302); a second one is not looked behind. */
function authentication(p: usize, end: usize, missing: u32): bool {
  if (p + AH_BYTES_MIN > end) return transportShort(p, end, missing);
  const next = u8At(p);
  const bytes = (u8At(p + AH_LENGTH) + 2) << 2;
  if (p + bytes > end) return transportShort(p, end, missing);
  if (next == Protocol.AH) return otherTransport(Undecoded.AH, p, end, missing);
  Packet.protocol = next;
  return transport(next, p + bytes, end, missing);
}
