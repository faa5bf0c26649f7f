/**
 * Sequence numbers of bundles: 0 for a minute's first, then 1, 2, ...: never one twice for a minute of one boot.
 *
 * The last 64 sealed minutes are remembered. For an older one, `forgotten` is above all numbers that were given to minutes
 * that are no longer remembered; a minute after all sealed ones starts at 0.
 */

const REMEMBERED: u32 = 64;

@unmanaged
class Sealed {
  minute: u32;
  /** The next number, 0 where the place is empty. */
  next: u32;
}

const SEALED: usize = memory.data(64 * 8);

class Sequences {
  /** The place that is given up next. */
  static oldest: u32 = 0;
  static forgotten: u32 = 0;
  static latestMinute: u32 = 0;
  static any: bool = false;
}

/** Forgets all sealed minutes: another boot. */
export function resetSequences(): void {
  memory.fill(SEALED, 0, REMEMBERED * 8);
  Sequences.oldest = 0;
  Sequences.forgotten = 0;
  Sequences.latestMinute = 0;
  Sequences.any = false;
}

function sealedAt(index: u32): Sealed {
  return changetype<Sealed>(SEALED + (index << 3));
}

/** Gives the number of the bundle of `minute` that is sealed now. */
export function nextSequence(minute: u32): u32 {
  for (let i: u32 = 0; i < REMEMBERED; i++) {
    const sealed = sealedAt(i);
    if (sealed.next == 0 || sealed.minute != minute) continue;
    const sequence = sealed.next;
    sealed.next += 1;
    return sequence;
  }
  const isLatest = !Sequences.any || minute > Sequences.latestMinute;
  const sequence = isLatest ? 0 : Sequences.forgotten;
  if (isLatest) Sequences.latestMinute = minute;
  Sequences.any = true;
  const place = sealedAt(Sequences.oldest);
  Sequences.oldest = (Sequences.oldest + 1) % REMEMBERED;
  if (place.next > Sequences.forgotten) Sequences.forgotten = place.next;
  place.minute = minute;
  place.next = sequence + 1;
  return sequence;
}
