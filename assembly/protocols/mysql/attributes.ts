/** Attributes before the text of a query (MySQL Internals, "COM_QUERY", CLIENT_QUERY_ATTRIBUTES). */
import { Encoded, MysqlState, Packet } from "./state";

/** Attributes at the most of a query whose text is looked for. */
const ATTRIBUTES_MAX: u64 = 32;
const TYPES: usize = memory.data(32);

/**
 * Where the text of the query in hand begins: behind the command and, where there are any, the number of attributes, of sets, a
 * bitmap of nulls, a flag, the types with their names, the values. No statement begins with a control character, so what
 * was agreed on need not be known.
 */
export function readAttributes(_state: MysqlState): u32 {
  if (Packet.byte(1) >= 9 || Packet.held < 3) return 1;
  let at = Encoded.read(1);
  const count = Encoded.value;
  at = Encoded.read(at);
  if (Encoded.value != 1) return 1;
  if (count == 0) return at;
  if (count > ATTRIBUTES_MAX) return Packet.held;
  const nulls = at;
  at += (<u32>count + 7) >> 3;
  if (Packet.byte(at) != 1) return Packet.held;
  at += 1;
  for (let i: u32 = 0; i < <u32>count; i++) {
    store<u8>(TYPES + i, Packet.byte(at));
    at = Encoded.read(at + 2);
    if (Encoded.value > <u64>Packet.held) return Packet.held;
    at += <u32>Encoded.value;
  }
  for (let i: u32 = 0; i < <u32>count; i++) {
    const isNull = ((Packet.byte(nulls + (i >> 3)) >> (i & 7)) & 1) != 0;
    if (!isNull) at = valueEnd(load<u8>(TYPES + i), at);
  }
  return at;
}

/** The offset behind a value of the binary protocol. */
function valueEnd(type: u32, at: u32): u32 {
  if (type == 1) return at + 1;
  if (type == 2 || type == 13) return at + 2;
  if (type == 3 || type == 4 || type == 9) return at + 4;
  if (type == 5 || type == 8) return at + 8;
  if (type == 6) return at;
  const from = Encoded.read(at);
  return Encoded.value < <u64>Packet.held ? from + <u32>Encoded.value : Packet.held;
}
