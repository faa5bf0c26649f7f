/** Header lines that are kept as header fields, where the host asks for them (shared/content.ts). */
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { HIDDEN, HIDDEN_BYTES, keepHeader } from "../shared/content";
import { isSecretName } from "../shared/secret-headers";
import { readShown, ShownValue } from "../shared/shown-value";
import * as F from "./fields";

/** Keeps a header line; answers where the message now is. `isCut` says that its value goes on. */
export function keepLine(message: Message, name: usize, nameBytes: u32, value: usize, valueBytes: u32, isCut: bool): Message {
  if (!Settings.raw && isSecretName(name, nameBytes)) {
    return keepHeader(message, F.CONTENT, name, nameBytes, HIDDEN, HIDDEN_BYTES);
  }
  ShownValue.set(value, valueBytes, isCut);
  if (!Settings.raw) readShown(name, nameBytes, value, valueBytes, isCut);
  if (ShownValue.isCut) message.mark(Mark.TRUNCATED);
  return keepHeader(message, F.CONTENT, name, nameBytes, ShownValue.start, ShownValue.length);
}
