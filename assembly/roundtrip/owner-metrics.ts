/**
 * What the processes of this host send, get and ask: tops by the names of their commands. An end of this host's whose process is not known
 * counts as `unknown`. What two processes of this host say to each other counts for both, and once where they have the same name.
 */
import { declareTop, TopGroup, Tops } from "../aggregate/tops";
import { putText } from "../bytes/ascii";
import { Labels } from "../modules/labels";
import { askOwners } from "./ask-owner";
import { Conversation, OwnerOf } from "./conversation";
import { Owners } from "./owners";

const TOP_LOG2: u32 = 10;
/** Columns of the group. */
const PACKETS: u32 = 0;
const BYTES: u32 = 1;
const REQUESTS: u32 = 2;

const UNKNOWN: usize = memory.data(8);
const UNKNOWN_BYTES: u32 = 7;

/** The name of an end's process. */
class Name {
  static start: usize = 0;
  static length: u32 = 0;

  /** Goes to the name of `side`; false where the end is not this host's. */
  static of(conversation: Conversation, side: u32): bool {
    const number = conversation.ownerOf(side);
    if (number == OwnerOf.NOBODY || number == OwnerOf.ELSEWHERE) return false;
    Name.start = UNKNOWN;
    Name.length = UNKNOWN_BYTES;
    if (number < OwnerOf.UNKNOWN && Owners.at(number).processLength != 0) {
      Name.start = Owners.at(number).textStart;
      Name.length = Owners.at(number).processLength;
    }
    return true;
  }
}

export class OwnerMetrics {
  private static processes: TopGroup = changetype<TopGroup>(0);

  static declare(): void {
    putText(UNKNOWN, "unknown");
    const group = Tops.group(TOP_LOG2);
    OwnerMetrics.processes = group;
    const direction = Labels.DIRECTION;
    const packets = "Processes of this host by packets that they sent or got.";
    const bytes = "Processes of this host by bytes that they sent or got.";
    const requests = "Processes of this host by requests that they sent or got.";
    declareTop(group, 117, "", "net_top_processes_packets", packets, "process", false, direction, 0, TOP_LOG2);
    declareTop(group, 118, "bytes", "net_top_processes_bytes", bytes, "process", false, direction, 0, TOP_LOG2);
    declareTop(group, 119, "", "net_top_processes_requests", requests, "process", false, direction, 0, TOP_LOG2);
  }

  /** Adds what a conversation did since it was last folded to the minute in use; side 0 sent the first, side 1 the second figures. */
  static fold(conversation: Conversation, packets0: u64, bytes0: u64, packets1: u64, bytes1: u64): void {
    askOwners(conversation, conversation.client);
    for (let side: u32 = 0; side < 2; side++) {
      if (!isCounted(conversation, side)) continue;
      addTraffic(conversation.direction0, packets0, bytes0);
      addTraffic(conversation.direction1, packets1, bytes1);
    }
  }

  /** Counts a request that `client` sent. */
  static request(conversation: Conversation, client: u32): void {
    for (let side: u32 = 0; side < 2; side++) {
      if (!isCounted(conversation, side)) continue;
      Tops.text(OwnerMetrics.processes, conversation.directionOf(client), Name.start, Name.length);
      Tops.add(REQUESTS, 1);
    }
  }

  /** Adds what went one way to the process in hand. */
  static add(direction: u32, packets: u64, bytes: u64): void {
    Tops.text(OwnerMetrics.processes, direction, Name.start, Name.length);
    Tops.add(PACKETS, packets);
    Tops.add(BYTES, bytes);
  }
}

function addTraffic(direction: u32, packets: u64, bytes: u64): void {
  if (packets != 0) OwnerMetrics.add(direction, packets, bytes);
}

/** Goes to the name of `side`; false where it has none to count, as where the other side counted under the same. */
function isCounted(conversation: Conversation, side: u32): bool {
  let start: usize = 0;
  let length: u32 = 0;
  if (side == 1 && Name.of(conversation, 0)) {
    start = Name.start;
    length = Name.length;
  }
  if (!Name.of(conversation, side)) return false;
  return length != Name.length || memory.compare(start, Name.start, length) != 0;
}
