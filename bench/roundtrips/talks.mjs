/**
 * What is said in the captures of round trips, a generator a kind: many connections side by side, some dozens of exchanges each,
 * as clients with a pool of connections have them.
 */
import { connection } from "../lib/connection.mjs";
import { mysql, postgresql } from "./sql.mjs";

const EXCHANGES = 50;
const SEGMENT_BYTES = 1448;
const BODY = Buffer.alloc(10_240, "tallywire ");
const KEYS = 100_000;
const USERS = 50_000;

const AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const BROWSER = [
  "Host: shop.example.test",
  "Connection: keep-alive",
  'sec-ch-ua: "Chromium";v="126", "Not/A)Brand";v="8"',
  "sec-ch-ua-mobile: ?0",
  `User-Agent: ${AGENT}`,
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: navigate",
  "Referer: https://shop.example.test/orders",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en;q=0.9",
  "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1",
];
const ORIGIN = [
  "Server: nginx",
  "Date: Thu, 01 Jan 2026 00:00:00 GMT",
  "Content-Type: application/json; charset=utf-8",
  "Connection: keep-alive",
  "Vary: Accept-Encoding",
  "X-Request-Id: 4f1c2d3e-5b6a-4789-8abc-def012345678",
  "X-Content-Type-Options: nosniff",
  "Strict-Transport-Security: max-age=63072000",
  "Cache-Control: private, max-age=0, must-revalidate",
];

/** A number below `count`, the low ones more often. */
const skewed = (world, count) => Math.floor(world.random() ** 3 * count);

function path(world) {
  const user = skewed(world, USERS);
  return [`/users/${user}`, `/users/${user}/orders`, `/items/${user}/reviews`, "/health", "/login"][world.pick(5)];
}

/** One in fifty is not found, one in a hundred fails. */
function statusLine(world) {
  const number = world.pick(100);
  return number === 0 ? "500 Internal Server Error" : number < 3 ? "404 Not Found" : "200 OK";
}

function* httpTalk(world, requestHeaders, responseHeaders, bodyOf) {
  for (let i = 0; i < EXCHANGES; i++) {
    world.roundTrips += 1;
    yield [true, Buffer.from(`GET ${path(world)} HTTP/1.1\r\n${requestHeaders}\r\n\r\n`)];
    const body = bodyOf();
    const head = `HTTP/1.1 ${statusLine(world)}\r\n${responseHeaders}\r\nContent-Length: ${body.length}\r\n\r\n`;
    const response = Buffer.concat([Buffer.from(head), body]);
    for (let at = 0; at < response.length; at += SEGMENT_BYTES) yield [false, response.subarray(at, at + SEGMENT_BYTES)];
  }
}

const SMALL_BODY = Buffer.from('{"ok":true}');
const PAGE_BODY = Buffer.alloc(400, '{"id":1,"name":"tallywire"},');

const smallTalk = (world) =>
  httpTalk(
    world,
    "Host: api.example.test\r\nUser-Agent: curl/8.5.0\r\nAccept: */*",
    "Content-Type: application/json",
    () => SMALL_BODY,
  );
const browserTalk = (world) => httpTalk(world, BROWSER.join("\r\n"), ORIGIN.join("\r\n"), () => PAGE_BODY);
const bodyTalk = (world) =>
  httpTalk(
    world,
    "Host: api.example.test\r\nUser-Agent: curl/8.5.0\r\nAccept: */*",
    "Content-Type: application/json",
    () => BODY,
  );

const bulk = (text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const command = (...words) => `*${words.length}\r\n${words.map(bulk).join("")}`;

/** Two GETs for a SET; one key in ten is not there. */
function* redisTalk(world) {
  for (let i = 0; i < EXCHANGES; i++) {
    world.roundTrips += 1;
    const key = `user:${skewed(world, KEYS)}:profile`;
    const sets = world.pick(3) === 0;
    yield [true, Buffer.from(sets ? command("SET", key, "v".repeat(48)) : command("GET", key))];
    yield [false, Buffer.from(sets ? "+OK\r\n" : world.pick(10) === 0 ? "$-1\r\n" : bulk("v".repeat(48)))];
  }
}

function* dnsTalk(world) {
  const [client, server] = world.pair(53);
  const [query, response] = world.exchange();
  yield [client, server, query];
  yield [server, client, response];
}

const SYN = 2;
const NOTHING = Buffer.alloc(0);

/** One SYN to a port of a network, as a scan sends them. */
function* probe(world) {
  const client = { address: Buffer.from([198, 51, 100, 1]), port: 1024 + world.pick(60_000) };
  const server = { address: Buffer.from([10, 0, world.pick(256), world.pick(256)]), port: 1 + world.pick(65_535) };
  yield [client, server, NOTHING, { seq: world.pick(2 ** 32), ack: 0, flags: SYN }];
}

const connections = (port, talk) =>
  function* (world) {
    while (true) yield connection(world, port, talk(world, EXCHANGES));
  };

/** By name: conversations without end, of packets as `interleave` of ../generate.mjs takes them. */
export const TALKS = {
  small: connections(80, smallTalk),
  browser: connections(80, browserTalk),
  bodies: connections(80, bodyTalk),
  redis: connections(6379, redisTalk),
  mysql: connections(3306, mysql),
  postgresql: connections(5432, postgresql),
  *dns(world) {
    while (true) yield dnsTalk(world);
  },
  *scan(world) {
    while (true) yield probe(world);
  },
};
