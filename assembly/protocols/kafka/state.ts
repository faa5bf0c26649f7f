/** What the parser knows of a conversation: 48 bytes; what a message in progress needs beside lies in its walk. */
import { Conversation } from "../../roundtrip/conversation";
import { Half } from "../shared/sized-half";

/** Bits of `KafkaState.flags`. */
export class StateFlag {
  /** A correlation id was sent while it waited: the oldest of a kind is answered first. */
  static readonly REPEATS: u8 = 1;
  /** SaslHandshake 0 was asked for: frames without headers may follow until a request comes (KIP-152). */
  static readonly RAW_SASL: u8 = 2;
}

@unmanaged
export class KafkaState {
  /** What the client id of the last request begins with, hashed with its length. */
  clientMark: u32;
  /** Correlation id of the last request. */
  lastId: u32;
  flags: u8;
  spare: u8;
  spare1: u16;
  spare2: u32;

  @inline half(side: u32): Half {
    return changetype<Half>(changetype<usize>(this) + offsetof<KafkaState>() + side * offsetof<Half>());
  }
}

/** Bytes of the state. */
export const STATE_BYTES: u32 = 48;

/** The state of a conversation that has one. */
export function stateAt(conversation: Conversation): KafkaState {
  return changetype<KafkaState>(conversation.state);
}
