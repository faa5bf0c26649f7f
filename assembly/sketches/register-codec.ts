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
/** While pages are packed: the states, and the words. */
const STATES_PACKED: usize = 2048;
const WORDS: usize = 8192;
/**
 * While pages are unpacked: for each 2048th its value, its place among those of the value, and how many they are, in one u32
 * `| value 8 | place 12 | frequency 12 |`; a page of registers; how often each value came from each state, u16, 512 bytes each.
 */
const SLOTS: usize = 2048;
const PAGE: usize = 10240;
const LANES: usize = 14336;
const LANE_BYTES: usize = 512;

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
  for (let state: u32 = 0; state < STATES; state++) Writer.u32(load<u32>(SketchPool.scratch + STATES_PACKED + (state << 2)));
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

/** Packs the pages, last register first, into words that end at `Words.end`, and puts the states into STATES_PACKED. */
function pack(pages: u32): bool {
  const scratch = SketchPool.scratch;
  const states = scratch + STATES_PACKED;
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
 * Checks packed registers under the Cursor, `pages` pages, and counts them for `registersFilled`; false where they are not in
 * their one form.
 */
export function registersSkip(pages: u32): bool {
  memory.fill(SketchPool.scratch + LANES, 0, STATES * <u32>LANE_BYTES);
  if (!unpack(pages, true)) return false;
  addLanes();
  return frequenciesFollow(pages);
}

/** Reads packed registers that `registersSkip` found valid, `pages` pages, and merges them into those named by `registerSource`. */
export function registersMerge(pages: u32): bool {
  return unpack(pages, false);
}

/** Unpacks `pages` pages and counts or merges them; false where words or states are not those of so many. */
function unpack(pages: u32, counting: bool): bool {
  if (!readFrequencies()) return false;
  const words = Cursor.count(wordsBytesMax(pages) >> 1);
  const states = Cursor.take(STATES << 2);
  const start = Cursor.take(words << 1);
  if (Cursor.fault) return false;
  Words.at = start;
  Words.end = start + (words << 1);
  const kept = SketchPool.scratch + KEPT;
  memory.copy(kept, states, STATES << 2);
  for (let state: u32 = 0; state < STATES; state++) if (load<u32>(kept + (state << 2)) < LOW) return false;
  for (let page: u32 = 0; page < pages; page++) {
    if (!(counting ? unpackCounted() : unpackPlain())) return false;
    if (!counting) mergeRegisters(Pages.at(page), SketchPool.scratch + PAGE, PAGE_BYTES);
  }
  for (let state: u32 = 0; state < STATES; state++) if (load<u32>(kept + (state << 2)) != LOW) return false;
  return Words.at == Words.end;
}

/** Adds up what was counted for each state. */
function addLanes(): void {
  const scratch = SketchPool.scratch;
  for (let value: usize = 0; value < VALUES; value++) {
    const lanes = scratch + LANES + (value << 1);
    const even = <u32>load<u16>(lanes) + <u32>load<u16>(lanes, 2 * LANE_BYTES);
    const odd = <u32>load<u16>(lanes, LANE_BYTES) + <u32>load<u16>(lanes, 3 * LANE_BYTES);
    store<u32>(scratch + COUNTS + (value << 2), even + odd);
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
    for (let place: u32 = 0; place < frequency; place++, slot += 4) store<u32>(slot, (value << 24) | (place << 12) | frequency);
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

/** Unpacks 4096 registers into PAGE; false when the words end early. */
function unpackPlain(): bool {
  return Page.unpack(false);
}

/** Unpacks 4096 registers into PAGE and counts them; false when the words end early. */
function unpackCounted(): bool {
  return Page.unpack(true);
}

class Page {
  /**
   * What `unpackPlain` and `unpackCounted` do. Those of each state are counted apart so that no count waits for another. A word
   * is loaded whether a state takes it or not, as no branch that depends on the registers is ever foretold; so up to four lie
   * beyond the last, and a state that took one of them fails the check that follows.
   */
  @inline static unpack(counting: bool): bool {
    const scratch = SketchPool.scratch;
    const end = Words.end;
    let words = Words.at;
    let state0 = load<u32>(scratch, KEPT);
    let state1 = load<u32>(scratch, KEPT + 4);
    let state2 = load<u32>(scratch, KEPT + 8);
    let state3 = load<u32>(scratch, KEPT + 12);
    let at = scratch + PAGE;
    const last = at + PAGE_BYTES;
    while (at < last && words <= end) {
      const one0 = load<u32>(scratch + ((state0 & (TOTAL - 1)) << 2), SLOTS);
      state0 = (one0 & 0xfff) * (state0 >> SHIFT) + ((one0 >> 12) & 0xfff);
      store<u8>(at, one0 >> 24, 0);
      if (counting) Page.count(scratch + ((one0 >> 24) << 1), 0 * LANE_BYTES);
      const low0 = u32(state0 < LOW);
      state0 = (state0 << (low0 << 4)) | (<u32>load<u16>(words) & (0 - low0));
      words += low0 << 1;
      const one1 = load<u32>(scratch + ((state1 & (TOTAL - 1)) << 2), SLOTS);
      state1 = (one1 & 0xfff) * (state1 >> SHIFT) + ((one1 >> 12) & 0xfff);
      store<u8>(at, one1 >> 24, 1);
      if (counting) Page.count(scratch + ((one1 >> 24) << 1), 1 * LANE_BYTES);
      const low1 = u32(state1 < LOW);
      state1 = (state1 << (low1 << 4)) | (<u32>load<u16>(words) & (0 - low1));
      words += low1 << 1;
      const one2 = load<u32>(scratch + ((state2 & (TOTAL - 1)) << 2), SLOTS);
      state2 = (one2 & 0xfff) * (state2 >> SHIFT) + ((one2 >> 12) & 0xfff);
      store<u8>(at, one2 >> 24, 2);
      if (counting) Page.count(scratch + ((one2 >> 24) << 1), 2 * LANE_BYTES);
      const low2 = u32(state2 < LOW);
      state2 = (state2 << (low2 << 4)) | (<u32>load<u16>(words) & (0 - low2));
      words += low2 << 1;
      const one3 = load<u32>(scratch + ((state3 & (TOTAL - 1)) << 2), SLOTS);
      state3 = (one3 & 0xfff) * (state3 >> SHIFT) + ((one3 >> 12) & 0xfff);
      store<u8>(at, one3 >> 24, 3);
      if (counting) Page.count(scratch + ((one3 >> 24) << 1), 3 * LANE_BYTES);
      const low3 = u32(state3 < LOW);
      state3 = (state3 << (low3 << 4)) | (<u32>load<u16>(words) & (0 - low3));
      words += low3 << 1;
      at += STATES;
    }
    store<u32>(scratch, state0, KEPT);
    store<u32>(scratch, state1, KEPT + 4);
    store<u32>(scratch, state2, KEPT + 8);
    store<u32>(scratch, state3, KEPT + 12);
    Words.at = words;
    return at == last && words <= end;
  }

  @inline private static count(at: usize, lane: usize): void {
    store<u16>(at + lane, load<u16>(at + lane, LANES) + 1, LANES);
  }
}
