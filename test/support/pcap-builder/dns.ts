/** DNS messages. */
import { type Bytes, join, toBytes, u16, u32 } from "./bytes";

/** Numbers of some record types. */
export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, HTTPS: 65, ANY: 255 };

/** Bits of the second header word. */
export const FLAG = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recurse: 0x0100,
  canRecurse: 0x0080,
  ad: 0x0020,
  cd: 0x0010,
};

/** A name as labels, without compression; `.` is the root. */
export function dnsName(name: string): Uint8Array {
  const labels = name.split(".").filter((label) => label !== "");
  return join(...labels.map((label) => join([toBytes(label).length], label)), [0]);
}

/** A question. */
export interface Question {
  name: string;
  type?: number;
  class?: number;
}

/** A resource record; a name given as bytes stands as it is, for pointers. */
export interface DnsRecord {
  name: string | Uint8Array;
  type?: number;
  class?: number;
  ttl?: number;
  data: Bytes;
}

interface Message {
  id?: number;
  flags?: number;
  rcode?: number;
  questions?: Question[];
  answers?: DnsRecord[];
  authorities?: DnsRecord[];
  additionals?: DnsRecord[];
}

function dnsRecord({ name, type = TYPE.A, class: of = 1, ttl = 60, data }: DnsRecord): Uint8Array {
  const bytes = toBytes(data);
  return join(typeof name === "string" ? dnsName(name) : name, u16(type), u16(of), u32(ttl), u16(bytes.length), bytes);
}

/** A whole message. */
export function dnsMessage(message: Message): Uint8Array {
  const { id = 1, flags = 0, rcode = 0, questions = [], answers = [], authorities = [], additionals = [] } = message;
  const counts = [questions, answers, authorities, additionals].map((list) => u16(list.length));
  const asked = questions.map(({ name, type = TYPE.A, class: of = 1 }) => join(dnsName(name), u16(type), u16(of)));
  return join(u16(id), u16(flags | rcode), ...counts, ...asked, ...[...answers, ...authorities, ...additionals].map(dnsRecord));
}

/** A query for one name. */
export function dnsQuery(name: string, { id = 1, type = TYPE.A } = {}): Uint8Array {
  return dnsMessage({ id, flags: FLAG.recurse, questions: [{ name, type }] });
}

/** The response to a query for one name, with one address record unless `rcode` says otherwise. */
export function dnsResponse(name: string, { id = 1, type = TYPE.A, rcode = 0 } = {}): Uint8Array {
  const answers = rcode === 0 ? [{ name: Uint8Array.of(0xc0, 0x0c), data: [192, 0, 2, 9] }] : [];
  const flags = FLAG.response | FLAG.recurse | FLAG.canRecurse;
  return dnsMessage({ id, flags, rcode, questions: [{ name, type }], answers });
}

/** A message as it goes over TCP, its length before it. */
export function overTcp(message: Uint8Array): Uint8Array {
  return join(u16(message.length), message);
}

/** An OPT record (RFC 6891) with these options' bytes; `dnssecOk` sets the DO bit. */
export function edns(options: Bytes = [], { udpBytes = 1232, dnssecOk = false } = {}): DnsRecord {
  return { name: ".", type: TYPE.OPT, class: udpBytes, ttl: dnssecOk ? 0x8000 : 0, data: options };
}
