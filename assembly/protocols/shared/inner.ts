/**
 * The conversation inside of another: what a protocol took out of its own bytes is recognised and parsed like any other's.
 *
 * Streams are not a protocol's to know, so `stream/inner.ts` puts the functions in. Each is called while a parser has the outer
 * conversation's bytes in hand, and leaves `Parse` and `Window` as they were.
 */
import { Conversation } from "../../roundtrip/conversation";

export class Inner {
  static opens: u32 = 0;
  static takes: u32 = 0;
  static misses: u32 = 0;
  static finishes: u32 = 0;
  static releases: u32 = 0;

  /** Makes the conversation inside of `outer`, whose beginning was seen where `started`; 0 without memory. */
  @inline static open(outer: Conversation, started: bool): usize {
    return call_indirect<usize>(Inner.opens, outer, started);
  }

  /** Takes `length` bytes at `start` that `side` sent between two times; `end` is the outer sequence number behind them. */
  @inline static take(inner: usize, side: u32, start: usize, length: u32, end: u32, firstNs: u64, lastNs: u64): void {
    call_indirect<void>(Inner.takes, inner, side, start, length, end, firstNs, lastNs);
  }

  /** `bytes` that `side` sent before outer sequence number `end` are missing. */
  @inline static miss(inner: usize, side: u32, bytes: u32, end: u32): void {
    call_indirect<void>(Inner.misses, inner, side, bytes, end);
  }

  /** `side` sends no more, with `Parse.outcome` for what waits. */
  @inline static finish(inner: usize, side: u32): void {
    call_indirect<void>(Inner.finishes, inner, side);
  }

  /** Lets go of it; what still waits is unobserved. */
  @inline static release(inner: usize): void {
    call_indirect<void>(Inner.releases, inner);
  }
}
