/**
 * Counters of the packet path: one dense table of u64, so that a count is one load and one store.
 *
 * ```
 * start | Count ... | Malformed ... | Undecoded ...
 * ```
 * Malformed: bytes that break their format. Undecoded: bytes that may be right but are not read further, by layer. A packet
 * that the snap length cut inside a header is undecoded, not malformed. Names are those of the metrics' labels: append only.
 */

/** What is counted of packets that are well. */
export enum Count {
  PACKETS,
  WIRE_BYTES,
  CAPTURED_BYTES,
  /** Packets that the snap length cut. */
  TRUNCATED,
  IPV4,
  IPV6,
  TCP,
  UDP,
  ICMP,
  ICMPV6,
  SCTP,
  /** Packets with an IP header and another transport, or none that can be read. */
  OTHER_TRANSPORT,
  /** Packets without an IP header that can be read. */
  OTHER_NETWORK,
  /** Tunnel headers opened. */
  TUNNELS,
  /** IP fragments. */
  FRAGMENTS,
  /** Datagrams joined from fragments. */
  JOINED,
  /** Fragments that brought nothing new. */
  FRAGMENT_DUPLICATES,
  /** Transport checksums verified. */
  CHECKSUMS,
  /** Transport checksums left to the network card: zero, or the sum of the pseudo header only. */
  CHECKSUMS_OFFLOADED,
  /** pcapng blocks that hold no packet and are not read. */
  BLOCKS_SKIPPED,
  /** Files, pcapng sections and live inputs opened. */
  SECTIONS,
  /** Packets that the capture dropped: as pcapng's interface statistics say, or live the kernel. */
  DROPPED,
  /** Minutes that an earlier run had open when it was killed, as its host found. */
  LOST_MINUTES,
  /** Packets of conversations that a sample leaves out, and their bytes on the wire. */
  SAMPLED_OUT,
  SAMPLED_OUT_BYTES,
  LENGTH,
}

/** Why bytes are malformed. */
export enum Malformed {
  /** A file whose first bytes are of no known format. */
  FILE_FORMAT,
  /** A record or block length that cannot be; the rest of the file is not read. */
  FILE_BROKEN,
  /** The file ends inside a record. */
  RECORD_CUT,
  /** A record longer than the input holds: counted in full, decoded as far as it fits. */
  RECORD_OVERSIZE,
  /** A pcapng block whose fields do not fit in it. */
  BLOCK_LENGTH,
  /** A pcapng packet of an interface that was not described. */
  INTERFACE_UNKNOWN,
  LINK_SHORT,
  LLC_LENGTH,
  PPPOE_HEADER,
  IP_VERSION,
  IP_SHORT,
  IPV4_HEADER_LENGTH,
  IPV4_TOTAL_LENGTH,
  IPV4_CHECKSUM,
  IPV6_PAYLOAD_LENGTH,
  IPV6_EXTENSION,
  FRAGMENT_LENGTH,
  FRAGMENT_OVERLAP,
  GRE_HEADER,
  ETHERIP_HEADER,
  TRANSPORT_SHORT,
  TCP_DATA_OFFSET,
  TCP_CHECKSUM,
  UDP_LENGTH,
  UDP_CHECKSUM,
  ICMP_CHECKSUM,
  LENGTH,
}

/** Names of Malformed, in its order. */
export const MALFORMED_NAMES: string =
  "file_format,file_broken,record_cut,record_oversize,block_length,interface_unknown,link_short,llc_length,pppoe_header," +
  "ip_version,ip_short,ipv4_header_length,ipv4_total_length,ipv4_checksum,ipv6_payload_length,ipv6_extension," +
  "fragment_length,fragment_overlap,gre_header,etherip_header,transport_short,tcp_data_offset,tcp_checksum,udp_length," +
  "udp_checksum,icmp_checksum";

/** Layers at which decoding ends without a transport. */
export enum Undecoded {
  LINK_TYPE,
  LINK_CUT,
  ARP,
  LLDP,
  EAPOL,
  PPPOE_DISCOVERY,
  ETHERTYPE,
  LLC,
  SNAP,
  LINUX_COOKED,
  LOOPBACK_FAMILY,
  PPP_CONTROL,
  PPP_PROTOCOL,
  MPLS,
  LAYERS,
  IP_CUT,
  IPV6_EXTENSIONS,
  IPV6_NO_NEXT,
  FRAGMENT_CUT,
  FRAGMENT_NESTED,
  FRAGMENT_INCOMPLETE,
  FRAGMENT_MEMORY,
  FRAGMENT_DROPPED,
  GRE_VERSION,
  GRE_PROTOCOL,
  TUNNEL_DEPTH,
  ESP,
  AH,
  IGMP,
  OSPF,
  IP_PROTOCOL,
  TRANSPORT_CUT,
  /** A pcapng packet of an interface beyond those that are kept of a section. */
  INTERFACE_LIMIT,
  LENGTH,
}

/** Names of Undecoded, in its order. */
export const UNDECODED_NAMES: string =
  "link_type,link_cut,arp,lldp,eapol,pppoe_discovery,ethertype,llc,snap,linux_cooked,loopback_family,ppp_control,ppp_protocol," +
  "mpls,layers,ip_cut,ipv6_extensions,ipv6_no_next,fragment_cut,fragment_nested,fragment_incomplete,fragment_memory,fragment_dropped," +
  "gre_version,gre_protocol,tunnel_depth,esp,ah,igmp,ospf,ip_protocol,transport_cut,interface_limit";

const MALFORMED_FIRST: u32 = Count.LENGTH;
const UNDECODED_FIRST: u32 = MALFORMED_FIRST + Malformed.LENGTH;
/** Counters in the table. */
export const TALLY_LENGTH: u32 = UNDECODED_FIRST + Undecoded.LENGTH;

export class Tally {
  /** Address of the table. */
  static readonly start: usize = memory.data(1024, 8);

  /** Adds `n` to a Count. */
  @inline static add(count: u32, n: u64): void {
    const p = Tally.start + ((<usize>count) << 3);
    store<u64>(p, load<u64>(p) + n);
  }

  /** Adds `n` to a Malformed. */
  @inline static malformed(reason: u32, n: u64 = 1): void {
    Tally.add(MALFORMED_FIRST + reason, n);
  }

  /** Adds `n` to an Undecoded. */
  @inline static undecoded(layer: u32, n: u64 = 1): void {
    Tally.add(UNDECODED_FIRST + layer, n);
  }

  /** The value of a Count. */
  static count(count: u32): u64 {
    return load<u64>(Tally.start + ((<usize>count) << 3));
  }

  /** The value of a Malformed. */
  static malformedCount(reason: u32): u64 {
    return Tally.count(MALFORMED_FIRST + reason);
  }

  /** The value of an Undecoded. */
  static undecodedCount(layer: u32): u64 {
    return Tally.count(UNDECODED_FIRST + layer);
  }

  /** Sets every counter to zero. */
  static reset(): void {
    assert(TALLY_LENGTH <= 128);
    memory.fill(Tally.start, 0, TALLY_LENGTH << 3);
  }
}
