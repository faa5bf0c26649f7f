/**
 * The run of captured bytes that a parser may read: `start <= p < end`.
 *
 * WASM has no traps on a stray read, so every read of captured bytes goes through the functions of `reader.ts`, and in the
 * checked build those assert that they stay in here.
 */
export class Window {
  /** First readable address. */
  static start: usize = 0;
  /** One past the last readable address. */
  static end: usize = 0;

  /** Opens the window over `length` bytes at `start`. */
  @inline static open(start: usize, length: u32): void {
    Window.start = start;
    Window.end = start + length;
  }

  /** Whether `length` bytes at `start` lie in the window. */
  @inline static holds(start: usize, length: u32): bool {
    return start >= Window.start && start + length <= Window.end;
  }
}
