/** Who turns the round trips of a protocol into its metrics. */

/** Protocols at the most; numbers run from 1. */
export const PROTOCOLS_MAX: u32 = 32;

const TABLE: usize = memory.data(4 * 32);

/** Registers the function (conversation, client, request, response, status) for protocol `number`. */
export function setObserver(number: u32, index: u32): void {
  assert(number < PROTOCOLS_MAX);
  store<u32>(TABLE + (number << 2), index);
}

/** The function index that `setObserver` took. */
export function observerOf(number: u32): u32 {
  return load<u32>(TABLE + (number << 2));
}
