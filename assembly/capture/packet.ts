/**
 * The packet in hand. The capture room fills the first part, the decoders the rest; the hooks of `transport/deliver.ts` read
 * it, and it holds until the next packet.
 *
 * Each packet record leads to exactly one hook: `onTcp`, `onUdp`, or `onOther` for everything else, so that a count made there
 * is a count of packets. Where a tunnel was opened the fields are those of the innermost IP packet that could be read.
 *
 * ```
 * start                networkStart    transportStart   payloadStart       end
 *   | link, tunnels ...  | IP header ... | TCP or UDP ... | payload ... cut  |  (by the snap length)
 *                        |               |<- transportLength by the IP header, trailing padding taken off ->
 *                                                         |<- payloadLength ->, of which payloadCaptured lie here
 * ```
 */
import { NO_TIME } from "../bytes/stamp";

/** Where a packet goes, as far as the capture says so. */
export enum Direction {
  UNKNOWN = 0,
  IN = 1,
  OUT = 2,
}

/** What part of an IP datagram the packet is. */
export enum Fragment {
  /** The packet is a whole datagram. */
  NONE = 0,
  /** A fragment: held until its datagram is whole, or of no use; there is no transport header. */
  PART = 1,
  /** A first fragment whose rest cannot be joined because the capture cut it: decoded like a cut packet. */
  FIRST = 2,
  /** The last fragment to come: transport and payload are those of the whole datagram, joined elsewhere in memory. */
  JOINED = 3,
}

/** Largest packet time, 2^63 - 1 ns: what a capture claims beyond is clamped, so that signed arithmetic on times is safe. */
export const TIME_NS_MAX: u64 = 0x7fffffffffffffff;

/** Room for the two addresses. */
const ADDRESSES: usize = memory.data(32, 16);

export class Packet {
  /** Records seen, this one included. */
  static number: u64 = 0;
  /** Nanoseconds since the epoch, at most TIME_NS_MAX; the clock's where the record has no time. */
  static timeNs: u64 = 0;
  /** Whether the record says when it was captured. */
  static isTimed: bool = false;
  /** First captured byte. */
  static start: usize = 0;
  /** One past the last captured byte. */
  static end: usize = 0;
  /** Bytes on the wire. */
  static wireBytes: u32 = 0;
  /** Link type (LINKTYPE_ number) of the record. */
  static linkType: u32 = 0;
  /** Input that the record came from. */
  static input: u32 = 0;
  /** Interface number in its pcapng section, or 0. */
  static interfaceId: u32 = 0;
  /** Number of the interface's name (interface-names.ts), 0 where none is known. */
  static interfaceName: u32 = 0;
  /** Whether the host asks where packets were seen, and the source may show them on several interfaces. */
  static isSeveral: bool = false;
  /** A Direction: what pcapng flags or the cooked header say. */
  static direction: u32 = 0;

  /** Tunnels opened so far. */
  static depth: u32 = 0;
  /** Headers gone through that may nest without end; bounded by LAYERS_MAX. */
  static layers: u32 = 0;
  /** Outermost VLAN identifier plus one, 0 without a tag. */
  static vlan: u32 = 0;
  /** 4, 6, or 0 where no IP header could be read; then nothing below holds but the ports, which are 0. */
  static ipVersion: u32 = 0;
  /** First byte of the innermost IP header. After a join it lies outside the window: do not read it then. */
  static networkStart: usize = 0;
  /** Address of the 16 bytes of the source; an IPv4 address is `::ffff:a.b.c.d`. */
  static readonly source: usize = ADDRESSES;
  /** Address of the 16 bytes of the destination. */
  static readonly destination: usize = ADDRESSES + 16;
  /** IP protocol number of the transport, after all extension headers. */
  static protocol: u32 = 0;
  /** IPv4 identification, or that of the IPv6 fragment header, else 0. */
  static ipId: u32 = 0;
  /** Time to live or hop limit. */
  static hopLimit: u32 = 0;
  /** A Fragment. */
  static fragment: u32 = 0;
  /** Whether a checksum that was verified is wrong (IPv4 header, TCP, UDP, ICMP). */
  static checksumBad: bool = false;

  /** First byte of the transport header. */
  static transportStart: usize = 0;
  /** One past the last captured byte of the transport segment, padding taken off. */
  static transportEnd: usize = 0;
  /** Bytes of transport header and payload on the wire, by the IP header. */
  static transportLength: u32 = 0;
  /** First byte of the payload. */
  static payloadStart: usize = 0;
  /** Bytes of payload on the wire; more than `payloadCaptured` where the capture cut the packet. */
  static payloadLength: u32 = 0;
  /** Bytes of payload at `payloadStart`. */
  static payloadCaptured: u32 = 0;
  /** Source port, 0 where there is none. */
  static sourcePort: u32 = 0;
  /** Destination port, 0 where there is none. */
  static destinationPort: u32 = 0;
  /** TCP's sequence number. */
  static tcpSequence: u32 = 0;
  /** TCP's acknowledgment number. */
  static tcpAcknowledgment: u32 = 0;
  /** TCP's flags as on the wire: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32. */
  static tcpFlags: u32 = 0;
  /** TCP's window, not scaled. */
  static tcpWindow: u32 = 0;

  /** Set by a hook whose output is full: the walk stops after this packet and takes nothing until this is false again. */
  static stop: bool = false;

  /** When the packet came, as a stamp (bytes/stamp.ts). */
  @inline static get stampNs(): u64 {
    return Packet.isTimed ? Packet.timeNs : Packet.timeNs | NO_TIME;
  }

  /** Captured bytes. */
  @inline static get capturedBytes(): u32 {
    return <u32>(Packet.end - Packet.start);
  }

  /** Whether the capture cut the packet. */
  @inline static get truncated(): bool {
    return Packet.capturedBytes < Packet.wireBytes;
  }
}
