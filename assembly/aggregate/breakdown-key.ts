/** The key of a breakdown under construction: a length and a value for each column, 255 bytes in all at the most. */
import { packDecimal, packedLength } from "../bytes/ascii";
import { copyBytes } from "../bytes/run";
import { KEY_BYTES_MAX } from "../sketches/key-table";
import { BreakdownLabels } from "./breakdown-labels";
import { breakdownObserveKey } from "./observe";

const KEY: usize = memory.data(272, 16);

export class BreakdownKey {
  /** Where the key lies. */
  static readonly start: usize = KEY;
  private static at: usize = KEY;

  /** Its bytes so far. */
  @inline static get length(): u32 {
    return <u32>(BreakdownKey.at - KEY);
  }

  /** Begins a key. */
  static open(): void {
    BreakdownKey.at = KEY;
  }

  /** Adds a column, cut to what is left; `columns` more are to follow, a byte of which is kept each. */
  static column(start: usize, length: u32, columns: u32 = 0): void {
    const room = KEY_BYTES_MAX - <u32>(BreakdownKey.at - KEY) - 1 - columns;
    const take = min(length, room);
    store<u8>(BreakdownKey.at, take);
    copyBytes(BreakdownKey.at + 1, start, take);
    BreakdownKey.at += 1 + take;
  }

  /** Adds a column of at most eight letters, packed as a little-endian load gives them; there is room for it. */
  static letters(letters: u64, length: u32): void {
    assert(<u32>(BreakdownKey.at - KEY) + length < KEY_BYTES_MAX);
    store<u8>(BreakdownKey.at, length);
    store<u64>(BreakdownKey.at, letters, 1);
    BreakdownKey.at += 1 + length;
  }

  /** Adds a column with the digits of `value`, which is below 100,000,000; there is room for them. */
  static number(value: u32): void {
    const digits = packDecimal(value);
    BreakdownKey.letters(digits, packedLength(digits));
  }

  /** Adds one request, failed or not, with what it cost, to the key's label set in `series`. */
  static observe(series: u32, failed: bool, bytes: u64, durationNs: u64): void {
    if (BreakdownLabels.isChosen) BreakdownKey.at = KEY + BreakdownLabels.cut(series, KEY, BreakdownKey.length);
    breakdownObserveKey(series, KEY, BreakdownKey.length, failed ? 1 : 0, bytes, durationNs);
  }
}
