/**
 * The encoded form of a distinct state. Canonical: the form follows from the number of elements or filled registers.
 *
 * ```
 * 0..32                             elements in the list:
 *   element u64 x n                   ascending
 * 33, registers filled              at most one in 64 of them:
 *   n x { gap LEB128, register u8 }   gap: empty registers before this one, since the last
 * 34, registers packed              more (`register-codec.ts`)
 * 35, registers u8 x 2^p            more, where packing them gains too little
 * ```
 */
import { Cursor } from "../bytes/cursor";
import { PAGE_BYTES } from "../bytes/pool";
import { Writer } from "../bytes/writer";
import {
  DISTINCT_LIST_MAX,
  DISTINCT_PRECISION_MIN,
  Distinct,
  distinctMergeList,
  distinctOpenRegisters,
  mergeRegisters,
  pagesOf,
  registerPage,
} from "./distinct";
import {
  registerSource,
  registersFilled,
  registersFit,
  registersMerge,
  registersPack,
  registersSkip,
  validRegister,
} from "./register-codec";

const SPARSE: u32 = 33;
const PACKED: u32 = 34;
const DENSE: u32 = 35;
/** The greatest register: level 41, k = 39. */
const REGISTER_MAX: u32 = 167;

/** Writes the canonical form of `state`. */
export function distinctEncode(state: usize): void {
  const distinct = changetype<Distinct>(state);
  if (!distinct.full) {
    Writer.u8(distinct.listed);
    Writer.bytes(distinct.list, (<u32>distinct.listed) << 3);
    return;
  }
  const pages = pagesOf(distinct);
  let filled: u32 = 0;
  for (let page: u32 = 0; page < pages; page++) filled += countFilled(registerPage(distinct, page));
  if (filled > sparseMax(distinct.precision)) {
    const packedAt = Writer.at;
    Writer.u8(PACKED);
    for (let page: u32 = 0; page < pages; page++) registerSource(page, registerPage(distinct, page));
    if (registersPack(pages)) return;
    Writer.at = packedAt;
    Writer.u8(DENSE);
    for (let page: u32 = 0; page < pages; page++) Writer.bytes(registerPage(distinct, page), PAGE_BYTES);
    return;
  }
  Writer.u8(SPARSE);
  Writer.varint(filled);
  let gap: u32 = 0;
  for (let index: u32 = 0; index < pages << DISTINCT_PRECISION_MIN; index++) {
    const register = load<u8>(registerPage(distinct, index >> DISTINCT_PRECISION_MIN) + (index & (PAGE_BYTES - 1)));
    if (register == 0) {
      gap++;
    } else {
      Writer.varint(gap);
      Writer.u8(register);
      gap = 0;
    }
  }
}

/** The most filled registers that are written one by one. */
function sparseMax(precision: u32): u32 {
  return 1 << (precision - 6);
}

/** Counts the registers of one page that are not empty. */
function countFilled(page: usize): u32 {
  let empty: u32 = 0;
  const none = i8x16.splat(0);
  for (const end = page + PAGE_BYTES; page < end; page += 16) {
    empty += <u32>popcnt<i32>(v128.bitmask<i8>(v128.eq<i8>(v128.load(page), none)));
  }
  return PAGE_BYTES - empty;
}

/** Validates one encoded state of 2^`precision` registers and steps over it; false when it is not valid. */
export function distinctSkip(precision: u32): bool {
  const form = Cursor.u8();
  if (Cursor.fault || form > DENSE) return false;
  if (form <= DISTINCT_LIST_MAX) return skipList(form);
  if (form == SPARSE) return skipSparse(precision);
  const pages: u32 = 1 << (precision - DISTINCT_PRECISION_MIN);
  if (form == PACKED) return registersSkip(pages) && registersFilled(pages) > sparseMax(precision);
  const start = Cursor.take(1 << precision);
  if (start == 0 || !validDense(start, 1 << precision, sparseMax(precision))) return false;
  for (let page: u32 = 0; page < pages; page++) registerSource(page, start + page * PAGE_BYTES);
  return !registersFit(pages);
}

function skipList(length: u32): bool {
  const start = Cursor.take(length << 3);
  if (Cursor.fault) return false;
  for (let i: u32 = 1; i < length; i++) {
    if (load<u64>(start + (i << 3)) <= load<u64>(start + ((i - 1) << 3))) return false;
  }
  return true;
}

function skipSparse(precision: u32): bool {
  const filled = Cursor.count(sparseMax(precision));
  let index: u32 = 0;
  for (let i: u32 = 0; i < filled; i++) {
    index += Cursor.count((1 << precision) - 1) + 1;
    if (!validRegister(Cursor.u8()) || Cursor.fault || index > (<u32>1) << precision) return false;
  }
  return filled != 0 && !Cursor.fault;
}

/** Whether all of `length` registers are empty or can be, and more than `least` are filled: `validRegister` by sixteen. */
function validDense(start: usize, length: u32, least: u32): bool {
  // Registers of levels 0 to 4 that can be, by their value; higher levels can be in every form.
  const low = i8x16(-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0);
  const next = i8x16(-1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const sixteen = i8x16.splat(16);
  const zero = i8x16.splat(0);
  let empty: u32 = 0;
  let valid = i8x16.splat(-1);
  for (const end = start + length; start < end; start += 16) {
    const registers = v128.load(start);
    const less = v128.or(v128.swizzle(low, registers), v128.swizzle(next, v128.sub<i8>(registers, sixteen)));
    const more = v128.and(v128.ge<u8>(registers, i8x16.splat(20)), v128.le<u8>(registers, i8x16.splat(<i8>REGISTER_MAX)));
    valid = v128.and(valid, v128.or(less, more));
    empty += <u32>popcnt<i32>(v128.bitmask<i8>(v128.eq<i8>(registers, zero)));
  }
  return v128.all_true<i8>(valid) && length - empty > least;
}

/** Merges one encoded state of 2^`precision` registers that `distinctSkip` found valid into `into`; false when the pool is used up. */
export function distinctDecode(into: usize, precision: u32): bool {
  const distinct = changetype<Distinct>(into);
  assert(<u32>distinct.precision == precision);
  const form = Cursor.u8();
  if (form <= DISTINCT_LIST_MAX) {
    const list = Cursor.take(form << 3);
    return !Cursor.fault && distinctMergeList(distinct, list, form);
  }
  if (!distinctOpenRegisters(distinct)) return false;
  const pages = pagesOf(distinct);
  if (form == PACKED) {
    for (let page: u32 = 0; page < pages; page++) registerSource(page, registerPage(distinct, page));
    return registersMerge(pages);
  }
  if (form == SPARSE) {
    mergeSparse(distinct);
    return true;
  }
  const registers = Cursor.take(1 << precision);
  if (registers == 0) return false;
  for (let page: u32 = 0; page < pages; page++)
    mergeRegisters(registerPage(distinct, page), registers + page * PAGE_BYTES, PAGE_BYTES);
  return true;
}

/** Merges registers that `skipSparse` found valid. */
function mergeSparse(distinct: Distinct): void {
  const filled = <u32>Cursor.varint();
  let index: u32 = 0;
  for (let i: u32 = 0; i < filled; i++) {
    index += <u32>Cursor.varint();
    const at = registerPage(distinct, index >> DISTINCT_PRECISION_MIN) + (index & (PAGE_BYTES - 1));
    const register = <u32>load<u8>(at);
    const other = Cursor.u8();
    const high = max(register, other);
    const low = min(register, other);
    const below = (high >> 2) - (low >> 2);
    store<u8>(at, high | (below == 0 ? low & 3 : (4 | (low & 3)) >> min(below, 3)));
    index++;
  }
}
