/** Messages of the project's fixtures, cut so that a name can be put in. */
import { readFileSync } from "node:fs";

const FIXTURE = new URL("../../test/fixtures/dns_dnsperf_udp.pcap", import.meta.url);
const HTTP_FIXTURE = new URL("../../test/fixtures/http1_ab_keepalive.pcap", import.meta.url);
const PAYLOAD_OFFSET = 14 + 20 + 8;
const DNS_HEADER_BYTES = 12;

function* records(file) {
  for (let at = 24; at + 16 <= file.length; at += 16 + file.readUInt32LE(at + 8)) {
    yield file.subarray(at + 16, at + 16 + file.readUInt32LE(at + 8));
  }
}

/** What lies before and behind the question's name of a DNS message. */
function cut(message) {
  let end = DNS_HEADER_BYTES;
  while (message[end] !== 0) end += 1 + message[end];
  return { head: message.subarray(0, DNS_HEADER_BYTES), tail: message.subarray(end + 1) };
}

/** The first pairs of query and response whose other names are all pointers to the question. */
function dnsTemplates() {
  const waiting = new Map();
  const pairs = [];
  for (const frame of records(readFileSync(FIXTURE))) {
    const message = frame.subarray(PAYLOAD_OFFSET);
    const id = message.readUInt16BE(0);
    if ((message[2] & 0x80) === 0) waiting.set(id, message);
    else if (waiting.has(id) && message.readUInt16BE(6) === 1) {
      pairs.push({ query: cut(waiting.get(id)), response: cut(message) });
      if (pairs.length === 64) break;
    }
  }
  return pairs;
}

/** Request and response heads as a real client and server sent them, with path and length put in. */
function httpTemplates() {
  const text = readFileSync(HTTP_FIXTURE).toString("latin1");
  const request = /GET (\S+) HTTP\/1\.[01]\r\n[\s\S]*?\r\n\r\n/.exec(text)[0];
  const response = /HTTP\/1\.[01] 200 OK\r\n[\s\S]*?\r\n\r\n/.exec(text)[0];
  return {
    request: (path) => request.replace(/GET \S+/, `GET ${path}`),
    response: (bytes) => response.replace(/Content-Length: \d+/i, `Content-Length: ${bytes}`),
  };
}

export function fixtureMessages() {
  return { dns: dnsTemplates(), http: httpTemplates() };
}
