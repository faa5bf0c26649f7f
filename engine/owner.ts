/** Whose connections are: what the core asks of its host, and what the host answers (assembly/roundtrip/ask-owner.ts). */

/** A connection of which the core asks whose an end is. Addresses are of four or of sixteen bytes, and hold only until the call returns. */
export interface OwnedConnection {
  /** 6 for TCP, 17 for UDP. */
  protocol: number;
  client: Uint8Array;
  clientPort: number;
  server: Uint8Array;
  serverPort: number;
  /** When its first packet was seen, since 1970; both 0 where that is not known. */
  seconds: number;
  nanoseconds: number;
  /** False where no packet said yet who asks: the client is the end with the higher port. */
  isClientSure: boolean;
}

/** Why no process can be named. */
export type OwnerUnknown = "gone" | "hidden" | "doubtful" | "busy";

/** Whose an end of a connection is. What is not known of it is absent. */
export interface Owner {
  /** Name of the command. */
  process?: string | undefined;
  pid?: number | undefined;
  user?: string | undefined;
  container?: string | undefined;
  pod?: string | undefined;
  /** Why there is no process, where there is none. */
  unknown?: OwnerUnknown | undefined;
}

/**
 * Says whose an end of a connection is: null where that is another host's, undefined where it is not known yet, so that it is asked again.
 * It is called in the midst of a packet, so it must not call the core nor throw.
 */
export type OwnerOf = (end: "client" | "server", connection: OwnedConnection) => Owner | null | undefined;

/** Bytes of a question with its answer. */
export const OWNER_QUESTION_BYTES = 304;
const ANSWER = 48;
const LENGTHS = 52;
const PID = 56;
const TEXTS = 60;
const ELSEWHERE = 1;
const KNOWN = 2;
const REASONS: Readonly<Record<OwnerUnknown, number>> = { gone: 3, hidden: 4, doubtful: 5, busy: 6 };
/** Bytes of each text at the most, in their order. */
const TEXT_MAX = [32, 32, 64, 108] as const;
const UNTIMED = 0xffff_ffff_ffff_ffffn;
const SECOND_NS = 1_000_000_000n;
const encoder = new TextEncoder();

/** Has the question at `at` answered. */
export function answerOwner(bytes: Uint8Array, view: DataView, at: number, ownerOf: OwnerOf): void {
  const isIpv4 = view.getUint8(at + 2) === 4;
  const address = (offset: number) => bytes.subarray(at + offset + (isIpv4 ? 12 : 0), at + offset + 16);
  const time = view.getBigUint64(at + 40, true);
  const connection: OwnedConnection = {
    protocol: view.getUint8(at + 1),
    client: address(8),
    clientPort: view.getUint16(at + 4, true),
    server: address(24),
    serverPort: view.getUint16(at + 6, true),
    seconds: time === UNTIMED ? 0 : Number(time / SECOND_NS),
    nanoseconds: time === UNTIMED ? 0 : Number(time % SECOND_NS),
    isClientSure: view.getUint8(at + 3) === 1,
  };
  const owner = ownerOf(view.getUint8(at) === 0 ? "client" : "server", connection);
  if (owner === undefined) return;
  if (owner === null) view.setUint8(at + ANSWER, ELSEWHERE);
  else putOwner(bytes, view, at, owner);
}

function putOwner(bytes: Uint8Array, view: DataView, at: number, owner: Owner): void {
  const isKnown = owner.process !== undefined && owner.process !== "";
  view.setUint8(at + ANSWER, isKnown ? KNOWN : REASONS[owner.unknown ?? "hidden"]);
  view.setUint32(at + PID, owner.pid ?? 0, true);
  let end = at + TEXTS;
  [owner.process, owner.user, owner.container, owner.pod].forEach((text, index) => {
    // Whole characters are written, as many as there is room for.
    const { written } = encoder.encodeInto(text ?? "", bytes.subarray(end, end + TEXT_MAX[index]!));
    view.setUint8(at + LENGTHS + index, written);
    end += written;
  });
}
