/**
 * Makes the captures of the benchmark out of the project's own fixtures: `node bench/generate.mjs KIND PACKETS OUT.pcap`.
 *
 * mix: four fifths of the packets DNS over TCP, 1 and 10 queries a connection, the rest over UDP; udp: DNS over UDP; bulk:
 * HTTP with 1,400-byte segments; overload: more of everything than fits (lib/overload.mjs). Both IP versions, 20 minutes of packet
 * time. The kinds of roundtrips/talks.mjs have many more conversations under way at once, and lie within one minute. Beside the capture
 * goes OUT.pcap.json: what is in it, exactly; of `overload` no round trips, since not all of it can be seen.
 */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { connection } from "./lib/connection.mjs";
import { FrameWriter } from "./lib/frame-writer.mjs";
import { overload } from "./lib/overload.mjs";
import { seeded } from "./lib/seeded.mjs";
import { World } from "./lib/world.mjs";
import { TALKS } from "./roundtrips/talks.mjs";

const SPAN_MICROS = 20 * 60 * 1e6;
const TALKS_SPAN_MICROS = 50 * 1e6;
const START_SECONDS = 1_767_225_600;
const SEGMENT_BYTES = 1400;
const BODY_BYTES = 64_000;
/** Conversations under way at once. */
const SIDE_BY_SIDE = 16;
const TALKS_SIDE_BY_SIDE = 500;
const KINDS = { mix, udp, bulk, overload, ...TALKS };

/** Makes one capture; answers its record. */
export function generate(kind, packets, path) {
  const writer = new FrameWriter(path, START_SECONDS);
  const make = KINDS[kind];
  if (make === undefined) throw new Error(`no kind "${kind}": ${Object.keys(KINDS).join(", ")}`);
  const world = new World(seeded(kind.length * 7919), packets);
  if (kind in TALKS) interleave(make(world), writer, packets, TALKS_SPAN_MICROS, TALKS_SIDE_BY_SIDE);
  else interleave(make(world), writer, packets, SPAN_MICROS, SIDE_BY_SIDE);
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
function interleave(conversations, writer, packets, spanMicros, sideBySide) {
  const step = spanMicros / packets;
  const active = [];
  for (let i = 0; i < sideBySide; i++) active.push(conversations.next().value);
  let turn = 0;
  let open = true;
  while (active.length > 0) {
    const index = turn++ % active.length;
    const next = active[index].next();
    if (next.done) {
      open &&= writer.packets < packets - sideBySide * 30;
      if (open) active[index] = conversations.next().value;
      else active.splice(index, 1);
      continue;
    }
    const [from, to, payload, tcp] = next.value;
    writer.packet(writer.packets * step, from, to, payload, tcp);
  }
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
