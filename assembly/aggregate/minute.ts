/**
 * Minutes: windows of packet time, at most two open at once.
 *
 * ```
 *   clock, packet time  ------- M ----------------- M+1 -------------- M+2 --->
 *   slot M & 1          | counts M         |5 s| sealed; late ones: supplement of M | counts M+2
 *   slot (M+1) & 1                         | counts M+1                      |5 s| sealed
 * ```
 * - The clock is the latest packet time. A packet up to 60 s behind it lies in the minute of the clock or in the one before,
 *   so a slot each for even and odd minutes is enough.
 * - A minute seals once the clock is 5 s past its end. What comes later opens its slot again as a supplement, which seals when
 *   the slot is needed.
 * - A packet more than 60 s away from the clock moves it only as the last of 16 in a row that are so, all on one side and
 *   none more than 60 s before the one in front of it; until then they count at the clock's time. All open minutes seal at
 *   the jump, and none is made for the time that was jumped over.
 * - A minute sealed again gets the next sequence number.
 * - What has no time counts in the minute of the clock. Before the first time it counts in an undated minute, which becomes that
 *   of the first time; where none comes it seals as minute 0, without packet times and without rates.
 */

import { Registry } from "./metric";
import { nextSequence, resetSequences } from "./sequence";
import { clearRates, clearSeries, layOutSeries, SERIES_BYTES } from "./series";

const SECOND_NS: u64 = 1_000_000_000;
/** Length of a window, seconds. */
export const WINDOW_SECONDS: u32 = 60;
const MINUTE_NS: u64 = <u64>WINDOW_SECONDS * SECOND_NS;
/** How long after its end a minute seals: what interfaces and threads may lag. */
const SEAL_DELAY_NS: u64 = 5 * SECOND_NS;
/** A packet further away from the clock than this is a jump of time. */
const JUMP_NS: u64 = 60 * SECOND_NS;
/** Packets in a row that confirm a jump. */
const JUMP_PACKETS: u32 = 16;
/** The latest time that counts as such, in the year 2262; a later one is taken for it. */
const TIME_NS_MAX: u64 = <u64>i64.MAX_VALUE;
const SLOT_BYTES: u32 = 64;

/** One open minute. */
@unmanaged
export class MinuteSlot {
  minute: u32;
  open: u32;
  /** Clock at which it seals. */
  sealAtNs: u64;
  firstNs: u64;
  lastNs: u64;
  /** Packets that have a time. */
  seen: u64;
  /** Packets that the capture reports as dropped. */
  dropped: u64;
  /** Findings of bytes that break their format. */
  malformed: u64;
  /** Its series, all that are declared. */
  entries: u32;
  sequence: u32;
}

export class Minute {
  /** Series of the minute in use: the hot path writes here. */
  static entries: usize = 0;
  /** The minute in use, minutes since the epoch. */
  static number: u32 = 0;
  /** Second within the minute in use, 0 to 59. */
  static second: u32 = 0;
  /** Time that observations are made at. */
  static timeNs: u64 = 0;
  /** The latest packet time. */
  static clockNs: u64 = 0;
  /** Which run of the edge this is; the host gives it. */
  static bootId: u64 = 0;
  /** Observations lost because the sketch pool had no room. */
  static refused: u64 = 0;
  /** Seconds of the sealed minute in which capture ran; 0 for a supplement. */
  static capturedSeconds: u32 = 0;
  /** The first of them, 0 to 59. */
  static capturedFrom: u32 = 0;
  /** Goes up whenever another second or minute comes into use: addresses of what was in use before are void then. */
  static turns: u32 = 0;
  /** Index of a function (minute: u32) => void called before a minute is encoded, its series in use; 0 for none. */
  static onSeal: u32 = 0;
  /** Index of a function (slot: usize) => void that encodes a sealed minute; set by `wire`. */
  static encoder: u32 = 0;

  private static slots: usize = 0;
  private static slot: usize = 0;
  private static started: bool = false;
  /** Whether a minute is open for what has no time, and nothing had one yet. */
  private static undated: bool = false;
  /** The second in use: times in it need no turn. Its span is 0 while a jump is being confirmed. */
  private static fromNs: u64 = 0;
  private static spanNs: u64 = 0;
  /** Where the clock began, at the first packet or the last jump. */
  private static beganNs: u64 = 0;
  private static run: u32 = 0;
  private static runNs: u64 = 0;

  /** Bytes that `open` needs for what is declared. */
  static bytes(): u32 {
    return 2 * (SLOT_BYTES + Registry.series * SERIES_BYTES);
  }

  /** Lays both slots out at `start`, after all metrics are declared. */
  static open(start: usize): void {
    assert(offsetof<MinuteSlot>() == SLOT_BYTES);
    memory.fill(start, 0, 2 * SLOT_BYTES);
    Minute.slots = start;
    for (let i: u32 = 0; i < 2; i++) {
      const entries = start + 2 * SLOT_BYTES + i * Registry.series * SERIES_BYTES;
      changetype<MinuteSlot>(start + i * SLOT_BYTES).entries = <u32>entries;
      layOutSeries(entries);
    }
    Minute.slot = start;
    Minute.entries = changetype<MinuteSlot>(start).entries;
    Minute.refused = 0;
    Minute.clockNs = 0;
    Minute.forget();
    resetSequences();
  }

  /** Takes a packet's time: moves the clock, seals what is due, and puts the packet's minute in use. */
  static packet(timeNs: u64): void {
    if (timeNs - Minute.fromNs >= Minute.spanNs) {
      Minute.turn(timeNs);
    } else {
      Minute.timeNs = timeNs;
      if (timeNs > Minute.clockNs) Minute.clockNs = timeNs;
    }
    const slot = changetype<MinuteSlot>(Minute.slot);
    const now = Minute.timeNs;
    slot.seen += 1;
    if (now < slot.firstNs) slot.firstNs = now;
    if (now > slot.lastNs) slot.lastNs = now;
  }

  /** Whether what was counted so far had no time. */
  static get isUndated(): bool {
    return Minute.undated;
  }

  /** Whether the input has a minute open. */
  static get isOpen(): bool {
    return Minute.started || Minute.undated;
  }

  /** Puts the minute in use that what has no time belongs to. */
  static withoutTime(): void {
    if (!Minute.isOpen) {
      Minute.undated = true;
      Minute.clockNs = 0;
    }
    Minute.use(Minute.clockNs);
    // The first time of the input dates what came before it, also where it is the very time that stands for none.
    if (Minute.undated) Minute.spanNs = 0;
  }

  /** Takes the host's time in place of a packet's; the caller made sure that two bundles find room. */
  static tick(timeNs: u64): void {
    if (timeNs - Minute.fromNs >= Minute.spanNs) Minute.turn(timeNs);
    else if (timeNs > Minute.clockNs) Minute.clockNs = timeNs;
  }

  /** Puts the minute of `timeNs` in use and moves no clock; a time that no minute can be open for counts at the clock's. */
  static use(timeNs: u64): void {
    if (timeNs - Minute.fromNs < Minute.spanNs) {
      Minute.timeNs = timeNs;
      return;
    }
    assert(Minute.isOpen);
    const clock = Minute.clockNs;
    Minute.select(timeNs > clock || clock - timeNs > JUMP_NS ? clock : timeNs);
  }

  /**
   * Puts `minute` in use as it ends, to count what belongs to it and was not counted yet: it is open until the clock is 5 s past its end,
   * and a minute that is not over is in use at the clock's time.
   */
  static useMinute(minute: u32): void {
    Minute.use(<u64>(minute + 1) * MINUTE_NS - 1);
  }

  /** Counts in the minute in use packets that the capture lost, and findings of malformed bytes. */
  static lost(dropped: u64, malformed: u64): void {
    const slot = changetype<MinuteSlot>(Minute.slot);
    slot.dropped += dropped;
    slot.malformed += malformed;
  }

  /** Seals all open minutes, the older first, and forgets the clock: the end of the input. */
  static flush(): void {
    Minute.sealDue(u64.MAX_VALUE);
    Minute.forget();
  }

  private static forget(): void {
    Minute.started = false;
    Minute.undated = false;
    Minute.spanNs = 0;
    Minute.run = 0;
  }

  private static turn(timeNs: u64): void {
    let time = timeNs < TIME_NS_MAX ? timeNs : TIME_NS_MAX;
    const clock = Minute.clockNs;
    if (!Minute.started) {
      Minute.started = true;
      Minute.clockNs = time;
      Minute.beganNs = time;
      if (Minute.undated) Minute.date(<u32>(time / MINUTE_NS));
    } else if ((time > clock ? time - clock : clock - time) <= JUMP_NS) {
      Minute.run = 0;
      if (time > clock) Minute.clockNs = time;
    } else if (Minute.confirms(time)) {
      Minute.run = 0;
      Minute.sealDue(u64.MAX_VALUE);
      Minute.clockNs = time;
      Minute.beganNs = time;
    } else {
      time = clock;
    }
    Minute.sealDue(Minute.clockNs);
    Minute.select(time);
  }

  /** The undated minute turns out to be `minute`: what it holds so far moves there, but for its rates, which had no seconds. */
  private static date(minute: u32): void {
    const undated = Minute.slotAt(0);
    Minute.closeCounts(undated);
    const slot = Minute.slotAt(minute & 1);
    const entries = slot.entries;
    slot.entries = undated.entries;
    if (slot != undated) undated.entries = entries;
    undated.open = 0;
    Minute.begin(slot, minute);
  }

  /** Puts all that was counted of an undated minute into it. */
  private static closeCounts(slot: MinuteSlot): void {
    if (Minute.onSeal != 0) call_indirect<void>(Minute.onSeal, slot.minute);
    clearRates(slot.entries, Registry.series);
    Minute.undated = false;
  }

  /** Whether `time`, far from the clock, is the last of a run that makes it a jump. */
  private static confirms(time: u64): bool {
    const before = Minute.runNs;
    const goesOn =
      Minute.run != 0 && time > Minute.clockNs == before > Minute.clockNs && (time >= before || before - time <= JUMP_NS);
    Minute.run = goesOn ? Minute.run + 1 : 1;
    Minute.runNs = time;
    return Minute.run >= JUMP_PACKETS;
  }

  private static slotAt(index: u32): MinuteSlot {
    return changetype<MinuteSlot>(Minute.slots + index * SLOT_BYTES);
  }

  private static select(time: u64): void {
    const minute = <u32>(time / MINUTE_NS);
    const slot = Minute.slotAt(minute & 1);
    if (slot.open == 0) Minute.begin(slot, minute);
    assert(slot.minute == minute);
    const within = time - <u64>minute * MINUTE_NS;
    Minute.second = <u32>(within / SECOND_NS);
    Minute.turns += 1;
    Minute.timeNs = time;
    Minute.fromNs = time - (within % SECOND_NS);
    Minute.spanNs = Minute.run == 0 ? SECOND_NS : 0;
    Minute.putInUse(slot);
  }

  private static putInUse(slot: MinuteSlot): void {
    Minute.slot = changetype<usize>(slot);
    Minute.entries = slot.entries;
    Minute.number = slot.minute;
  }

  private static begin(slot: MinuteSlot, minute: u32): void {
    slot.minute = minute;
    slot.open = 1;
    const endNs = <u64>(minute + 1) * MINUTE_NS;
    slot.sealAtNs = endNs + SEAL_DELAY_NS;
    if (slot.sealAtNs <= Minute.clockNs) slot.sealAtNs = endNs + MINUTE_NS;
    slot.firstNs = u64.MAX_VALUE;
    slot.lastNs = 0;
    slot.seen = 0;
    slot.dropped = 0;
    slot.malformed = 0;
  }

  private static sealDue(clockNs: u64): void {
    const even = Minute.slotAt(0);
    const odd = Minute.slotAt(1);
    const oddFirst = odd.minute < even.minute;
    Minute.sealIfDue(oddFirst ? odd : even, clockNs);
    Minute.sealIfDue(oddFirst ? even : odd, clockNs);
  }

  /** Notes which seconds of `minute` lie between where the clock began and where it stands, both counted. */
  private static noteCaptured(minute: u32): void {
    const first = <u64>minute * WINDOW_SECONDS;
    const from = max(first, Minute.beganNs / SECOND_NS);
    const to = min(first + WINDOW_SECONDS - 1, Minute.clockNs / SECOND_NS);
    if (from > to) return;
    Minute.capturedFrom = <u32>(from - first);
    Minute.capturedSeconds = <u32>(to - from) + 1;
  }

  private static sealIfDue(slot: MinuteSlot, clockNs: u64): void {
    if (slot.open == 0 || clockNs < slot.sealAtNs) return;
    Minute.putInUse(slot);
    Minute.second = WINDOW_SECONDS - 1;
    Minute.timeNs = <u64>(slot.minute + 1) * MINUTE_NS - 1;
    const isUndated = Minute.undated;
    if (isUndated) Minute.closeCounts(slot);
    else if (Minute.onSeal != 0) call_indirect<void>(Minute.onSeal, slot.minute);
    slot.sequence = nextSequence(slot.minute);
    Minute.capturedFrom = 0;
    Minute.capturedSeconds = 0;
    if (slot.sequence == 0 && !isUndated) Minute.noteCaptured(slot.minute);
    if (Minute.encoder != 0) call_indirect<void>(Minute.encoder, changetype<usize>(slot));
    clearSeries(slot.entries, Registry.series);
    slot.open = 0;
    Minute.spanNs = 0;
  }
}

/** Moves the clock to the host's time, as `Minute.tick`. */
export function minuteAdvance(nowNs: u64): void {
  Minute.tick(nowNs);
}
