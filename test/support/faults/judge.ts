/** Damages a talk by a seeded generator and holds the round trips that come out against what can be decided from the rest. */
import type { RoundTrip } from "../../../engine/round-trip";
import { type Captured, pcap } from "../pcap-builder";
import { readRoundTrips } from "../round-trips";
import { randomFrom } from "../sketches";
import type { Talk, Told } from "./talk";

/** What is done to the segments of a capture: a share of them is missing, or comes some places later than it should. */
export interface Fault {
  loss?: number;
  reorder?: number;
}

/** What became of the exchanges. */
export interface Verdict {
  /** Exchanges that can be decided. */
  decidable: number;
  /** Of those: told with the right outcome. */
  right: number;
  /** Of those: told as not observed, or not told. */
  unobserved: number;
  /** Round trips with another outcome than they had. */
  wrong: number;
  /** Round trips that never were, or a second time. */
  invented: number;
}

/** How many places later a segment comes at the most. */
const DISPLACEMENT_MAX = 3;
/** And by how much at the most, ns: a capture that brings segments later than this has lost them (assembly/stream/order.ts). */
const LATE_MAX_NS = 50_000_000n;

/** Statuses that claim nothing of the outcome. */
const OPEN = new Set(["unobserved"]);

/** Which packets stay, in their order. */
function damage(talk: Talk, { loss = 0, reorder = 0 }: Fault, seed: number): { packets: Captured[]; lost: Set<string> } {
  const random = randomFrom(seed);
  const lost = new Set<string>();
  const kept = talk.parts.filter(({ decides }) => {
    if (random() >= loss) return true;
    for (const id of decides) lost.add(id);
    return false;
  });
  // A late segment trades places with a later one of its own connection; times stay with the places.
  const order = kept.map((_, index) => index);
  for (let index = 0; index < kept.length; index++) {
    if (random() >= reorder) continue;
    const others = laterOf(kept, index);
    const other = others[Math.floor(random() * others.length)];
    if (other !== undefined) [order[index], order[other]] = [order[other]!, order[index]!];
  }
  const packets = order.map((from, place) => ({ timeNs: kept[place]!.packet.timeNs, bytes: kept[from]!.packet.bytes }));
  return { packets, lost };
}

/** The next places of the same connection. */
function laterOf(kept: Talk["parts"], index: number): number[] {
  const found: number[] = [];
  const latestNs = kept[index]!.packet.timeNs + LATE_MAX_NS;
  for (let at = index + 1; at < kept.length && found.length < DISPLACEMENT_MAX && kept[at]!.packet.timeNs <= latestNs; at++) {
    if (kept[at]!.connection === kept[index]!.connection) found.push(at);
  }
  return found;
}

/** Damages `talk` and judges what the core makes of it. */
export function judge(protocol: Told, talk: Talk, fault: Fault, seed: number): Verdict {
  const { packets, lost } = damage(talk, fault, seed);
  return verdictOf(protocol, talk, readRoundTrips(pcap(packets), { raw: true }), lost);
}

/** Judges what was told of `talk`, of which the exchanges `lost` cannot be decided. */
export function verdictOf(
  protocol: Told,
  talk: Talk,
  trips: readonly RoundTrip[],
  lost: ReadonlySet<string> = new Set(),
): Verdict {
  const verdict: Verdict = { decidable: 0, right: 0, unobserved: 0, wrong: 0, invented: 0 };
  const told = new Map<string, RoundTrip>();
  for (const trip of trips) {
    const id = trip.protocol === protocol.name ? protocol.idOf(trip) : undefined;
    if (id === undefined) continue;
    if (!talk.outcomes.has(id) || told.has(id)) verdict.invented += 1;
    else told.set(id, trip);
  }
  for (const [id, outcome] of talk.outcomes) {
    const trip = told.get(id);
    const isDecidable = !lost.has(id);
    if (isDecidable) verdict.decidable += 1;
    if (trip === undefined || OPEN.has(trip.status)) verdict.unobserved += isDecidable ? 1 : 0;
    else if (protocol.outcomeOf(trip) !== outcome) verdict.wrong += 1;
    else if (isDecidable) verdict.right += 1;
  }
  return verdict;
}
