/** Methods by number, as the label `method` has them. */
import { u8At } from "../../bytes/reader";

/** Values of the label `method`, OTHER last; a value's place is its number for ever. */
export const METHOD_NAMES: string = "GET,HEAD,POST,PUT,DELETE,CONNECT,OPTIONS,TRACE,PATCH,other";

export class Method {
  static readonly GET: u32 = 0;
  static readonly HEAD: u32 = 1;
  static readonly POST: u32 = 2;
  static readonly PUT: u32 = 3;
  static readonly DELETE: u32 = 4;
  static readonly CONNECT: u32 = 5;
  static readonly OPTIONS: u32 = 6;
  static readonly TRACE: u32 = 7;
  static readonly PATCH: u32 = 8;
  static readonly OTHER: u32 = 9;
  static readonly COUNT: u32 = 10;
}

/** Each method as the number that a little-endian load of its letters gives. */
const GET: u64 = 0x544547;
const HEAD: u64 = 0x44414548;
const POST: u64 = 0x54534f50;
const PUT: u64 = 0x545550;
const DELETE: u64 = 0x4554454c4544;
const CONNECT: u64 = 0x5443454e4e4f43;
const OPTIONS: u64 = 0x534e4f4954504f;
const TRACE: u64 = 0x4543415254;
const PATCH: u64 = 0x4843544150;

/** The number of the method of `length` bytes at `start`; methods are case-sensitive (RFC 9110 section 9.1). */
export function methodNumber(start: usize, length: u32): u32 {
  if (length < 3 || length > 7) return Method.OTHER;
  let word: u64 = 0;
  for (let i = length; i > 0; i--) word = (word << 8) | <u64>u8At(start + i - 1);
  if (word == GET) return Method.GET;
  if (word == POST) return Method.POST;
  if (word == HEAD) return Method.HEAD;
  if (word == PUT) return Method.PUT;
  if (word == DELETE) return Method.DELETE;
  if (word == CONNECT) return Method.CONNECT;
  if (word == OPTIONS) return Method.OPTIONS;
  if (word == TRACE) return Method.TRACE;
  return word == PATCH ? Method.PATCH : Method.OTHER;
}
