/**
 * Places in what is inside of a conversation, by places in the conversation around it.
 *
 * What a protocol wraps its content in is none of the content, so its bytes have a numbering of their own: those that came, and those that
 * are told to be missing. For each side the last ends of what was taken out are kept, so that an acknowledgement of outer bytes is known
 * as one of inner bytes.
 *
 * ```
 * side: 0 count u32 | 4 spare u32 | 8 { outer end u32, inner end u32 } ... 8 of them, the newest at count - 1
 * ```
 */

/** Ends that are kept of a side. */
const ENDS: u32 = 8;
/** Bytes of both sides' places. */
export const PLACES_BYTES: u32 = 2 * (8 + 8 * 8);
/** Where the numbering begins: 0 says that there is none. */
export const FIRST_PLACE: u32 = 1;

/** Notes that what ends at `outer` brought the content up to `inner`. */
export function notePlace(places: usize, side: u32, outer: u32, inner: u32): void {
  const at = places + side * (PLACES_BYTES >> 1);
  const count = load<u32>(at);
  const end = endAt(at, count);
  store<u32>(end, outer);
  store<u32>(end, inner, 4);
  store<u32>(at, count + 1);
}

/** Where the content of `side` is of which all outer bytes before `outer` have come; 0 for 0. */
export function placeOf(places: usize, side: u32, outer: u32): u32 {
  if (outer == 0) return 0;
  const at = places + side * (PLACES_BYTES >> 1);
  const count = load<u32>(at);
  const kept = count < ENDS ? count : ENDS;
  for (let back: u32 = 1; back <= kept; back++) {
    const end = endAt(at, count - back);
    if (<i32>(outer - load<u32>(end)) >= 0) return load<u32>(end, 4);
  }
  if (count <= ENDS) return FIRST_PLACE;
  // Before all that is kept: no nearer than the outer bytes between, of which some are no content.
  const oldest = endAt(at, count - ENDS);
  const between = load<u32>(oldest) - outer;
  const inner = load<u32>(oldest, 4);
  return inner - FIRST_PLACE > between ? inner - between : FIRST_PLACE;
}

function endAt(at: usize, number: u32): usize {
  return at + 8 + (number % ENDS) * 8;
}
