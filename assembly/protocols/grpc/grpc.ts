/**
 * gRPC: HTTP/2 streams whose content type is application/grpc, reported under a number of their own.
 *
 * A call is `ok` with grpc-status 0 and `error` with any other, wherever it stands: in the trailers, or in the headers of a response
 * that is nothing else. grpc-message may be absent. A call that either side gives up is `reset`, as HTTP/2 has it; a deadline that the
 * server noticed is an error of status 4.
 */
import { setObserver } from "../../roundtrip/observers";
import { Guest } from "../http2/guest";
import { declareProtocol } from "../protocol";
import { callOutcome, endCall, nameCall } from "./call";
import * as F from "./fields";
import { countMessages, passMessages } from "./messages";
import { declareGrpcMetrics, observeGrpc, refuseCall } from "./metrics";

/** Declares protocol `number`, its fields and its metrics; http2 is declared before. */
export function declareGrpc(number: u32): void {
  assert(number == F.GRPC);
  // It is recognised in HTTP/2's streams, so it has no probe and no transport of its own.
  declareProtocol(number, "grpc", "50051", "gRPC calls: HTTP/2 streams of content type application/grpc.");
  Guest.number = number;
  Guest.begin = nameCall.index;
  Guest.body = countMessages.index;
  Guest.gap = passMessages.index;
  Guest.outcome = callOutcome.index;
  Guest.end = endCall.index;
  Guest.refused = refuseCall.index;
  setObserver(number, observeGrpc.index);
  F.declareGrpcFields(number);
  declareGrpcMetrics();
}
