/** Puts the bytes of TCP connections in order, in memory and at the end: no windows, no limits. */
import type { Segment } from "./frame";

const FIN = 1;
const SYN = 2;
const ACK = 16;

/** One direction of a connection. */
export class ByteStream {
  private segments: { at: number; bytes: Uint8Array; wireBytes: number; timeNs: bigint }[] = [];
  private first: number | undefined;
  /** When this side ended its stream. */
  finishedNs: bigint | undefined;

  /** Notes the sequence number of the first byte. */
  begin(sequence: number): void {
    this.first ??= sequence;
  }

  get begun(): number | undefined {
    return this.first;
  }

  add(segment: Segment): void {
    this.begin(segment.sequence);
    const at = (segment.sequence - this.first!) | 0;
    if (segment.payloadBytes > 0 && at >= 0) {
      this.segments.push({ at, bytes: segment.payload, wireBytes: segment.payloadBytes, timeNs: segment.timeNs });
    }
    if (segment.flags & FIN) this.finishedNs ??= segment.timeNs;
  }

  /** The whole stream; bytes that were not captured are marked. */
  assemble(): Assembled {
    const length = this.segments.reduce((most, { at, wireBytes }) => Math.max(most, at + wireBytes), 0);
    const bytes = new Uint8Array(length);
    const known = new Uint8Array(length);
    const marks: { at: number; timeNs: bigint }[] = [];
    for (const { at, bytes: content, timeNs } of this.segments) {
      const news = content.findIndex((_, index) => known[at + index] === 0);
      if (news < 0) continue;
      for (let index = news; index < content.length; index++) {
        if (known[at + index] === 0) bytes[at + index] = content[index]!;
        known[at + index] = 1;
      }
      marks.push({ at: at + news, timeNs });
    }
    marks.sort((a, b) => a.at - b.at);
    return new Assembled(bytes, known, marks, this.finishedNs);
  }
}

/** A stream of bytes in order, with the time at which each was captured. */
export class Assembled {
  constructor(
    readonly bytes: Uint8Array,
    private readonly known: Uint8Array,
    private readonly marks: { at: number; timeNs: bigint }[],
    readonly finishedNs: bigint | undefined,
  ) {}

  get length(): number {
    return this.bytes.length;
  }

  /** Place of the first byte at or after `at` that was not captured. */
  hole(at: number): number {
    const found = this.known.indexOf(0, at);
    return found < 0 ? this.length : found;
  }

  /** Starts of segments after `at`, where a message may begin again after a hole. */
  segmentStarts(at: number): number[] {
    return this.marks.map((mark) => mark.at).filter((start) => start > at);
  }

  /** When the byte at this place was captured. */
  timeNs(at: number): bigint {
    let time = this.marks[0]?.timeNs ?? 0n;
    for (const mark of this.marks) {
      if (mark.at > at) break;
      time = mark.timeNs;
    }
    return time;
  }
}

/** A connection: who opened it, and the streams of both sides. */
export interface Connection {
  client: { address: string; port: number };
  server: { address: string; port: number };
  fromClient: ByteStream;
  fromServer: ByteStream;
}

/** All connections of a capture, by the order of their first packets. */
export class Connections {
  readonly all: Connection[] = [];
  private readonly open = new Map<string, Connection>();

  add(segment: Segment): void {
    const ends = [`${segment.source} ${segment.sourcePort}`, `${segment.destination} ${segment.destinationPort}`];
    const key = ends.sort().join(" ");
    const isOpening = (segment.flags & (SYN | ACK)) === SYN;
    let connection = this.open.get(key);
    // The same addresses and ports with another first sequence number are another connection.
    if (
      connection &&
      isOpening &&
      connection.fromClient.begun !== undefined &&
      connection.fromClient.begun !== (segment.sequence + 1) >>> 0
    ) {
      connection = undefined;
    }
    if (!connection) {
      connection = this.create(segment);
      this.open.set(key, connection);
    }
    const fromClient = segment.source === connection.client.address && segment.sourcePort === connection.client.port;
    const stream = fromClient ? connection.fromClient : connection.fromServer;
    if (segment.flags & SYN) stream.begin((segment.sequence + 1) >>> 0);
    else stream.add(segment);
  }

  private create(segment: Segment): Connection {
    const source = { address: segment.source, port: segment.sourcePort };
    const destination = { address: segment.destination, port: segment.destinationPort };
    const isAnswer = (segment.flags & SYN) !== 0 && (segment.flags & ACK) !== 0;
    const [client, server] = isAnswer ? [destination, source] : [source, destination];
    const connection = { client, server, fromClient: new ByteStream(), fromServer: new ByteStream() };
    this.all.push(connection);
    return connection;
  }
}
