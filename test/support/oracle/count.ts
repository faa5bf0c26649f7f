/**
 * An exact count of what a capture holds, in plain TypeScript and with everything in memory.
 *
 * It shares no line with the core: it is what the core's answers are compared with.
 */
import { packetRecords } from "./capture-file";
import { dnsMessage } from "./dns-message";
import { dnsOverTcp, httpExchanges, type TimedDns } from "./exchanges";
import { netPacket, type Segment, segmentOf } from "./frame";
import { type Assembled, type Connection, Connections } from "./tcp-stream";

/** How often each thing was seen. */
export type Tally = Map<string, number>;

/** An exact count. */
export interface Count {
  packets: number;
  /** Bytes on the wire. */
  bytes: number;
  startNs: bigint;
  endNs: bigint;
  net: { packets: Tally; bytes: Tally; sources: Tally; destinations: Tally };
  dns: {
    queries: number;
    responses: number;
    timeouts: number;
    orphans: number;
    names: Tally;
    types: Tally;
    rcodes: Tally;
    clients: Tally;
    durationsNs: number[];
  };
  http: {
    requests: number;
    responses: number;
    orphans: number;
    methods: Tally;
    /** Final status codes. */
    statuses: Tally;
    /** Status codes before the final ones, 1xx. */
    interim: Tally;
    /** Paths without their queries. */
    paths: Tally;
    hosts: Tally;
    clients: Tally;
    durationsNs: number[];
  };
}

/** A count of nothing. */
export function emptyCount(): Count {
  const tally = (): Tally => new Map();
  const [dns, http] = [
    { queries: 0, responses: 0, timeouts: 0, orphans: 0 },
    { requests: 0, responses: 0, orphans: 0 },
  ];
  return {
    packets: 0,
    bytes: 0,
    startNs: 0n,
    endNs: 0n,
    net: { packets: tally(), bytes: tally(), sources: tally(), destinations: tally() },
    dns: { ...dns, names: tally(), types: tally(), rcodes: tally(), clients: tally(), durationsNs: [] },
    http: {
      ...http,
      methods: tally(),
      statuses: tally(),
      interim: tally(),
      paths: tally(),
      hosts: tally(),
      clients: tally(),
      durationsNs: [],
    },
  };
}

const add = (tally: Tally, key: string | number, count = 1) => tally.set(`${key}`, (tally.get(`${key}`) ?? 0) + count);

/** Queries that wait for their responses, by who asked whom what. */
class DnsCount {
  private readonly waiting = new Map<string, bigint[]>();

  constructor(private readonly dns: Count["dns"]) {}

  add(source: string, destination: string, { message, firstNs, timeNs }: TimedDns): void {
    const [client, server] = message.isResponse ? [destination, source] : [source, destination];
    const key = [client, server, message.id, message.names.join(), message.types.join()].join(" ");
    if (message.isResponse) this.addResponse(key, message.rcode, timeNs);
    else {
      this.dns.queries += 1;
      for (const name of message.names) add(this.dns.names, name);
      for (const type of message.types) add(this.dns.types, type);
      add(this.dns.clients, client.replace(/ \d+$/, ""));
      this.waiting.set(key, [...(this.waiting.get(key) ?? []), firstNs]);
    }
  }

  private addResponse(key: string, rcode: number, timeNs: bigint): void {
    this.dns.responses += 1;
    add(this.dns.rcodes, rcode);
    const askedNs = this.waiting.get(key)?.shift();
    if (askedNs === undefined) this.dns.orphans += 1;
    else this.dns.durationsNs.push(Number(timeNs - askedNs));
  }

  /** What still waits was never answered. */
  end(): void {
    for (const queue of this.waiting.values()) this.dns.timeouts += queue.length;
  }
}

const REQUEST_START = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ +\S+ +HTTP\/1\./;
const RESPONSE_START = /^HTTP\/1\./;

function beginsWith(stream: Assembled, pattern: RegExp): boolean {
  return pattern.test(Buffer.from(stream.bytes.subarray(0, 2048)).toString("latin1"));
}

/** The connection with the sides as its first bytes show them: who began it may not have been captured. */
function oriented(connection: Connection): Connection {
  const { client, server, fromClient, fromServer } = connection;
  const isTurned = beginsWith(fromClient.assemble(), RESPONSE_START) || beginsWith(fromServer.assemble(), REQUEST_START);
  return isTurned ? { client: server, server: client, fromClient: fromServer, fromServer: fromClient } : connection;
}

function countHttp(http: Count["http"], connection: Connection, requests: Assembled, responses: Assembled): void {
  for (const { client, request, response, interim, durationNs } of httpExchanges(connection, requests, responses)) {
    if (request) {
      http.requests += 1;
      add(http.methods, request.method);
      add(http.paths, request.target.replace(/^\w+:\/\/[^/]*/, "").replace(/[?#].*$/, ""));
      add(http.hosts, request.headers.get("host") ?? "");
      add(http.clients, client);
    } else http.orphans += 1;
    if (response) {
      http.responses += 1;
      add(http.statuses, response.status);
    }
    for (const status of interim) add(http.interim, status);
    if (durationNs !== undefined) http.durationsNs.push(durationNs);
  }
}

function countConnection(count: Count, dns: DnsCount, captured: Connection): void {
  const connection = oriented(captured);
  const requests = connection.fromClient.assemble();
  const responses = connection.fromServer.assemble();
  if (beginsWith(requests, REQUEST_START) || beginsWith(responses, RESPONSE_START)) {
    countHttp(count.http, connection, requests, responses);
    return;
  }
  const client = `${connection.client.address} ${connection.client.port}`;
  const server = `${connection.server.address} ${connection.server.port}`;
  const asked = (dnsOverTcp(requests) ?? []).map((timed) => ({ timed, from: client, to: server }));
  const answered = (dnsOverTcp(responses) ?? []).map((timed) => ({ timed, from: server, to: client }));
  const inOrder = [...asked, ...answered].sort((a, b) => Number(a.timed.timeNs - b.timed.timeNs));
  for (const { timed, from, to } of inOrder) dns.add(from, to, timed);
}

/** NetBIOS names travel in messages that look like DNS (RFC 1002). */
const NETBIOS_PORT = 137;

function countDatagram(dns: DnsCount, { timeNs, source, sourcePort, destination, destinationPort, payload }: Segment): void {
  if (sourcePort === NETBIOS_PORT || destinationPort === NETBIOS_PORT) return;
  const message = dnsMessage(payload);
  if (message) dns.add(`${source} ${sourcePort}`, `${destination} ${destinationPort}`, { message, firstNs: timeNs, timeNs });
}

const PROTOCOLS: Record<number, string> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp" };

/** Counts a capture file. */
export function countCapture(file: Uint8Array): Count {
  const count = emptyCount();
  const dns = new DnsCount(count.dns);
  const connections = new Connections();
  for (const record of packetRecords(file)) {
    count.packets += 1;
    count.bytes += record.wireBytes;
    if (count.startNs === 0n || record.timeNs < count.startNs) count.startNs = record.timeNs;
    if (record.timeNs > count.endNs) count.endNs = record.timeNs;
    const packet = netPacket(record);
    if (!packet) continue;
    const protocol = PROTOCOLS[packet.protocol] ?? "other";
    add(count.net.packets, protocol);
    add(count.net.bytes, protocol, record.wireBytes);
    add(count.net.sources, packet.source);
    add(count.net.destinations, packet.destination);
    const segment = segmentOf(record.timeNs, packet);
    if (segment?.protocol === "udp") countDatagram(dns, segment);
    if (segment?.protocol === "tcp") connections.add(segment);
  }
  for (const connection of connections.all) countConnection(count, dns, connection);
  dns.end();
  return count;
}

/** Adds one count to another. */
export function addCount(into: Count, from: Count): void {
  const sum = (to: Record<string, unknown>, more: Record<string, unknown>) => {
    for (const [name, value] of Object.entries(more)) {
      const held = to[name];
      if (typeof value === "number") to[name] = (held as number) + value;
      else if (value instanceof Map) for (const [key, times] of value as Tally) add(held as Tally, key, times);
      else if (Array.isArray(value)) for (const item of value) (held as unknown[]).push(item);
      else if (typeof value === "object") sum(held as Record<string, unknown>, value as Record<string, unknown>);
    }
  };
  const startNs = into.startNs === 0n || from.startNs < into.startNs ? from.startNs : into.startNs;
  const endNs = from.endNs > into.endNs ? from.endNs : into.endNs;
  sum(into as unknown as Record<string, unknown>, from as unknown as Record<string, unknown>);
  into.startNs = startNs;
  into.endNs = endNs;
}
