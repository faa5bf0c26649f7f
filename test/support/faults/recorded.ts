/**
 * Talk that a real server and its client had: captured, cut into segments, and held against what the client says of it.
 *
 * Ids and outcomes are the client's own record. Where each exchange lies in the capture is taken from the reading without faults,
 * which must tell every exchange of that record rightly, once, and no other.
 */
import type { RoundTrip } from "../../../engine/round-trip";
import { type Captured, pcap } from "../pcap-builder";
import { readRoundTrips } from "../round-trips";
import { Stage } from "../servers/stage";
import { cut, hasPayload, packetsOf, portsOf } from "./segments";
import type { Part, Talk, Told } from "./talk";

/** A real server, and what is asked of it. */
export interface RealServer extends Told {
  /** What stands at both ends. */
  ends: string;
  /** Programs that must be installed. */
  programs: readonly string[];
  /** Starts the server; gives its port. */
  start(stage: Stage): Promise<number>;
  /** Makes so many exchanges over so many connections; gives the outcome of each by its id. */
  work(port: number, connections: number, exchanges: number): Promise<Map<string, string>>;
  /** Whether outcomes are said by reference to what the server said before. */
  hasTables?: boolean;
  /** The id by which a round trip of a whole capture is known to the client, where that may be lost with other segments. */
  nameOf?(trip: RoundTrip): string | undefined;
}

const nsOf = (time: string) => BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1_000_000n + BigInt(time.slice(20, 29));

/** The times of the packets that decide a round trip: the request's first, the response's first and, where need be, its last. */
function decidingTimes({ time, durationNs, timing }: RoundTrip, isDecidedAtEnd: boolean): bigint[] {
  const first = nsOf(time!);
  if (durationNs === undefined || timing.responseNs === undefined) return [first];
  const last = first + BigInt(durationNs);
  return [first, last - BigInt(timing.responseNs), ...(isDecidedAtEnd ? [last] : [])];
}

/** Round trips of the whole capture by the client's ids. Throws where they are not what the client says. */
function wholeReading(real: RealServer, packets: Captured[], outcomes: ReadonlyMap<string, string>): Map<string, RoundTrip> {
  const nameOf = real.nameOf ?? real.idOf;
  const told = new Map<string, RoundTrip>();
  const broken: string[] = [];
  for (const trip of readRoundTrips(pcap(packets, { nanoseconds: true }), { raw: true })) {
    const id = trip.protocol === real.name ? nameOf(trip) : undefined;
    if (id === undefined) continue;
    if (told.has(id) || outcomes.get(id) !== real.outcomeOf(trip)) {
      broken.push(`${id}: told ${real.outcomeOf(trip)}, was ${outcomes.get(id)}${told.has(id) ? ", told before" : ""}`);
    }
    told.set(id, trip);
  }
  for (const id of outcomes.keys()) if (!told.has(id)) broken.push(`${id}: not told`);
  if (broken.length > 0)
    throw new Error(`${real.ends}: ${broken.length} of ${outcomes.size} differ: ${broken.slice(0, 5).join("; ")}`);
  return told;
}

/** Meets the server and gives what was said. */
export async function recordTalk(real: RealServer, connections: number, exchanges: number): Promise<Talk> {
  const stage = new Stage(`faults-${real.name}`);
  try {
    const port = await real.start(stage);
    await stage.record(port);
    const record = await real.work(port, connections, exchanges);
    const packets = cut(packetsOf(await stage.recorded()));
    const outcomes = new Map<string, string>();
    const decided = new Map<string, string[]>();
    const clientOf = (packet: Captured) => Object.values(portsOf(packet)).find((one) => one !== port) ?? port;
    const places = new Set(packets.map((packet) => `${clientOf(packet)} ${packet.timeNs}`));
    for (const [name, trip] of wholeReading(real, packets, record)) {
      const id = real.idOf(trip) ?? name;
      outcomes.set(id, record.get(name)!);
      for (const timeNs of decidingTimes(trip, real.isDecidedAtEnd === true)) {
        const place = `${trip.client.port} ${timeNs}`;
        if (!places.has(place)) throw new Error(`${real.ends}: no packet of ${name} at ${timeNs}`);
        decided.set(place, [...(decided.get(place) ?? []), id]);
      }
    }
    const parts = packets.map((packet): Part => {
      const connection = clientOf(packet);
      return { packet, connection, decides: decided.get(`${connection} ${packet.timeNs}`) ?? [] };
    });
    return { parts, outcomes };
  } finally {
    await stage.end();
  }
}

/**
 * The same talk where an outcome is said by reference to what the server said before, as header tables of HTTP/2 do: it can be
 * decided while all that the server said before on that connection is there too, for any of it may have changed the table.
 */
export function withTables({ parts, outcomes }: Talk): Talk {
  const lastOf = new Map<string, number>();
  for (const [index, { decides }] of parts.entries()) for (const id of decides) lastOf.set(id, index);
  const idsOf = new Map<number, Set<string>>();
  for (const { connection, decides } of parts) {
    const ids = idsOf.get(connection) ?? new Set();
    for (const id of decides) ids.add(id);
    idsOf.set(connection, ids);
  }
  const tabled = parts.map((part, index): Part => {
    if (portsOf(part.packet).source === part.connection || !hasPayload(part.packet)) return part;
    const later = [...idsOf.get(part.connection)!].filter((id) => lastOf.get(id)! > index);
    return { ...part, decides: [...new Set([...part.decides, ...later])] };
  });
  return { parts: tabled, outcomes };
}
