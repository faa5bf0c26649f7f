/** Names by their addresses, as answers on the wire give them, and for as long as they do. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { DnsNames } from "../../shim/overview/dns-names";

const GRACE_MS = 300_000;

interface RecordForm {
  name: string;
  type?: string;
  ttl?: number;
  data: string;
  section?: string;
}

function answered(name: string, ...records: RecordForm[]): RoundTrip {
  const rows = records.map((record) => ({ section: "answer", type: "A", ttl: 60, ...record }));
  return {
    protocol: "dns",
    status: "ok",
    client: { address: "10.0.0.1", port: 1 },
    server: { address: "10.0.0.2", port: 53 },
    direction: "out",
    interface: 0,
    request: { bytes: 1, name },
    response: { bytes: 1, name, records: rows },
    timing: {},
    marks: [],
  };
}

function learned(...trips: RoundTrip[]): DnsNames {
  const names = new DnsNames();
  for (const trip of trips) names.learn(trip, 0);
  return names;
}

describe("a name", () => {
  test("is what was asked, also where it stands for another", () => {
    const names = learned(
      answered(
        "www.example.com",
        { name: "www.example.com", type: "CNAME", data: "a.cdn.example" },
        { name: "a.cdn.example", type: "CNAME", data: "b.cdn.example" },
        { name: "b.cdn.example", data: "192.0.2.1" },
        { name: "b.cdn.example", type: "AAAA", data: "2001:db8::1" },
      ),
    );
    expect([names.of("192.0.2.1", 0), names.of("2001:db8::1", 0)]).toEqual(["www.example.com", "www.example.com"]);
  });

  test("is the same in letters of any case, and with a dot at its end", () => {
    const names = learned(answered("Db.Example.COM.", { name: "dB.eXample.com", data: "192.0.2.1" }));
    expect(names.of("192.0.2.1", 0)).toBe("db.example.com");
  });

  test("is the one that was asked last", () => {
    const one = answered("a.example", { name: "a.example", data: "192.0.2.1" });
    const other = answered("b.example", { name: "b.example", data: "192.0.2.1" });
    expect(learned(one, other).of("192.0.2.1", 0)).toBe("b.example");
    expect(learned(one, other, one).of("192.0.2.1", 0)).toBe("a.example");
  });

  test("holds as long as all that led to it, and some minutes", () => {
    const names = learned(
      answered(
        "a.example",
        { name: "a.example", type: "CNAME", ttl: 10, data: "b.example" },
        { name: "b.example", ttl: 3600, data: "192.0.2.1" },
      ),
      answered("c.example", { name: "c.example", ttl: 2 ** 31, data: "192.0.2.2" }),
    );
    expect(names.of("192.0.2.1", 10_000 + GRACE_MS)).toBe("a.example");
    expect(names.of("192.0.2.1", 10_001 + GRACE_MS)).toBeUndefined();
    expect(names.of("192.0.2.2", GRACE_MS)).toBe("c.example");
    expect(names.of("192.0.2.2", GRACE_MS + 1)).toBeUndefined();
  });
});

describe("nothing is learned from", () => {
  test.each([
    ["a record of another name", answered("a.example", { name: "bank.example", data: "192.0.2.1" })],
    ["what is no answer", answered("a.example", { name: "a.example", data: "192.0.2.1", section: "additional" })],
    [
      "a response that nobody asked for",
      { ...answered("a.example", { name: "a.example", data: "192.0.2.1" }), request: undefined },
    ],
    ["a query without a response", { ...answered("a.example"), response: undefined }],
    [
      "names that stand for each other",
      answered(
        "a.example",
        { name: "a.example", type: "CNAME", data: "b.example" },
        { name: "b.example", type: "CNAME", data: "a.example" },
      ),
    ],
  ])("%s", (_, trip) => {
    expect(learned(trip as RoundTrip).size).toBe(0);
  });
});

test("a flood of addresses takes no more than its room, and lets go of the oldest", () => {
  const names = new DnsNames();
  const addressOf = (index: number) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
  for (let index = 0; index < 50_000; index++)
    names.learn(answered(`h${index}.example`, { name: `h${index}.example`, data: addressOf(index) }), 0);
  expect(names.size).toBe(16_384);
  expect(names.of(addressOf(50_000 - 16_384), 0)).toBe(`h${50_000 - 16_384}.example`);
  expect(names.of(addressOf(50_000 - 16_385), 0)).toBeUndefined();
});
