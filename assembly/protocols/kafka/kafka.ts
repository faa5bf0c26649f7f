/**
 * Kafka, by content on any port: requests and responses matched by correlation id.
 *
 * ```
 *   parse.ts, header.ts  messages and gaps      walk.ts, keep.ts, records.ts  through a body, and what is kept of it
 *   schemas.ts           what bodies hold       program.ts                    schemas made ready to be walked
 *   seek.ts              the way back           match.ts                      which request is answered, and how it ended
 *   payload.ts           bytes of records that are kept where they are asked for
 * ```
 */
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP } from "../protocol";
import { Half } from "../shared/sized-half";
import * as F from "./fields";
import { declareKafkaMetrics, observeKafka } from "./metrics";
import { onBytes, onFinish, onGap, onRelease } from "./parse";
import { probeKafka } from "./probe";
import { resetPrograms } from "./program";
import { addSchemas } from "./schemas";
import { KafkaState, STATE_BYTES } from "./state";
import { Frame, WALK_BYTES, Walk } from "./walk-state";

/** Declares protocol `number`, its fields and its metrics. */
export function declareKafka(number: u32): void {
  assert(number == F.KAFKA && STATE_BYTES == offsetof<KafkaState>() + 2 * offsetof<Half>());
  assert(WALK_BYTES >= offsetof<Walk>("frame0") + 6 * offsetof<Frame>());
  const protocol = declareProtocol(number, "kafka", "9092", "Apache Kafka's protocol.");
  protocol.transports = <u8>OVER_TCP;
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeKafka.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = onRelease.index;
  setObserver(number, observeKafka.index);
  resetPrograms();
  addSchemas();
  F.declareKafkaFields(number);
  declareKafkaMetrics(number);
}
