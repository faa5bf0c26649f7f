/**
 * Talk between clients and a server of which every segment's part is known: what a capture with faults is held against.
 *
 * An exchange is a request and its response, each in one or more segments. It can be decided from a capture while the segments
 * that hold the request's first bytes and the response's outcome are in it.
 */
import type { RoundTrip } from "../../../engine/round-trip";
import { type Captured, Conversation, START_NS } from "../pcap-builder";

/** One exchange of a protocol, as its client would tell of it. */
export interface Exchange {
  /** What a round trip of it is known by. */
  id: string;
  /** What it says of its outcome. */
  outcome: string;
  request: Uint8Array;
  response: Uint8Array;
}

/** How the round trips of a protocol's exchanges are read. */
export interface Told {
  name: string;
  /** Whether a response's last segment too is needed to know its outcome. */
  isDecidedAtEnd?: boolean;
  /** The id of a round trip, undefined where it has none (a response alone, a greeting). */
  idOf(trip: RoundTrip): string | undefined;
  outcomeOf(trip: RoundTrip): string;
}

/** A protocol's exchanges, made by hand. */
export interface FaultyProtocol extends Told {
  port: number;
  /** What both sides say before the first exchange. */
  greeting?: readonly { from: "client" | "server"; bytes: Uint8Array }[];
  /** Exchange number `number` of connection `connection`. */
  exchange(connection: number, number: number): Exchange;
}

/** A segment's packet, and which exchanges it decides. */
export interface Part {
  packet: Captured;
  /** Connection that it belongs to. */
  connection: number;
  /** The exchanges whose requests begin in it, or whose responses' outcomes lie in it. */
  decides: readonly string[];
}

/** What was said, packet by packet. */
export interface Talk {
  parts: readonly Part[];
  /** Outcome of each exchange by its id. */
  outcomes: ReadonlyMap<string, string>;
}

/** How it is said. */
interface Manner {
  /** Bytes of a segment at the most. */
  segmentBytes?: number;
  /** Exchanges whose requests are sent before the first of them is answered. */
  depth?: number;
  /** The server's address. */
  server?: string;
}

/** Client port of the first connection; those after it count on. */
export const FIRST_PORT = 30_000;
const SEGMENT_BYTES = 1400;
const BETWEEN_NS = 2_000_000n;

/** Talks: `connections` of them one beside another, `exchanges` each, one after the other or some at once. */
export function talk(
  protocol: FaultyProtocol,
  connections: number,
  exchanges: number,
  { segmentBytes = SEGMENT_BYTES, depth = 1, server = "192.0.2.2" }: Manner = {},
): Talk {
  const outcomes = new Map<string, string>();
  const parts: Part[] = [];
  for (let connection = 0; connection < connections; connection++) {
    const startNs = START_NS + BigInt(connection) * 313_000n;
    const conversation = new Conversation({
      server,
      clientPort: FIRST_PORT + connection,
      serverPort: protocol.port,
      startNs,
      stepNs: 50_000n,
    });
    const decided = new Map<number, string>();
    conversation.open();
    for (const { from, bytes } of protocol.greeting ?? []) conversation.send(from, bytes, segmentBytes);
    for (let number = 0; number < exchanges; number += depth) {
      const together = Array.from({ length: Math.min(depth, exchanges - number) }, (_, index) =>
        protocol.exchange(connection, number + index),
      );
      for (const { id, outcome, request } of together) {
        outcomes.set(id, outcome);
        decided.set(conversation.packets.length, id);
        conversation.send("client", request, segmentBytes);
      }
      conversation.wait(BETWEEN_NS);
      for (const { id, response } of together) {
        decided.set(conversation.packets.length, id);
        conversation.send("server", response, segmentBytes);
        if (protocol.isDecidedAtEnd) decided.set(conversation.packets.length - 1, id);
      }
      conversation.acknowledge("client");
      conversation.wait(BETWEEN_NS);
    }
    conversation.close();
    for (const [index, packet] of conversation.packets.entries()) {
      const id = decided.get(index);
      parts.push({ packet, connection, decides: id === undefined ? [] : [id] });
    }
  }
  parts.sort((a, b) => Number(a.packet.timeNs - b.packet.timeNs));
  return { parts, outcomes };
}
