/**
 * A distinct state as an HLL sketch of Apache DataSketches, for tools that read that library's sketches (serial version 1).
 *
 * ```
 * byte     0        1       2        3    4      5      6        7       8 ...
 * LIST     2        1       7        lgK  3      flags  count    mode    coupon u32 x count        up to 7 coupons
 * SET      3        1       7        lgK  lgArr  8      0        mode    count u32, coupon u32 x count
 * HLL      10       1       7        lgK  lgAux  24     least    mode    HIP f64, KxQ0 f64, KxQ1 f64, slots at least u32, aux u32, slots
 *          preamble serial  family
 *          words    version HLL
 * ```
 * Flags: 4 empty, 8 compact, 16 out of order. The mode is 0 for LIST, 1 for SET, 2 for HLL, with the target type (0 HLL_4, 2 HLL_8)
 * two bits higher. A coupon is a 6-bit value over a 26-bit address; the value is 1 + the leading zeros of the hash's second half, a
 * slot keeps the largest value of its coupons, and KxQ0 and KxQ1 are the sums of 2^-value over slots below 32 and from 32 on. Merged
 * sketches have no order, so HIP is 0 and the reader estimates from the slots.
 *
 * HLL_8 has a byte a slot and a least of 0. HLL_4 has four bits a slot, the even one in the low half, of its value less the least
 * of all; 15 says that the value is among the coupons (value over slot) behind the slots.
 *
 * A register of UltraLogLog holds the same largest value beside two bits of its own, so the slots are those that DataSketches itself
 * has of the same keys. The element hash holds 38 of the bits that the value counts: one element in 2^38 has a greater value than
 * is known here.
 */

import { PAGE_BYTES } from "../bytes/pool";
import { Writer } from "../bytes/writer";
import { Distinct, pagesOf, registerPage } from "./distinct";
import { countRegisters } from "./distinct-estimate";

/** What a reader is to keep the slots in. */
export class HllType {
  static readonly HLL_4: u32 = 0;
  static readonly HLL_8: u32 = 2;
}

const SERIAL_VERSION: u32 = 1;
const FAMILY: u32 = 7;
const MODE_LIST: u32 = 0;
const MODE_SET: u32 = 1;
const MODE_HLL: u32 = 2;
const TYPE_SHIFT: u32 = 2;
const FLAG_EMPTY: u32 = 4;
const FLAG_COMPACT: u32 = 8;
const FLAG_OUT_OF_ORDER: u32 = 16;
const LIST_MAX: u32 = 7;
/** A reader's table of 2^5 coupons takes up to 24, one of 2^6 all that there can be here. */
const SMALL_SET_MAX: u32 = 24;
const ADDRESS_BITS: u32 = 26;
const RUN_MASK: u64 = (1 << 38) - 1;
/** Values from here on are added up in KxQ1. */
const KXQ1_VALUE: u32 = 32;
/** Values of a slot are below this; a register of value v is 4 (v + 2) and two bits more. */
const VALUES: u32 = 40;
/** What HLL_4 writes for a slot whose value is among the coupons, and the least such value above the least of all. */
const AUX_TOKEN: u32 = 15;

/** Writes `state` as an HLL sketch of lgK = its precision and an `HllType`. */
export function distinctEncodeHll(state: usize, type: u32): void {
  const distinct = changetype<Distinct>(state);
  if (distinct.full) encodeSlots(distinct, type);
  else encodeCoupons(distinct, type);
}

function preamble(words: u32, lgK: u32, lgArr: u32, flags: u32, count: u32, mode: u32): void {
  Writer.u8(words);
  Writer.u8(SERIAL_VERSION);
  Writer.u8(FAMILY);
  Writer.u8(lgK);
  Writer.u8(lgArr);
  Writer.u8(flags);
  Writer.u8(count);
  Writer.u8(mode);
}

/** Coupon of an element. */
function couponOf(element: u64): u32 {
  const value = <u32>clz<u64>(element & RUN_MASK) - 25;
  return (value << ADDRESS_BITS) | <u32>(element >> 38);
}

/** Gives the number of different coupons in the list, and writes them when `write`; equal ones are neighbours. */
function walkCoupons(distinct: Distinct, write: bool): u32 {
  let count: u32 = 0;
  let before: u32 = 0;
  for (let i: u32 = 0; i < <u32>distinct.listed; i++) {
    const coupon = couponOf(load<u64>(<usize>distinct.list + (i << 3)));
    if (coupon == before) continue;
    if (write) Writer.u32(coupon);
    before = coupon;
    count++;
  }
  return count;
}

function encodeCoupons(distinct: Distinct, type: u32): void {
  const count = walkCoupons(distinct, false);
  if (count <= LIST_MAX) {
    const flags = FLAG_COMPACT | (count == 0 ? FLAG_EMPTY : 0);
    preamble(2, distinct.precision, 3, flags, count, MODE_LIST | (type << TYPE_SHIFT));
  } else {
    const lgArr: u32 = count <= SMALL_SET_MAX ? 5 : 6;
    preamble(3, distinct.precision, lgArr, FLAG_COMPACT, 0, MODE_SET | (type << TYPE_SHIFT));
    Writer.u32(count);
  }
  walkCoupons(distinct, true);
}

/** Slots of value `value`, of what `countRegisters` counted. */
function slotsAt(counts: usize, value: u32): u32 {
  if (value == 0) return load<u32>(counts);
  const at = counts + ((value + 2) << 4);
  return load<u32>(at) + load<u32>(at, 4) + load<u32>(at, 8) + load<u32>(at, 12);
}

/** Value of slot `slot`. */
function slotValue(distinct: Distinct, slot: u32): u32 {
  const register = <u32>load<u8>(registerPage(distinct, slot / PAGE_BYTES) + (slot % PAGE_BYTES));
  return register == 0 ? 0 : (register >> 2) - 2;
}

function encodeSlots(distinct: Distinct, type: u32): void {
  const counts = countRegisters(distinct);
  const isHll4 = type == HllType.HLL_4;
  let least: u32 = 0;
  while (isHll4 && slotsAt(counts, least) == 0) least++;
  let aux: u32 = 0;
  for (let value = least + AUX_TOKEN; isHll4 && value < VALUES; value++) aux += slotsAt(counts, value);
  const mode = MODE_HLL | (type << TYPE_SHIFT);
  preamble(10, distinct.precision, auxLog2(distinct.precision, aux), FLAG_COMPACT | FLAG_OUT_OF_ORDER, least, mode);
  Writer.f64(0);
  writeSums(counts);
  Writer.u32(slotsAt(counts, least));
  Writer.u32(aux);
  if (isHll4) encodeHalves(distinct, least);
  else for (let slot: u32 = 0; slot < pagesOf(distinct) * PAGE_BYTES; slot++) Writer.u8(slotValue(distinct, slot));
}

/** Writes KxQ0 and KxQ1. */
function writeSums(counts: usize): void {
  let kxq0: f64 = 0;
  let kxq1: f64 = 0;
  for (let value: u32 = 0; value < VALUES; value++) {
    const sum = <f64>slotsAt(counts, value) * reinterpret<f64>((<u64>(1023 - value)) << 52);
    if (value < KXQ1_VALUE) kxq0 += sum;
    else kxq1 += sum;
  }
  Writer.f64(kxq0);
  Writer.f64(kxq1);
}

/** log2 of the table that a reader keeps `aux` coupons in: 2^5 at lgK 12 and 13, 2^6 at 14, at most 3/4 full; 0 without any. */
function auxLog2(lgK: u32, aux: u32): u32 {
  if (aux == 0) return 0;
  let log2: u32 = lgK <= 13 ? 5 : 6;
  while (aux * 4 > (<u32>3) << log2) log2++;
  return log2;
}

/** Writes the slots in four bits each, and the coupons of those that do not fit. */
function encodeHalves(distinct: Distinct, least: u32): void {
  const slots = pagesOf(distinct) * PAGE_BYTES;
  for (let slot: u32 = 0; slot < slots; slot += 2) {
    const low = min(slotValue(distinct, slot) - least, AUX_TOKEN);
    const high = min(slotValue(distinct, slot + 1) - least, AUX_TOKEN);
    Writer.u8(low | (high << 4));
  }
  for (let slot: u32 = 0; slot < slots; slot++) {
    const value = slotValue(distinct, slot);
    if (value - least >= AUX_TOKEN) Writer.u32((value << ADDRESS_BITS) | slot);
  }
}
