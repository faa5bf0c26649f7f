/**
 * AMQP 0-9-1 with RabbitMQ's extensions, by content on any port.
 *
 * ```
 *   frame.ts, parse.ts  frames, methods and gaps      arguments.ts  what a method says
 *   content.ts          headers and bodies            match.ts      what answers what, and how it ends
 *   seek.ts             the way back                  state.ts      channels, contents and consumers
 * ```
 */
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP } from "../protocol";
import * as F from "./fields";
import { addMethods } from "./methods";
import { declareAmqpMetrics, observeAmqp } from "./metrics";
import { onBytes, onFinish, onGap, onRelease } from "./parse";
import { probeAmqp } from "./probe";
import { AmqpState, Half, STATE_BYTES } from "./state";

/** Declares protocol `number`, its fields and its metrics. */
export function declareAmqp(number: u32): void {
  assert(number == F.AMQP && STATE_BYTES == offsetof<AmqpState>() + 2 * offsetof<Half>());
  const protocol = declareProtocol(number, "amqp", "5672", "AMQP 0-9-1, the protocol of RabbitMQ.");
  protocol.transports = <u8>OVER_TCP;
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeAmqp.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = onRelease.index;
  setObserver(number, observeAmqp.index);
  addMethods();
  F.declareAmqpFields(number);
  declareAmqpMetrics(number);
}
