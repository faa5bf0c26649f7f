/**
 * Packs the registers of a distinct state by how often each value comes: range asymmetric numeral systems (Duda, "Asymmetric
 * numeral systems", 2013), four states in turn, words of 16 bits, frequencies in 2048ths.
 *
 * ```
 * empty varint                    2048ths of registers that are empty
 * least u8, values - 1 u8         filled values from the least to the greatest that comes
 * values x frequency varint       2048ths
 * words varint
 * state u32 x 4, word u16 x words
 * ```
 * A general compressor takes a fifth more, since it finds matches where there are none. The frequencies follow from the
 * registers, and the four states end where they began, so registers have one packed form. One that takes more than 17/32 of a
 * byte a register is not written.
 */
import { Cursor } from "../bytes/cursor";
import { PAGE_BYTES } from "../bytes/pool";
import { Writer } from "../bytes/writer";
import { mergeRegisters } from "./distinct";
import { SketchPool } from "./sketch-pool";

/** Values of registers are below this. */
const VALUES: u32 = 168;
const SHIFT: u32 = 11;
const TOTAL: u32 = 1 << SHIFT;
/** States lie in [LOW, 2^32). */
const LOW: u32 = 1 << 16;
const STATES: u32 = 4;

/** Parts of the scratch: how often each value comes (u32), its frequency and the sum of those before it (u16 each). */
const COUNTS: usize = 0;
const FREQUENCIES: usize = 1024;
/** Frequencies as they were read (u16), and the states while pages are unpacked. */
const READ: usize = 672;
const KEPT: usize = 2032;
/** The value for each 2048th; a page of registers; words. While pages are packed the states lie where the values do. */
const SLOTS: usize = 2048;
const PAGE: usize = 4096;
const WORDS: usize = 8192;
/** While pages are unpacked: how often each value came from each of the four states, 1024 bytes each. */
const LANES: usize = 8192;

/** The pages that are packed or unpacked into. */
class Pages {
  static page0: usize = 0;
  static page1: usize = 0;
  static page2: usize = 0;
  static page3: usize = 0;

  static at(index: u32): usize {
    if (index < 2) return index == 0 ? Pages.page0 : Pages.page1;
    return index == 2 ? Pages.page2 : Pages.page3;
  }
}

/** What a call works on. */
class Words {
  static at: usize = 0;
  static end: usize = 0;
}

/** Names the page of registers number `index`, 0 to 3, to pack next. */
export function registerSource(index: u32, page: usize): void {
  if (index == 0) Pages.page0 = page;
  else if (index == 1) Pages.page1 = page;
  else if (index == 2) Pages.page2 = page;
  else Pages.page3 = page;
}

/** Bytes of words at most for so many pages. */
function wordsBytesMax(pages: u32): u32 {
  return (pages * PAGE_BYTES * 17) >> 5;
}

/** Packs `pages` pages and writes them; false, and nothing written, where they take too much. */
export function registersPack(pages: u32): bool {
  clearCounts();
  for (let page: u32 = 0; page < pages; page++) count(Pages.at(page));
  normalize(pages);
  if (!pack(pages)) return false;
  writeFrequencies();
  Writer.varint(<u64>(Words.end - Words.at) >> 1);
  for (let state: u32 = 0; state < STATES; state++) Writer.u32(load<u32>(SketchPool.scratch + SLOTS + (state << 2)));
  Writer.bytes(Words.at, <u32>(Words.end - Words.at));
  return true;
}

/** Whether `pages` pages can be packed. */
export function registersFit(pages: u32): bool {
  clearCounts();
  for (let page: u32 = 0; page < pages; page++) count(Pages.at(page));
  normalize(pages);
  return pack(pages);
}

function clearCounts(): void {
  memory.fill(SketchPool.scratch + COUNTS, 0, VALUES << 2);
}

function count(page: usize): void {
  const counts = SketchPool.scratch + COUNTS;
  for (const end = page + PAGE_BYTES; page < end; page++) {
    const at = counts + ((<usize>load<u8>(page)) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
}

/** Turns counts into frequencies: each at least 1, the rest to the value that comes most often, the lowest of several. */
function normalize(pages: u32): void {
  const scratch = SketchPool.scratch;
  let left = <i32>TOTAL;
  let most: u32 = 0;
  for (let value: u32 = 0; value < VALUES; value++) {
    const count = load<u32>(scratch + COUNTS + (value << 2));
    const frequency = count == 0 ? 0 : max<u32>(1, count / (pages << 1));
    store<u32>(scratch + FREQUENCIES + (value << 2), frequency);
    left -= <i32>frequency;
    if (count > load<u32>(scratch + COUNTS + (most << 2))) most = value;
  }
  const at = scratch + FREQUENCIES + (most << 2);
  store<u32>(at, load<u32>(at) + left);
  sumFrequencies();
}

/** Puts the sum of the frequencies before each value beside it, and gives the sum of all. */
function sumFrequencies(): u32 {
  const frequencies = SketchPool.scratch + FREQUENCIES;
  let sum: u32 = 0;
  for (let value: u32 = 0; value < VALUES; value++) {
    const at = frequencies + (value << 2);
    const frequency = load<u32>(at);
    store<u16>(at, sum, 2);
    sum += frequency;
  }
  return sum;
}

/** Packs the pages, last register first, into words that end at `Words.end`, and puts the states into SLOTS. */
function pack(pages: u32): bool {
  const scratch = SketchPool.scratch;
  const states = scratch + SLOTS;
  const first = scratch + WORDS;
  Words.end = first + wordsBytesMax(pages);
  let at = Words.end;
  for (let state: u32 = 0; state < STATES; state++) store<u32>(states + (state << 2), LOW);
  for (let page = <i32>pages - 1; page >= 0; page--) {
    const registers = Pages.at(page);
    for (let index = <i32>PAGE_BYTES - 1; index >= 0; index--) {
      const one = load<u32>(scratch + FREQUENCIES + ((<usize>load<u8>(registers + index)) << 2));
      const frequency = one & 0xffff;
      const place = states + ((index & 3) << 2);
      let state = load<u32>(place);
      if (<u64>state >= (<u64>frequency) << (32 - SHIFT)) {
        if (at == first) return false;
        at -= 2;
        store<u16>(at, state);
        state >>= 16;
      }
      // That is quotient * TOTAL + remainder + the sum before, with one division.
      store<u32>(place, state + (state / frequency) * (TOTAL - frequency) + (one >> 16));
    }
  }
  Words.at = at;
  return true;
}

function frequencyOf(value: u32): u32 {
  return load<u16>(SketchPool.scratch + FREQUENCIES + (value << 2));
}

function writeFrequencies(): void {
  let least: u32 = 1;
  let greatest = VALUES - 1;
  while (frequencyOf(least) == 0) least++;
  while (frequencyOf(greatest) == 0) greatest--;
  Writer.varint(frequencyOf(0));
  Writer.u8(least);
  Writer.u8(greatest - least);
  for (let value = least; value <= greatest; value++) Writer.varint(frequencyOf(value));
}

/**
 * Reads packed registers from the Cursor, `pages` pages, and merges them into the pages named by `registerSource` where
 * `merge` is set; false where they are not in their one form. Where it is false, pages may have changed.
 */
export function registersUnpack(pages: u32, merge: bool): bool {
  if (!readFrequencies()) return false;
  const words = Cursor.count(wordsBytesMax(pages) >> 1);
  const states = Cursor.take(STATES << 2);
  const start = Cursor.take(words << 1);
  if (Cursor.fault) return false;
  Words.at = start;
  Words.end = start + (words << 1);
  memory.fill(SketchPool.scratch + LANES, 0, STATES << 10);
  const kept = SketchPool.scratch + KEPT;
  memory.copy(kept, states, STATES << 2);
  let complete = true;
  for (let state: u32 = 0; state < STATES; state++) if (load<u32>(kept + (state << 2)) < LOW) complete = false;
  for (let page: u32 = 0; page < pages && complete; page++) {
    if (!unpackPage()) complete = false;
    if (merge && complete) mergeRegisters(Pages.at(page), SketchPool.scratch + PAGE, PAGE_BYTES);
  }
  for (let state: u32 = 0; state < STATES; state++) if (load<u32>(kept + (state << 2)) != LOW) complete = false;
  addLanes();
  return complete && Words.at == Words.end && frequenciesFollow(pages);
}

/** Adds up what was counted for each state. */
function addLanes(): void {
  const scratch = SketchPool.scratch;
  for (let at: usize = 0; at < VALUES << 2; at += 16) {
    const even = v128.add<u32>(v128.load(scratch + at, LANES), v128.load(scratch + at, LANES + 2048));
    const odd = v128.add<u32>(v128.load(scratch + at, LANES + 1024), v128.load(scratch + at, LANES + 3072));
    v128.store(scratch + at, v128.add<u32>(even, odd), COUNTS);
  }
}

/** Registers of those last counted or unpacked that are not empty. */
export function registersFilled(pages: u32): u32 {
  return pages * PAGE_BYTES - load<u32>(SketchPool.scratch + COUNTS);
}

/** Reads frequencies that add up to TOTAL and lays the values out by them. */
function readFrequencies(): bool {
  const scratch = SketchPool.scratch;
  memory.fill(scratch + FREQUENCIES, 0, VALUES << 2);
  store<u32>(scratch + FREQUENCIES, Cursor.count(TOTAL));
  const least = Cursor.u8();
  const last = least + Cursor.u8();
  if (Cursor.fault || least == 0 || last >= VALUES) return false;
  let sum = load<u32>(scratch + FREQUENCIES);
  for (let value = least; value <= last; value++) {
    const frequency = Cursor.count(TOTAL);
    if (frequency != 0 && !validRegister(value)) return false;
    store<u32>(scratch + FREQUENCIES + (value << 2), frequency);
    sum += frequency;
  }
  if (Cursor.fault || sum != TOTAL || frequencyOf(least) == 0 || frequencyOf(last) == 0) return false;
  let slot = scratch + SLOTS;
  for (let value: u32 = 0; value < VALUES; value++) {
    const frequency = frequencyOf(value);
    store<u16>(scratch + READ + (value << 1), frequency);
    memory.fill(slot, <u8>value, frequency);
    slot += frequency;
  }
  sumFrequencies();
  return true;
}

/** Whether the frequencies that were read are those of the registers that were unpacked. */
function frequenciesFollow(pages: u32): bool {
  normalize(pages);
  for (let value: u32 = 0; value < VALUES; value++) {
    if (load<u16>(SketchPool.scratch + READ + (value << 1)) != frequencyOf(value)) return false;
  }
  return true;
}

/** Whether a filled register can be: for k = 1 nothing lies below, for k = 2 one level does. */
export function validRegister(register: u32): bool {
  if (register >= VALUES) return false;
  return register >= 20 || register == 12 || register == 16 || register == 18;
}

/**
 * Unpacks 4096 registers into PAGE and counts them, those of each state apart so that no count waits for another; false when
 * the words end early.
 */
function unpackPage(): bool {
  const scratch = SketchPool.scratch;
  const slots = scratch + SLOTS;
  const frequencies = scratch + FREQUENCIES;
  const counts = scratch;
  const end = Words.end;
  let words = Words.at;
  let state0 = load<u32>(scratch, KEPT);
  let state1 = load<u32>(scratch, KEPT + 4);
  let state2 = load<u32>(scratch, KEPT + 8);
  let state3 = load<u32>(scratch, KEPT + 12);
  let at = scratch + PAGE;
  const last = at + PAGE_BYTES;
  while (at < last) {
    const slot0 = state0 & (TOTAL - 1);
    const value0 = (<usize>load<u8>(slots + slot0)) << 2;
    const one0 = load<u32>(frequencies + value0);
    state0 = (one0 & 0xffff) * (state0 >> SHIFT) + slot0 - (one0 >> 16);
    store<u8>(at, <u32>(value0 >> 2), 0);
    store<u32>(counts + value0, load<u32>(counts + value0, LANES + 0 * 1024) + 1, LANES + 0 * 1024);
    if (state0 < LOW) {
      if (words >= end) break;
      state0 = (state0 << 16) | <u32>load<u16>(words);
      words += 2;
    }
    const slot1 = state1 & (TOTAL - 1);
    const value1 = (<usize>load<u8>(slots + slot1)) << 2;
    const one1 = load<u32>(frequencies + value1);
    state1 = (one1 & 0xffff) * (state1 >> SHIFT) + slot1 - (one1 >> 16);
    store<u8>(at, <u32>(value1 >> 2), 1);
    store<u32>(counts + value1, load<u32>(counts + value1, LANES + 1 * 1024) + 1, LANES + 1 * 1024);
    if (state1 < LOW) {
      if (words >= end) break;
      state1 = (state1 << 16) | <u32>load<u16>(words);
      words += 2;
    }
    const slot2 = state2 & (TOTAL - 1);
    const value2 = (<usize>load<u8>(slots + slot2)) << 2;
    const one2 = load<u32>(frequencies + value2);
    state2 = (one2 & 0xffff) * (state2 >> SHIFT) + slot2 - (one2 >> 16);
    store<u8>(at, <u32>(value2 >> 2), 2);
    store<u32>(counts + value2, load<u32>(counts + value2, LANES + 2 * 1024) + 1, LANES + 2 * 1024);
    if (state2 < LOW) {
      if (words >= end) break;
      state2 = (state2 << 16) | <u32>load<u16>(words);
      words += 2;
    }
    const slot3 = state3 & (TOTAL - 1);
    const value3 = (<usize>load<u8>(slots + slot3)) << 2;
    const one3 = load<u32>(frequencies + value3);
    state3 = (one3 & 0xffff) * (state3 >> SHIFT) + slot3 - (one3 >> 16);
    store<u8>(at, <u32>(value3 >> 2), 3);
    store<u32>(counts + value3, load<u32>(counts + value3, LANES + 3 * 1024) + 1, LANES + 3 * 1024);
    if (state3 < LOW) {
      if (words >= end) break;
      state3 = (state3 << 16) | <u32>load<u16>(words);
      words += 2;
    }
    at += STATES;
  }
  store<u32>(scratch, state0, KEPT);
  store<u32>(scratch, state1, KEPT + 4);
  store<u32>(scratch, state2, KEPT + 8);
  store<u32>(scratch, state3, KEPT + 12);
  Words.at = words;
  return at == last;
}
