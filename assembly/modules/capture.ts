/**
 * What the capture brought and what became of it: the counts of the packet path, put into the minute that they belong to.
 */

import { declareLabel } from "../aggregate/label";
import { declareMetric, Kind } from "../aggregate/metric";
import { Minute } from "../aggregate/minute";
import { countAdd, gaugeSet } from "../aggregate/observe";
import { takeThresholds } from "../aggregate/previous";
import { Count, MALFORMED_NAMES, Malformed, Tally, UNDECODED_NAMES, Undecoded } from "../capture/tally";
import { Asked, OWNER_REASON_COUNT, OWNER_REASONS } from "../roundtrip/ask-owner";
import { observeOpenRequests } from "../roundtrip/open-requests";
import { Pending } from "../roundtrip/pending";
import { FlowTable } from "../stream/table";
import { StreamTally } from "../stream/tally";
import { Labels } from "./labels";

const COUNTS: u32 = Count.LENGTH;

/** Values of the counts when they were last put into a minute. */
const TAKEN: usize = memory.data(8 * 160);

class Capture {
  /** Series of the first count of each table. */
  static counts: u32 = 0;
  static malformed: u32 = 0;
  static undecoded: u32 = 0;
  static streams: u32 = 0;
  static refused: u32 = 0;
  static others: u32 = 0;
  static openFlows: u32 = 0;
  static pendingRequests: u32 = 0;
  static ownersAsked: u32 = 0;
  static ownersUnknown: u32 = 0;
  /** The minute that what was counted since belongs to. */
  static minute: u32 = 0;
}

function counter(id: u32, unit: string, name: string, help: string): u32 {
  return declareMetric(id, Kind.COUNTER, unit, name, help, 0, 0, 0, 0);
}

function gauge(id: u32, name: string, help: string): u32 {
  return declareMetric(id, Kind.GAUGE, "", name, help, 0, 0, 0, 0);
}

/** Declares the metrics of module `capture`; those of the table of counts in its order. */
export function declareCapture(): void {
  declareLabel(Labels.MALFORMED, "reason", MALFORMED_NAMES);
  declareLabel(Labels.REFUSED, "limit", "stream_memory,part_length,sketch_memory");
  declareLabel(Labels.UNDECODED, "layer", UNDECODED_NAMES);
  declareLabel(Labels.OWNER, "reason", OWNER_REASONS);
  Capture.counts = counter(1, "", "capture_packets_total", "Packet records.");
  counter(2, "bytes", "capture_wire_bytes_total", "Bytes of the packets on the wire.");
  counter(3, "bytes", "capture_captured_bytes_total", "Bytes of the packets that were captured.");
  counter(4, "", "capture_truncated_packets_total", "Packets that the snap length cut.");
  counter(5, "", "capture_ipv4_packets_total", "Packets with an IPv4 header.");
  counter(6, "", "capture_ipv6_packets_total", "Packets with an IPv6 header.");
  counter(7, "", "capture_tcp_packets_total", "TCP segments.");
  counter(8, "", "capture_udp_packets_total", "UDP datagrams.");
  counter(9, "", "capture_icmp_packets_total", "ICMP packets.");
  counter(10, "", "capture_icmpv6_packets_total", "ICMPv6 packets.");
  counter(11, "", "capture_sctp_packets_total", "SCTP packets.");
  counter(12, "", "capture_other_transport_packets_total", "IP packets with another transport, or none that can be read.");
  counter(13, "", "capture_other_network_packets_total", "Packets without an IP header that can be read.");
  counter(14, "", "capture_tunnels_total", "Tunnel headers opened.");
  counter(15, "", "capture_fragments_total", "IP fragments.");
  counter(16, "", "capture_joined_datagrams_total", "Datagrams joined from fragments.");
  counter(17, "", "capture_duplicate_fragments_total", "Fragments that brought nothing new.");
  counter(18, "", "capture_checksums_total", "Transport checksums verified.");
  counter(19, "", "capture_offloaded_checksums_total", "Transport checksums left to the network card.");
  counter(20, "", "capture_skipped_blocks_total", "pcapng blocks that hold no packet and are not read.");
  counter(21, "", "capture_sections_total", "Files, pcapng sections and live inputs opened.");
  counter(22, "", "capture_dropped_packets_total", "Packets that the capture reports as dropped.");
  counter(
    23,
    "",
    "capture_lost_minutes_total",
    "Minutes that an agent had open when it was killed, and of which what it had seen is lost, as its next start found them.",
  );
  counter(24, "", "capture_sampled_out_packets_total", "Packets of conversations that were left out to keep a ceiling of CPU.");
  counter(25, "bytes", "capture_sampled_out_bytes_total", "Bytes on the wire of these packets.");
  Capture.malformed = declareMetric(
    30,
    Kind.COUNTER,
    "",
    "capture_malformed_total",
    "Bytes that break their format, by reason.",
    0,
    Labels.MALFORMED,
    0,
    0,
  );
  Capture.undecoded = declareMetric(
    31,
    Kind.COUNTER,
    "",
    "capture_undecoded_total",
    "Packets not read further, by layer.",
    0,
    Labels.UNDECODED,
    0,
    0,
  );
  Capture.streams = counter(32, "", "capture_gaps_total", "Holes in TCP streams that were given up.");
  counter(33, "bytes", "capture_gap_bytes_total", "Bytes missing in TCP streams.");
  Capture.refused = declareMetric(
    34,
    Kind.COUNTER,
    "",
    "capture_refused_total",
    "Things that a limit kept out, by limit.",
    0,
    Labels.REFUSED,
    0,
    0,
  );
  Capture.others = counter(36, "", "capture_duplicates_total", "Messages that the capture itself saw twice.");
  counter(37, "", "capture_evicted_flows_total", "Flows that made room for others.");
  Capture.openFlows = gauge(39, "capture_open_flows", "Flows in the table.");
  Capture.pendingRequests = gauge(40, "capture_pending_requests", "Requests that wait for their response.");
  const asked = "Ends of connections that are this host's, of which it was asked whose they are.";
  Capture.ownersAsked = counter(41, "", "capture_owners_asked_total", asked);
  const unknown = "Those of them whose process is not known, by reason.";
  Capture.ownersUnknown = declareMetric(42, Kind.COUNTER, "", "capture_owners_unknown_total", unknown, 0, Labels.OWNER, 0, 0);
}

/** Forgets what was counted, for a new run. */
export function openCapture(): void {
  memory.fill(TAKEN, 0, 8 * 160);
  StreamTally.reset();
  Asked.reset();
  Capture.minute = 0;
}

/** When another minute comes into use: puts what was counted into its own, and takes from that what is slow from here on. */
export function captureTurn(): void {
  if (Capture.minute == Minute.number) return;
  if (Capture.minute != 0) {
    const timeNs = Minute.timeNs;
    Minute.useMinute(Capture.minute);
    captureFold();
    takeThresholds();
    Minute.use(timeNs);
  }
  Capture.minute = Minute.number;
}

/** Whether something was counted that no minute has: a file of no known format brings no packet and so no time. */
export function captureWaits(): bool {
  let slot = TAKEN;
  for (let i: u32 = 0; i < COUNTS; i++, slot += 8) if (load<u64>(slot) != Tally.count(i)) return true;
  for (let i: u32 = 0; i < <u32>Malformed.LENGTH; i++, slot += 8) if (load<u64>(slot) != Tally.malformedCount(i)) return true;
  return false;
}

/** Before `minute` is sealed: puts what was counted since into it, where it belongs there. */
export function captureSeal(minute: u32): void {
  if (Capture.minute != minute) return;
  captureFold();
  // Nothing is left of it that would have to be put into it once more, as a supplement.
  Capture.minute = 0;
}

/** Puts what was counted since the last call into the minute in use. */
function captureFold(): void {
  let slot: u32 = 0;
  Minute.lost(since(Count.DROPPED, Tally.count(Count.DROPPED)), malformedSince());
  for (let i: u32 = 0; i < COUNTS; i++) slot = take(slot, Capture.counts + i, Tally.count(i));
  for (let i: u32 = 0; i < <u32>Malformed.LENGTH; i++) slot = take(slot, Capture.malformed + i, Tally.malformedCount(i));
  for (let i: u32 = 0; i < <u32>Undecoded.LENGTH; i++) slot = take(slot, Capture.undecoded + i, Tally.undecodedCount(i));
  slot = take(slot, Capture.streams, StreamTally.gaps);
  slot = take(slot, Capture.streams + 1, StreamTally.gapBytes);
  slot = take(slot, Capture.refused, StreamTally.memory);
  slot = take(slot, Capture.refused + 1, StreamTally.tooLong);
  slot = take(slot, Capture.refused + 2, Minute.refused);
  slot = take(slot, Capture.others, StreamTally.duplicates);
  slot = take(slot, Capture.others + 1, FlowTable.evicted);
  slot = take(slot, Capture.ownersAsked, Asked.count);
  for (let i: u32 = 0; i < OWNER_REASON_COUNT; i++) slot = take(slot, Capture.ownersUnknown + i, Asked.unknown(i));
  assert(slot <= 160);
  gaugeSet(Capture.openFlows, FlowTable.count);
  gaugeSet(Capture.pendingRequests, Pending.count);
  observeOpenRequests();
}

/** Malformed bytes of every reason since the last fold. */
function malformedSince(): u64 {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < <u32>Malformed.LENGTH; i++) sum += since(COUNTS + i, Tally.malformedCount(i));
  return sum;
}

function since(slot: u32, value: u64): u64 {
  return value - load<u64>(TAKEN + (slot << 3));
}

function take(slot: u32, series: u32, value: u64): u32 {
  const at = TAKEN + (slot << 3);
  const before = load<u64>(at);
  if (value != before) {
    countAdd(series, value - before);
    store<u64>(at, value);
  }
  return slot + 1;
}
