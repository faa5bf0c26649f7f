/**
 * Sealed bundles that wait for the host: whole bundles one behind the other, the oldest first.
 *
 * ```
 * | length u32 | 0 u32 | bundle, filled up to 8 | length u32 | ...
 * ```
 * Before a packet or a tick is taken there must be room for two of the greatest size, since a jump of time seals two.
 */
import { bundleSlack } from "./bundle";

/** Bytes of one sealed minute at the most; tops are cut shorter until it fits. */
export const BUNDLE_BYTES_MAX: u32 = 256 << 10;
const HEAD_BYTES: u32 = 8;

export class BundleQueue {
  /** Sealed bundles that found no room. */
  static lost: u64 = 0;
  /** Most sections that a bundle of this host can have. */
  private static sections: u32 = 0;
  private static start: usize = 0;
  private static end: usize = 0;
  private static head: usize = 0;
  private static tail: usize = 0;

  /** Lays an empty queue out over `length` bytes at `start`, a multiple of 8, for bundles of up to `sections` sections. */
  static open(start: usize, length: u32, sections: u32): void {
    BundleQueue.start = start;
    BundleQueue.end = start + length;
    BundleQueue.head = start;
    BundleQueue.tail = start;
    BundleQueue.sections = sections;
    BundleQueue.lost = 0;
    assert(BundleQueue.hasRoom());
  }

  /** Whether the two bundles that one packet or tick may seal find room. */
  static hasRoom(): bool {
    const waiting = <u32>(BundleQueue.tail - BundleQueue.head);
    const needed = (BUNDLE_BYTES_MAX + HEAD_BYTES) * <u32>2 + bundleSlack(BundleQueue.sections);
    return <u32>(BundleQueue.end - BundleQueue.start) - waiting >= needed;
  }

  /** Moves what waits to the front and gives the address at which the next bundle is written. */
  static place(): usize {
    const waiting = BundleQueue.tail - BundleQueue.head;
    if (BundleQueue.head != BundleQueue.start) {
      memory.copy(BundleQueue.start, BundleQueue.head, waiting);
      BundleQueue.head = BundleQueue.start;
      BundleQueue.tail = BundleQueue.start + waiting;
    }
    return BundleQueue.tail + HEAD_BYTES;
  }

  /** Bytes that may be written at `place`. */
  static placeBytes(): u32 {
    const left = <u32>(BundleQueue.end - BundleQueue.tail);
    const most = BUNDLE_BYTES_MAX + bundleSlack(BundleQueue.sections);
    if (left <= HEAD_BYTES) return 0;
    return left - HEAD_BYTES < most ? left - HEAD_BYTES : most;
  }

  /** Takes the bundle of `length` bytes in that was written at `place`. */
  static push(length: u32): void {
    assert(length <= BUNDLE_BYTES_MAX);
    store<u32>(BundleQueue.tail, length);
    store<u32>(BundleQueue.tail, 0, 4);
    BundleQueue.tail += HEAD_BYTES + ((length + 7) & ~7);
  }

  /** Address of the oldest bundle, 0 when none waits. It stays until the next packet, tick or flush. */
  static first(): usize {
    return BundleQueue.head == BundleQueue.tail ? 0 : BundleQueue.head + HEAD_BYTES;
  }

  /** Bytes of the oldest bundle, 0 when none waits. */
  static firstBytes(): u32 {
    return BundleQueue.head == BundleQueue.tail ? 0 : load<u32>(BundleQueue.head);
  }

  /** Drops the oldest bundle, which the host has. */
  static done(): void {
    const length = BundleQueue.firstBytes();
    if (length == 0) return;
    BundleQueue.head += HEAD_BYTES + ((length + 7) & ~7);
    if (BundleQueue.head == BundleQueue.tail) {
      BundleQueue.head = BundleQueue.start;
      BundleQueue.tail = BundleQueue.start;
    }
  }
}

/** Whether a packet or a tick may be taken: two more bundles find room. */
export function bundlesHaveRoom(): bool {
  return BundleQueue.hasRoom();
}
