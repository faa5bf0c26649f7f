/** What metrics tell apart where there are several: clients and servers, slow and quick requests, outcomes. */
import { describe, expect, test } from "vitest";
import type { CoreOptions } from "../../engine/core";
import type { BreakdownItem } from "../../engine/rows";
import { request, response } from "../support/http";
import { answer, get, SERVER_START, START } from "../support/http2";
import {
  type Bytes,
  type Captured,
  Conversation,
  dnsQuery,
  dnsResponse,
  join,
  overTcp,
  pcap,
  START_NS,
} from "../support/pcap-builder";
import { bulk, command } from "../support/redis";
import { totalsOf } from "../support/summaries";
import { OUT } from "./expectations";
import { CLIENT, MINUTE_NS, OURS, SERVER } from "./scenarios";

const MS = 1_000_000n;

/** A protocol whose metrics are counted by code of their own, or, as redis and HTTP/2 do, by what all others share. */
interface Spoken {
  port: number;
  asked: (name: string) => Bytes;
  answered: (name: string) => Bytes;
  /** The top of what was slow, and how a name stands in it. */
  slow: string;
  key: (name: string) => string;
}

const SPOKEN: Record<string, Spoken> = {
  dns: {
    port: 53,
    asked: (name) => overTcp(dnsQuery(`${name}.test`)),
    answered: (name) => overTcp(dnsResponse(`${name}.test`)),
    slow: "dns_top_slow",
    key: (name) => `${name}.test`,
  },
  http: {
    port: 80,
    asked: (name) => request(`GET /${name} HTTP/1.1`),
    answered: () => response("200 OK"),
    slow: "http_top_slow",
    key: (name) => `/${name}`,
  },
  http2: {
    port: 80,
    asked: (name) => join(START, get(1, `/${name}`)),
    answered: () => join(SERVER_START, answer(1)),
    slow: "http2_top_slow",
    key: (name) => `/${name}`,
  },
  redis: {
    port: 6379,
    asked: (name) => command(name.toUpperCase(), "key"),
    answered: () => bulk("value"),
    slow: "redis_top_slow",
    key: (name) => name.toUpperCase(),
  },
};

interface Form {
  client?: string;
  server?: string;
  clientPort: number;
  startNs?: bigint;
  waitNs?: bigint;
}

/** One exchange on a connection of its own, which is answered `waitNs` after it is asked. */
function exchange({ port, asked, answered }: Spoken, name: string, { waitNs = MS, ...form }: Form): Captured[] {
  return new Conversation({ client: CLIENT, server: SERVER, serverPort: port, ...form })
    .open()
    .send("client", asked(name))
    .wait(waitNs - MS)
    .send("server", answered(name))
    .close().packets;
}

const totals = (packets: Captured[], options: CoreOptions = {}) => totalsOf(pcap(packets), { hostNetworks: [OURS], ...options });

describe.each(Object.entries(SPOKEN))("%s", (protocol, spoken) => {
  test("three clients of two servers, one of them twice", () => {
    const ends = [
      ["192.0.2.1", "198.51.100.1"],
      ["192.0.2.2", "198.51.100.1"],
      ["192.0.2.3", "198.51.100.2"],
      ["192.0.2.3", "198.51.100.1"],
    ] as const;
    const found = totals(
      ends.flatMap(([client, server], index) => exchange(spoken, "get", { client, server, clientPort: 40_000 + index })),
    );
    expect(found.count(`${protocol}_requests_total`)).toBe(ends.length);
    expect(found.one(`${protocol}_clients`, OUT).estimate).toBe(3);
    expect(found.one(`${protocol}_servers`, OUT).estimate).toBe(2);
  });

  test("slow is what took longer than nine tenths of the minute before", () => {
    // Nine tenths of 100 to 1000 ms are 900; the threshold is within 1.083 % of it.
    const before = Array.from({ length: 10 }, (_, index) =>
      exchange(spoken, "get", {
        clientPort: 40_000 + index,
        startNs: START_NS + BigInt(index) * 3000n * MS,
        waitNs: BigInt(index + 1) * 100n * MS,
      }),
    ).flat();
    const later = (["set", "incr", "del"] as const).map((name, index) =>
      exchange(spoken, name, {
        clientPort: 41_000 + index,
        startNs: START_NS + MINUTE_NS + BigInt(index) * 3000n * MS,
        waitNs: [10n, 885n, 915n][index]! * MS,
      }),
    );
    expect([
      ...totals([...before, ...later.flat()])
        .top(spoken.slow, OUT)
        .keys(),
    ]).toEqual([spoken.key("del")]);
  });
});

/** Connections of one request each, which end in all ways there are; the last one stays open. */
function outcomes({ port, asked, answered }: Spoken, failed: Bytes): Captured[] {
  let clientPort = 40_000;
  const begun = (startNs = START_NS) =>
    new Conversation({ client: CLIENT, server: SERVER, serverPort: port, clientPort: clientPort++, startNs })
      .open()
      .send("client", asked("get"));
  const late = begun().wait(30_000n * MS);
  for (let count = 0; count < 20; count++) late.acknowledge("server");
  return [
    late,
    begun().send("server", answered("get")).close(),
    begun().send("server", failed).close(),
    begun().reset("server"),
    begun().close(),
    begun(START_NS + 50_000n * MS),
  ].flatMap(({ packets }) => packets);
}

describe.each([
  ["http", SPOKEN.http!, response("500 No"), "http_routes"],
  ["redis", SPOKEN.redis!, "-ERR no\r\n", "redis_calls"],
] as const)("outcomes of %s", (protocol, spoken, failed, breakdown) => {
  const packets = outcomes(spoken, failed).sort((a, b) => Number(a.timeNs - b.timeNs));
  const found = totals(packets, { streamTimeoutMs: 20_000 });

  test.each(["ok", "error", "timeout", "reset", "closed", "unobserved"])("%s", (status) => {
    expect(found.count(`${protocol}_requests_total`, { ...OUT, status })).toBe(1);
  });

  test("what was not observed is no failure", () => {
    const items = found.one(breakdown, OUT).items as BreakdownItem[];
    const sum = (of: (item: BreakdownItem) => number) => items.reduce((all, item) => all + of(item), 0);
    expect([sum(({ requests }) => requests), sum(({ errors }) => errors)]).toEqual([6, 4]);
  });
});
