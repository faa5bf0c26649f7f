/**
 * What passed on the network, whatever was in it.
 *
 * Packets and bytes are added up in the flow record and come into the minute when the flow is folded: at the seal, at its
 * eviction, or when a packet of another minute comes. Rates and payload sizes are taken per packet.
 */
import { declareMetric, Kind } from "../aggregate/metric";
import { Minute } from "../aggregate/minute";
import { countAdd, distinctObserve, histogramObserve, ratePlace } from "../aggregate/observe";
import { declareTop, TopGroup, Tops } from "../aggregate/tops";
import { packDecimal, packedLength } from "../bytes/ascii";
import { elementHash } from "../bytes/hash";
import { Conversation, Direction } from "../roundtrip/conversation";
import { FamilyLabel, Labels, TransportLabel, transportLabel } from "./labels";

const BYTES_SCALE: u32 = 0;
const HEADLINE_PRECISION: u32 = 14;
const PRECISION: u32 = 12;
const TOP_LOG2: u32 = 11;
const PORT_TOP_LOG2: u32 = 10;
/** Columns of both groups of tops. */
const PACKETS: u32 = 0;
const BYTES: u32 = 1;

/** Where the rates of each direction count: {Minute.turns u32, packets u32, bytes u32, 0}. */
const RATES: usize = memory.data(48, 4);
/** Text of a port key under construction: "65535/other". */
const PORT_KEY: usize = memory.data(16, 16);

/** Adds `n` to the u64 at `place`; 0 is the place of what found no room. */
function addAt(place: usize, n: u64): void {
  if (place == 0) Minute.refused += 1;
  else store<u64>(place, load<u64>(place) + n);
}

export class NetMetrics {
  private static packets: u32 = 0;
  private static bytes: u32 = 0;
  private static packetRate: u32 = 0;
  private static byteRate: u32 = 0;
  private static payload: u32 = 0;
  private static addresses: u32 = 0;
  private static topAddresses: TopGroup = changetype<TopGroup>(0);
  private static topPorts: TopGroup = changetype<TopGroup>(0);
  private static conversations: u32 = 0;

  static declare(): void {
    const direction = Labels.DIRECTION;
    NetMetrics.packets = declareMetric(
      100,
      Kind.COUNTER,
      "",
      "net_packets_total",
      "Packets.",
      0,
      direction,
      Labels.FAMILY,
      Labels.TRANSPORT,
    );
    NetMetrics.bytes = declareMetric(
      101,
      Kind.COUNTER,
      "bytes",
      "net_bytes_total",
      "Bytes on the wire.",
      0,
      direction,
      Labels.FAMILY,
      Labels.TRANSPORT,
    );
    NetMetrics.packetRate = declareMetric(
      102,
      Kind.RATE,
      "",
      "net_packets_per_second",
      "Packets in each second.",
      BYTES_SCALE,
      direction,
      0,
      0,
    );
    NetMetrics.byteRate = declareMetric(
      103,
      Kind.RATE,
      "bytes",
      "net_bytes_per_second",
      "Bytes on the wire in each second.",
      BYTES_SCALE,
      direction,
      0,
      0,
    );
    NetMetrics.payload = declareMetric(
      104,
      Kind.HISTOGRAM,
      "bytes",
      "net_payload_bytes",
      "Transport payload of packets that carry one.",
      BYTES_SCALE,
      direction,
      0,
      0,
    );
    NetMetrics.declareOfFlows(direction);
  }

  private static declareOfFlows(direction: u32): void {
    NetMetrics.addresses = declareMetric(
      111,
      Kind.DISTINCT,
      "",
      "net_addresses",
      "Distinct remote addresses; both where no side is ours.",
      HEADLINE_PRECISION,
      direction,
      0,
      0,
    );
    const addresses = Tops.group(TOP_LOG2);
    const ports = Tops.group(PORT_TOP_LOG2);
    NetMetrics.topAddresses = addresses;
    NetMetrics.topPorts = ports;
    declareTop(
      addresses,
      112,
      "",
      "net_top_addresses_packets",
      "Remote addresses by packets.",
      "address",
      true,
      direction,
      Labels.FAMILY,
      TOP_LOG2,
    );
    declareTop(
      addresses,
      113,
      "bytes",
      "net_top_addresses_bytes",
      "Remote addresses by bytes.",
      "address",
      true,
      direction,
      Labels.FAMILY,
      TOP_LOG2,
    );
    declareTop(ports, 114, "", "net_top_ports_packets", "Server ports by packets.", "port", false, direction, 0, PORT_TOP_LOG2);
    declareTop(ports, 115, "bytes", "net_top_ports_bytes", "Server ports by bytes.", "port", false, direction, 0, PORT_TOP_LOG2);
    NetMetrics.conversations = declareMetric(
      116,
      Kind.DISTINCT,
      "",
      "net_conversations",
      "Distinct pairs of endpoints.",
      PRECISION,
      direction,
      0,
      0,
    );
  }

  /** Takes what is told packet by packet. */
  static packet(direction: u32, wireBytes: u32, payloadBytes: u32): void {
    const rates = RATES + ((<usize>direction) << 4);
    if (load<u32>(rates) != Minute.turns) NetMetrics.openRates(rates, direction);
    addAt(load<u32>(rates, 4), 1);
    addAt(load<u32>(rates, 8), wireBytes);
    if (payloadBytes != 0) histogramObserve(NetMetrics.payload + direction, payloadBytes, 1);
  }

  /** Looks up where the rates of a direction count in the second in use. */
  private static openRates(rates: usize, direction: u32): void {
    store<u32>(rates, Minute.turns);
    store<u32>(rates, <u32>ratePlace(NetMetrics.packetRate + direction), 4);
    store<u32>(rates, <u32>ratePlace(NetMetrics.byteRate + direction), 8);
  }

  /** Counts a packet that has no flow: one without an IP header. */
  static withoutFlow(direction: u32, wireBytes: u32): void {
    const series = (direction * FamilyLabel.COUNT + FamilyLabel.OTHER) * TransportLabel.COUNT + TransportLabel.OTHER;
    countAdd(NetMetrics.packets + series, 1);
    countAdd(NetMetrics.bytes + series, wireBytes);
    NetMetrics.packet(direction, wireBytes, 0);
  }

  /** Adds what a flow did since it was last folded to the minute in use; side 0 sent the first, side 1 the second figures. */
  static fold(flow: Conversation, packets0: u64, bytes0: u64, packets1: u64, bytes1: u64): void {
    const family = flow.family == 6 ? FamilyLabel.IPV6 : FamilyLabel.IPV4;
    count(flow, flow.direction0, family, packets0, bytes0);
    count(flow, flow.direction1, family, packets1, bytes1);
    Shares.packets0 = packets0;
    Shares.packets1 = packets1;
    Shares.bytes0 = bytes0;
    Shares.bytes1 = bytes1;
    foldAddress(flow, 0, family);
    foldAddress(flow, 1, family);
    foldConversation(flow);
    if (flow.transport == 6 || flow.transport == 17) foldPort(flow);
  }

  /** Counts what went one way. */
  static count(series: u32, packets: u64, bytes: u64): void {
    countAdd(NetMetrics.packets + series, packets);
    countAdd(NetMetrics.bytes + series, bytes);
  }

  static address(hash: u64, start: usize, length: u32, direction: u32, family: u32, packets: u64, bytes: u64): void {
    if (packets == 0) return;
    distinctObserve(NetMetrics.addresses + direction, hash);
    Tops.key(NetMetrics.topAddresses, direction * FamilyLabel.COUNT + family, hash, start, length);
    Tops.add(PACKETS, packets);
    Tops.add(BYTES, bytes);
  }

  static conversation(direction: u32, element: u64): void {
    distinctObserve(NetMetrics.conversations + direction, element);
  }

  static port(direction: u32, hash: u64, length: u32, packets: u64, bytes: u64): void {
    if (packets == 0) return;
    Tops.key(NetMetrics.topPorts, direction, hash, PORT_KEY, length);
    Tops.add(PACKETS, packets);
    Tops.add(BYTES, bytes);
  }
}

/** What each side of the flow in hand sent. */
class Shares {
  static packets0: u64 = 0;
  static packets1: u64 = 0;
  static bytes0: u64 = 0;
  static bytes1: u64 = 0;
}

function count(flow: Conversation, direction: u32, family: u32, packets: u64, bytes: u64): void {
  if (packets == 0) return;
  const series = (direction * FamilyLabel.COUNT + family) * TransportLabel.COUNT + transportLabel(flow.transport);
  NetMetrics.count(series, packets, bytes);
}

/**
 * Adds the address of `side` where it is remote: as the sender of what came in, the receiver of what went out, and both where
 * no side is ours.
 */
function foldAddress(flow: Conversation, side: u32, family: u32): void {
  const sends = flow.directionOf(side);
  const receives = flow.directionOf(side ^ 1);
  const asSender = sends != Direction.OUT;
  const asReceiver = receives != Direction.IN;
  if (!asSender && !asReceiver) return;
  const length = flow.addressLength;
  const start = flow.addressStart(side);
  const hash = flow.element(side);
  const sentPackets = side == 0 ? Shares.packets0 : Shares.packets1;
  const sentBytes = side == 0 ? Shares.bytes0 : Shares.bytes1;
  const gotPackets = side == 0 ? Shares.packets1 : Shares.packets0;
  const gotBytes = side == 0 ? Shares.bytes1 : Shares.bytes0;
  if (asSender && asReceiver && sends == receives) {
    NetMetrics.address(hash, start, length, sends, family, sentPackets + gotPackets, sentBytes + gotBytes);
    return;
  }
  if (asSender) NetMetrics.address(hash, start, length, sends, family, sentPackets, sentBytes);
  if (asReceiver) NetMetrics.address(hash, start, length, receives, family, gotPackets, gotBytes);
}

/** Mixes the two endpoints and the transport, the same in either order. */
function foldConversation(flow: Conversation): void {
  const ports = <u64>flow.port0 * <u64>flow.port1;
  store<u64>(PAIR, flow.address0Low ^ flow.address1Low);
  store<u64>(PAIR, flow.address0High ^ flow.address1High, 8);
  store<u64>(PAIR, flow.address0Low + flow.address1Low, 16);
  store<u32>(PAIR, <u32>ports, 24);
  store<u32>(PAIR, (<u32>flow.port0 + <u32>flow.port1) | ((<u32>flow.transport) << 24), 28);
  const element = elementHash(PAIR, 32);
  const same = flow.direction0 == flow.direction1;
  if (Shares.packets0 != 0 || same) NetMetrics.conversation(flow.direction0, element);
  if (Shares.packets1 != 0 && !same) NetMetrics.conversation(flow.direction1, element);
}

const PAIR: usize = memory.data(32);

/** The server's port: of the side that did not ask, else the lower one. */
function foldPort(flow: Conversation): void {
  const lower = flow.port0 < flow.port1 ? flow.port0 : flow.port1;
  const port = flow.client < 2 ? flow.port(<u32>flow.client ^ 1) : <u32>lower;
  if (PortKey.port != port || PortKey.transport != <u32>flow.transport) writePortKey(port, flow.transport);
  const hash = PortKey.hash;
  const length = PortKey.length;
  if (flow.direction0 == flow.direction1) {
    NetMetrics.port(flow.direction0, hash, length, Shares.packets0 + Shares.packets1, Shares.bytes0 + Shares.bytes1);
    return;
  }
  NetMetrics.port(flow.direction0, hash, length, Shares.packets0, Shares.bytes0);
  NetMetrics.port(flow.direction1, hash, length, Shares.packets1, Shares.bytes1);
}

/** The port whose key was written last: flows of one server come close together. */
class PortKey {
  static port: u32 = u32.MAX_VALUE;
  static transport: u32 = 0;
  static length: u32 = 0;
  static hash: u64 = 0;
}

function writePortKey(port: u32, transport: u32): void {
  const digits = packDecimal(port);
  const bytes = packedLength(digits);
  // "/tcp" or "/udp" behind the digits, all in one store.
  const suffix: u64 = transport == 6 ? 0x7063742f : 0x7064752f;
  const low = bytes < 8 ? digits | (suffix << (bytes << 3)) : digits;
  const high = bytes > 4 ? suffix >> ((8 - bytes) << 3) : 0;
  v128.store(PORT_KEY, i64x2.replace_lane(i64x2.replace_lane(i64x2.splat(0), 0, low), 1, high));
  PortKey.port = port;
  PortKey.transport = transport;
  PortKey.length = bytes + 4;
  PortKey.hash = elementHash(PORT_KEY, PortKey.length);
}
