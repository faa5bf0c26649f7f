/** Digests for tests: MD5 and SHA-256 of a run of bytes. */
import { Md5 } from "../../assembly/bytes/md5";
import { Sha256 } from "../../assembly/bytes/sha256";

/** Where `length` bytes to be hashed are put, at most 64 KiB; the digest is written behind them. */
export function open(): usize {
  const start = (__heap_base + 0xffff) & ~(<usize>0xffff);
  memory.grow(2);
  return start;
}

export function md5(start: usize, length: u32): usize {
  Md5.open();
  Md5.run(start, length);
  Md5.close(start + length);
  return start + length;
}

export function sha256(start: usize, length: u32): usize {
  Sha256.open();
  Sha256.run(start, length);
  Sha256.close(start + length);
  return start + length;
}
