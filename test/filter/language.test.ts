/** The filter language as somebody who writes it meets it: what is understood, and what is said of what is not. */
import { describe, expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { fixtureBytes } from "../support/fixtures";

const core = new Core(module, { events: true });

/** Round trips of a fixture that a filter wants. */
function found(name: string, filter: string): RoundTrip[] {
  const own = new Core(module, { events: true });
  expect(own.setFilter(filter)).toBeUndefined();
  const reader = new RoundTripReader(own.schema);
  const trips: RoundTrip[] = [];
  own.drainTo({ events: (view) => trips.push(...reader.read(view)) });
  const input = own.open("file");
  input.write(fixtureBytes(name));
  input.end();
  own.flush();
  return trips;
}

describe("what is wrong is said at its column", () => {
  test.each([
    ["http.stat == 3", 1, "there is no field http.stat; did you mean http.statusCode?"],
    ["http.request.body ~ 'a'", 1, "http.request.body is not kept here; read, watch and log keep it with --body"],
    ["http2.trailers.name == 'a'", 1, "http2.trailers.name is not kept here; read, watch and log keep it with --headers"],
    ["htp.path ~ 'a'", 1, "there is no field htp.path; did you mean http.path?"],
    ["not duration > 1s", 5, "there is no field duration; did you mean durationNs?"],
    ["statusCode > 3", 1, "there is no field statusCode of its own; write http.statusCode or http2.statusCode"],
    [
      "contentLength > 3",
      1,
      "there is no field contentLength of its own; write http.request.contentLength or http.response.contentLength",
    ],
    ["id == 3", 1, "there is no field id of its own; write dns.id"],
    ["http AND dns", 6, "words are in small letters: and, or, not, in, has, contains, startswith"],
    ["http or dns Or redis", 13, "words are in small letters: and, or, not, in, has, contains, startswith"],
    ["statusCode IN {200}", 1, "there is no field statusCode of its own; write http.statusCode or http2.statusCode"],
    ["NOT http", 1, "not is written in small letters"],
    ["qwertyuiop", 1, "there is no field qwertyuiop; tallywire protocols lists them"],
    ["http and clinet.port == 1", 10, "there is no field clinet.port; did you mean client.port?"],
    ["dns.records.typ == A", 1, "there is no field dns.records.typ; did you mean dns.records.type?"],
    ["http.bodyBytes > 1", 1, "both sides have it: write http.request.bodyBytes or http.response.bodyBytes"],
    ["dns.flags has tc", 1, "both sides have it: write dns.request.flags or dns.response.flags"],
    ["http.bytes > 1", 1, "both sides have it: write http.request.bytes or http.response.bytes"],
    ["status == eror", 11, "status has no value eror; did you mean error?"],
    ["direction == up", 14, "direction has no value up; its values are in, out, unknown"],
    ["protocol == smtp", 13, "protocol has no value smtp; tallywire protocols lists them"],
    ["dns.type == AAAAA", 13, "dns.type has no value AAAAA; did you mean AAAA?"],
    ["redis.isNull == yes", 17, "redis.isNull has no value yes; its values are true and false"],
    ["marks has gaps", 11, "marks has no value gaps; did you mean gap?"],
    ["marks == gap", 7, "marks is a list: write has and one of it"],
    ["status has ok", 8, "status is no list: write == or in {..}"],
    ["http.path > 3", 11, "http.path is a text: write == != ~ contains startswith or in {..}"],
    ["http.statusCode ~ 5", 17, "http.statusCode is a number: write == != < <= > >= or in {..}"],
    ["status > ok", 8, "status is a name: write == != ~ or in {..}"],
    ["redis.isNull > 1", 14, "redis.isNull is true or false: write it alone, or == or !="],
    ["client.address ~ '10.*'", 16, "client.address is an address: write == != or in {..}, with networks as 10.0.0.0/8"],
    ["dns.records == 3", 13, "dns.records has rows: name a column, as dns.records.section"],
    ["http == 3", 6, "http is there or not, and has no value"],
    ["amqp.request.method > open", 23, "this name stands for several numbers, which have no order"],
    ["http.statusCode > 1.5", 19, "1.5 is no whole number"],
    ["durationNs > 1.5ns", 14, "1.5ns is no whole number of nanoseconds"],
    ["kafka.throttleMs > 1us", 20, "1us is no whole number of milliseconds"],
    ["durationNs > 3kB", 14, "3kB is no number of time; units are ns us ms s min h"],
    ["request.bytes > 3s", 17, "3s is no number of bytes; units are B kB MB GB TB and KiB MiB GiB TiB"],
    ["http.statusCode > 3x", 19, "3x is no number that counts; units are k M G"],
    ["http.statusCode > abc", 19, "abc is no number"],
    ["dns.rcode == nxdomain", 14, "nxdomain is no number; dns.rcodeName has names"],
    ["dns.response.rcode in {0, servfail}", 27, "servfail is no number; dns.rcodeName has names"],
    ["kafka.apiKey == Fetch", 17, "Fetch is no number; kafka.apiName has names"],
    ["http.statusCode > 99999999999999999999", 19, "this number is too large"],
    ["durationNs > 9999999999h", 14, "this number is too large"],
    ["http.statusCode > -1", 19, "this field is never negative"],
    ["http.statusCode in 9..3", 23, "this range ends before it begins"],
    ["http.statusCode < {1, 2}", 19, "an order needs one value, not a set"],
    ["http.statusCode in {}", 20, "this set is empty"],
    ["http.statusCode in {1, 2", 20, "this set is not closed"],
    ["http.statusCode in {1..", 24, "a value is missing here"],
    ["client.address == 10.0.0.300", 19, "10.0.0.300 is no address and no network: write 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32"],
    ["client.address in 10.0.0.9..10.0.0.1", 29, "this range ends before it begins"],
    ["client.address in 10.0.0.9..::1", 29, "a range goes from one address to another of the same kind"],
    ["client.address in 10.0.0.0/8..10.0.0.1", 19, "a range goes from one address to another, not from a network"],
    ["http.statusCode = 3", 17, "to compare, write =="],
    ["http.statusCode 500", 17, "write a comparison, and, or, or nothing here"],
    ["http.statusCode not 5", 21, "behind a field, not goes with in"],
    ["http and", 9, "a field is missing here"],
    ["http and )", 10, "a field is missing here; a text alone is quoted"],
    ["(http", 1, "this parenthesis is not closed"],
    ["http)", 5, "this parenthesis was not opened"],
    ["'é' and status == \"x", 19, "this quote is not closed"],
    ['http.path == "a\\n"', 16, "a backslash takes only another or a quote; in '...' it stands for itself"],
    ["''", 1, "a text alone has at least one letter"],
    ["http.path == ", 14, "a value is missing here"],
  ])("%s", (text, column, message) => {
    expect(core.setFilter(text)).toEqual({ column, message });
  });

  test("a filter that is refused leaves none", () => {
    expect(core.setFilter("dns")).toBeUndefined();
    expect(core.setFilter("dnss")).toBeDefined();
    expect(found("dns_kdig_udp.pcap", "")).toHaveLength(83);
  });
});

describe("what is understood", () => {
  const KDIG = "dns_kdig_udp.pcap";
  const CURL = "http1_curl.pcap";
  const all = found(KDIG, "");
  const curl = found(CURL, "");

  test("nothing, white space: everything", () => {
    expect(found(KDIG, " \n\t")).toEqual(all);
  });

  test("a protocol, and not", () => {
    expect(found(KDIG, "dns")).toEqual(all);
    expect(found(KDIG, "not dns")).toEqual([]);
    expect(found(KDIG, "http || dns && !http2")).toEqual(all);
  });

  test("and before or, parentheses before both", () => {
    expect(found(KDIG, "dns or dns and http")).toEqual(all);
    expect(found(KDIG, "(dns or dns) and http")).toEqual([]);
  });

  test("what is not known fits nothing, nor does it differ", () => {
    expect(found(KDIG, "http.statusCode != 200")).toEqual([]);
    expect(found(KDIG, "not http.statusCode == 200")).toEqual(all);
  });

  test("names of hosts are the same in capitals, other texts are not", () => {
    const named = all.filter(({ request }) => request?.name === "h1.lab.test");
    expect(named.length).toBeGreaterThan(0);
    expect(found(KDIG, "dns.name == H1.LAB.test")).toEqual(named);
    const gets = curl.filter(({ request }) => request?.method === "GET");
    expect(gets.length).toBeGreaterThan(0);
    expect(found(CURL, "http.method == GET")).toEqual(gets);
    expect(found(CURL, "http.method == get")).toEqual([]);
  });

  test("a text alone is looked for everywhere, in any case", () => {
    expect(found(KDIG, "'LAB.TEST'")).toEqual(all.filter((trip) => JSON.stringify(trip).includes("lab.test")));
    expect(found(KDIG, '"127.0.0.1"')).toEqual(all.filter(({ client }) => client.address === "127.0.0.1"));
    expect(found(KDIG, '"nowhere"')).toEqual([]);
  });

  test("numbers of names, and names of numbers in their order", () => {
    const v6 = all.filter(({ request }) => request?.type === "AAAA");
    expect(v6.length).toBeGreaterThan(0);
    expect(found(KDIG, "dns.type == aaaa")).toEqual(v6);
    expect(found(KDIG, "dns.type == 28")).toEqual(v6);
    expect(found("h2_tls.pcap", "tls.response.version >= 'TLS 1.2'").length).toBeGreaterThan(0);
    expect(found("h2_tls.pcap", "tls.response.version > 'TLS 1.3'")).toEqual([]);
  });

  test("columns of rows fit where any row does", () => {
    const answered = all.filter(({ response }) =>
      (response?.records as { data: string }[] | undefined)?.some(({ data }) => data.startsWith("10.")),
    );
    expect(found(KDIG, "dns.records.data startswith 10.")).toEqual(answered);
    expect(found(KDIG, "dns.records.ttl >= 0").length).toBe(
      all.filter(({ response }) => (response?.records as unknown[] | undefined)?.length).length,
    );
  });

  test("the same time in every unit", () => {
    const wanted = all.filter(({ durationNs = 0 }) => durationNs > 100_000);
    expect(wanted.length).toBeGreaterThan(0);
    for (const form of ["100000", "100000ns", "100us", "100µs", "0.1ms", "0.0001s", "0x186a0"]) {
      expect(found(KDIG, `durationNs > ${form}`)).toEqual(wanted);
    }
  });

  test("everything that the words of the issue say", () => {
    const filter =
      'http.statusCode >= 400 and durationNs > 1ns and http.path ~ "/*" and not (client.address in {10.0.0.0/8, 192.0.2.1})';
    expect(found(CURL, filter)).toEqual(
      curl.filter(
        ({ response, request, durationNs = 0 }) =>
          Number(response?.statusCode) >= 400 && durationNs > 1 && request?.path !== undefined,
      ),
    );
  });
});
