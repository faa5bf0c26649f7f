/**
 * Traffic of which nothing fits: more flows than the table has records, requests that wait for ever and segments behind bytes that
 * never come for more than the stream pool, long names and paths by the thousand for more than the sketch pool, in and out.
 */
import { Connection, talkOn } from "./connection.mjs";
import { VARIED_TALKS } from "./varied-talks.mjs";
import { rename } from "./world.mjs";

/** Two of these and two with a number behind make a name that is as long as keys get. */
const LONG_LABEL = "long".repeat(14);
const LONG_PATH = "long/".repeat(38);
const DIFFERENT = 100_000;
/** NOERROR, SERVFAIL, NXDOMAIN, REFUSED. */
const RCODES = [0, 2, 3, 5];
const ANSWERED_SHARE = 0.1;
/** Packets of an answered conversation in the mean. */
const ANSWERED_PACKETS = 16;
const EARLY_SEGMENTS = 4;
const EARLY_BYTES = 1400;

/**
 * What is answered comes alone for two minutes: once the stream pool is full, hardly a question is seen that could name a key,
 * and the sketches would not fill.
 */
export function* overload(world) {
  const answered = [exchange, exchange, request, ...VARIED_TALKS.map(([port, talk]) => varied(port, talk))];
  const all = [question, question, exchange, waitingRequest, waitingRequest, hole, ...answered];
  for (let started = 0; ; started++) {
    const kinds = started < (world.packets * ANSWERED_SHARE) / ANSWERED_PACKETS ? answered : all;
    yield kinds[world.pick(kinds.length)](world);
  }
}

const skewed = (world) => Math.floor(world.random() ** 2 * DIFFERENT);
const ends = (world, port) => world.pair(port, world.pick(2) === 0);

/** Query and response of one name. */
function messages(world) {
  const number = skewed(world).toString(36);
  const name = `${LONG_LABEL}${number}.${LONG_LABEL}.${LONG_LABEL}${number}.${LONG_LABEL}${number}.test`;
  world.names.add(name);
  const { query, response } = world.templates.dns[world.pick(world.templates.dns.length)];
  const id = world.pick(65_536);
  const answer = rename(response, id, name);
  answer[3] = (answer[3] & 0xf0) | RCODES[world.pick(RCODES.length)];
  return [rename(query, id, name), answer];
}

/** Connections of a protocol, from this host and to it. */
const varied = (port, talk) => (world) => talkOn(new Connection(world, ends(world, port)), talk(world));

function* question(world) {
  const [client, server] = ends(world, 53);
  yield [client, server, messages(world)[0]];
}

function* exchange(world) {
  const [client, server] = ends(world, 53);
  const [query, response] = messages(world);
  yield [client, server, query];
  yield [server, client, response];
}

/** A request with a path, a host and an agent of its own. */
function httpRequest(world) {
  const number = skewed(world).toString(36);
  const text = world.templates.http.request(`/${LONG_PATH}${number}`);
  return Buffer.from(
    text.replace(/Host: \S+/i, `Host: ${LONG_LABEL}${number}.test`).replace(/User-Agent: /i, `$&${LONG_LABEL}${number} `),
  );
}

/** A connection that stays open, its request without an answer. */
function* waitingRequest(world) {
  const made = new Connection(world, ends(world, 80));
  yield* made.handshake();
  yield made.data(0, httpRequest(world));
}

function* request(world) {
  const made = new Connection(world, ends(world, 80));
  yield* made.handshake();
  yield made.data(0, httpRequest(world));
  yield made.data(1, Buffer.from(world.templates.http.response(0)));
  yield* made.end();
}

/** A connection whose first bytes are missing. */
function* hole(world) {
  const made = new Connection(world, ends(world, 80));
  yield* made.handshake();
  made.skip(0, EARLY_BYTES);
  for (let i = 0; i < EARLY_SEGMENTS; i++) yield made.data(0, Buffer.alloc(EARLY_BYTES, "tallywire "));
}
