/**
 * The stages of round trips: on which interfaces the first packet of the request and that of the response were seen, and when.
 *
 * What comes by later interfaces comes after the round trip is decided, so its event is held, and those behind it that order may
 * stay: until the response was seen on as many interfaces as the request, or some packet time has gone by, or there is no room. It keeps
 * what was known of both packets then, as the table may need their places.
 *
 * ```
 * held:  0 bytes u32 | 4 conversation u32 | 8 due u64 | 16 request u64 | 24 response u64 | 32 client side u32
 *       40 request's packet, 128 | 168 response's packet, 128 | 296 event
 * stage: 0 interface u32 | 4 name u16 | 8 request seen u64 | 16 response seen u64      (ns after the request was first seen)
 * ```
 * An event has its stages at its end. A time that is not known is all ones.
 */
import { Minute } from "../aggregate/minute";
import { UNTIMED } from "../bytes/stamp";
import { Regions } from "../regions";
import { Events } from "./events";
import { SIGHTED_BYTES, SIGHTINGS_MAX, Sighted, Sightings } from "./sightings";

/** Where an event says how many stages it has, u8. */
export const STAGE_COUNT_OFFSET: u32 = 118;

/** How long an event is held at the most, ns of packet time. */
const HELD_NS: u64 = 100_000_000;
const STAGE_BYTES: u32 = 24;
/** Stages of a round trip at the most. */
const STAGES_MAX: u32 = 8;
const REQUEST_OFFSET: u32 = 40;
const RESPONSE_OFFSET: u32 = REQUEST_OFFSET + SIGHTED_BYTES;
const HEAD_BYTES: u32 = RESPONSE_OFFSET + SIGHTED_BYTES;

@unmanaged
class HeldEvent {
  /** Bytes up to the next one. */
  bytes: u32;
  conversation: u32;
  dueNs: u64;
  /** When the first packets of both were read; UNTIMED where there is none. */
  requestNs: u64;
  responseNs: u64;
  client: u32;

  @inline get event(): usize {
    return changetype<usize>(this) + HEAD_BYTES;
  }

  /** The request's packet as it is known now, or as far as it was known. */
  get request(): Sighted {
    const now = Sightings.find(this.conversation, this.client, this.requestNs);
    return changetype<Sighted>(now != 0 ? now : changetype<usize>(this) + REQUEST_OFFSET);
  }

  get response(): Sighted {
    const now = Sightings.find(this.conversation, this.client ^ 1, this.responseNs);
    return changetype<Sighted>(now != 0 ? now : changetype<usize>(this) + RESPONSE_OFFSET);
  }

  /** Keeps what is known of both. */
  keep(): void {
    keepPacket(changetype<usize>(this) + REQUEST_OFFSET, Sightings.find(this.conversation, this.client, this.requestNs));
    keepPacket(changetype<usize>(this) + RESPONSE_OFFSET, Sightings.find(this.conversation, this.client ^ 1, this.responseNs));
  }

  /** Whether no more sightings are to be waited for: all have come, or none would be noted. */
  get isWhole(): bool {
    const response = Sightings.find(this.conversation, this.client ^ 1, this.responseNs);
    return response == 0 || changetype<Sighted>(response).count >= this.request.count;
  }
}

/** Copies a packet, or notes that none is known. */
function keepPacket(at: usize, packet: usize): void {
  if (packet != 0) memory.copy(at, packet, SIGHTED_BYTES);
  else memory.fill(at, 0, SIGHTED_BYTES);
}

/** Events that are held, oldest first, in one run of their region. */
export class Held {
  /** When the oldest is due, ns; never where none is held. */
  static dueNs: u64 = u64.MAX_VALUE;
  private static first: u32 = 0;
  private static end: u32 = 0;

  static reset(): void {
    Held.dueNs = u64.MAX_VALUE;
    Held.first = 0;
    Held.end = 0;
  }

  /** Where an event of `length` bytes is to be written that is then `put`. */
  static room(length: u32): usize {
    const bytes = HEAD_BYTES + length;
    while (Held.first != Held.end && Held.end - Held.first + bytes > Regions.heldBytes) Held.letGo();
    if (Held.end + bytes > Regions.heldBytes) {
      memory.copy(Regions.held, Regions.held + Held.first, Held.end - Held.first);
      Held.end -= Held.first;
      Held.first = 0;
    }
    return Regions.held + Held.end + HEAD_BYTES;
  }

  /** Takes the event of `length` bytes where `room` said, of messages whose first packets were read at these times. */
  static put(length: u32, conversation: u32, client: u32, requestNs: u64, responseNs: u64): void {
    const held = changetype<HeldEvent>(Regions.held + Held.end);
    held.bytes = HEAD_BYTES + length;
    held.conversation = conversation;
    held.dueNs = Minute.clockNs + HELD_NS;
    held.requestNs = requestNs;
    held.responseNs = responseNs;
    held.client = client;
    held.keep();
    Held.end += held.bytes;
    Held.release(Minute.clockNs);
  }

  /** Gives out what is whole, and what is due at packet time `nowNs`, as far as nothing before it waits. */
  static release(nowNs: u64): void {
    while (Held.first != Held.end) {
      const held = changetype<HeldEvent>(Regions.held + Held.first);
      if (held.dueNs > nowNs && !held.isWhole) {
        Held.dueNs = held.dueNs;
        return;
      }
      Held.letGo();
    }
    Held.dueNs = u64.MAX_VALUE;
  }

  /** Gives the oldest out, with the stages that are known. */
  private static letGo(): void {
    const held = changetype<HeldEvent>(Regions.held + Held.first);
    Stages.collect(held.request, held.response);
    const length = held.bytes - HEAD_BYTES;
    const whole = length + Stages.bytes;
    const at = Events.room(whole);
    memory.copy(at, held.event, length);
    memory.copy(at + length, Stages.start, Stages.bytes);
    store<u32>(at, whole);
    store<u8>(at, Stages.count, STAGE_COUNT_OFFSET);
    Held.first += held.bytes;
    if (Held.first == Held.end) {
      Held.first = 0;
      Held.end = 0;
    }
    Events.put(at, whole);
  }
}

@unmanaged
class Stage {
  interfaceId: u32;
  name: u16;
  spare: u16;
  requestNs: u64;
  responseNs: u64;
}

/** The stages of the round trip in hand, in the order in which its request, and where it has none its response, passed. */
class Stages {
  static readonly start: usize = memory.data(24 * 8, 8);
  static count: u32 = 0;
  private static originNs: u64 = 0;

  @inline static get bytes(): u32 {
    return Stages.count * STAGE_BYTES;
  }

  private static at(index: u32): Stage {
    return changetype<Stage>(Stages.start + index * STAGE_BYTES);
  }

  /** Collects what is known of two packets, without sightings where there is none; where there is one interface alone, there are no stages. */
  static collect(asked: Sighted, answer: Sighted): void {
    assert(SIGHTINGS_MAX <= STAGES_MAX);
    Stages.count = 0;
    if (asked.count == 0) return;
    Stages.originNs = asked.timeOf(0);
    for (let index: u32 = 1; index < <u32>asked.count; index++) Stages.originNs = min(Stages.originNs, asked.timeOf(index));
    for (let index: u32 = 0; index < <u32>asked.count; index++) Stages.add(asked, index, false);
    for (let index: u32 = 0; index < <u32>answer.count; index++) Stages.add(answer, index, true);
    if (Stages.count < 2) Stages.count = 0;
  }

  /** Adds a sighting: of a response to the stage of its interface, else in its place in time. */
  private static add(packet: Sighted, index: u32, isResponse: bool): void {
    const interfaceId = packet.interfaceOf(index);
    const timeNs = packet.timeOf(index);
    const ns = timeNs > Stages.originNs ? timeNs - Stages.originNs : 0;
    for (let known: u32 = 0; isResponse && known < Stages.count; known++) {
      if (Stages.at(known).interfaceId != interfaceId) continue;
      Stages.at(known).responseNs = ns;
      return;
    }
    if (Stages.count >= STAGES_MAX) return;
    let place = Stages.count++;
    for (; place > 0 && Stages.isLater(place - 1, ns, isResponse); place--) {
      memory.copy(Stages.start + place * STAGE_BYTES, Stages.start + (place - 1) * STAGE_BYTES, STAGE_BYTES);
    }
    const stage = Stages.at(place);
    stage.interfaceId = interfaceId;
    stage.name = <u16>packet.nameOf(index);
    stage.spare = 0;
    stage.requestNs = isResponse ? UNTIMED : ns;
    stage.responseNs = isResponse ? ns : UNTIMED;
  }

  /** Whether a stage stands behind one that its kind of packet reached after `ns`: those that only the response passed come last. */
  private static isLater(index: u32, ns: u64, isResponse: bool): bool {
    const stage = Stages.at(index);
    return isResponse ? stage.requestNs == UNTIMED && stage.responseNs > ns : stage.requestNs > ns;
  }
}
