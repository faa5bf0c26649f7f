/**
 * The protocols and their fields as JSON, a member of the core's schema.
 *
 * ```
 * "protocols":[{"number":1,"name":"dns","transports":"tcp,udp","ports":"53","help":"...","fields":[
 *   {"side":"request","name":"id","kind":2,"index":0,"offset":80,"names":""}]}],
 * "marks":["gap"],"statuses":["ok"]
 * ```
 */
import { decimal, field, list, raw } from "../bytes/json";
import { MARK_NAMES, STATUS_NAMES } from "../roundtrip/marks";
import { Field, Fields, Side } from "./field";
import { OVER_TCP, OVER_UDP, Protocol, Protocols } from "./protocol";

/** Writes the members to the Writer. */
export function protocolsEncode(): void {
  raw('"protocols":[');
  let first = true;
  for (let number: u32 = 1; number <= Protocols.count; number++) {
    const protocol = Protocols.at(number);
    if (protocol.name == 0) continue;
    if (!first) raw(",");
    first = false;
    encodeProtocol(protocol);
  }
  raw('],"marks":[');
  list(MARK_NAMES);
  raw('],"statuses":[');
  list(STATUS_NAMES);
  raw("]");
}

function encodeProtocol(protocol: Protocol): void {
  raw('{"number":');
  decimal(protocol.number);
  field("name", changetype<string>(<usize>protocol.name));
  field("transports", transportsOf(protocol));
  field("ports", changetype<string>(<usize>protocol.ports));
  field("help", changetype<string>(<usize>protocol.help));
  raw(',"fields":[');
  let first = true;
  for (let i: u32 = 0; i < Fields.count; i++) {
    const one = Fields.at(i);
    if (one.protocol != protocol.number) continue;
    if (!first) raw(",");
    first = false;
    encodeField(one);
  }
  raw("]}");
}

/** What it is spoken over; nothing of one that is found inside of others alone. */
function transportsOf(protocol: Protocol): string {
  const overTcp = (protocol.transports & OVER_TCP) != 0;
  if (!(protocol.transports & OVER_UDP)) return overTcp ? "tcp" : "";
  return overTcp ? "tcp,udp" : "udp";
}

function encodeField(one: Field): void {
  raw('{"side":');
  raw(one.side == <u8>Side.REQUEST ? '"request"' : '"response"');
  field("name", changetype<string>(<usize>one.name));
  raw(',"kind":');
  decimal(one.kind);
  raw(',"index":');
  decimal(one.index);
  raw(',"offset":');
  decimal(one.offset);
  field("names", changetype<string>(<usize>one.names));
  raw("}");
}
