/** Queries and their responses: matched by (conversation, id, question). */
import { CLIENT_UNKNOWN, Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageScratch } from "../../roundtrip/message";
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
import { Parse } from "../protocol";
import * as F from "./fields";
import { DnsFault, isResponse, readMessage, Walk } from "./message";
import { DnsMetrics } from "./metrics";
import { mayMiss } from "./place";
import { readAllQuestions, readRecords } from "./records";

/** A query's block: the fixed fields and a name of usual length. */
const QUERY_BYTES: u32 = 160;

/** Takes the message of `total` bytes that `side` sent, of which `captured` lie at `start`: its header at least. */
export function onMessage(conversation: Conversation, side: u32, start: usize, captured: u32, total: u32, marks: u32): void {
  const response = isResponse(start);
  DnsMetrics.message(conversation, side, response, total);
  if (response) onResponse(conversation, side, start, captured, total, marks);
  else onQuery(conversation, side, start, captured, total, marks);
}

/** Over TCP the length before the message, which may have come by itself, is its first byte. */
function stamp(message: Message, start: usize, total: u32, marks: u32): void {
  message.firstNs = Parse.timeOf(start - 2);
  message.lastNs = Parse.timeNs;
  message.wireBytes = total;
  message.mark(marks);
}

function onQuery(conversation: Conversation, side: u32, start: usize, captured: u32, total: u32, marks: u32): void {
  const block = messageCreate(F.DNS, F.DNS_FIXED_END, QUERY_BYTES);
  if (block == 0) {
    DnsMetrics.refused();
    return;
  }
  const query = withQuestions(readMessage(changetype<Message>(block), start, captured, captured >= total));
  noteFault();
  stamp(query, start, total, marks);
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
  if (mayMiss(conversation, side ^ 1)) query.missed();
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

function onResponse(conversation: Conversation, side: u32, start: usize, captured: u32, total: u32, marks: u32): void {
  let response = readMessage(messageScratch(F.DNS, F.DNS_FIXED_END, 1), start, captured, captured >= total);
  noteFault();
  stamp(response, start, total, marks);
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

/** The query that a response answers, 0 when there is none: where one of them has no question it is matched by its id alone. */
function findQuery(conversation: Conversation, response: Message): usize {
  const id = <u32>load<u16>(changetype<usize>(response) + F.ID);
  if (Walk.question != 0) {
    const found = pendingFind(conversation, id, Walk.question);
    return found != 0 ? found : findCut(conversation, id);
  }
  let at = <usize>conversation.pendingHead;
  while (at != 0) {
    // What waits from before a tunnel may be of another protocol.
    if (changetype<Message>(at).id == id && changetype<Message>(at).protocol == <u8>F.DNS) return at;
    at = changetype<Message>(at).next;
  }
  return 0;
}

/** The query of that id of which the question is missing, 0 when there is none. */
function findCut(conversation: Conversation, id: u32): usize {
  const at = pendingFind(conversation, id, 0);
  return at != 0 && changetype<Message>(at).marks & Mark.GAP ? at : 0;
}

function noteFault(): void {
  if (Walk.fault != DnsFault.NONE) DnsMetrics.malformed(Walk.fault);
}

/** Responses of `side` may be among what is missing or not read: that none comes says nothing of the queries that wait for one. */
export function missResponses(conversation: Conversation, side: u32): void {
  for (let at = <usize>conversation.pendingHead; at != 0; at = <usize>changetype<Message>(at).next) {
    const query = changetype<Message>(at);
    if (query.side != side && query.protocol == <u8>F.DNS) query.missed();
  }
}
