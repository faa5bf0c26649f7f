/**
 * DNS over UDP and TCP, with multicast DNS and LLMNR: queries and responses matched by (conversation, id, question).
 */

import { u16be } from "../../bytes/reader";
import { CLIENT_UNKNOWN, Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageScratch } from "../../roundtrip/message";
import { setObserver } from "../../roundtrip/observers";
import {
  PENDING_PER_CONVERSATION_MAX,
  pendingAdd,
  pendingFind,
  pendingIndex,
  pendingTake,
  TimeoutClass,
} from "../../roundtrip/pending";
import { report, reportUnanswered } from "../../roundtrip/report";
import { Settings } from "../../settings";
import { declareProtocol, FAULT, OVER_TCP, OVER_UDP, Parse } from "../protocol";
import * as F from "./fields";
import { DnsFault, HEADER_BYTES, isResponse, readMessage, Walk } from "./message";
import { DnsMetrics, observeDns } from "./metrics";
import { probeDns } from "./probe";
import { readAllQuestions, readRecords } from "./records";

/** Bytes of a TCP message that are looked at together; the rest of a longer one is stepped over. */
const TOGETHER_MAX: u32 = 4080;
/** A query's block: the fixed fields and a name of usual length. */
const QUERY_BYTES: u32 = 160;

/** Declares protocol `number`, its fields and its metrics. */
export function declareDns(number: u32): void {
  assert(number == F.DNS);
  const protocol = declareProtocol(number, "dns", "53,5353,5355", "Domain Name System over UDP and TCP, multicast DNS, LLMNR.");
  protocol.transports = <u8>(OVER_TCP | OVER_UDP);
  protocol.stateBytes = 32;
  protocol.probe = probeDns.index;
  protocol.datagram = onDatagram.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  setObserver(number, observeDns.index);
  F.declareDnsFields(number);
  DnsMetrics.declare();
}

/** The number that `declareDns` was given. */

function onDatagram(conversation: Conversation, side: u32, start: usize, length: u32): bool {
  if (length < HEADER_BYTES) {
    DnsMetrics.malformed(DnsFault.HEADER);
    return false;
  }
  onMessage(conversation, side, start, length, Parse.wireLength);
  return true;
}

/** RFC 1035 section 4.2.2: each message behind its length in two bytes. */
function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  let at = start;
  let left = length;
  while (left >= 2) {
    const total = u16be(at);
    if (total < HEADER_BYTES) {
      DnsMetrics.malformed(DnsFault.HEADER);
      return FAULT;
    }
    const together = total + 2 < TOGETHER_MAX ? total + 2 : TOGETHER_MAX;
    if (left < together) {
      Parse.need = together;
      break;
    }
    const there = left < total + 2 ? left : total + 2;
    onMessage(conversation, side, at + 2, there - 2, total);
    at += there;
    left -= there;
    if (there < total + 2) {
      Parse.skip = total + 2 - there;
      break;
    }
  }
  return <i32>(at - start);
}

/** Bytes are missing: inside a long message that is already reported they cost nothing. */
function onGap(_conversation: Conversation, _side: u32, bytes: u32): bool {
  return <u64>bytes <= Parse.skip;
}

function onFinish(_conversation: Conversation, _side: u32): void {}

function onMessage(conversation: Conversation, side: u32, start: usize, captured: u32, total: u32): void {
  const response = isResponse(start);
  DnsMetrics.message(conversation, side, response, total);
  if (response) onResponse(conversation, side, start, captured, total);
  else onQuery(conversation, side, start, captured, total);
}

/** Over TCP the length before the message, which may have come by itself, is its first byte. */
function stamp(message: Message, start: usize, total: u32): void {
  message.firstNs = Parse.timeOf(start - 2);
  message.lastNs = Parse.timeNs;
  message.wireBytes = total;
}

function onQuery(conversation: Conversation, side: u32, start: usize, captured: u32, total: u32): void {
  const block = messageCreate(F.DNS, F.DNS_FIXED_END, QUERY_BYTES);
  if (block == 0) {
    DnsMetrics.refused();
    return;
  }
  const query = withQuestions(readMessage(changetype<Message>(block), start, captured, captured >= total));
  noteFault();
  stamp(query, start, total);
  if (conversation.client == <u8>CLIENT_UNKNOWN) conversation.client = <u8>side;
  const id = <u32>load<u16>(changetype<usize>(query) + F.ID);
  const key = Walk.question;
  const before = pendingFind(conversation, id, key);
  if (before != 0 && changetype<Message>(before).side == side) {
    retried(changetype<Message>(before));
    messageRelease(query);
    return;
  }
  if (Parse.multicast) {
    // Who answers a multicast query answers from its own address: nothing can be matched to it.
    report(conversation, side, changetype<usize>(query), 0, Status.UNOBSERVED);
    messageRelease(query);
    return;
  }
  if (conversation.pendingCount >= PENDING_PER_CONVERSATION_MAX) {
    reportUnanswered(changetype<Message>(conversation.pendingHead), Status.UNOBSERVED);
  }
  pendingAdd(conversation, side, query, TimeoutClass.DNS);
  pendingIndex(conversation, query, id, key);
}

/** Adds all questions of a message that has several, for those who look at single round trips. */
function withQuestions(message: Message): Message {
  const count = <u32>load<u16>(changetype<usize>(message) + F.QUESTIONS);
  return Settings.events && count > 1 ? readAllQuestions(message, count) : message;
}

function retried(query: Message): void {
  const at = changetype<usize>(query);
  store<u16>(at + F.RETRIES, load<u16>(at + F.RETRIES) + 1);
  query.know(F.DnsField.RETRIES);
  query.mark(Mark.RETRY);
}

function onResponse(conversation: Conversation, side: u32, start: usize, captured: u32, total: u32): void {
  let response = readMessage(messageScratch(F.DNS, F.DNS_FIXED_END, 1), start, captured, captured >= total);
  noteFault();
  stamp(response, start, total);
  if (Settings.events && Walk.records != 0) response = readRecords(response, start);
  if (conversation.client == <u8>CLIENT_UNKNOWN) conversation.client = <u8>(side ^ 1);
  const rcode = <u32>load<u16>(changetype<usize>(response) + F.RCODE);
  const status = rcode == 0 ? Status.OK : Status.ERROR;
  const at = findQuery(conversation, response);
  if (at == 0) {
    report(conversation, side ^ 1, 0, changetype<usize>(response), status);
    return;
  }
  const query = changetype<Message>(at);
  pendingTake(query);
  report(conversation, side ^ 1, at, changetype<usize>(response), status);
  messageRelease(query);
}

/** The query that a response answers, 0 when there is none: one that repeats no question is matched by its id alone. */
function findQuery(conversation: Conversation, response: Message): usize {
  const id = <u32>load<u16>(changetype<usize>(response) + F.ID);
  if (Walk.question != 0) return pendingFind(conversation, id, Walk.question);
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    // What waits from before a tunnel may be of another protocol.
    if (changetype<Message>(at).id == id && changetype<Message>(at).protocol == <u8>F.DNS) return at;
    at = changetype<Message>(at).next;
  }
  return 0;
}

function noteFault(): void {
  if (Walk.fault != DnsFault.NONE) DnsMetrics.malformed(Walk.fault);
}
