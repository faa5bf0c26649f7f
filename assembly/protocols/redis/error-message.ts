/** Which errors are Redis' own, so that their words may be shown: a script may give any code, and says what it wants. */
import { sameText } from "../../bytes/ascii";
import { Message } from "../../roundtrip/message";
import { hideText, hideValues } from "../shared/error-text";
import * as F from "./fields";

/** Codes of Redis, Valkey, their cluster and Sentinel. */
const CODES: string =
  " ASK BUSY BUSYGROUP BUSYKEY CLUSTERDOWN CROSSSLOT DENIED ERR EXECABORT INPROG IOERR LOADING MASTERDOWN MISCONF MOVED NOAUTH NOGOODSLAVE NOGROUP NOMASTERLINK NOPERM NOPROTO NOQUORUM NOREPLICAS NOSCRIPT NOTBUSY NOTREADY OOM READONLY REDIRECT SYNTAX TRYAGAIN UNBLOCKED UNKILLABLE WRONGPASS WRONGTYPE ";
const SPACE: u32 = 32;

/**
 * Masks what the client sent in the words of an error whose code is the `length` bytes at `code`; `request` asked for it, 0 where
 * that is not sure.
 */
export function hideErrorValues(response: Message, code: usize, length: u32, request: usize, isWhole: bool): void {
  const isOwn = isCode(code, length) && !(request != 0 && runsScript(changetype<Message>(request)) && length == 3);
  if (isOwn) hideValues(response, F.ERROR_MESSAGE, isWhole);
  else hideText(response, F.ERROR_MESSAGE);
}

/** Whether a request runs a script or a function, which says ERR for want of another code. */
function runsScript(request: Message): bool {
  const start = request.textStart(F.COMMAND);
  const length = request.textLength(F.COMMAND);
  if (length < 4 || length > 10) return false;
  return sameText(start, 4, "eval") || sameText(start, 5, "fcall");
}

function isCode(start: usize, length: u32): bool {
  const codes = changetype<usize>(CODES);
  const count = <u32>CODES.length;
  for (let from: u32 = 1; from < count; from++) {
    let matched: u32 = 0;
    while (matched < length && <u32>load<u16>(codes + ((from + matched) << 1)) == <u32>load<u8>(start + matched)) matched += 1;
    if (length != 0 && matched == length && <u32>load<u16>(codes + ((from + matched) << 1)) == SPACE) return true;
    while (<u32>load<u16>(codes + (from << 1)) != SPACE) from += 1;
  }
  return false;
}
