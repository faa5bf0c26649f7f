/**
 * MongoDB's wire protocol, by content on any port: requests and responses matched by request id.
 *
 * ```
 *   parse.ts, header.ts  messages and gaps          walk.ts, element.ts, keep.ts  through documents, and what is kept of them
 *   seek.ts              the way back               compressed.ts                 what is inside OP_COMPRESSED
 *   payload.ts           what is kept where contents are asked for
 *   match.ts             which request is answered, how it ended, replies that follow each other
 * ```
 */
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP } from "../protocol";
import { Half } from "../shared/sized-half";
import * as F from "./fields";
import { declareMongoMetrics, observeMongo } from "./metrics";
import { onBytes, onFinish, onGap, onRelease } from "./parse";
import { probeMongo } from "./probe";
import { MongoState, STATE_BYTES } from "./state";
import { WALK_BYTES, Walk } from "./walk-state";

/** Declares protocol `number`, its fields and its metrics. */
export function declareMongo(number: u32): void {
  assert(number == F.MONGODB && STATE_BYTES == offsetof<MongoState>() + 2 * offsetof<Half>());
  assert(WALK_BYTES >= offsetof<Walk>());
  const protocol = declareProtocol(number, "mongodb", "27017", "MongoDB's wire protocol.");
  protocol.transports = <u8>OVER_TCP;
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeMongo.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = onRelease.index;
  setObserver(number, observeMongo.index);
  F.declareMongoFields(number);
  declareMongoMetrics(number);
}
