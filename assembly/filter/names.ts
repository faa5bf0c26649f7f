/** Names of the core, static strings of ASCII, looked up by bytes of a filter. */
import { lower } from "../bytes/ascii";

/** Whether the bytes are the letters of `name` from `first` up to `end`; in any case where it `folds`. */
export function isName(start: usize, length: u32, name: string, first: i32, end: i32, folds: bool): bool {
  if (length != <u32>(end - first)) return false;
  for (let i: u32 = 0; i < length; i++) {
    const given = <u32>load<u8>(start + i);
    const letter = <u32>name.charCodeAt(first + i);
    if (given != letter && (!folds || lower(given) != lower(letter))) return false;
  }
  return true;
}

/** Whether the bytes are `name`. */
export function isWhole(start: usize, length: u32, name: string): bool {
  return isName(start, length, name, 0, name.length, false);
}

/**
 * A list of names, gone through one by one: "ok,error", whose values are places, or "1=A,28=AAAA", whose values stand before
 * the name. A column "ttl:number" is named by what stands before the colon.
 */
export class NameList {
  static list: string = "";
  /** Where the name begins and ends, and what it stands for. */
  static first: i32 = 0;
  static end: i32 = 0;
  static value: u32 = 0;
  private static next: i32 = 0;
  private static place: u32 = 0;

  static open(list: string): void {
    NameList.list = list;
    NameList.next = 0;
    NameList.place = 0;
  }

  /** Goes to the next name; false behind the last one. */
  static advance(): bool {
    const list = NameList.list;
    if (NameList.next >= list.length) return false;
    NameList.first = NameList.next;
    NameList.value = NameList.place++;
    let end = NameList.next;
    let letter = <u32>list.charCodeAt(end);
    let number: u32 = 0;
    while (letter - 0x30 < 10) {
      number = number * 10 + letter - 0x30;
      letter = ++end < list.length ? list.charCodeAt(end) : 0;
    }
    if (letter == 0x3d) {
      NameList.value = number;
      NameList.first = ++end;
    }
    let colon = -1;
    while (end < list.length && list.charCodeAt(end) != 0x2c) {
      if (list.charCodeAt(end) == 0x3a) colon = end;
      end += 1;
    }
    NameList.end = colon < 0 ? end : colon;
    NameList.next = end + 1;
    return true;
  }

  /** The first letter of the column's type, which stands behind its name. */
  static get type(): u32 {
    return NameList.end + 1 < NameList.list.length ? NameList.list.charCodeAt(NameList.end + 1) : 0;
  }
}
