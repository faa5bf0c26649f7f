/** A field of a message of Protocol Buffers; `bytes` where it is a text, bytes or a message. */
export interface Field {
  number: number;
  bytes?: Uint8Array;
}

/** Bytes after which a field goes on, of each form that has a fixed length. */
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const LENGTH_DELIMITED = 2;
const VARINT = 0;
const VARINT_BYTES_MAX = 10;
const utf8 = new TextDecoder();

/** The fields of a message, as they stand. Throws where it is none. */
export function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const byte = message[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    throw new Error("this is no message");
  };
  while (at < message.length) {
    const key = varint();
    const form = key & 7;
    const number = Math.floor(key / 8);
    if (form === VARINT) {
      varint();
      fields.push({ number });
      continue;
    }
    const length = form === LENGTH_DELIMITED ? varint() : FIXED[form];
    if (length === undefined || length > message.length - at) throw new Error("this is no message");
    fields.push(form === LENGTH_DELIMITED ? { number, bytes: message.subarray(at, at + length) } : { number });
    at += length;
  }
  return fields;
}

/** The text that bytes are. */
export function textOf(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/** Key and value of an entry of a map of texts. */
export function mapEntry(bytes: Uint8Array): [key: string, value: string] {
  const entry: [string, string] = ["", ""];
  for (const { number, bytes: text } of fieldsOf(bytes)) {
    if (text !== undefined && (number === 1 || number === 2)) entry[number - 1] = textOf(text);
  }
  return entry;
}
