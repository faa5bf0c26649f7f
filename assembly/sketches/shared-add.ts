/** The way of a key into a shared table (`shared-tops.ts`): its search, its entry, its weights. */
import { copyBytes, sameBytes } from "../bytes/run";
import { Remembered } from "./remembered";
import { dropLight } from "./shared-drop";
import {
  FIRST_RUN_BYTES,
  FREE,
  fillSlot,
  freeCell,
  growSlots,
  HEAD_BYTES,
  PAGE_BYTES,
  SharedCell,
  SharedTops,
  TAG_MASK,
} from "./shared-tops";
import { SketchPool } from "./sketch-pool";

/** Addresses of runs that a list of them has room for at first, and at the most. */
const RUNS_FIRST: u32 = 16;
const RUNS_MAX: u32 = 1016;

/** Where the last search ended. */
class Probe {
  static slot: usize = 0;
  static tag: u32 = 0;
}

/** Finds the cell of the key of `length` bytes (at most 255) at `start`, or enters it; 0 when the pool has no room for it. */
export function sharedCell(state: usize, hash: u64, start: usize, length: u32): usize {
  const tops = changetype<SharedTops>(state);
  const found = find(tops, hash, start, length);
  return found != 0 ? found : enter(tops, hash, start, length);
}

/** The cell of a key that was asked for lately, found without its hash; 0 where it has to be searched. */
export function sharedRemembered(state: usize, start: usize, length: u32): usize {
  const at = <usize>Remembered.placeOf(state, start, length);
  if (at == 0) return 0;
  const cell = changetype<SharedCell>(at);
  return <u32>cell.epoch != FREE && <u32>cell.length == length && sameBytes(cell.key, start, length) ? at : 0;
}

/** Adds `weight` to column `index` of `cell`, what `sharedCell` answered: without one it is part of the total and of the offset. */
export function sharedAdd(state: usize, cell: usize, index: u32, weight: u64): void {
  const tops = changetype<SharedTops>(state);
  const column = tops.column(index);
  column.total += weight;
  if (cell == 0) {
    column.offset += weight;
    column.lost += weight;
    return;
  }
  const at = tops.weight(changetype<SharedCell>(cell), index);
  store<u64>(at, load<u64>(at) + weight);
}

function find(tops: SharedTops, hash: u64, start: usize, length: u32): usize {
  if (tops.slotBits == 0) return 0;
  const mixed = hash * SketchPool.secret;
  const mask = ((<u32>1) << tops.slotBits) - 1;
  const tag = <u32>(mixed >> 20) & TAG_MASK;
  let index = <u32>(mixed >> (64 - <u64>tops.slotBits));
  while (true) {
    const at = tops.slot(index);
    const slot = load<u32>(at);
    if (slot == 0) {
      Probe.slot = at;
      Probe.tag = tag;
      return 0;
    }
    if ((slot & TAG_MASK) == tag) {
      const cell = changetype<SharedCell>(<usize>(slot - tag) >> 1);
      if (cell.hash == hash && <u32>cell.length == length && sameBytes(cell.key, start, length)) return changetype<usize>(cell);
    }
    index = (index + 1) & mask;
  }
}

/** Enters the key that was just searched for; 0 when the pool is used up. */
function enter(tops: SharedTops, hash: u64, start: usize, length: u32): usize {
  const epoch = tops.epoch;
  if (tops.count >= tops.capacity && !dropLight(tops, tops.kept)) return 0;
  if (!makeRoom(tops)) return 0;
  const grows = tops.slotBits == 0 || tops.count << 1 >= (<u32>1) << tops.slotBits;
  if (grows && !growSlots(tops)) return 0;
  const at = takeCell(tops);
  const cell = changetype<SharedCell>(at);
  const inline = at + HEAD_BYTES;
  let key = inline;
  if (length > tops.stride - HEAD_BYTES - (tops.columns << 3)) {
    key = SketchPool.block(length);
    if (key == 0) {
      cell.key = <u32>inline;
      cell.epoch = 0;
      tops.count++;
      freeCell(tops, cell);
      return 0;
    }
  }
  copyBytes(key, start, length);
  cell.hash = hash;
  cell.key = <u32>key;
  cell.length = <u8>length;
  cell.epoch = <u8>tops.epoch;
  for (let weight = tops.weight(cell, 0), end = at + tops.stride; weight < end; weight += 8) store<u64>(weight, 0);
  tops.count++;
  if (grows || tops.epoch != epoch) fillSlot(tops, cell);
  else store<u32>(Probe.slot, ((<u32>at) << 1) | Probe.tag);
  return at;
}

/** A cell that is not in use; `makeRoom` saw to it that there is one. */
function takeCell(tops: SharedTops): usize {
  const free = <usize>tops.free;
  if (free != 0) {
    tops.free = changetype<SharedCell>(free).key;
    return free;
  }
  const fresh = <usize>tops.fresh;
  tops.fresh += tops.stride;
  return fresh;
}

/** Makes sure that a cell can be taken: a new run of them, or where the pool is used up, the place of light keys. */
function makeRoom(tops: SharedTops): bool {
  if (tops.free != 0 || tops.fresh < tops.freshEnd) return true;
  if (addRun(tops)) return true;
  return tops.count > 0 && dropLight(tops, tops.count / (4 * tops.columns)) && tops.free != 0;
}

function addRun(tops: SharedTops): bool {
  if (tops.runCount == tops.runRoom && !growRuns(tops)) return false;
  const first = tops.runCount == 0;
  const run = first ? SketchPool.block(FIRST_RUN_BYTES) : SketchPool.page();
  if (run == 0) return false;
  store<u32>(<usize>tops.runs + (tops.runCount << 2), <u32>run);
  tops.runCount++;
  tops.fresh = <u32>run;
  tops.freshEnd = <u32>run + ((first ? FIRST_RUN_BYTES : PAGE_BYTES) / tops.stride) * tops.stride;
  return true;
}

function growRuns(tops: SharedTops): bool {
  const room = tops.runRoom == 0 ? RUNS_FIRST : min(tops.runRoom << 2, RUNS_MAX);
  if (room == tops.runRoom) return false;
  const runs = SketchPool.block(room << 2);
  if (runs == 0) return false;
  if (tops.runs != 0) {
    memory.copy(runs, tops.runs, tops.runCount << 2);
    SketchPool.pool.release(tops.runs);
  }
  tops.runs = <u32>runs;
  tops.runRoom = room;
  return true;
}
