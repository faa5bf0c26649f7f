/** What types, response codes and ports are called as keys: `to` has room for the text, whose length is the answer. */
import { packDecimal, packedLength } from "../../bytes/ascii";
import { putName } from "../../bytes/names";
import { RCODE_NAMES, TYPE_NAMES } from "./numbers";

/** A record type: its name, or TYPE and its number. */
export function typeKey(type: u32, to: usize): u32 {
  return <u32>(putName(to, TYPE_NAMES, type, "TYPE") - to);
}

/** A response code: its name, or RCODE and its number. */
export function rcodeKey(rcode: u32, to: usize): u32 {
  return <u32>(putName(to, RCODE_NAMES, rcode, "RCODE") - to);
}

/** A port: its number. */
export function portKey(port: u32, to: usize): u32 {
  const text = packDecimal(port);
  store<u64>(to, text);
  return packedLength(text);
}
