/**
 * What may be shown of an error's message: servers repeat in it what the client sent.
 *
 * ```
 *   Duplicate entry 'bob@example.org' for key 'users.email'      ->  Duplicate entry ?
 *   E11000 duplicate key ... dup key: { email: "bob@..." }       ->  E11000 duplicate key ... dup key: ?
 * ```
 * From where something is quoted for the first time to where it is for the last, all is `?`: a value may hold quotes itself. Braces
 * quote, and so do bytes outside ASCII, which quotes of other languages are. Where the end of the message is not there, it may
 * lie in a value.
 */
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";

const APOSTROPHE: u32 = 39;
const QUESTION: u32 = 63;

/** Masks values in the text at `offset` of `message` unless the settings ask for them; `isWhole`: its end is there. */
export function hideValues(message: Message, offset: u32, isWhole: bool): void {
  hideValuesIn(message, offset, 0, message.textLength(offset), isWhole);
}

/** Masks values in the bytes from `from` to `to` of the text at `offset`. */
export function hideValuesIn(message: Message, offset: u32, from: u32, to: u32, isWhole: bool): void {
  if (Settings.raw) return;
  const text = message.textStart(offset);
  let first = from;
  while (first < to && !isQuoteAt(text, first)) first += 1;
  if (first == to) return;
  let end = isWhole ? to : first + 1;
  while (end > first + 1 && !isQuote(load<u8>(text + end - 1))) end -= 1;
  replace(message, offset, first, end > first + 1 ? end : to);
}

/** Masks all of the text at `offset`: it is what an application says. */
export function hideText(message: Message, offset: u32): void {
  if (!Settings.raw && message.textLength(offset) != 0) replace(message, offset, 0, message.textLength(offset));
}

/** Whether a byte quotes. */
export function isQuote(byte: u32): bool {
  return byte == 34 || byte == APOSTROPHE || byte == 96 || byte == 123 || byte == 125 || byte >= 128;
}

/** Whether byte `at` of a text can be where something begins to be quoted: not the apostrophe of "can't". */
function isQuoteAt(text: usize, at: u32): bool {
  const byte = <u32>load<u8>(text + at);
  if (byte != APOSTROPHE) return isQuote(byte);
  return at == 0 || (<u32>load<u8>(text + at - 1) | 32) - 97 >= 26;
}

/** Puts `?` in place of the bytes from `first` to `end`; nothing of them stays behind. */
function replace(message: Message, offset: u32, first: u32, end: u32): void {
  const text = message.textStart(offset);
  const length = message.textLength(offset);
  store<u8>(text + first, QUESTION);
  const rest = length - end;
  memory.copy(text + first + 1, text + end, rest);
  const shown = first + 1 + rest;
  memory.fill(text + shown, 0, length - shown);
  store<u16>(changetype<usize>(message) + offset, shown, 2);
}
