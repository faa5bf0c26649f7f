/** TLS of real clients, as they tell it. */
import { expect, test } from "vitest";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { readRoundTrips } from "../support/round-trips";

const handshakes = (name: string) => readRoundTrips(fixtureBytes(name)).filter(({ protocol }) => protocol === "tls");

test("curl over TLS 1.3 and 1.2, with HTTP/2 and 1.1", () => {
  const trips = handshakes("h2_tls.pcap");
  expect(trips.map(({ status, request, response }) => [status, request?.serverName, response?.version])).toEqual([
    ["ok", "lab.test", "TLS 1.3"],
    ["ok", "a.lab.test", "TLS 1.3"],
    ["ok", "lab.test", "TLS 1.2"],
    ["ok", "a.lab.test", "TLS 1.2"],
  ]);
  expect(trips.map(({ request }) => request?.alpn)).toEqual(["h2,http/1.1", "http/1.1", "h2,http/1.1", "http/1.1"]);
});

test("kdig over TLS, once with a server name", () => {
  const trips = handshakes("dns_dot.pcap");
  expect(trips.map(({ status }) => status)).toEqual(new Array(6).fill("ok"));
  expect(trips.map(({ request }) => request?.serverName).filter((name) => name !== undefined)).toEqual(["dot.lab.test"]);
  expect(new Set(trips.map(({ request }) => request?.alpn))).toEqual(new Set(["dot"]));
});

test("nothing else is a handshake", () => {
  for (const name of FIXTURES) {
    if (name === "h2_tls.pcap" || name === "dns_dot.pcap") continue;
    expect(handshakes(name), name).toEqual([]);
  }
});
