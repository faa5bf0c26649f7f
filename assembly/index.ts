/** The ABI: all that the core exports. Addresses and lengths are bytes in its memory. */
import { BreakdownLabels } from "./aggregate/breakdown-labels";
import { Minute, minuteAdvance } from "./aggregate/minute";
import { resetNumberTops } from "./aggregate/number-tops";
import { resetSlow } from "./aggregate/previous";
import { schemaEncode } from "./aggregate/schema";
import { Tops } from "./aggregate/tops";
import { raw } from "./bytes/json";
import { Writer } from "./bytes/writer";
import { inputEnd, inputFeed, inputOpen, inputsCreate } from "./capture/input";
import { InterfaceNames } from "./capture/interface-names";
import { Packet } from "./capture/packet";
import { PacketFilter, ProgramPut } from "./capture/packet-filter";
import { Count, Tally } from "./capture/tally";
import { accepts } from "./filter/accept";
import { declareCommonFields } from "./filter/common";
import { compileFilter } from "./filter/compile";
import { FilterFault } from "./filter/fault";
import { Program } from "./filter/program";
import { isEvent } from "./filter/value";
import { captureTurn, captureWaits, declareCapture, openCapture } from "./modules/capture";
import { declareLabels } from "./modules/labels";
import { NetMetrics } from "./modules/net";
import { TcpMetrics } from "./modules/net-tcp";
import { Fields } from "./protocols/field";
import { declareProtocols } from "./protocols/index";
import { Protocols } from "./protocols/protocol";
import { protocolsEncode } from "./protocols/schema";
import { BUDGET_BYTES_MAX, BUDGET_BYTES_MIN, Regions, Role, STAGING_BYTES } from "./regions";
import { Asked } from "./roundtrip/ask-owner";
import { Events } from "./roundtrip/events";
import { resetOpenRequests } from "./roundtrip/open-requests";
import { OwnerMetrics } from "./roundtrip/owner-metrics";
import { Pending } from "./roundtrip/pending";
import { Sightings } from "./roundtrip/sightings";
import { Held } from "./roundtrip/stages";
import { readNetworks, readSettings, Settings } from "./settings";
import { SketchPool } from "./sketches/sketch-pool";
import { Stat } from "./stat/stat";
import { endFlows, openFlows } from "./stream/flows";
import { FlowTable } from "./stream/table";
import { passTime } from "./transport/deliver";
import { Fault } from "./wire/fault";
import { accumulatorAdd, accumulatorEncode, accumulatorReset } from "./wire/merge";
import { openAccumulator, openMinutes, openRegistry } from "./wire/open";
import { BundleQueue } from "./wire/queue";
import { Rows, rowsEncode } from "./wire/rows";
import { ABI_VERSION } from "./wire/seal";
import { validatedUnknown, validateTotals } from "./wire/validate";

/** What `configure` answers. */
class Configured {
  static readonly OK: i32 = 0;
  static readonly ROLE: i32 = 1;
  static readonly BUDGET: i32 = 2;
  static readonly SETTINGS: i32 = 3;
  static readonly MEMORY: i32 = 4;
}

const SECOND_NS: u64 = 1_000_000_000;

/** The version of this ABI; a host that knows another refuses to go on. */
export function abiVersion(): u32 {
  return ABI_VERSION;
}

/** Address of 65,536 bytes through which settings and queries come in. */
export function staging(): usize {
  return Regions.begin();
}

/** Bytes at `staging`. */
export function stagingBytes(): u32 {
  return STAGING_BYTES;
}

/**
 * Lays everything out for `role` (1 host, 2 hub) in `budget` bytes, with `settingsLength` bytes of settings at `staging`.
 * Answers 0, or 1 for an unknown role, 2 for a budget out of range, 3 for settings it does not know, 4 without memory.
 */
export function configure(role: u32, budget: u32, settingsLength: u32): i32 {
  if (role != Role.HOST && role != Role.HUB) return Configured.ROLE;
  if (budget < BUDGET_BYTES_MIN || budget > BUDGET_BYTES_MAX) return Configured.BUDGET;
  if (settingsLength > STAGING_BYTES || !readSettings(Regions.begin(), settingsLength)) return Configured.SETTINGS;
  if (!Regions.layOut(role, budget)) return Configured.MEMORY;
  SketchPool.secret = Settings.secret | 1;
  PacketFilter.open(Regions.packetFilter);
  if (!openRegistry(Regions.sketchPool)) return Configured.MEMORY;
  declare();
  if (!BreakdownLabels.open()) return Configured.SETTINGS;
  if (!openAccumulator()) return Configured.MEMORY;
  if (role == Role.HUB) return Configured.OK;
  if (!inputsCreate(Regions.streamPool)) return Configured.MEMORY;
  if (!openMinutes(Regions.bundles, Regions.bundlesBytes, Settings.bootId)) return Configured.MEMORY;
  openFlows();
  openCapture();
  Pending.reset();
  Sightings.reset();
  Held.reset();
  Events.length = 0;
  Events.filtered = 0;
  return Configured.OK;
}

/** Declares labels, metrics and protocols, in the order of their series. */
function declare(): void {
  resetSlow();
  Tops.reset();
  resetNumberTops();
  resetOpenRequests();
  Protocols.count = 0;
  Fields.count = 0;
  Program.reset();
  Events.isWanted = 0;
  Events.taker = 0;
  Stat.reset();
  declareCommonFields();
  declareLabels();
  declareCapture();
  NetMetrics.declare();
  TcpMetrics.declare();
  OwnerMetrics.declare();
  declareProtocols();
}

/** Address of the buffer that chunks of input are put into. */
export function inputStart(): usize {
  return Regions.input;
}

/** Bytes of that buffer. */
export function inputBytes(): u32 {
  return Regions.inputBytes;
}

/** Address of the name with this number, which events have of interfaces of files. */
export function interfaceNameStart(number: u32): usize {
  return InterfaceNames.start(number);
}

/** Bytes of that name, UTF-8 as the file has it; 0 where there is none. */
export function interfaceNameLength(number: u32): u32 {
  return InterfaceNames.length(number);
}

/** Opens an input: kind 0 a capture file, 1 live records. Answers its handle, -1 when there is no room. */
export function openInput(kind: u32): i32 {
  return inputOpen(kind);
}

/** Counts packets that the capture dropped before they could be fed. */
export function dropped(packets: u32): void {
  Tally.add(Count.DROPPED, packets);
}

/** Counts minutes that an earlier run had open when it was killed. */
export function lostMinutes(minutes: u32): void {
  Tally.add(Count.LOST_MINUTES, minutes);
}

/** From now on looks at the conversations whose hash is at most this, of 32 bits: a sample of them, and the same one each time. */
export function sample(most: u32): void {
  FlowTable.sampleMost = most;
}

/** From now on round trips come out as events, or do not; what they add up to is the same. */
export function tellEvents(wanted: u32): void {
  Settings.events = wanted != 0;
}

/**
 * From now on the host's networks are those of the `length` bytes at `staging`, which are the value of that setting; what has begun keeps its
 * direction. Answers 0, or 1 for what is no list of networks: all stays as it was then.
 */
export function setHostNetworks(length: u32): u32 {
  return length <= STAGING_BYTES && readNetworks(Regions.begin(), length) ? 0 : 1;
}

/**
 * Reads `length` bytes at `start`; answers how many are done with. The host brings the rest again, with more behind it, after
 * it has taken events and bundles out.
 */
export function feed(handle: u32, start: usize, length: u32): u32 {
  Asked.turn += 1;
  Packet.stop = Events.halfFull || !BundleQueue.hasRoom();
  return inputFeed(handle, start, length);
}

/** Link type that a file has, and for which the packet filter has no program yet; -1 where none is wanted. Asked after each `feed`. */
export function wantedLinkType(): i32 {
  return PacketFilter.wanted;
}

/**
 * Puts the program of `length` bytes at `staging`, classic BPF, in for packets of a link type; with none they are not taken. Answers 0, or
 * 1 for what is no program, 2 where there is no room, or nothing to choose.
 */
export function putProgram(linkType: u32, length: u32): u32 {
  return length > STAGING_BYTES ? <u32>ProgramPut.NO_PROGRAM : <u32>PacketFilter.put(linkType, Regions.begin(), length);
}

/** Link type of the first packet of the file that was opened last that was left out for want of a program; -1 where there was none. */
export function unfilteredLinkType(): i32 {
  return PacketFilter.unfiltered;
}

/** Closes an input; what its last feed left is a record that was cut. Answers an InputEnding. */
export function endInput(handle: u32): u32 {
  return inputEnd(handle);
}

/** Tells the time of an idle host; it stands for packets. */
export function tick(seconds: u32, nanoseconds: u32): void {
  minuteAdvance(<u64>seconds * SECOND_NS + nanoseconds);
  captureTurn();
  passTime();
}

/** Ends all flows and seals all minutes: the capture is over. Events and bundles are taken out first and after. */
export function flush(): void {
  if (FlowTable.count != 0) endFlows();
  Held.release(u64.MAX_VALUE);
  if (!Minute.isOpen && captureWaits()) {
    Minute.withoutTime();
    captureTurn();
  }
  Minute.flush();
}

/** Address of the events that wait. */
export function eventsStart(): usize {
  return Regions.events;
}

/** Bytes of the events that wait, each beginning with its length. */
export function eventsLength(): u32 {
  return Events.length;
}

/** The host has taken the events out. */
export function eventsDone(): void {
  Events.length = 0;
}

/**
 * Keeps out of the events what the filter of `length` bytes at `staging` does not want; an empty one wants all. Answers 0, or the
 * place from 1 of the byte at which it is wrong: then no filter holds, and a sentence says why.
 */
export function setFilter(length: u32): u32 {
  const column = compileFilter(Regions.begin(), length);
  Events.isWanted = Program.length == 0 ? 0 : accepts.index;
  return column;
}

/** Address of the sentence on the filter that was refused last. */
export function filterFaultStart(): usize {
  return FilterFault.start;
}

/** Bytes of that sentence. */
export function filterFaultLength(): u32 {
  return FilterFault.length;
}

/** Whether the filter wants the event of `length` bytes at `start`, which came out of a core like this one; 2 where it is none. */
export function filterAccepts(start: usize, length: u32): u32 {
  if (!isEvent(start, length)) return 2;
  return accepts(start) ? 1 : 0;
}

/** Events that the filter has kept out. */
export function eventsFiltered(): f64 {
  return <f64>Events.filtered;
}

/**
 * From now on adds events up instead of giving them out, for the question (stat/question.ts) of `length` bytes at `staging`, and keeps
 * at most `samples` of each row. Answers 0, or as `setFilter` the place at which the question is wrong.
 */
export function openStat(length: u32, samples: u32): u32 {
  const column = Stat.open(Regions.begin(), length, samples);
  Events.taker = column == 0 ? statTakes.index : 0;
  return column;
}

function statTakes(event: usize): void {
  Stat.take(event);
}

/**
 * Writes the statistics so far to the output, as the question of `queryLength` bytes at `staging` (wire/query.ts) wants a breakdown: the
 * number of fields (u8), for each whether it is a number (u8), and the payload. Answers 0 or the number of the fault.
 */
export function statRows(queryLength: u32): u32 {
  if (queryLength > STAGING_BYTES) return Fault.QUERY;
  return Stat.rows(Regions.staging, queryLength);
}

/** Writes the samples of row `index` of the last answer to the output, events one behind the other. */
export function statSamples(index: u32): void {
  Stat.samples(index);
}

/** Bytes of the last answer of `statRows` or `statSamples`. */
export function statLength(): u32 {
  return Writer.length;
}

/** Address of the oldest sealed bundle, 0 when none waits. */
export function bundleStart(): usize {
  return BundleQueue.first();
}

/** Bytes of the oldest sealed bundle. */
export function bundleLength(): u32 {
  return BundleQueue.firstBytes();
}

/** The host has taken the oldest sealed bundle out. */
export function bundleDone(): void {
  BundleQueue.done();
}

/** Address of what `schema`, `mergeEncode` and `rows` write. */
export function outputStart(): usize {
  return Regions.output;
}

/** Bytes that they may write. */
export function outputBytes(): u32 {
  return Regions.outputBytes;
}

/** Writes what this build knows (metrics, labels, protocols, fields) as JSON to the output; answers its length, 0 if too long. */
export function schema(): u32 {
  Writer.open(Regions.output, Regions.outputBytes);
  schemaEncode(ABI_VERSION);
  raw(",");
  protocolsEncode();
  raw("}");
  return Writer.overflow ? 0 : Writer.length;
}

/** Checks the bundle of `length` bytes at `start`; answers 0 or the number of the fault (wire/fault.ts). */
export function validate(start: usize, length: u32): u32 {
  return validateTotals(start, length);
}

/** Sections of the bundle that was validated last whose metric or kind this build does not know; they merge, or are carried. */
export function unknownSections(): u32 {
  return validatedUnknown();
}

/**
 * Empties the accumulator; from now on it takes only sections of `metric`, or all where that is 0. Options: with 1 it takes bundles that
 * were validated before and checks only their frame; with 2 it encodes tops with all keys that a bundle may have; with 4 it takes one
 * minute's bundles of one edge's threads, and encodes what one thread would have sealed.
 */
export function mergeReset(metric: u32, options: u32): void {
  accumulatorReset(metric, (options & 1) != 0, (options & 2) != 0, (options & 4) != 0);
}

/** Merges a bundle into the accumulator; answers 0, or a fault, after which the accumulator is to be reset. */
export function mergeAdd(start: usize, length: u32): u32 {
  return accumulatorAdd(start, length);
}

/** Encodes the accumulator as a bundle to the output; answers its length, 0 where it does not fit. */
export function mergeEncode(): u32 {
  return accumulatorEncode(Regions.output, Regions.outputBytes);
}

/**
 * Answers the question of `queryLength` bytes at `staging` (wire/query.ts) out of the accumulator to the output; answers 0 or
 * the number of the fault.
 */
export function rows(queryLength: u32): u32 {
  if (queryLength > STAGING_BYTES) return Fault.QUERY;
  return rowsEncode(Regions.staging, queryLength, Regions.output, Regions.outputBytes);
}

/** Bytes of the last answer of `rows`. */
export function rowsLength(): u32 {
  return Rows.length;
}
