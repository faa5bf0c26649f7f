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

/** A protocol's exchanges, and how its round trips are read. */
export interface FaultyProtocol {
  name: string;
  port: number;
  /** Whether a response's last segment too is needed to know its outcome. */
  isDecidedAtEnd?: boolean;
  /** What both sides say before the first exchange. */
  greeting?: readonly { from: "client" | "server"; bytes: Uint8Array }[];
  /** Exchange number `number` of connection `connection`. */
  exchange(connection: number, number: number): Exchange;
  /** The id of a round trip, undefined where it has none (a response alone, a greeting). */
  idOf(trip: RoundTrip): string | undefined;
  outcomeOf(trip: RoundTrip): string;
}

/** A segment's packet, and which exchange it decides. */
interface Part {
  packet: Captured;
  /** Connection that it belongs to. */
  connection: number;
  /** The exchange whose request begins in it, or whose response's outcome lies in it. */
  decides?: string;
}

/** What was said, packet by packet. */
export interface Talk {
  parts: readonly Part[];
  /** Outcome of each exchange by its id. */
  outcomes: ReadonlyMap<string, string>;
}

/** Client port of the first connection; those after it count on. */
export const FIRST_PORT = 30_000;
const SEGMENT_BYTES = 1400;
const BETWEEN_NS = 2_000_000n;

/** Talks: `connections` of them one beside another, `exchanges` each, one after the other. */
export function talk(protocol: FaultyProtocol, connections: number, exchanges: number): Talk {
  const outcomes = new Map<string, string>();
  const parts: Part[] = [];
  for (let connection = 0; connection < connections; connection++) {
    const startNs = START_NS + BigInt(connection) * 313_000n;
    const conversation = new Conversation({
      clientPort: FIRST_PORT + connection,
      serverPort: protocol.port,
      startNs,
      stepNs: 50_000n,
    });
    const decided = new Map<number, string>();
    conversation.open();
    for (const { from, bytes } of protocol.greeting ?? []) conversation.send(from, bytes, SEGMENT_BYTES);
    for (let number = 0; number < exchanges; number++) {
      const { id, outcome, request, response } = protocol.exchange(connection, number);
      outcomes.set(id, outcome);
      decided.set(conversation.packets.length, id);
      conversation.send("client", request, SEGMENT_BYTES);
      conversation.wait(BETWEEN_NS);
      decided.set(conversation.packets.length, id);
      conversation.send("server", response, SEGMENT_BYTES);
      if (protocol.isDecidedAtEnd) decided.set(conversation.packets.length - 1, id);
      conversation.acknowledge("client");
      conversation.wait(BETWEEN_NS);
    }
    conversation.close();
    for (const [index, packet] of conversation.packets.entries()) parts.push({ packet, connection, decides: decided.get(index) });
  }
  parts.sort((a, b) => Number(a.packet.timeNs - b.packet.timeNs));
  return { parts, outcomes };
}
