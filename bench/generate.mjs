/**
 * Makes the captures of the benchmark out of the project's own fixtures: `node bench/generate.mjs KIND PACKETS OUT.pcap`.
 *
 * mix: four fifths of the packets DNS over TCP, 1 and 10 queries a connection, the rest over UDP; udp: DNS over UDP; bulk:
 * HTTP with 1,400-byte segments. Both IP versions, 20 minutes of packet time. Beside the capture goes OUT.pcap.json: what is
 * in it, exactly.
 */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { fixtureMessages } from "./lib/fixture-messages.mjs";
import { FrameWriter } from "./lib/frame-writer.mjs";
import { NameStream } from "./lib/name-stream.mjs";
import { seeded } from "./lib/seeded.mjs";

const SPAN_MICROS = 20 * 60 * 1e6;
const START_SECONDS = 1_767_225_600;
const CLIENTS = 20_000;
const SERVERS = 8;
const SEGMENT_BYTES = 1400;
const BODY_BYTES = 64_000;
const NAMES_MAX = 400_000;
const SYN = 2;
const ACK = 16;
const PSH = 8;
const FIN = 1;
/** Conversations under way at once. */
const SIDE_BY_SIDE = 16;

/** Makes one capture; answers its record. */
export function generate(kind, packets, path) {
  const writer = new FrameWriter(path, START_SECONDS);
  const make = { mix, udp, bulk }[kind];
  if (make === undefined) throw new Error(`no kind "${kind}": mix, udp or bulk`);
  const world = new World(seeded(kind.length * 7919), packets);
  interleave(make(world), writer, packets);
  writer.close();
  const record = {
    kind,
    packets: writer.packets,
    bytes: writer.bytes,
    roundTrips: world.roundTrips,
    names: world.names.size,
    clients: world.clients.size,
  };
  writeFileSync(`${path}.json`, `${JSON.stringify(record)}\n`);
  return record;
}

/** Runs conversations side by side, a packet of each in turn, evenly over the span. */
function interleave(conversations, writer, packets) {
  const step = SPAN_MICROS / packets;
  const active = [];
  for (let i = 0; i < SIDE_BY_SIDE; i++) active.push(conversations.next().value);
  let turn = 0;
  let open = true;
  while (active.length > 0) {
    const index = turn++ % active.length;
    const next = active[index].next();
    if (next.done) {
      open &&= writer.packets < packets - SIDE_BY_SIDE * 30;
      if (open) active[index] = conversations.next().value;
      else active.splice(index, 1);
      continue;
    }
    const [from, to, payload, tcp] = next.value;
    writer.packet(writer.packets * step, from, to, payload, tcp);
  }
}

/** Who talks, what was asked: and the record of it. */
class World {
  constructor(random, packets) {
    this.random = random;
    this.templates = fixtureMessages();
    this.roundTrips = 0;
    this.names = new Set();
    this.clients = new Set();
    this.nameStream = new NameStream(random, Math.min(NAMES_MAX, packets));
  }

  pick(count) {
    return Math.floor(this.random() * count);
  }

  /** A client and a server of one family; one pair in four speaks IPv6. */
  pair(serverPort) {
    const v6 = this.pick(4) === 0;
    const number = Math.floor(this.random() ** 3 * CLIENTS);
    const client = { address: addressOf(v6, 10, number), port: 1024 + this.pick(60_000) };
    const server = { address: addressOf(v6, 192, this.pick(SERVERS)), port: serverPort };
    this.clients.add(`${v6}${number}`);
    return [client, server];
  }

  /** A question and its answer. */
  exchange() {
    const name = this.nameStream.next();
    this.names.add(name);
    this.roundTrips += 1;
    const template = this.templates.dns[this.pick(this.templates.dns.length)];
    const id = this.pick(65_536);
    return [rename(template.query, id, name), rename(template.response, id, name)];
  }
}

function addressOf(v6, first, number) {
  if (!v6) return Buffer.from([first, 0, number >> 8, number & 255]);
  const address = Buffer.alloc(16);
  address.writeUInt32BE(0x20010db8, 0);
  address[4] = first;
  address.writeUInt32BE(number, 12);
  return address;
}

/** Puts an id and a name in place of a DNS message's own; all its names are pointers to the question. */
function rename({ head, tail }, id, name) {
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  const message = Buffer.concat([head, Buffer.from([...labels, 0]), tail]);
  message.writeUInt16BE(id, 0);
  return message;
}

function* udp(world) {
  while (true) yield overUdp(world);
}

function* overUdp(world) {
  const [client, server] = world.pair(53);
  const [query, response] = world.exchange();
  yield [client, server, query];
  yield [server, client, response];
}

function* mix(world) {
  for (let tcp = 0, all = 0; ; ) {
    const overTcp = tcp < all * 0.8;
    const queries = world.pick(2) === 0 ? 1 : 10;
    const packets = overTcp ? 7 + queries * 2 : 2;
    all += packets;
    tcp += overTcp ? packets : 0;
    yield overTcp ? overConnection(world, queries) : overUdp(world);
  }
}

/** A connection with its handshake and its end; `talk` yields what is said: [fromClient, bytes]. */
function* connection(world, port, talk) {
  const [client, server] = world.pair(port);
  const seq = [world.pick(2 ** 32), world.pick(2 ** 32)];
  const segment = (side, flags, payload = Buffer.alloc(0)) => {
    const tcp = { seq: seq[side], ack: flags === SYN ? 0 : seq[side ^ 1], flags };
    seq[side] = (seq[side] + payload.length + (flags & (SYN | FIN) ? 1 : 0)) >>> 0;
    return side === 0 ? [client, server, payload, tcp] : [server, client, payload, tcp];
  };
  yield segment(0, SYN);
  yield segment(1, SYN | ACK);
  yield segment(0, ACK);
  let quiet = 0;
  for (const [fromClient, bytes] of talk) {
    yield segment(fromClient ? 0 : 1, ACK | PSH, bytes);
    if (!fromClient && ++quiet % 2 === 0) yield segment(0, ACK);
  }
  yield segment(0, FIN | ACK);
  yield segment(1, FIN | ACK);
  yield segment(0, ACK);
}

function* overConnection(world, queries) {
  yield* connection(world, 53, dnsTalk(world, queries));
}

function* dnsTalk(world, queries) {
  for (let i = 0; i < queries; i++) {
    const [query, response] = world.exchange();
    yield [true, framed(query)];
    yield [false, framed(response)];
  }
}

function framed(message) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length, 0);
  return Buffer.concat([length, message]);
}

function* bulk(world) {
  while (true) yield connection(world, 80, httpTalk(world, 10));
}

function* httpTalk(world, requests) {
  const body = Buffer.alloc(SEGMENT_BYTES, "tallywire ");
  for (let i = 0; i < requests; i++) {
    world.roundTrips += 1;
    const { request, response } = world.templates.http;
    yield [true, Buffer.from(request(`/files/${world.pick(1000)}`))];
    const head = Buffer.from(response(BODY_BYTES));
    yield [false, Buffer.concat([head, body.subarray(head.length)])];
    for (let sent = SEGMENT_BYTES - head.length; sent < BODY_BYTES; sent += SEGMENT_BYTES) {
      yield [false, body.subarray(0, Math.min(SEGMENT_BYTES, BODY_BYTES - sent))];
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [kind, packets, path] = process.argv.slice(2);
  process.stdout.write(`${JSON.stringify(generate(kind, Number(packets), path))}\n`);
}
