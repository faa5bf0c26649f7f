/** The numbers of a record under keys, which is found by trying: those that it can have, and behind lost records those under the keys that follow. */
import { keysNext, keysRecord } from "../../host";
import { Epoch, Opened, OpenedHalf } from "./opened";
import { loseMessage } from "./opened-messages";

/** Numbers of records that are tried at the most, and as many again behind them where more may be lost. */
export const TRIES_MAX: u32 = 64;
/** Records that may have gone by unseen at the most: what is tried of them moves on with each that stays closed. */
export const DOUBT_MAX: u32 = 1 << 9;
/** How often a sender may have changed its keys unseen, by a KeyUpdate of TLS 1.3. */
const AHEAD_MAX: u32 = 2;

/** Tries the numbers that the record may have, under TLS 1.3 also with keys that are new since records were lost; answers as `keysRecord` does. */
export function attempt(opened: Opened, mine: OpenedHalf, sender: u32, start: usize, total: u32, target: usize): i32 {
  const most = mine.doubt < TRIES_MAX ? mine.doubt : TRIES_MAX;
  const aheadMost = opened.isThirteen && mine.epoch == Epoch.APPLICATION && mine.hasLost ? AHEAD_MAX : 0;
  for (let ahead: u32 = 0; ahead <= aheadMost; ahead++) {
    const first = ahead == 0 ? mine.sequence : 0;
    const length = attemptFrom(opened, mine, sender, ahead, first, most, start, total, target);
    if (length < 0) continue;
    for (let step: u32 = 0; step < ahead; step++) keysNext(opened.keys, sender);
    return length;
  }
  // Its number is one higher than that of the one before, so that none is left out.
  const behind = (TRIES_MAX + 1) * <u32>mine.misses;
  if (behind == 0 || mine.doubt < behind) return -1;
  const rest = mine.doubt - behind;
  return attemptFrom(opened, mine, sender, 0, mine.sequence + behind, rest < TRIES_MAX ? rest : TRIES_MAX, start, total, target);
}

/** Tries `most` numbers from `first` on, and one more. */
function attemptFrom(
  opened: Opened,
  mine: OpenedHalf,
  sender: u32,
  ahead: u32,
  first: u32,
  most: u32,
  start: usize,
  total: u32,
  target: usize,
): i32 {
  const keys = mine.keys != 0 ? mine.keys : opened.keys;
  for (let sequence = first; sequence <= first + most; sequence++) {
    const length = keysRecord(keys, sender, sequence, start, total, target, ahead);
    if (length < 0) continue;
    assert(<u32>length <= total);
    mine.sequence = sequence + 1;
    mine.doubt = 0;
    mine.misses = 0;
    if (mine.hasLost) loseMessage(mine);
    mine.hasLost = 0;
    mine.epoch = Epoch.APPLICATION;
    return length;
  }
  return -1;
}
