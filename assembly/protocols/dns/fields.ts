/** The fields of DNS queries and responses and where they lie in a message. */

import { FIXED_OFFSET } from "../../roundtrip/message";
import { declareField, FieldKind, Side } from "../field";
import { CLASS_NAMES, FLAG_NAMES, OPCODE_NAMES, RCODE_NAMES, TYPE_NAMES } from "./numbers";

/** The number that the protocol was declared with. */
export const DNS: u32 = 1;

/** Offsets in a message of either side; FLAGS holds DnsFlag bits. */
export const ID: u32 = FIXED_OFFSET;
export const FLAGS: u32 = FIXED_OFFSET + 2;
export const OPCODE: u32 = FIXED_OFFSET + 4;
export const RCODE: u32 = FIXED_OFFSET + 6;
export const TYPE: u32 = FIXED_OFFSET + 8;
export const CLASS: u32 = FIXED_OFFSET + 10;
export const NAME: u32 = FIXED_OFFSET + 12;
export const ECS: u32 = FIXED_OFFSET + 16;
export const QUESTIONS: u32 = FIXED_OFFSET + 20;
export const ANSWERS: u32 = FIXED_OFFSET + 22;
export const AUTHORITIES: u32 = FIXED_OFFSET + 24;
export const ADDITIONALS: u32 = FIXED_OFFSET + 26;
export const RECORDS: u32 = FIXED_OFFSET + 28;
export const UDP_SIZE: u32 = FIXED_OFFSET + 32;
export const RETRIES: u32 = FIXED_OFFSET + 34;
/** All questions of a message that has several. */
export const ALL_QUESTIONS: u32 = FIXED_OFFSET + 36;
/** Text: the name in lower case, as the metrics have it. */
export const LOWER_NAME: u32 = FIXED_OFFSET + 40;
/** One past the fixed fields. */
export const DNS_FIXED_END: u32 = FIXED_OFFSET + 44;

/** Bits of FLAGS, in the order of FLAG_NAMES. */
export class DnsFlag {
  static readonly AA: u32 = 1;
  static readonly TC: u32 = 2;
  static readonly RD: u32 = 4;
  static readonly RA: u32 = 8;
  static readonly AD: u32 = 16;
  static readonly CD: u32 = 32;
  static readonly DO: u32 = 64;
}

/** Indexes of fields in `present`; the same on both sides. */
export class DnsField {
  static readonly ID: u32 = 0;
  static readonly NAME: u32 = 1;
  static readonly TYPE: u32 = 2;
  static readonly CLASS: u32 = 3;
  static readonly FLAGS: u32 = 4;
  static readonly OPCODE: u32 = 5;
  static readonly ECS: u32 = 6;
  static readonly UDP_SIZE: u32 = 7;
  static readonly RETRIES: u32 = 8;
  static readonly RCODE: u32 = 9;
  static readonly ANSWERS: u32 = 10;
  static readonly AUTHORITIES: u32 = 11;
  static readonly ADDITIONALS: u32 = 12;
  static readonly RECORDS: u32 = 13;
  static readonly RCODE_NAME: u32 = 14;
  static readonly QUESTIONS: u32 = 15;
}

/** Declares them for protocol `number`. */
export function declareDnsFields(number: u32): void {
  declareQuestion(number, Side.REQUEST);
  declareField(number, Side.REQUEST, DnsField.UDP_SIZE, FieldKind.U16, UDP_SIZE, "udpSize", "");
  declareField(number, Side.REQUEST, DnsField.RETRIES, FieldKind.U16, RETRIES, "retries", "");
  declareQuestion(number, Side.RESPONSE);
  declareField(number, Side.RESPONSE, DnsField.RCODE, FieldKind.U16, RCODE, "rcode", "");
  declareField(number, Side.RESPONSE, DnsField.RCODE_NAME, FieldKind.NAME, RCODE, "rcodeName", RCODE_NAMES);
  declareField(number, Side.RESPONSE, DnsField.ANSWERS, FieldKind.U16, ANSWERS, "answers", "");
  declareField(number, Side.RESPONSE, DnsField.AUTHORITIES, FieldKind.U16, AUTHORITIES, "authorities", "");
  declareField(number, Side.RESPONSE, DnsField.ADDITIONALS, FieldKind.U16, ADDITIONALS, "additionals", "");
  declareField(
    number,
    Side.RESPONSE,
    DnsField.RECORDS,
    FieldKind.ROWS,
    RECORDS,
    "records",
    "section:text,name:text,type:text,ttl:number,data:text",
  );
}

function declareQuestion(number: u32, side: u32): void {
  declareField(number, side, DnsField.ID, FieldKind.U16, ID, "id", "");
  declareField(number, side, DnsField.NAME, FieldKind.TEXT, NAME, "name", "");
  declareField(number, side, DnsField.TYPE, FieldKind.NAME, TYPE, "type", TYPE_NAMES);
  declareField(number, side, DnsField.CLASS, FieldKind.NAME, CLASS, "class", CLASS_NAMES);
  declareField(number, side, DnsField.FLAGS, FieldKind.FLAGS, FLAGS, "flags", FLAG_NAMES);
  declareField(number, side, DnsField.OPCODE, FieldKind.NAME, OPCODE, "opcode", OPCODE_NAMES);
  declareField(number, side, DnsField.ECS, FieldKind.TEXT, ECS, "ecs", "");
  declareField(number, side, DnsField.QUESTIONS, FieldKind.ROWS, ALL_QUESTIONS, "questions", "name:text,type:text");
}
