/**
 * The fields of requests and responses: where each lies in its message and how it reads, so that one generic reader turns any
 * round trip into JSON.
 */

/** How a field is stored; the numbers are part of the ABI. */
export class FieldKind {
  /** Unsigned numbers of 1, 2, 4 and 8 bytes. */
  static readonly U8: u32 = 1;
  static readonly U16: u32 = 2;
  static readonly U32: u32 = 3;
  static readonly U64: u32 = 4;
  /** {offset u16, length u16} of UTF-8 bytes. */
  static readonly TEXT: u32 = 5;
  /** u16 whose value has a name; the name is shown. */
  static readonly NAME: u32 = 6;
  /** u16 of bits; the names of those set are shown as a list. */
  static readonly FLAGS: u32 = 7;
  /** {offset u16, length u16} of rows; `names` gives the columns as "name:text|number|integer", a number of 4 bytes without or with a sign. */
  static readonly ROWS: u32 = 8;
  static readonly BOOL: u32 = 9;
  /** {offset u16, length u16} of numbers of 4 bytes. */
  static readonly NUMBERS: u32 = 10;
  /** Signed number of 4 bytes. */
  static readonly I32: u32 = 11;
  /** {offset u16, length u16} of bytes that may be no text; filters and statistics take them for one. */
  static readonly BYTES: u32 = 12;
}

/** Whose field it is. */
export class Side {
  static readonly REQUEST: u32 = 0;
  static readonly RESPONSE: u32 = 1;
}

/** Fields at the most, over all protocols. */
export const FIELDS_MAX: u32 = 512;

@unmanaged
export class Field {
  protocol: u8;
  side: u8;
  kind: u8;
  /** Bit of `Message.present`. */
  index: u8;
  /** Byte offset in the message. */
  offset: u16;
  spare: u16;
  name: u32;
  /** Static string: names of the values, flags or columns; 0 for none. */
  names: u32;
}

const FIELD_TABLE: usize = memory.data(16 * 512);

export class Fields {
  static count: u32 = 0;

  @inline static at(index: u32): Field {
    return changetype<Field>(FIELD_TABLE + index * offsetof<Field>());
  }
}

/** Declares field `index` of one side of a protocol; `names` as its kind wants it, or empty. */
export function declareField(protocol: u32, side: u32, index: u32, kind: u32, offset: u32, name: string, names: string): void {
  assert(Fields.count < FIELDS_MAX && index < 32);
  const field = Fields.at(Fields.count++);
  field.protocol = <u8>protocol;
  field.side = <u8>side;
  field.index = <u8>index;
  field.kind = <u8>kind;
  field.offset = <u16>offset;
  field.name = <u32>changetype<usize>(name);
  field.names = <u32>changetype<usize>(names);
}
