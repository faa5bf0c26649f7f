/** Every metric of the schema, non-zero and exact, in a capture whose figures were worked out by hand. */
import { describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import type { BreakdownItem } from "../../engine/rows";
import { coreModule } from "../support/round-trips";
import { type Totals, totalsOf } from "../support/summaries";
import { AMQP } from "./amqp-expectations";
import { amqpCapture, waitingAmqpCapture } from "./amqp-scenario";
import {
  all,
  breakdown,
  count,
  distinct,
  type Expectation,
  FLOW_BYTES,
  histogram,
  IN,
  OUT,
  once,
  openAtMost,
  read,
  SMALL_BUDGET_BYTES,
  top,
} from "./expectations";
import { GRPC, HTTP2 } from "./http2-expectations";
import * as http2Scenarios from "./http2-scenarios";
import { KAFKA } from "./kafka-expectations";
import { kafkaCapture, waitingKafkaCapture } from "./kafka-scenario";
import { MONGO } from "./mongodb-expectations";
import { mongoCapture, waitingMongoCapture } from "./mongodb-scenario";
import { PART, WRONG, withPartOfSecrets, withWrongSecret } from "./opened-tls-scenario";
import { OWNERS, ownerTotals } from "./owner-scenario";
import { REDIS } from "./redis-expectations";
import * as redis from "./redis-scenarios";
import * as scenarios from "./scenarios";
import { sqlScenarios } from "./sql-scenarios";
import { TLS } from "./tls-expectations";
import { HANDSHAKES, oneHandshake, tlsCapture, waitingHandshakes } from "./tls-scenario";
import { WEBSOCKET } from "./websocket-expectations";
import { manyWebSockets, openWebSocket, WEBSOCKETS, websocketCapture } from "./websocket-scenario";

const names = ["good.example.test", "nxdomain.test", "refused.test", "servfail.test", "empty.test", "slow.test"];

/** What a response has for each byte of its query, cut to millionths as the metric keeps it. */
const ratio = (response: number, query: number) => Math.floor((response * 1e6) / query) / 1e6;
const RATIOS = [ratio(51, 57), ratio(31, 31), ratio(30, 30), ratio(31, 31), ratio(28, 28), ratio(43, 27)];

const DNS: Record<string, Expectation> = {
  dns_messages_total: all(
    count(9, { ...OUT, message: "request", transport: "udp" }),
    count(7, { ...IN, message: "response", transport: "udp" }),
  ),
  dns_message_bytes_total: all(count(273, { message: "request" }), count(259, { message: "response" })),
  dns_malformed_total: all(count(1, { reason: "question" }), count(1)),
  dns_requests_total: all(
    count(3, { status: "ok" }),
    count(3, { status: "error" }),
    count(2, { status: "timeout" }),
    count(1, { status: "unobserved" }),
    count(9, OUT),
  ),
  dns_transactions_total: count(6, { ...OUT, family: "ipv4", transport: "udp" }),
  dns_responses_total: all(
    count(3, { rcode: "noerror" }),
    count(1, { rcode: "nxdomain" }),
    count(1, { rcode: "refused" }),
    count(1, { rcode: "servfail" }),
  ),
  dns_nodata_total: count(1, OUT),
  dns_flags_total: all(...["aa", "tc", "ad", "cd", "do", "ecs"].map((flag) => count(1, { flag })), count(5, { flag: "ra" })),
  dns_orphan_responses_total: count(1),
  dns_transactions_per_second: count(6, OUT),
  dns_duration_seconds: histogram(6, 5 * 0.01 + 0.4, OUT),
  dns_response_query_size_ratio: histogram(
    6,
    RATIOS.reduce((sum, one) => sum + one),
    OUT,
  ),
  dns_request_bytes: histogram(6, 57 + 31 + 30 + 31 + 28 + 27, OUT),
  dns_response_bytes: histogram(6, 51 + 31 + 30 + 31 + 28 + 43, OUT),
  dns_names: distinct(8, OUT),
  dns_clients: distinct(1, OUT),
  dns_servers: distinct(1, OUT),
  dns_top_names: top(once(names)),
  dns_top_names2: top(once(names.map((name) => name.replace("good.", "")))),
  dns_top_names3: top(once(names)),
  dns_top_noerror: top(once(["good.example.test", "empty.test", "slow.test"])),
  dns_top_nxdomain: top(once(["nxdomain.test"])),
  dns_top_refused: top(once(["refused.test"])),
  dns_top_servfail: top(once(["servfail.test"])),
  dns_top_nodata: top(once(["empty.test"])),
  dns_top_response_bytes: top({
    "good.example.test": 51,
    "nxdomain.test": 31,
    "refused.test": 30,
    "servfail.test": 31,
    "empty.test": 28,
    "slow.test": 43,
  }),
  dns_top_ports: top({ 5000: 6 }),
  dns_top_types: top({ A: 5, AAAA: 1 }),
  dns_top_rcodes: top({ NOERROR: 3, NXDOMAIN: 1, REFUSED: 1, SERVFAIL: 1 }),
  dns_top_slow: top(once(["slow.test"])),
  dns_top_client_subnets: top(once(["203.0.113.0/24"])),
  capture_open_flows: (totals, metric) => expect(totals.one(metric).max).toBe(1),
  capture_pending_requests: openAtMost(2),
  dns_open_requests: openAtMost(2),
};
const HTTP: Record<string, Expectation> = {
  http_requests_total: all(
    count(4, { method: "GET", status: "ok" }),
    count(1, { method: "GET", status: "error" }),
    count(1, { method: "POST", status: "error" }),
    count(6, OUT),
  ),
  http_responses_total: all(
    count(5, { status_class: "2xx" }),
    count(1, { status_class: "4xx" }),
    count(1, { status_class: "5xx" }),
  ),
  http_orphan_responses_total: count(1),
  http_interim_responses_total: count(1),
  http_malformed_total: all(count(1, { reason: "content_length" }), count(1)),
  http_requests_per_second: count(6, OUT),
  http_request_bytes: histogram(6, 62 + 60 + 61 + 60 + 61 + 60, OUT),
  http_clients: distinct(1, OUT),
  http_servers: distinct(1, OUT),
  http_hosts: distinct(1, OUT),
  http_path_templates: distinct(6, OUT),
  http_top_paths: top(once(["/users/{id}", "/none", "/broken", "/after", "/length", "/slow"])),
  http_top_hosts: top({ "www.test": 6 }),
  http_top_clients: top({ [scenarios.CLIENT]: 6 }),
  http_top_user_agents: top({ "probe/1": 6 }),
  http_top_slow: top(once(["/slow"])),
  http_top_server_errors: top(once(["/broken"])),
  http_top_client_errors: top(once(["/none"])),
  // Each packet comes 5 ms after the one before it in the first talk, 1 ms in the others; the slow response after 901.
  http_duration_seconds: histogram(6, 0.005 + 0.005 + 0.01 + 0.001 + 0.001 + 0.901, OUT),
  // The same up to the response's first byte, without the way, which all but the orphan's talk show as one packet's time.
  http_server_seconds: histogram(6, 0 + 0 + 0.005 + 0.001 + 0 + 0.9, OUT),
  http_response_bytes: histogram(7, 44 + 39 + 39 + 39 + 39 + 41 + 39, OUT),
  http_routes: all(
    breakdown(
      ["method", "path", "status_class"],
      [
        "GET /users/{id} 2xx 1 0",
        "POST /none 4xx 1 1",
        "GET /broken 5xx 1 1",
        "GET /after 2xx 1 0",
        "GET /length 2xx 1 0",
        "GET /slow 2xx 1 0",
      ],
    ),
    (totals, metric) => {
      const items = totals.one(metric, OUT).items as BreakdownItem[];
      const sum = (of: (item: BreakdownItem) => number) => items.reduce((whole, item) => whole + of(item), 0);
      expect(new Set(items.map(({ key }) => key.server))).toEqual(new Set([scenarios.SERVER]));
      // But for the response that nobody asked for.
      expect(sum(({ bytes }) => bytes)).toBe(364 + 280 - 39);
      expect(sum(({ duration }) => duration.sum)).toBeCloseTo(0.923, 6);
    },
  ),
};

/** 14 packets: 8 of ours, of which 6 carry 4 bytes, and 6 of the server's; 54 bytes and the payload each. */
const TROUBLED: Record<string, Expectation> = {
  net_packets_total: all(count(8, OUT), count(6, IN), count(14, { family: "ipv4", transport: "tcp" })),
  net_bytes_total: all(count(8 * 54 + 24, OUT), count(6 * 54, IN)),
  net_packets_per_second: all(count(8, OUT), count(6, IN)),
  net_bytes_per_second: all(count(8 * 54 + 24, OUT), count(6 * 54, IN)),
  net_payload_bytes: histogram(6, 24, OUT),
  net_tcp_segments_total: all(count(1, { flag: "syn" }), count(1, { flag: "syn_ack" }), count(1, { flag: "rst" })),
  net_tcp_retransmissions_total: count(3, OUT),
  net_tcp_out_of_order_total: count(1, OUT),
  net_tcp_duplicate_acks_total: count(2, IN),
  net_tcp_zero_windows_total: count(1, IN),
  net_tcp_handshake_seconds: histogram(1, 0.002, OUT),
  net_addresses: all(distinct(1, OUT), distinct(1, IN)),
  net_top_addresses_packets: all(top({ [scenarios.SERVER]: 8 }, OUT), top({ [scenarios.SERVER]: 6 }, IN)),
  net_top_addresses_bytes: top({ [scenarios.SERVER]: 8 * 54 + 24 }, OUT),
  net_top_ports_packets: top({ "9/tcp": 8 }, OUT),
  net_top_ports_bytes: top({ "9/tcp": 8 * 54 + 24 }, OUT),
  net_conversations: all(distinct(1, OUT), distinct(1, IN)),
};

/** 13 packets, one of each sort, and the first again, cut by 3 bytes. */
const SORTS: Record<string, Expectation> = {
  capture_packets_total: count(14),
  capture_wire_bytes_total: (totals, metric) => expect(totals.count(metric)).toBe(totals.summary.bytes),
  capture_captured_bytes_total: (totals, metric) => expect(totals.count(metric)).toBe(totals.summary.bytes - 3),
  capture_truncated_packets_total: count(1),
  // All but ARP and IPv6, and the header inside the tunnel.
  capture_ipv4_packets_total: count(14 - 2 + 1),
  capture_ipv6_packets_total: count(1),
  capture_tcp_packets_total: count(1),
  capture_udp_packets_total: count(6),
  capture_icmp_packets_total: count(1),
  capture_icmpv6_packets_total: count(1),
  capture_sctp_packets_total: count(1),
  capture_other_network_packets_total: count(1),
  capture_other_transport_packets_total: count(3),
  capture_tunnels_total: count(1),
  capture_fragments_total: count(3),
  capture_joined_datagrams_total: count(1),
  capture_duplicate_fragments_total: count(1),
  capture_offloaded_checksums_total: count(1),
  capture_checksums_total: count(7),
  capture_skipped_blocks_total: count(1),
  capture_sections_total: count(1),
  capture_dropped_packets_total: count(5),
  capture_malformed_total: all(count(1, { reason: "udp_checksum" }), count(1)),
  capture_undecoded_total: all(count(1, { layer: "arp" }), count(1, { layer: "ospf" }), count(2)),
};
const HOLES: Record<string, Expectation> = {
  capture_gaps_total: count(1),
  capture_gap_bytes_total: count(100),
  capture_duplicates_total: count(1),
};

/** All of a metric but what another has. */
const leftOut = (kept: string, all: string): Expectation => {
  return (totals, metric) => {
    expect(totals.count(metric)).toBeGreaterThan(0);
    expect(totals.count(metric) + totals.count(kept)).toBe(totals.count(all));
  };
};

/** Over TCP the handshake tells the way, so the server's time is known. */
const SCENARIOS: [name: string, totals: () => Totals, expectations: Record<string, Expectation>][] = [
  ["DNS", () => read(scenarios.dnsCapture()), DNS],
  [
    "DNS, by an agent whose run before was killed",
    () => totalsOf(scenarios.dnsCapture(), {}, (core) => core.lostMinutes(2)),
    { capture_lost_minutes_total: count(2) },
  ],
  [
    "DNS, of which a sample leaves out what it can",
    () => totalsOf(scenarios.dnsCapture(), {}, (core) => core.sample(0)),
    {
      capture_sampled_out_packets_total: leftOut("net_packets_total", "capture_packets_total"),
      capture_sampled_out_bytes_total: leftOut("net_bytes_total", "capture_wire_bytes_total"),
    },
  ],
  ["HTTP", () => read(scenarios.httpCapture()), HTTP],
  ["HTTP requests that wait when a minute ends", () => read(scenarios.openHttpCapture()), { http_open_requests: openAtMost(2) }],
  ["WebSocket", () => read(websocketCapture()), WEBSOCKET],
  ["a WebSocket that is open when a minute ends", () => read(openWebSocket()), { websocket_open_requests: openAtMost(1) }],
  [
    "more WebSockets than a small budget holds",
    () => read(manyWebSockets(), SMALL_BUDGET_BYTES),
    {
      websocket_refused_total: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count(metric) + totals.count("websocket_requests_total")).toBeLessThanOrEqual(WEBSOCKETS);
      },
    },
  ],
  ["whose connections are", ownerTotals, OWNERS],
  ["Kafka", () => read(kafkaCapture()), KAFKA],
  ["redis", () => read(redis.redisCapture()), REDIS],
  [
    "a redis request that waits",
    () => read(redis.waitingRedisCapture()),
    { redis_open_requests: (totals, metric) => expect(totals.one(metric).max).toBe(1) },
  ],
  [
    "more redis requests than a small budget holds",
    () => read(redis.crowdedRedisCapture(), SMALL_BUDGET_BYTES),
    {
      redis_refused_total: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count(metric) + totals.count("redis_requests_total")).toBe(redis.WAITING);
      },
    },
  ],
  ["MongoDB", () => read(mongoCapture()), MONGO],
  ["HTTP/2", () => read(http2Scenarios.http2Capture(scenarios.CLIENT, scenarios.SERVER)), HTTP2],
  ["gRPC", () => read(http2Scenarios.grpcCapture(scenarios.CLIENT, scenarios.SERVER)), GRPC],
  [
    "requests that wait when a minute ends",
    () => read(http2Scenarios.openCapture(scenarios.CLIENT, scenarios.SERVER)),
    { http2_open_requests: openAtMost(1), grpc_open_requests: openAtMost(1) },
  ],
  [
    "more calls than a small budget holds",
    () => read(http2Scenarios.callsCapture(scenarios.CLIENT, scenarios.SERVER), SMALL_BUDGET_BYTES),
    {
      http2_refused_total: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count(metric) + totals.count("grpc_requests_total")).toBe(http2Scenarios.CALLS);
      },
      grpc_refused_total: (totals, metric) => expect(totals.count(metric)).toBeGreaterThan(0),
    },
  ],
  ["TLS", () => read(tlsCapture()), TLS],
  [
    "what is under TLS, with a secret that is wrong",
    withWrongSecret,
    {
      tls_opened_records_total: count(WRONG.opened),
      tls_unopened_records_total: all(count(WRONG.failed, { unopened: "failed" }), count(WRONG.failed)),
    },
  ],
  [
    "what is under TLS, with a part of its secrets",
    withPartOfSecrets,
    {
      tls_opened_records_total: count(PART.opened),
      tls_unopened_records_total: all(count(PART.keys, { unopened: "keys" }), count(PART.keys)),
    },
  ],
  [
    "a handshake that waits",
    () => read(oneHandshake()),
    { tls_open_requests: (totals, metric) => expect(totals.one(metric).max).toBe(1) },
  ],
  [
    "more handshakes than a small budget holds",
    () => read(waitingHandshakes(), SMALL_BUDGET_BYTES),
    {
      tls_refused_total: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count("tls_requests_total")).toBeLessThan(HANDSHAKES);
      },
    },
  ],
  ["AMQP", () => read(amqpCapture()), AMQP],
  ["a connection in trouble", () => read(scenarios.troubledCapture()), TROUBLED],
  ["packets of each sort", () => read(scenarios.sortsCapture()), SORTS],
  ["what was not captured", () => read(scenarios.holesCapture()), HOLES],
  ["DNS over TCP", () => read(scenarios.dnsOverTcpCapture()), { dns_server_seconds: histogram(1, 0.023, OUT) }],
  [
    "more queries than a small budget holds",
    () => read(scenarios.floodCapture(), SMALL_BUDGET_BYTES),
    {
      dns_refused_total: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count(metric) + totals.count("dns_requests_total")).toBe(scenarios.FLOOD);
      },
    },
  ],
  [
    "more flows than a small budget holds",
    () => read(scenarios.manyFlowsCapture(), SMALL_BUDGET_BYTES),
    {
      capture_evicted_flows_total: (totals, metric) => {
        expect(totals.count(metric)).toBe(scenarios.FLOWS - Math.floor((Math.floor(SMALL_BUDGET_BYTES / 24) * 5) / FLOW_BYTES));
        expect(totals.count("net_packets_total")).toBe(scenarios.FLOWS);
      },
    },
  ],
  [
    "more requests than a small budget holds",
    () => read(scenarios.waitingCapture(), SMALL_BUDGET_BYTES),
    {
      http_refused_total: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count(metric) + totals.count("http_requests_total")).toBe(scenarios.WAITING);
      },
    },
  ],
  [
    "more AMQP requests than a small budget holds",
    () => read(waitingAmqpCapture(3 * scenarios.WAITING), SMALL_BUDGET_BYTES),
    {
      amqp_refused_total: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count(metric) + totals.count("amqp_requests_total")).toBe(3 * scenarios.WAITING);
      },
    },
  ],
  [
    "more Kafka requests than a small budget holds",
    () => read(waitingKafkaCapture(3 * scenarios.WAITING), SMALL_BUDGET_BYTES),
    {
      kafka_refused_total: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count(metric) + totals.count("kafka_requests_total")).toBe(3 * scenarios.WAITING);
      },
    },
  ],
  [
    "more MongoDB requests than a small budget holds",
    () => read(waitingMongoCapture(3 * scenarios.WAITING), SMALL_BUDGET_BYTES),
    {
      mongodb_refused_total: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count(metric) + totals.count("mongodb_requests_total")).toBe(3 * scenarios.WAITING);
      },
    },
  ],
  [
    "more early segments than a small budget holds",
    () => read(scenarios.earlyCapture(), SMALL_BUDGET_BYTES),
    {
      capture_refused_total: (totals, metric) => expect(totals.count(metric, { limit: "stream_memory" })).toBeGreaterThan(0),
    },
  ],
];

SCENARIOS.push(...sqlScenarios({ read, count, histogram, distinct, top, all }));

/** Few clients are exact both ways, so a set of them is as large as their count. */
for (const [, , expectations] of SCENARIOS) {
  const counts = Object.entries(expectations).filter(([name]) => name.endsWith("_clients") && !name.includes("_top_"));
  for (const [name, expectation] of counts) {
    expectations[`${name}_theta`] = (totals) => expectation(totals, `${name}_theta`);
  }
}

describe.each(SCENARIOS)("%s", (_name, make, expectations) => {
  const totals = make();
  test.each(Object.entries(expectations))("%s", (metric, expectation) => expectation(totals, metric));
});

test("no metric is left out", () => {
  const declared = new Core(coreModule()).schema.metrics.map(({ name }) => name);
  const shown = SCENARIOS.flatMap(([, , expectations]) => Object.keys(expectations));
  expect(declared.filter((name) => !shown.includes(name))).toEqual([]);
});
