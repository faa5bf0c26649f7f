/** The response in progress: its beginning, its end, and what a good outcome changes. */
import { Conversation, PROTOCOL_FOREIGN } from "../../roundtrip/conversation";
import { orderPair, orderTake } from "../../roundtrip/in-order";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease } from "../../roundtrip/message";
import { report } from "../../roundtrip/report";
import { leave, Parse } from "../protocol";
import { dropPayload } from "../shared/payload";
import { Prepared, preparedClear, preparedFind, preparedPut } from "../sql/prepared";
import { Session } from "../sql/session";
import { Command } from "./commands";
import { packedCreate } from "./content";
import * as F from "./fields";
import { Capability } from "./handshake";
import { MysqlMetrics, Switch } from "./metrics";
import { Expect, letGo, MysqlState, Packet, Phase, StateFlag, setNames, settleCharset, stateAt } from "./state";

/** Bytes of a response's first block. */
const RESPONSE_BYTES: u32 = 256;

/** Begins the response whose first packet is in hand; false where there is no room. */
export function beginResponse(conversation: Conversation, state: MysqlState): bool {
  const first = Packet.sequenceOf(Packet.at);
  const request = orderPair(conversation, state.requests, first, Parse.acknowledgement);
  state.command = request == 0 ? 0 : <u8>load<u16>(request, F.COMMAND);
  const block = messageCreate(F.MYSQL, F.RESPONSE_FIXED_END, RESPONSE_BYTES);
  state.response = <u32>block;
  if (block == 0) {
    MysqlMetrics.refused();
    orderDrop(conversation, state);
    return false;
  }
  const message = changetype<Message>(block);
  message.firstNs = Parse.timeOf(Packet.at);
  message.know(F.MysqlField.BODY_BYTES);
  state.expect = Expect.FIRST;
  return true;
}

/** The request whose response found no room is reported alone. */
function orderDrop(conversation: Conversation, state: MysqlState): void {
  const request = orderTake(state.requests);
  if (request == 0) return;
  report(conversation, changetype<Message>(request).side, request, 0, Status.UNOBSERVED);
  messageRelease(changetype<Message>(request));
}

/** Ends the response in progress with `status`, and reports it with what it answers. */
export function endResponse(conversation: Conversation, side: u32, status: u32): void {
  const state = stateAt(conversation);
  const response = <usize>state.response;
  const request = orderTake(state.requests);
  state.response = 0;
  state.expect = Expect.NOTHING;
  state.clear(StateFlag.HELD | StateFlag.WANTS_DATA | StateFlag.SERVER_CONTINUES);
  if (request != 0 && <usize>state.request == request) state.request = 0;
  // There is nothing but names.
  if (load<u64>(response, F.ROWS) == 0) dropPayload(changetype<Message>(response), F.RESPONSE_PAYLOAD);
  if (request != 0 && status <= Status.ERROR) settle(conversation, state, request, response, status == Status.OK);
  if (request != 0 || status != Status.UNOBSERVED) report(conversation, side ^ 1, request, response, status);
  const connects = request != 0 && load<u16>(request, F.COMMAND) == Command.CONNECT;
  if (request != 0) messageRelease(changetype<Message>(request));
  messageRelease(changetype<Message>(response));
  if (!connects) return;
  state.phase = Phase.COMMAND;
  if (status == Status.OK) compress(conversation, state);
}

/** What both sides can compress is compressed from the end of the handshake on. */
function compress(conversation: Conversation, state: MysqlState): void {
  const agreed = state.capabilities & state.serverCapabilities;
  if (!(agreed & (Capability.COMPRESS | Capability.ZSTD)) || state.packed != 0) return;
  beginPacked(conversation, state, agreed & Capability.COMPRESS ? Switch.ZLIB : Switch.ZSTD);
  Packet.isLast = true;
}

/** Both sides' packets are compressed from here on; zstd's are counted, and not read. */
export function beginPacked(conversation: Conversation, state: MysqlState, how: u32): void {
  MysqlMetrics.switched(how);
  if (how == Switch.ZLIB) state.packed = packedCreate();
  if (state.packed != 0) return;
  if (how == Switch.ZLIB) MysqlMetrics.refused();
  letGo(conversation);
  leave(conversation, PROTOCOL_FOREIGN);
}

/** Notes what an outcome says of the connection. */
function settle(conversation: Conversation, state: MysqlState, request: usize, response: usize, isOk: bool): void {
  // What waits behind it may set another charset.
  if (conversation.pendingHead == 0) settleCharset(state, request, isOk);
  if (isOk) take(state, request, response);
}

/** Notes what a request that succeeded changes of its connection. */
function take(state: MysqlState, request: usize, response: usize): void {
  const asked = changetype<Message>(request);
  const command = <u32>load<u16>(request, F.COMMAND);
  if (command == Command.CONNECT || command == Command.CHANGE_USER) {
    const user = asked.textStart(F.USER);
    const database = asked.textStart(F.DATABASE);
    const isCut = (asked.marks & Mark.TRUNCATED) != 0;
    const isKept = setNames(state, user, asked.textLength(F.USER), database, asked.textLength(F.DATABASE), isCut);
    if (!isKept) MysqlMetrics.refused();
  } else if (command == Command.INIT_DB) {
    use(state, asked.textStart(F.STATEMENT), asked.textLength(F.STATEMENT), (asked.marks & Mark.TRUNCATED) != 0);
  } else if (command == Command.QUERY && load<u8>(request, F.IS_USE)) {
    useStatement(state, asked);
  } else if (command == Command.STMT_PREPARE && changetype<Message>(response).knows(F.MysqlField.PREPARED_ID)) {
    keepStatement(state, asked, changetype<Message>(response));
  }
  if (command == Command.CHANGE_USER || command == Command.RESET_CONNECTION) preparedClear(state.prepared);
}

function keepStatement(state: MysqlState, asked: Message, response: Message): void {
  const id = load<u32>(changetype<usize>(response), F.PREPARED_ID);
  const isKept = preparedPut(
    state.prepared,
    id,
    asked.textStart(F.STATEMENT),
    asked.textLength(F.STATEMENT),
    asked.textStart(F.FINGERPRINT),
    asked.textLength(F.FINGERPRINT),
    (asked.marks & Mark.TRUNCATED) != 0,
  );
  if (!isKept) {
    MysqlMetrics.refused();
    return;
  }
  const parameters = load<u16>(changetype<usize>(response), F.PARAMETERS);
  changetype<Prepared>(preparedFind(state.prepared, id)).parameters = parameters;
}

/** The database in use is the name of `length` bytes at `start`, in the core's own memory; `isCut`: it was longer. */
function use(state: MysqlState, start: usize, length: u32, isCut: bool): void {
  const session = changetype<Session>(<usize>state.session);
  const isKept =
    state.session == 0
      ? setNames(state, 0, 0, start, length, isCut)
      : setNames(state, session.userStart, session.userLength, start, length, isCut || session.isUserCut);
  if (!isKept) MysqlMetrics.refused();
}

/** `USE name`, the name in backticks or not. */
function useStatement(state: MysqlState, asked: Message): void {
  let start = asked.textStart(F.STATEMENT) + 4;
  const end = asked.textStart(F.STATEMENT) + asked.textLength(F.STATEMENT);
  while (start < end && (load<u8>(start) <= 32 || load<u8>(start) == 96)) start += 1;
  let stop = start;
  while (stop < end && load<u8>(stop) > 32 && load<u8>(stop) != 96 && load<u8>(stop) != 59) stop += 1;
  // What is masked is a name in double quotes, which could be a string.
  if (stop > start) use(state, start, load<u8>(start) == 63 ? 0 : <u32>(stop - start), false);
}

/** The client asks again, and waits for its responses: one whose end was not captured has ended. */
export function endHeld(conversation: Conversation): void {
  const state = stateAt(conversation);
  if (!state.is(StateFlag.HELD) || state.requests.pipelines) return;
  endLost(conversation);
}

/** Ends the held response as far as it is known: a result that had begun is one, nothing else is. */
export function endLost(conversation: Conversation): void {
  const state = stateAt(conversation);
  const response = changetype<Message>(state.response);
  const request = <usize>state.requests.answering;
  const side = request != 0 ? changetype<Message>(request).side ^ 1 : conversation.client ^ 1;
  const isKnown = state.expect >= Expect.COLUMNS || response.knows(F.MysqlField.RESULTS);
  endResponse(conversation, side, isKnown ? Status.OK : Status.UNOBSERVED);
}
