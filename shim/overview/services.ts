import type { RoundTrip } from "../../engine/round-trip";
import type { TripHeads } from "../../engine/trip-heads";
import type { DnsNames } from "./dns-names";

/** Services after which those are let go of that the core does not keep either. */
const SERVICES_MAX = 4096;
/** Clients that are remembered, of all services together. */
const CLIENTS_MAX = 65_536;
/** Names of one service that are shown, and processes. */
const NAMES_MAX = 8;

/** What is known of a service beside its figures. */
export class Service {
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;
  readonly clients = new Set<number | string>();
  /** Whether there was no room for some client. */
  hasMoreClients = false;
  /** The name under which it was used last comes last. */
  readonly names = new Set<string>();
  /** This host's that used it, or that are it; the last comes last. */
  readonly processes = new Set<string>();
  /** The one in hand. */
  pid = 0;

  constructor(
    readonly direction: RoundTrip["direction"] = "unknown",
    readonly address = "",
    readonly id = "",
  ) {}

  /** Takes the time of a round trip. */
  seen(beganMs: number, durationMs: number): void {
    this.firstMs = Math.min(this.firstMs, beganMs);
    this.lastMs = Math.max(this.lastMs, beganMs + durationMs);
  }

  /** Takes a name under which it was used. */
  named(name: string): void {
    putLast(this.names, name);
  }
}

function putLast(names: Set<string>, name: string): void {
  names.delete(name);
  names.add(name);
  if (names.size <= NAMES_MAX) return;
  const [oldest] = names;
  names.delete(oldest!);
}

/** When services were seen, who used them and under which names: what statistics of the core do not say. */
export class Services {
  /** When the first round trip of all began, and the last one ended. */
  readonly whole = new Service();
  /** By what is quick to make of an event, and by their ids. */
  private readonly byKey = new Map<string, Service>();
  private readonly byId = new Map<string, Service>();
  private clients = 0;

  constructor(
    private readonly protocolNames: ReadonlyMap<number, string>,
    private readonly names: DnsNames,
  ) {}

  /** Whether there are so many that `keep` should be called. */
  get isFull(): boolean {
    return this.byKey.size > SERVICES_MAX;
  }

  get size(): number {
    return this.byKey.size;
  }

  /** Takes the round trip in hand. */
  take(trip: TripHeads): void {
    const service = this.serviceOf(trip);
    const { beganMs } = trip;
    if (beganMs !== undefined) {
      const { durationMs } = trip;
      service.seen(beganMs, durationMs);
      this.whole.seen(beganMs, durationMs);
      const name = service.direction === "in" ? undefined : this.names.of(service.address, beganMs);
      if (name !== undefined) service.named(name);
    }
    if (service.direction !== "out") this.addClient(service, trip.clientKey);
    this.addProcess(service, trip);
  }

  /** What is known of a service; undefined where it was let go of. */
  find(id: string): Service | undefined {
    return this.byId.get(id);
  }

  /** Lets go of all but these. */
  keep(ids: ReadonlySet<string>): void {
    for (const [key, { id, clients }] of this.byKey) {
      if (ids.has(id)) continue;
      this.clients -= clients.size;
      this.byKey.delete(key);
      this.byId.delete(id);
    }
  }

  private serviceOf(trip: TripHeads): Service {
    const { direction, protocol, serverPort } = trip;
    const key = `${direction} ${protocol} ${trip.serverKey} ${serverPort}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const address = trip.serverAddress;
    const service = new Service(
      direction,
      address,
      serviceId(direction, this.protocolNames.get(protocol) ?? "", address, serverPort),
    );
    this.byKey.set(key, service);
    this.byId.set(service.id, service);
    return service;
  }

  private addProcess(service: Service, trip: TripHeads): void {
    const end =
      service.direction === "out" || (service.direction === "unknown" && trip.pidOf("server") === 0) ? "client" : "server";
    const pid = trip.pidOf(end);
    if (pid === 0 || pid === service.pid) return;
    service.pid = pid;
    const name = trip.processOf(end);
    if (name !== undefined) putLast(service.processes, name);
  }

  private addClient(service: Service, client: number | string): void {
    if (service.clients.has(client)) return;
    if (this.clients === CLIENTS_MAX) {
      service.hasMoreClients = true;
      return;
    }
    this.clients += 1;
    service.clients.add(client);
  }
}

/** Names a service: which way it is asked, what it speaks, and where it is. */
export function serviceId(direction: string, protocol: string, address: string, port: number): string {
  return `${direction} ${protocol} ${address} ${port}`;
}
