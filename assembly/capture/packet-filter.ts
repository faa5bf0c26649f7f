/**
 * Which packets of files are taken at all: a program (bpf.ts) for each link type.
 *
 * Which link types a file has shows as it is read. At a file's or an interface's header with another than those before, `wanted` says
 * which, and the walk stops behind it, so that the host puts a program in before the first of its packets comes.
 *
 * ```
 * region: | link type u32 | bytes u32 | instructions ... | next ...      no instructions: nothing can be put to such packets
 * ```
 */
import { Window } from "../bytes/window";
import { isProgram, runProgram } from "./bpf";
import { inputAt, LINK_TYPE_NOT_KEPT } from "./input-state";
import { Packet } from "./packet";

/** Bytes for all programs: two of the longest. */
export const PACKET_FILTER_BYTES: u32 = 65536;

const LINK_TYPE: usize = 0;
const BYTES: usize = 4;
const HEADER_BYTES: u32 = 8;

const LINKTYPE_NULL: u32 = 0;
const LINKTYPE_LOOP: u32 = 108;

/** What became of a program. */
export enum ProgramPut {
  DONE = 0,
  NO_PROGRAM = 1,
  NO_ROOM = 2,
}

export class PacketFilter {
  private static start: usize = 0;
  private static end: usize = 0;
  /** Whether packets are chosen; all are taken where not. */
  static isOn: bool = false;
  /** A link type for which there is no program yet; -1 where none is wanted. */
  static wanted: i32 = -1;
  /** Link type of the first packet of the file that was opened last to which no program could be put; -1 where there was none. */
  static unfiltered: i32 = -1;

  /** Opens a filter without programs over PACKET_FILTER_BYTES at `start`; none where that is 0. */
  static open(start: usize): void {
    PacketFilter.isOn = start != 0;
    PacketFilter.start = start;
    PacketFilter.end = start;
    PacketFilter.wanted = -1;
    PacketFilter.unfiltered = -1;
  }

  /** Notes that packets of a link type may come from now on, and stops the walk where a program for them is to be put in first. */
  static meet(linkType: u32, bigEndian: bool): void {
    const type = orderedType(linkType, bigEndian);
    if (!PacketFilter.isOn || PacketFilter.entryOf(type) != 0) return;
    PacketFilter.wanted = type;
    Packet.stop = true;
  }

  /** Puts the program of `length` bytes at `program` in for a link type; with 0 no packet of it is taken. */
  static put(linkType: u32, program: usize, length: u32): ProgramPut {
    PacketFilter.wanted = -1;
    if (length != 0 && !isProgram(program, length)) return ProgramPut.NO_PROGRAM;
    const left = PACKET_FILTER_BYTES - <u32>(PacketFilter.end - PacketFilter.start);
    if (!PacketFilter.isOn || PacketFilter.entryOf(linkType) != 0 || left < HEADER_BYTES + length) return ProgramPut.NO_ROOM;
    const entry = PacketFilter.end;
    store<u32>(entry, linkType, LINK_TYPE);
    store<u32>(entry, length, BYTES);
    memory.copy(entry + HEADER_BYTES, program, length);
    PacketFilter.end += HEADER_BYTES + length;
    return ProgramPut.DONE;
  }

  /** Whether a record is taken. */
  static takes(start: usize, captured: u32, wire: u32, linkType: u32): bool {
    const entry = PacketFilter.entryOf(orderedType(linkType, inputAt(Packet.input).bigEndian));
    if (entry == 0 || load<u32>(entry, BYTES) == 0) {
      if (PacketFilter.unfiltered < 0 && linkType < LINK_TYPE_NOT_KEPT) PacketFilter.unfiltered = linkType;
      return false;
    }
    Window.open(start, captured);
    return runProgram(entry + HEADER_BYTES, start, captured, wire);
  }

  /** The entry of a link type, 0 where there is none. */
  private static entryOf(linkType: u32): usize {
    for (let at = PacketFilter.start; at < PacketFilter.end; at += HEADER_BYTES + load<u32>(at, BYTES)) {
      if (load<u32>(at, LINK_TYPE) == linkType) return at;
    }
    return 0;
  }
}

/** NULL has its family in the order of the host that wrote the file; with the most significant byte first it is LOOP. */
function orderedType(linkType: u32, bigEndian: bool): u32 {
  return linkType == LINKTYPE_NULL && bigEndian ? LINKTYPE_LOOP : linkType;
}
