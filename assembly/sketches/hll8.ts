/**
 * A distinct state in the form of Apache DataSketches' HLL_8, for tools that read that library's sketches (serial version 1).
 *
 * ```
 * byte     0        1       2        3    4      5      6        7       8 ...
 * LIST     2        1       7        lgK  3      flags  count    8       coupon u32 x count        up to 7 coupons
 * SET      3        1       7        lgK  lgArr  8      0        9       count u32, coupon u32 x count
 * HLL      10       1       7        lgK  0      16     0        10      HIP f64, KxQ0 f64, KxQ1 f64, zeros u32, 0 u32, slots u8 x 2^lgK
 *          preamble serial  family                      curMin   mode
 *          words    version HLL
 * ```
 * Flags: 4 empty, 8 compact, 16 out of order. A coupon is a 6-bit value over a 26-bit address; the value is 1 + the leading zeros
 * of the hash's second half, a slot keeps the largest value of its coupons, and KxQ0 and KxQ1 are the sums of 2^-value over
 * slots below 32 and from 32 on. Merged sketches have no order, so HIP is 0 and the reader estimates from the slots.
 *
 * The element hash holds 38 of the bits that the value counts: one element in 2^38 has a greater value than is known here.
 */

import { PAGE_BYTES } from "../bytes/pool";
import { Writer } from "../bytes/writer";
import { Distinct, pagesOf, registerPage } from "./distinct";
import { countRegisters } from "./distinct-estimate";

const SERIAL_VERSION: u32 = 1;
const FAMILY: u32 = 7;
const MODE_LIST: u32 = 8;
const MODE_SET: u32 = 9;
const MODE_HLL: u32 = 10;
const FLAG_EMPTY: u32 = 4;
const FLAG_COMPACT: u32 = 8;
const FLAG_OUT_OF_ORDER: u32 = 16;
const LIST_MAX: u32 = 7;
/** A reader's table of 2^5 coupons takes up to 24, one of 2^6 all that there can be here. */
const SMALL_SET_MAX: u32 = 24;
const RUN_MASK: u64 = (1 << 38) - 1;
/** Values from here on are added up in KxQ1. */
const KXQ1_VALUE: u32 = 32;
const REGISTERS: u32 = 168;

/** Writes `state` as an HLL_8 sketch of lgK = its precision. */
export function distinctEncodeHll8(state: usize): void {
  const distinct = changetype<Distinct>(state);
  if (distinct.full) encodeSlots(distinct);
  else encodeCoupons(distinct);
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
  return (value << 26) | <u32>(element >> 38);
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

function encodeCoupons(distinct: Distinct): void {
  const count = walkCoupons(distinct, false);
  if (count <= LIST_MAX) {
    preamble(2, distinct.precision, 3, FLAG_COMPACT | (count == 0 ? FLAG_EMPTY : 0), count, MODE_LIST);
  } else {
    preamble(3, distinct.precision, count <= SMALL_SET_MAX ? 5 : 6, FLAG_COMPACT, 0, MODE_SET);
    Writer.u32(count);
  }
  walkCoupons(distinct, true);
}

function encodeSlots(distinct: Distinct): void {
  const counts = countRegisters(distinct);
  const zeros = load<u32>(counts);
  let kxq0 = <f64>zeros;
  let kxq1: f64 = 0;
  for (let register: u32 = 12; register < REGISTERS; register++) {
    const value = (register >> 2) - 2;
    const sum = <f64>load<u32>(counts + (register << 2)) * reinterpret<f64>((<u64>(1023 - value)) << 52);
    if (value < KXQ1_VALUE) kxq0 += sum;
    else kxq1 += sum;
  }
  preamble(10, distinct.precision, 0, FLAG_OUT_OF_ORDER, 0, MODE_HLL);
  Writer.f64(0);
  Writer.f64(kxq0);
  Writer.f64(kxq1);
  Writer.u32(zeros);
  Writer.u32(0);
  const pages = pagesOf(distinct);
  for (let page: u32 = 0; page < pages; page++) {
    const start = registerPage(distinct, page);
    for (let i: u32 = 0; i < PAGE_BYTES; i++) {
      const register = <u32>load<u8>(start + i);
      Writer.u8(register == 0 ? 0 : (register >> 2) - 2);
    }
  }
}
