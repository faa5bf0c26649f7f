/** The whole core, and a hand on its memory: what the stream pool has left can be taken, and given back. */
import { BLOCK_BYTES_MAX } from "../../assembly/bytes/pool";
import { Regions } from "../../assembly/regions";

export * from "../../assembly/index";

/** Blocks that are held, each with the address of the next: those that are a page, and smaller ones. */
let pagesHeld: usize = 0;
let partsHeld: usize = 0;

function chain(block: usize, next: usize): usize {
  store<u32>(block, <u32>next);
  return block;
}

function release(first: usize): usize {
  const next = <usize>load<u32>(first);
  Regions.streamPool.release(first);
  return next;
}

/** Takes all that the stream pool has left but `pages` whole pages. */
export function squeeze(pages: u32): void {
  relax();
  for (let block = Regions.streamPool.allocate(BLOCK_BYTES_MAX); block != 0; ) {
    pagesHeld = chain(block, pagesHeld);
    block = Regions.streamPool.allocate(BLOCK_BYTES_MAX);
  }
  for (let bytes: u32 = 32; bytes < BLOCK_BYTES_MAX; bytes <<= 1) {
    const most = bytes == 2048 ? 2032 : bytes;
    for (let block = Regions.streamPool.allocate(most); block != 0; ) {
      partsHeld = chain(block, partsHeld);
      block = Regions.streamPool.allocate(most);
    }
  }
  for (let left = pages; left != 0 && pagesHeld != 0; left--) pagesHeld = release(pagesHeld);
}

/** Gives all of it back. */
export function relax(): void {
  while (pagesHeld != 0) pagesHeld = release(pagesHeld);
  while (partsHeld != 0) partsHeld = release(partsHeld);
}
