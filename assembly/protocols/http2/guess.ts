/**
 * A status whose name is not known: a field with a value, named by an entry of the table that is missing.
 *
 * A call's trailers have a status (gRPC over HTTP/2, "Responses"). So where one field without a name has a number from 0 to 16, and
 * no other may be the status, it is that: every other's name is known, or its value is no such number.
 */
import { nameAt, nameEntry, newestOf, olderOf } from "./dynamic-table";
import { HeaderField } from "./hpack";
import { Name } from "./names";
import { BlockForm, Half, LostFlag } from "./state";

const NONE: u8 = 0;
/** More than one field may be the status. */
const SEVERAL: u8 = 0xff;
const STATUS_MAX: u32 = 16;
const AGE_MAX: u8 = 0xff;
/** Bytes of the name. */
const NAME_BYTES: u32 = 11;

/** A header block begins. */
export function beginGuess(half: Half): void {
  half.guess = NONE;
  half.guessAge = 0;
  half.lost &= ~LostFlag.GUESS_ADDED;
}

/** Takes note of the field in `HeaderField`. */
export function noteGuess(half: Half): void {
  const isAdded = HeaderField.isText && HeaderField.entry != 0;
  if (isAdded && half.guess != NONE && half.guessAge != AGE_MAX) half.guessAge += 1;
  if (HeaderField.name != Name.UNKNOWN) return;
  const number = HeaderField.isText ? statusOf() : 0;
  if (number < 0) return;
  if (!HeaderField.isText || half.guess != NONE) {
    half.guess = SEVERAL;
    return;
  }
  half.guess = <u8>(number + 1);
  half.guessAge = 0;
  if (isAdded) half.lost |= LostFlag.GUESS_ADDED;
}

/** The number that the value in `HeaderField` is, where a status may be it; below 0 where it is none. */
function statusOf(): i32 {
  const length = HeaderField.length;
  if (length == 0 || length > 2 || HeaderField.cut) return -1;
  const first = <u32>load<u8>(HeaderField.start) - 48;
  if (length == 1) return first < 10 ? <i32>first : -1;
  const second = <u32>load<u8>(HeaderField.start + 1) - 48;
  return first == 1 && second <= STATUS_MAX - 10 ? <i32>(10 + second) : -1;
}

/** The block of a call has ended: its status, where one field alone may be it; below 0 where that is not so. */
export function guessedStatus(half: Half): i32 {
  if (half.guess == NONE || half.guess == SEVERAL) return -1;
  if (half.form != BlockForm.TRAILERS && half.form != BlockForm.LAST) return -1;
  if (half.lost & LostFlag.GUESS_ADDED && half.guessAge != AGE_MAX) {
    let footer = newestOf(half);
    for (let age = half.guessAge; age != 0 && footer != 0; age--) footer = olderOf(half, footer);
    if (footer != 0) nameEntry(footer, Name.GRPC_STATUS, Name.GRPC_STATUS, NAME_BYTES);
    // The table's mark may have been settled since.
    if (footer != 0 && nameAt(footer) != Name.GRPC_STATUS) return -1;
  }
  return <i32>half.guess - 1;
}
