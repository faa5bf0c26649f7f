import type { Core } from "../../engine/core";
import { RoundTripReader } from "../../engine/round-trip";
import { Stat, type StatAnswer, type StatPart, type StatRow } from "../../engine/stat";
import { TripHeads } from "../../engine/trip-heads";
import { DnsNames } from "./dns-names";
import { type Service, Services, serviceId } from "./services";

/** A service that was asked for something: where it is, what it speaks, and what came of it. */
export interface OverviewRow extends StatPart {
  address: string;
  port: number;
  protocol: string;
  /** Names that were asked for before it was used, the last first. */
  names?: string[];
  /** Commands of this host that asked it, or where this host is the one that is asked, that answered; the last first. */
  processes?: string[];
  /** Clients; only where this host is not the one. */
  clients?: number;
  /** There where the clients were too many to remember them all. */
  hasMoreClients?: true;
  requests: number;
  /** There where there were more services than are kept: it had `requests` for certain, and so many at most. */
  upper?: number;
  perSecond?: number;
  /** RFC 3339: when its first round trip began, and the last one ended. */
  first?: string;
  last?: string;
}

export interface OverviewAnswer {
  /** How long was looked. */
  seconds: number;
  requests: number;
  errors: number;
  bytes: number;
  /** What this host asks. */
  dependsOn: OverviewRow[];
  /** What this host is asked. */
  dependedOnBy: OverviewRow[];
  /** What neither side of is known to be this host. */
  others: OverviewRow[];
  /** All that is in no row; absent where nothing is. */
  rest?: StatPart;
}

const BY = ["direction", "protocol", "server.address", "server.port"] as const;

/** What a host depends on and who depends on it, out of the round trips of a core, which must have been made with `allEvents`. */
export class Overview {
  readonly names = new DnsNames();
  private readonly services: Services;
  private readonly reader: RoundTripReader;
  private readonly stat: Stat;
  private readonly dns: number | undefined;

  constructor(core: Core) {
    const { protocols } = core.schema;
    this.services = new Services(new Map(protocols.map(({ number, name }) => [number, name])), this.names);
    this.dns = protocols.find(({ name }) => name === "dns")?.number;
    this.reader = new RoundTripReader(core.schema);
    const stat = Stat.open(core, { value: "durationNs", by: BY });
    if (!(stat instanceof Stat)) throw new Error(stat.message);
    this.stat = stat;
  }

  /** Takes the events of a drained ring. */
  take(events: DataView): void {
    const trips = new TripHeads(events);
    while (trips.next()) {
      if (trips.protocol === this.dns && trips.isPair) this.learn(trips);
      if (!trips.isKeptOut) this.services.take(trips);
    }
  }

  /** Makes room, between two pieces of what is read. */
  turn(): void {
    if (this.services.isFull) this.services.keep(new Set(this.stat.answer().rows.map(idOf)));
  }

  /** What there is so far, of `seconds` that were looked, or of those that the round trips take. */
  answer(seconds = this.secondsSeen): OverviewAnswer {
    const { rows, other, requests, errors, bytes } = this.stat.answer();
    const part = (direction: string) =>
      rows.filter(({ by }) => by.direction === direction).map((row) => rowOf(row, this.services.find(idOf(row)), seconds));
    return {
      seconds,
      requests,
      errors,
      bytes,
      dependsOn: part("out"),
      dependedOnBy: part("in"),
      others: part("unknown"),
      ...(other === undefined ? {} : { rest: other }),
    };
  }

  private get secondsSeen(): number {
    const { firstMs, lastMs } = this.services.whole;
    return lastMs > firstMs ? (lastMs - firstMs) / 1000 : 0;
  }

  private learn(trips: TripHeads): void {
    const { beganMs, durationMs } = trips;
    if (beganMs === undefined) return;
    for (const trip of this.reader.read(trips.event)) this.names.learn(trip, beganMs + durationMs);
  }
}

function idOf({ by }: StatAnswer["rows"][number]): string {
  return serviceId(String(by.direction), String(by.protocol), String(by["server.address"]), Number(by["server.port"]));
}

function rowOf({ by, samples: _, ...figures }: StatRow, service: Service | undefined, seconds: number): OverviewRow {
  return {
    address: String(by["server.address"]),
    port: Number(by["server.port"]),
    protocol: String(by.protocol),
    ...figures,
    ...(seconds > 0 ? { perSecond: figures.requests / seconds } : {}),
    ...(service === undefined ? {} : knownOf(service)),
  };
}

function knownOf({ direction, names, processes, clients, hasMoreClients, firstMs, lastMs }: Service): Partial<OverviewRow> {
  return {
    ...(names.size === 0 ? {} : { names: [...names].reverse() }),
    ...(processes.size === 0 ? {} : { processes: [...processes].reverse() }),
    ...(direction === "out" ? {} : { clients: clients.size }),
    ...(hasMoreClients ? { hasMoreClients } : {}),
    ...(lastMs < firstMs ? {} : { first: new Date(firstMs).toISOString(), last: new Date(lastMs).toISOString() }),
  };
}
