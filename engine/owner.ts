/** Whose connections are: what the core asks of its host, and what the host answers (assembly/roundtrip/ask-owner.ts). */

/** A connection of which the core asks whose an end is. Addresses are of four or of sixteen bytes. It holds only until the call returns. */
export interface OwnedConnection {
  /** 6 for TCP, 17 for UDP. */
  readonly protocol: number;
  readonly client: Uint8Array;
  readonly clientPort: number;
  readonly server: Uint8Array;
  readonly serverPort: number;
  /** When its first packet was seen, since 1970; both 0 where that is not known. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** False where no packet said yet who asks: the client is the end with the higher port. */
  readonly isClientSure: boolean;
}

/** Why no process can be named. */
export type OwnerUnknown = "gone" | "hidden" | "doubtful" | "busy" | "shared";

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

/** Where in a question its answer has what (assembly/roundtrip/ask-owner.ts). */
const ANSWER = 48;
const LENGTHS = 52;
const PID = 56;
const TEXTS = 60;
const ELSEWHERE = 1;
const KNOWN = 2;
const REASONS: Readonly<Record<OwnerUnknown, number>> = { gone: 3, hidden: 4, doubtful: 5, busy: 6, shared: 9 };
/** Bytes of each text at the most, in their order. */
const TEXT_MAX = [32, 32, 64, 108] as const;
const UNTIMED = 0xffff_ffff_ffff_ffffn;
const SECOND_NS = 1_000_000_000n;
const encoder = new TextEncoder();

/** A question where it lies. Most are of ends elsewhere, so nothing is read of it but what is looked at. */
class Question implements OwnedConnection {
  constructor(
    private readonly bytes: Uint8Array,
    private readonly view: DataView,
    private readonly at: number,
  ) {}

  get end(): "client" | "server" {
    return this.view.getUint8(this.at) === 0 ? "client" : "server";
  }

  get protocol(): number {
    return this.view.getUint8(this.at + 1);
  }

  get isClientSure(): boolean {
    return this.view.getUint8(this.at + 3) === 1;
  }

  get clientPort(): number {
    return this.view.getUint16(this.at + 4, true);
  }

  get serverPort(): number {
    return this.view.getUint16(this.at + 6, true);
  }

  get client(): Uint8Array {
    return this.address(8);
  }

  get server(): Uint8Array {
    return this.address(24);
  }

  get seconds(): number {
    return Number(this.time / SECOND_NS);
  }

  get nanoseconds(): number {
    return Number(this.time % SECOND_NS);
  }

  private get time(): bigint {
    const time = this.view.getBigUint64(this.at + 40, true);
    return time === UNTIMED ? 0n : time;
  }

  private address(offset: number): Uint8Array {
    const isIpv4 = this.view.getUint8(this.at + 2) === 4;
    return this.bytes.subarray(this.at + offset + (isIpv4 ? 12 : 0), this.at + offset + 16);
  }
}

/** Has the question at `at` answered. */
export function answerOwner(bytes: Uint8Array, view: DataView, at: number, ownerOf: OwnerOf): void {
  const question = new Question(bytes, view, at);
  const owner = ownerOf(question.end, question);
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
