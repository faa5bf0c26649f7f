/** The core's bare decode, from the file's bytes to the transport's header: its own sources up to `transport/deliver.ts`. */
import { Pool } from "../../assembly/bytes/pool";
import { inputFeed, inputOpen, inputsCreate } from "../../assembly/capture/input";
import { Delivered } from "./deliver.entry";

const INPUT_BYTES: u32 = 1 << 20;
const POOL_BYTES: u32 = 2 << 20;
const PAGE: usize = 65536;

class Room {
  static input: usize = 0;
}

/** Lays everything out for one capture file; answers its handle. */
export function open(): i32 {
  Room.input = (__heap_base + PAGE) & ~(PAGE - 1);
  const pool = Room.input + INPUT_BYTES;
  memory.grow(<i32>((pool + POOL_BYTES) / PAGE) - memory.size());
  inputsCreate(Pool.create(pool, POOL_BYTES));
  return inputOpen(0);
}

/** Address of the buffer that chunks of input are put into. */
export function inputStart(): usize {
  return Room.input;
}

/** Bytes of that buffer. */
export function inputBytes(): u32 {
  return INPUT_BYTES;
}

/** Reads `length` bytes at `start`; answers how many are done with. */
export function feed(handle: i32, start: usize, length: u32): u32 {
  return inputFeed(handle, start, length);
}

/** Packets that were decoded. */
export function packets(): u32 {
  return Delivered.packets;
}

/** Something of all that was decoded. */
export function sum(): u64 {
  return Delivered.sum;
}
