/** Filters that nobody means well with: each is taken or refused with a place and a sentence, and judging an event stays inside it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { encodeSettings } from "../../engine/settings";
import { hostOf } from "../support/host";
import { instantiate } from "../support/instantiate";
import { Conversation, dnsQuery, dnsResponse, ethernet, ipv4, pcap, spaced, udp } from "../support/pcap-builder";

type Call = (...values: number[]) => number;
type Exports = Record<string, Call> & { memory: WebAssembly.Memory };

const HOST = 1;
const BUDGET_BYTES = 8 << 20;
const TEXT_BYTES_MAX = 4096;
const WORDS = [
  ..."( ) { } ! == != < <= > >= ~ !~ = .. , \" ' && || \\ \0 é \xff".split(" "),
  ..."and or not in has contains startswith eq http dns tls marks status request".split(" "),
  ..."http.path http.statusCode dns.name dns.type dns.records.data dns.response.flags dns.questions.name".split(" "),
  ..."client.address durationNs kafka.partitions.errorCode redis.isNull http.informational amqp.method".split(" "),
  ..."200 1..5 -3 0x7f 1.5ms 10KiB 18446744073709551615 10.0.0.0/8 ::1 fe80::/10 1.2.3.4..1.2.3.9 a* ? ok GET".split(" "),
];

const { call, put, memory } = open();

function open() {
  const exports: Exports = instantiate<Exports>(module, {}, { host: hostOf() });
  const memory = () => new Uint8Array(exports.memory.buffer);
  const call = (name: string, ...values: number[]) => exports[name]!(...values);
  const put = (start: number, bytes: Uint8Array) => memory().set(bytes, start);
  const settings = encodeSettings({ events: true });
  put(call("staging"), settings);
  expect(call("configure", HOST, BUDGET_BYTES, settings.length)).toBe(0);
  return { call, put, memory };
}

/** Sets a filter; answers the place of its fault. What is refused is refused at a place in it, with a sentence. */
function setFilter(bytes: Uint8Array): number {
  put(call("staging"), bytes);
  const place = call("setFilter", bytes.length);
  if (place === 0) return 0;
  expect(place).toBeLessThanOrEqual(Math.min(bytes.length, TEXT_BYTES_MAX) + 1);
  const length = call("filterFaultLength");
  const start = call("filterFaultStart");
  expect(length).toBeGreaterThan(4);
  expect(length).toBeLessThanOrEqual(480);
  for (const byte of memory().subarray(start, start + length)) expect(byte).toBeGreaterThanOrEqual(0x20);
  return place;
}

const encode = (text: string) => new TextEncoder().encode(text);
const texts = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.constantFrom(...WORDS), { maxLength: 40 }).map((words) => encode(words.join(" "))) },
  fc.array(fc.constantFrom(...WORDS), { maxLength: 40 }).map((words) => encode(words.join(""))),
  fc.uint8Array({ maxLength: 200 }),
);

/** Events of some exchanges. */
function events(): Uint8Array[] {
  const talk = new Conversation({ serverPort: 80 }).open();
  talk
    .send("client", "GET /a?b HTTP/1.1\r\nHost: b\r\nUser-Agent: c\r\n\r\n")
    .send("server", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nhi")
    .close();
  const exchange = [dnsQuery("a.test", { id: 1 }), dnsResponse("a.test", { id: 1 })].map((message, index) =>
    ethernet(ipv4(udp(message, { sourcePort: index ? 53 : 999, destinationPort: index ? 999 : 53 }), { source: "10.0.0.1" })),
  );
  const found: Uint8Array[] = [];
  expect(setFilter(new Uint8Array())).toBe(0);
  for (const file of [pcap(talk.packets), pcap(spaced(exchange))]) {
    const handle = call("openInput", 0, 0);
    put(call("inputStart"), file);
    call("feed", handle, call("inputStart"), file.length);
    call("endInput", handle);
    call("flush");
    const start = call("eventsStart");
    const all = memory().slice(start, start + call("eventsLength"));
    call("eventsDone");
    for (let at = 0; at < all.length; ) {
      const length = new DataView(all.buffer).getUint32(at, true);
      found.push(all.slice(at, at + length));
      at += length;
    }
  }
  expect(found.length).toBeGreaterThan(1);
  return found;
}

/** What the filter says of an event that lies among bytes of one kind. */
function judged(event: Uint8Array, poison: number): number {
  const start = call("inputStart") + 4096;
  memory().fill(poison, start - 4096, start + event.length + 70_000);
  put(start, event);
  return call("filterAccepts", start, event.length);
}

describe("a filter of any bytes", () => {
  const known = events();

  test("is taken, or refused at a place of it", () => {
    let taken = 0;
    fc.assert(
      fc.property(texts, (bytes) => {
        if (setFilter(bytes) === 0) taken += 1;
        for (const event of known) expect(judged(event, 0x5a)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 4000 },
    );
    expect(taken).toBeGreaterThan(100);
    expect(taken).toBeLessThan(3900);
  });

  test("is bounded: parentheses, terms, values, bytes", () => {
    const refused = (text: string) => setFilter(encode(text)) > 0;
    const nested = (depth: number) => `${"(".repeat(depth)}dns${")".repeat(depth)}`;
    expect([refused(nested(64)), refused(nested(65)), refused("(".repeat(4096)), refused("!".repeat(4096))]).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(refused(`${"not ".repeat(1000)}dns`)).toBe(false);
    const joined = (count: number) => Array(count).fill("dns").join(" or ");
    expect([refused(joined(256)), refused(joined(257))]).toEqual([false, true]);
    const set = (count: number) => `client.port in {${Array(count).fill("1").join()}}`;
    expect([refused(set(1024)), refused(set(1025))]).toEqual([false, true]);
    expect([refused(`${"dns".padEnd(4096)}`), refused("dns".padEnd(4097)), setFilter(encode("x".repeat(60_000)))]).toEqual([
      false,
      true,
      4097,
    ]);
    expect(refused(`http.path == '${"a".repeat(4000)}'`)).toBe(false);
    expect(refused("a".repeat(4096))).toBe(true);
  });

  test("judges an event by its own bytes alone", () => {
    fc.assert(
      fc.property(texts, fc.nat(known.length - 1), (bytes, index) => {
        setFilter(bytes);
        expect(judged(known[index]!, 0x00)).toBe(judged(known[index]!, 0xff));
      }),
      { numRuns: 2000 },
    );
  });

  test("judges what is no event, or half of one, without leaving it", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 12 });
    fc.assert(
      fc.property(texts, fc.nat(known.length - 1), changes, fc.nat(), (bytes, index, changed, cut) => {
        setFilter(bytes);
        const event = known[index]!.slice();
        // The length is not among what is changed, so that most are judged.
        for (const [place, byte] of changed) event[4 + (place % (event.length - 4))] = byte;
        expect(judged(event, 0x00)).toBe(judged(event, 0xff));
        expect(judged(event.subarray(0, cut % event.length), 0)).toBe(2);
      }),
      { numRuns: 2000 },
    );
  });

  test("costs no memory", () => {
    const before = memory().length;
    const staging = memory().slice(call("staging") + 8192, call("staging") + call("stagingBytes"));
    for (let turn = 0; turn < 200; turn++) {
      setFilter(encode("http.path ~ 'a*' and client.address in 10.0.0.0/8 or no.such"));
      setFilter(encode("http.path ~ 'a*' and client.address in 10.0.0.0/8"));
    }
    expect(memory().length).toBe(before);
    expect(memory().slice(call("staging") + 8192, call("staging") + call("stagingBytes"))).toEqual(staging);
  });
});
