/**
 * A bounded allocator of small blocks: 4 KiB pages from one region, each page cut into blocks of one size class.
 *
 * ```
 * page, 4096 bytes:  | next page u32 | free list u32 | used u16 | class u16 | blocks ... |
 * classes:           32 64 128 256 512 1024 2032 4080 bytes
 * ```
 * A page belongs to a class while one of its blocks is in use and then goes back, so a burst of one size leaves nothing
 * behind. Where blocks come and go one at a time a pool may keep the last page of each class cut, until pages are needed elsewhere.
 * `allocatePage` gives a page uncut. Both answer 0 when the region is used up; the caller counts that under its own
 * name. Larger runs of whole pages come from `reserve`, before the first of these.
 */

/** Bytes of a page, and its alignment. */
export const PAGE_BYTES: u32 = 4096;
const PAGE_MASK: usize = ~(<usize>4095);
const HEADER_BYTES: u32 = 16;
const NEXT: usize = 0;
const FREE: usize = 4;
const USED: usize = 8;
const CLASS: usize = 10;
const PREVIOUS: usize = 12;

const CLASSES: u32 = 8;

/** The largest block a pool gives. */
export const BLOCK_BYTES_MAX: u32 = 4080;

/** Usable bytes of a block of class `index`. */
function classBytes(index: u32): u32 {
  if (index == 7) return 4080;
  return index == 6 ? 2032 : 32 << index;
}

/** Smallest class whose blocks hold `bytes`, for `bytes` of at most BLOCK_BYTES_MAX. */
function classOf(bytes: u32): u32 {
  if (bytes <= 32) return 0;
  if (bytes > 2032) return 7;
  if (bytes > 1024) return 6;
  return 27 - clz<u32>(bytes - 1);
}

/** What a block for `bytes`, at most BLOCK_BYTES_MAX, takes of its page. */
export function blockBytes(bytes: u32): u32 {
  return classBytes(classOf(bytes));
}

/** The allocator's own record; it lies at the start of its region. */
@unmanaged
export class Pool {
  private firstFreePage: u32;
  private untouched: u32;
  private end: u32;
  /** Bytes in pages that are in use. */
  bytesUsed: u32;
  /** Pages with a free block, a list a class. */
  private open0: u32;
  private open1: u32;
  private open2: u32;
  private open3: u32;
  private open4: u32;
  private open5: u32;
  private open6: u32;
  private open7: u32;
  /** Whether the last page of a class stays when no block of it is in use. */
  keepsLast: bool;

  /** Lays a pool out over `length` bytes at `start`, which is a multiple of 4096. */
  static create(start: usize, length: u32): Pool {
    memory.fill(start, 0, PAGE_BYTES);
    const pool = changetype<Pool>(start);
    pool.untouched = <u32>start + PAGE_BYTES;
    pool.end = <u32>start + (length & <u32>PAGE_MASK);
    return pool;
  }

  /** Gives a block of at least `bytes` (at most BLOCK_BYTES_MAX), its content undefined; 0 when the pool is used up. */
  allocate(bytes: u32): usize {
    assert(bytes <= BLOCK_BYTES_MAX);
    const index = classOf(bytes);
    const list = changetype<usize>(this) + offsetof<Pool>("open0") + (index << 2);
    let page = <usize>load<u32>(list);
    if (page == 0) {
      page = this.takePage(index);
      if (page == 0) return 0;
      store<u32>(list, <u32>page);
    }
    const block = <usize>load<u32>(page, FREE);
    const next = load<u32>(block);
    store<u32>(page, next, FREE);
    store<u16>(page, load<u16>(page, USED) + 1, USED);
    if (next == 0) this.unlink(page, list);
    return block;
  }

  /** Takes a block back. */
  release(block: usize): void {
    const page = block & PAGE_MASK;
    const index = <u32>load<u16>(page, CLASS);
    const list = changetype<usize>(this) + offsetof<Pool>("open0") + (index << 2);
    const free = load<u32>(page, FREE);
    const used = load<u16>(page, USED) - 1;
    store<u32>(block, free);
    store<u32>(page, <u32>block, FREE);
    store<u16>(page, used, USED);
    if (free == 0) this.link(page, list);
    if (used == 0 && !(this.keepsLast && load<u32>(list) == <u32>page && load<u32>(page, NEXT) == 0)) {
      this.unlink(page, list);
      this.releasePage(page);
    }
  }

  /** Gives a contiguous run of whole pages that is never returned; 0 when there is no room. */
  reserve(bytes: u32): usize {
    const length = (bytes + PAGE_BYTES - 1) & <u32>PAGE_MASK;
    if (length > this.end - this.untouched) return 0;
    const start = this.untouched;
    this.untouched += length;
    this.bytesUsed += length;
    return start;
  }

  /** Gives a whole page: 4096 bytes, aligned so, its content undefined; 0 when the pool is used up. */
  allocatePage(): usize {
    let page = <usize>this.firstFreePage;
    if (page != 0) {
      this.firstFreePage = load<u32>(page, NEXT);
    } else {
      if (this.untouched >= this.end) return this.reclaim();
      page = this.untouched;
      this.untouched += PAGE_BYTES;
    }
    this.bytesUsed += PAGE_BYTES;
    return page;
  }

  /** A page that is kept though no block of it is in use, taken from its class; 0 where there is none. It stays counted as used. */
  private reclaim(): usize {
    if (!this.keepsLast) return 0;
    for (let index: u32 = 0; index < CLASSES; index++) {
      const list = changetype<usize>(this) + offsetof<Pool>("open0") + (index << 2);
      for (let page = <usize>load<u32>(list); page != 0; page = <usize>load<u32>(page, NEXT)) {
        if (load<u16>(page, USED) != 0) continue;
        this.unlink(page, list);
        return page;
      }
    }
    return 0;
  }

  /** Takes back a page that `allocatePage` gave. */
  releasePage(page: usize): void {
    store<u32>(page, this.firstFreePage, NEXT);
    this.firstFreePage = <u32>page;
    this.bytesUsed -= PAGE_BYTES;
  }

  private takePage(index: u32): usize {
    const page = this.allocatePage();
    if (page == 0) return 0;
    store<u32>(page, 0, NEXT);
    store<u32>(page, 0, PREVIOUS);
    store<u16>(page, 0, USED);
    store<u16>(page, index, CLASS);
    const bytes = classBytes(index);
    const last = page + PAGE_BYTES - bytes;
    let block = page + HEADER_BYTES;
    store<u32>(page, <u32>block, FREE);
    while (block + bytes <= last) {
      store<u32>(block, <u32>(block + bytes));
      block += bytes;
    }
    store<u32>(block, 0);
    return page;
  }

  private link(page: usize, list: usize): void {
    const first = <usize>load<u32>(list);
    store<u32>(page, <u32>first, NEXT);
    store<u32>(page, 0, PREVIOUS);
    if (first != 0) store<u32>(first, <u32>page, PREVIOUS);
    store<u32>(list, <u32>page);
  }

  private unlink(page: usize, list: usize): void {
    const next = <usize>load<u32>(page, NEXT);
    const previous = <usize>load<u32>(page, PREVIOUS);
    if (previous != 0) store<u32>(previous, <u32>next, NEXT);
    else store<u32>(list, <u32>next);
    if (next != 0) store<u32>(next, <u32>previous, PREVIOUS);
  }
}
