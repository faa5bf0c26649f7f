/**
 * Reading a bundle's directory.
 *
 * `openBundle` checks header and directory as a whole, so that walking the sections afterwards cannot fail.
 */
import { KIND_MAX, Kind } from "../aggregate/metric";
import { Cursor } from "../bytes/cursor";
import { SECTIONS_MAX } from "./bundle";
import { Fault } from "./fault";
import { Header, headerRead } from "./header";

/** Directory bytes of a group and of a series at the least: bounds for counts that are read. */
const GROUP_BYTES_MIN: u32 = 6;
const SERIES_BYTES_MIN: u32 = 2;

/** The section at which a reader stands. */
export class Directory {
  static metric: u32 = 0;
  static kind: u32 = 0;
  static parameter: u32 = 0;
  static key: u32 = 0;
  /** Where the payload lies and how long it is. */
  static payload: usize = 0;
  static payloadBytes: u32 = 0;

  private static first: usize = 0;
  private static firstGroups: u32 = 0;
  private static firstPayload: usize = 0;
  /** Where the next payload lies, and the next of a distinct. */
  private static nextPayload: usize = 0;
  private static nextDistinct: usize = 0;
  /** Bytes of all payloads but those of distincts. */
  private static restBytes: u32 = 0;
  private static at: usize = 0;
  private static end: usize = 0;
  private static groups: u32 = 0;
  private static series: u32 = 0;

  /** Checks the directory from the Cursor on, up to the end of the bundle, and stands before the first section. */
  static open(): bool {
    const groups = Cursor.count(Cursor.left / GROUP_BYTES_MIN);
    if (Cursor.fault) return false;
    const first = Cursor.at;
    const end = Cursor.end;
    Directory.begin(first, end, groups, 0);
    let count: u32 = 0;
    let payloads: u64 = 0;
    let distincts: u64 = 0;
    let before: u64 = 0;
    while (Directory.next()) {
      count += 1;
      payloads += Directory.payloadBytes;
      if (Directory.kind == Kind.DISTINCT) distincts += Directory.payloadBytes;
      const identity = Directory.identity;
      const isRepeat = identity == before && Directory.kind > KIND_MAX;
      if (count > SECTIONS_MAX || (identity <= before && !isRepeat)) return false;
      before = identity;
    }
    if (Cursor.fault || <u64>(end - Directory.at) != payloads) return false;
    Directory.first = first;
    Directory.firstGroups = groups;
    Directory.firstPayload = Directory.at;
    Directory.restBytes = <u32>(payloads - distincts);
    Directory.rewind();
    return true;
  }

  /** Stands before the first section of the bundle again that was opened last. */
  static rewind(): void {
    Directory.begin(Directory.first, Directory.end, Directory.firstGroups, Directory.firstPayload);
  }

  /** The section as one number in the order of the wire: metric, kind, parameter, key. */
  static get identity(): u64 {
    const series = (Directory.metric << 16) | (Directory.kind << 8) | Directory.parameter;
    return ((<u64>series) << 32) | Directory.key;
  }

  private static begin(first: usize, end: usize, groups: u32, payload: usize): void {
    Directory.at = first;
    Directory.end = end;
    Directory.groups = groups;
    Directory.series = 0;
    Directory.metric = 0;
    Directory.nextPayload = payload;
    Directory.nextDistinct = payload + Directory.restBytes;
  }

  /** Goes to the next section; false after the last one or at a fault. */
  static next(): bool {
    Cursor.open(Directory.at, <u32>(Directory.end - Directory.at));
    if (Directory.series == 0) {
      if (Directory.groups == 0) return false;
      Directory.groups -= 1;
      Directory.metric += Cursor.count(0xffff - Directory.metric);
      Directory.kind = Cursor.u8();
      Directory.parameter = Cursor.u8();
      Directory.series = Cursor.count(Cursor.left / SERIES_BYTES_MIN);
      if (Directory.series == 0 || Directory.kind == 0 || Directory.metric == 0) Cursor.fault = true;
    }
    Directory.key = bswap<u32>(Cursor.count(u32.MAX_VALUE));
    Directory.payloadBytes = Cursor.count(Cursor.left);
    Directory.findPayload();
    Directory.series -= 1;
    Directory.at = Cursor.at;
    return !Cursor.fault;
  }

  private static findPayload(): void {
    if (Directory.kind == Kind.DISTINCT) {
      Directory.payload = Directory.nextDistinct;
      Directory.nextDistinct += Directory.payloadBytes;
    } else {
      Directory.payload = Directory.nextPayload;
      Directory.nextPayload += Directory.payloadBytes;
    }
  }
}

/** Opens the bundle of `length` bytes at `start`: reads its header and checks its directory. Gives a Fault. */
export function openBundle(start: usize, length: u32, header: Header): u32 {
  Cursor.open(start, length);
  const fault = headerRead(header);
  if (fault != Fault.NONE) return fault;
  return Directory.open() ? Fault.NONE : Fault.DIRECTORY;
}
