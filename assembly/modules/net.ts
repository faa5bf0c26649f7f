/**
 * What passed on the network, whatever was in it.
 *
 * Packets and bytes are added up in the flow record and come into the minute when the flow is folded: at the seal, at its
 * eviction, or when a packet of another minute comes. Rates and payload sizes are taken per packet.
 */
import { declareKeys, declareMetric, Kind } from "../aggregate/metric";
import { countAdd, distinctObserve, histogramObserve, rateObserve, topObserve } from "../aggregate/observe";
import { decimal } from "../bytes/ascii";
import { elementHash } from "../bytes/hash";
import { Conversation, Direction } from "../roundtrip/conversation";
import { FamilyLabel, Labels, TransportLabel, transportLabel } from "./labels";

const BYTES_SCALE: u32 = 0;
const HEADLINE_PRECISION: u32 = 14;
const PRECISION: u32 = 12;
const TOP_LOG2: u32 = 11;
const PORT_TOP_LOG2: u32 = 10;

/** Text of a port key under construction: "65535/other". */
const PORT_KEY: usize = memory.data(16);

export class NetMetrics {
  private static packets: u32 = 0;
  private static bytes: u32 = 0;
  private static packetRate: u32 = 0;
  private static byteRate: u32 = 0;
  private static payload: u32 = 0;
  private static addresses: u32 = 0;
  private static topAddressPackets: u32 = 0;
  private static topAddressBytes: u32 = 0;
  private static topPortPackets: u32 = 0;
  private static topPortBytes: u32 = 0;
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
    NetMetrics.topAddressPackets = declareMetric(
      112,
      Kind.TOP,
      "",
      "net_top_addresses_packets",
      "Remote addresses by packets.",
      TOP_LOG2,
      direction,
      Labels.FAMILY,
      0,
    );
    declareKeys(112, "address", 1);
    NetMetrics.topAddressBytes = declareMetric(
      113,
      Kind.TOP,
      "bytes",
      "net_top_addresses_bytes",
      "Remote addresses by bytes.",
      TOP_LOG2,
      direction,
      Labels.FAMILY,
      0,
    );
    declareKeys(113, "address", 1);
    NetMetrics.topPortPackets = declareMetric(
      114,
      Kind.TOP,
      "",
      "net_top_ports_packets",
      "Server ports by packets.",
      PORT_TOP_LOG2,
      direction,
      0,
      0,
    );
    declareKeys(114, "port");
    NetMetrics.topPortBytes = declareMetric(
      115,
      Kind.TOP,
      "bytes",
      "net_top_ports_bytes",
      "Server ports by bytes.",
      PORT_TOP_LOG2,
      direction,
      0,
      0,
    );
    declareKeys(115, "port");
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
    rateObserve(NetMetrics.packetRate + direction, 1);
    rateObserve(NetMetrics.byteRate + direction, wireBytes);
    if (payloadBytes != 0) histogramObserve(NetMetrics.payload + direction, payloadBytes, 1);
  }

  /** Counts a packet that has no flow: one without an IP header. */
  static withoutFlow(direction: u32, wireBytes: u32): void {
    const series = (direction * FamilyLabel.COUNT + FamilyLabel.OTHER) * TransportLabel.COUNT + TransportLabel.OTHER;
    countAdd(NetMetrics.packets + series, 1);
    countAdd(NetMetrics.bytes + series, wireBytes);
    NetMetrics.packet(direction, wireBytes, 0);
  }

  /** Adds what one side of a flow sent to the minute in use. */
  static fold(flow: Conversation, side: u32, packets: u64, bytes: u64): void {
    const direction = flow.directionOf(side);
    const family = flow.family == 6 ? FamilyLabel.IPV6 : FamilyLabel.IPV4;
    const series = (direction * FamilyLabel.COUNT + family) * TransportLabel.COUNT + transportLabel(flow.transport);
    countAdd(NetMetrics.packets + series, packets);
    countAdd(NetMetrics.bytes + series, bytes);
    if (direction != Direction.OUT) foldAddress(flow, side, direction, family, packets, bytes);
    if (direction != Direction.IN) foldAddress(flow, side ^ 1, direction, family, packets, bytes);
    foldConversation(flow, direction);
    if (flow.transport == 6 || flow.transport == 17) foldPort(flow, direction, packets, bytes);
  }

  static address(hash: u64, start: usize, length: u32, direction: u32, family: u32, packets: u64, bytes: u64): void {
    distinctObserve(NetMetrics.addresses + direction, hash);
    const series = direction * FamilyLabel.COUNT + family;
    topObserve(NetMetrics.topAddressPackets + series, hash, start, length, packets);
    topObserve(NetMetrics.topAddressBytes + series, hash, start, length, bytes);
  }

  static conversation(direction: u32, element: u64): void {
    distinctObserve(NetMetrics.conversations + direction, element);
  }

  static port(direction: u32, hash: u64, length: u32, packets: u64, bytes: u64): void {
    topObserve(NetMetrics.topPortPackets + direction, hash, PORT_KEY, length, packets);
    topObserve(NetMetrics.topPortBytes + direction, hash, PORT_KEY, length, bytes);
  }
}

function foldAddress(flow: Conversation, side: u32, direction: u32, family: u32, packets: u64, bytes: u64): void {
  const length: u32 = family == FamilyLabel.IPV4 ? 4 : 16;
  const start = flow.address(side) + 16 - length;
  NetMetrics.address(elementHash(start, length), start, length, direction, family, packets, bytes);
}

/** Mixes the two endpoints and the transport, the same in either order. */
function foldConversation(flow: Conversation, direction: u32): void {
  const low = flow.address0Low ^ flow.address1Low;
  const high = flow.address0High ^ flow.address1High;
  const ports = <u64>flow.port0 * <u64>flow.port1;
  store<u64>(PAIR, low);
  store<u64>(PAIR, high, 8);
  store<u64>(PAIR, flow.address0Low + flow.address1Low, 16);
  store<u32>(PAIR, <u32>ports, 24);
  store<u32>(PAIR, (<u32>flow.port0 + <u32>flow.port1) | ((<u32>flow.transport) << 24), 28);
  NetMetrics.conversation(direction, elementHash(PAIR, 32));
}

const PAIR: usize = memory.data(32);

/** The server's port: of the side that did not ask, else the lower one. */
function foldPort(flow: Conversation, direction: u32, packets: u64, bytes: u64): void {
  const lower = flow.port0 < flow.port1 ? flow.port0 : flow.port1;
  const port = flow.client < 2 ? flow.port(<u32>flow.client ^ 1) : <u32>lower;
  let end = decimal(PORT_KEY, port);
  store<u32>(end, flow.transport == 6 ? 0x7063742f : 0x7064752f);
  end += 4;
  const length = <u32>(end - PORT_KEY);
  NetMetrics.port(direction, elementHash(PORT_KEY, length), length, packets, bytes);
}
