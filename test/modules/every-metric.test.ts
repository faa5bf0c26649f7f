/** Every metric of the schema, non-zero and exact, in a capture whose figures were worked out by hand. */
import { describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import type { BreakdownItem } from "../../engine/rows";
import { coreModule } from "../support/round-trips";
import { type Totals, totalsOf } from "../support/summaries";
import { amqpCapture, waitingAmqpCapture } from "./amqp-scenario";
import { kafkaCapture, waitingKafkaCapture } from "./kafka-scenario";
import { mongoCapture, waitingMongoCapture } from "./mongodb-scenario";
import * as redis from "./redis-scenarios";
import * as http2Scenarios from "./http2-scenarios";
import * as scenarios from "./scenarios";
import { sqlScenarios } from "./sql-scenarios";
import { HANDSHAKES, HELLOS, oneHandshake, tlsCapture, waitingHandshakes } from "./tls-scenario";

const SMALL_BUDGET_BYTES = 8 << 20;
/** Bytes of a flow record, of which five twenty-fourths of the budget are full. */
const FLOW_BYTES = 352;
const read = (file: Uint8Array, budgetBytes?: number) =>
  totalsOf(file, { hostNetworks: [scenarios.OURS], ...(budgetBytes === undefined ? {} : { budgetBytes }) });

type Expectation = (totals: Totals, metric: string) => void;
type Labels = Record<string, string>;

/** The sum of the metric's rows with these labels. */
const count = (value: number, labels: Labels = {}): Expectation => {
  return (totals, metric) => expect(totals.count(metric, labels)).toBe(value);
};
/** Count and sum of the one histogram with these labels. */
const histogram = (values: number, sum: number, labels: Labels = {}): Expectation => {
  return (totals, metric) => {
    const row = totals.one(metric, labels);
    expect([row.count, row.sum]).toEqual([values, expect.closeTo(sum, 6)]);
  };
};
/** The estimate of the one distinct with these labels, exact where there are few. */
const distinct = (value: number, labels: Labels = {}): Expectation => {
  return (totals, metric) => expect(totals.one(metric, labels).estimate).toBe(value);
};
/** All items of the one top with these labels. */
const top = (items: Record<string, number>, labels: Labels = {}): Expectation => {
  return (totals, metric) => {
    const found = [...totals.top(metric, labels)].map(([key, { lower, upper }]) => [key, lower, upper]);
    expect(found.sort()).toEqual(
      Object.entries(items)
        .map(([key, value]) => [key, value, value])
        .sort(),
    );
  };
};
const all = (...expectations: Expectation[]): Expectation => {
  return (totals, metric) => {
    for (const one of expectations) one(totals, metric);
  };
};

const OUT = { direction: "out" };
const IN = { direction: "in" };
const names = ["good.example.test", "nxdomain.test", "refused.test", "servfail.test", "empty.test", "slow.test"];
const once = (keys: string[]) => Object.fromEntries(keys.map((key) => [key, 1]));

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
  capture_pending_requests: (totals, metric) => expect(totals.one(metric).max).toBe(2),
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
  http_duration_seconds: (totals, metric) => {
    const row = totals.one(metric, OUT);
    expect([row.count, row.max]).toEqual([6, 0.901]);
  },
  http_server_seconds: (totals, metric) => expect(totals.one(metric, OUT).count).toBe(6),
  http_response_bytes: (totals, metric) => {
    const row = totals.one(metric, OUT);
    expect([row.count, row.max]).toEqual([7, "HTTP/1.1 200 Any\r\nContent-Length: 5\r\n\r\nhello".length]);
  },
  http_routes: (totals, metric) => {
    const items = (totals.one(metric, OUT).items ?? []) as BreakdownItem[];
    const found = items.map(({ key, requests, errors }) => [key.method, key.path, key.status_class, requests, errors].join(" "));
    expect(found.sort()).toEqual(
      [
        "GET /users/{id} 2xx 1 0",
        "POST /none 4xx 1 1",
        "GET /broken 5xx 1 1",
        "GET /after 2xx 1 0",
        "GET /length 2xx 1 0",
        "GET /slow 2xx 1 0",
      ].sort(),
    );
  },
};

/** Rows of the breakdown, a line each. */
const breakdown = (lines: string[]): Expectation => {
  return (totals, metric) => {
    const items = (totals.one(metric, OUT).items ?? []) as BreakdownItem[];
    const found = items.map(({ key, requests, errors }) => [...Object.values(key).slice(1), requests, errors].join(" "));
    expect(found.sort()).toEqual(lines.sort());
  };
};
const openAtMost = (value: number): Expectation => {
  return (totals, metric) => expect(totals.one(metric).max).toBe(value);
};
const counted = (value: number, max?: number): Expectation => {
  return (totals, metric) => {
    const row = totals.one(metric, OUT);
    expect(row.count).toBe(value);
    if (max !== undefined) expect(row.max).toBe(max);
  };
};
const HTTP2: Record<string, Expectation> = {
  http2_requests_total: all(count(3, { status: "ok" }), count(2, { status: "error" }), count(5, OUT)),
  http2_responses_total: all(
    count(4, { status_class: "2xx" }),
    count(1, { status_class: "4xx" }),
    count(1, { status_class: "5xx" }),
  ),
  http2_orphan_responses_total: count(1),
  http2_malformed_total: count(1),
  http2_duration_seconds: counted(5, 0.901),
  http2_server_seconds: counted(5),
  http2_request_bytes: histogram(5, 32 + 28 + 29 + 28 + 10, OUT),
  http2_response_bytes: counted(5, 25),
  http2_clients: distinct(1, OUT),
  http2_servers: distinct(1, OUT),
  http2_top_paths: top(once(["/users/{id}", "/none", "/waits", "/slow"])),
  http2_top_slow: top(once(["/slow"])),
  http2_top_failing: top(once(["/none", "/waits"])),
  http2_routes: breakdown([
    "GET /users/{id} 2xx 1 0",
    "GET /none 4xx 1 1",
    "GET /waits 5xx 1 1",
    "  2xx 1 0",
    "GET /slow 2xx 1 0",
  ]),
  http2_open_requests: openAtMost(1),
};
const GRPC: Record<string, Expectation> = {
  grpc_requests_total: all(count(2, { status: "ok" }), count(2, { status: "error" }), count(4, OUT)),
  grpc_responses_total: all(
    count(3, { grpc_status: "ok" }),
    count(1, { grpc_status: "not_found" }),
    count(1, { grpc_status: "internal" }),
  ),
  grpc_messages_total: all(count(3, { message: "request" }), count(3, { message: "response" })),
  grpc_orphan_responses_total: count(1),
  grpc_malformed_total: count(1),
  grpc_duration_seconds: counted(4, 0.901),
  grpc_server_seconds: counted(4),
  grpc_request_bytes: counted(4),
  grpc_response_bytes: counted(4),
  grpc_clients: distinct(1, OUT),
  grpc_servers: distinct(1, OUT),
  grpc_top_methods: top(once(["e/Good", "e/Bad", "e/Odd", "e/Slow"])),
  grpc_top_slow: top(once(["e/Slow"])),
  grpc_top_failing: top(once(["e/Bad", "e/Odd"])),
  grpc_calls: breakdown(["e/Good OK 1 0", "e/Bad NOT_FOUND 1 1", "e/Odd INTERNAL 1 1", "e/Slow OK 1 0"]),
  grpc_open_requests: openAtMost(1),
};

const TLS_NAMES = ["one.test", "two.test", "bad.test", "odd.test", "slow.test"];
const TLS: Record<string, Expectation> = {
  tls_requests_total: all(
    count(3, { status: "ok" }),
    count(1, { status: "error" }),
    count(1, { status: "closed" }),
    count(5, OUT),
  ),
  tls_orphan_responses_total: count(1, OUT),
  tls_malformed_total: count(1),
  tls_duration_seconds: (totals, metric) => {
    const row = totals.one(metric, OUT);
    expect([row.count, row.max]).toEqual([4, 0.901]);
  },
  // The handshake of TCP took 1 ms of each wait of 1 ms.
  tls_server_seconds: (totals, metric) => expect(totals.one(metric, OUT).count).toBe(4),
  tls_request_bytes: histogram(
    5,
    HELLOS.reduce((sum, { length }) => sum + length, 0),
    OUT,
  ),
  tls_response_bytes: (totals, metric) => expect(totals.one(metric, OUT).count).toBe(4),
  tls_clients: distinct(1, OUT),
  tls_servers: distinct(1, OUT),
  tls_top_server_names: top(once(TLS_NAMES), OUT),
  tls_top_slow: top(once(["slow.test"]), OUT),
  tls_top_failing: top(once(["bad.test", "odd.test"]), OUT),
  tls_top_ja4: (totals, metric) => {
    const found = [...totals.top(metric, OUT)].map(([key, { lower }]) => [key.slice(0, 10), lower]);
    expect(found.sort()).toEqual([
      ["t12d0202h1", 1],
      ["t13d0206h2", 4],
    ]);
  },
  tls_versions_total: all(count(2, { ...OUT, tls_version: "tls1.3" }), count(2, { tls_version: "tls1.2" }), count(4)),
  tls_handshakes: (totals, metric) => {
    const items = (totals.one(metric, OUT).items ?? []) as BreakdownItem[];
    const found = items.map(({ key, requests, errors }) => [key.version, key.cipher, key.status, requests, errors].join(" "));
    expect(found.sort()).toEqual(
      [
        "TLS 1.3 TLS_AES_128_GCM_SHA256 ok 2 0",
        "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ok 1 0",
        "  error 1 1",
        "  closed 1 1",
      ].sort(),
    );
  },
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

/** Items of a breakdown as its columns, requests and errors. */
const breakdown = (columns: string[], wanted: string[]): Expectation => {
  return (totals, metric) => {
    const items = (totals.one(metric, OUT).items ?? []) as BreakdownItem[];
    const found = items.map(({ key, requests, errors }) => [...columns.map((name) => key[name]), requests, errors].join(" "));
    expect(found.sort()).toEqual([...wanted].sort());
  };
};

/** Requests of 147 bytes (orders) and 148 (billing), responses of 50 and 51, a heartbeat of 26. */
const KAFKA: Record<string, Expectation> = {
  kafka_requests_total: all(
    count(2, { status: "ok" }),
    count(1, { status: "error" }),
    count(1, { status: "unobserved" }),
    count(4, OUT),
  ),
  kafka_orphan_responses_total: count(1, OUT),
  kafka_malformed_total: count(1),
  kafka_duration_seconds: (totals, metric) => {
    const row = totals.one(metric, OUT);
    expect([row.count, row.max]).toEqual([3, 0.901]);
  },
  kafka_server_seconds: (totals, metric) => expect(totals.one(metric, OUT).count).toBe(3),
  kafka_request_bytes: histogram(4, 147 + 148 + 26 + 147, OUT),
  kafka_response_bytes: histogram(3, 50 + 51 + 50, OUT),
  kafka_open_requests: (totals, metric) => expect(totals.one(metric).max).toBe(1),
  kafka_clients: distinct(1, OUT),
  kafka_servers: distinct(1, OUT),
  kafka_top_topics: top({ orders: 2, billing: 1 }),
  kafka_top_slow: top({ orders: 1 }),
  kafka_top_failing: top({ billing: 1 }),
  kafka_calls: breakdown(
    ["api", "topic", "status"],
    ["Produce orders ok 2 0", "Produce billing error 1 1", "Heartbeat  unobserved 1 0"],
  ),
  kafka_top_errors: top({ REQUEST_TIMED_OUT: 1 }),
  kafka_records_total: count(12, { ...OUT, message: "request" }),
  kafka_record_bytes_total: count(300, { ...OUT, message: "request" }),
};

const bytesOf = (texts: string[]) => texts.reduce((sum, text) => sum + text.length, 0);
const redisAsked = [...redis.EXCHANGES.map(([asked]) => asked), redis.SLOW[0], "*1\r\n$4\r\nPING\r\n"];
const redisAnswers = [...redis.EXCHANGES.map(([, answer]) => answer), redis.SLOW[1]];

/** Five exchanges, of which one is an error, an orphan, and a PING whose reply is none. */
const REDIS: Record<string, Expectation> = {
  redis_requests_total: all(
    count(4, { ...OUT, status: "ok" }),
    count(1, { status: "error" }),
    count(1, { status: "unobserved" }),
    count(6),
  ),
  redis_orphan_responses_total: count(1, OUT),
  redis_malformed_total: count(1),
  redis_duration_seconds: histogram(5, 4 * 0.005 + 0.905, OUT),
  redis_request_bytes: histogram(6, bytesOf(redisAsked), OUT),
  redis_response_bytes: histogram(5, bytesOf(redisAnswers), OUT),
  // The way to the server, 5 ms by the handshake, is all of the wait but for the slow one.
  redis_server_seconds: histogram(5, 0.9, OUT),
  redis_clients: distinct(1, OUT),
  redis_servers: distinct(1, OUT),
  redis_top_commands: top({ SET: 1, GET: 2, INCR: 1, PING: 1, KEYS: 1 }),
  redis_top_slow: top({ KEYS: 1 }),
  redis_top_failing: top({ INCR: 1 }),
  redis_top_key_prefixes: top({ "user:*": 3, plain: 1 }),
  redis_top_error_codes: top({ WRONGTYPE: 1 }),
  redis_calls: (totals, metric) => {
    const items = (totals.one(metric, OUT).items ?? []) as BreakdownItem[];
    const found = items.map(({ key, requests, errors }) => [key.command, key.outcome, requests, errors].join(" "));
    expect(found.sort()).toEqual(["SET ok 1 0", "GET ok 2 0", "INCR WRONGTYPE 1 1", "KEYS ok 1 0", "PING unobserved 1 0"].sort());
  },
};

/** Requests of 78 bytes and one byte more, a ping of 53, responses of 45 and 75. */
const MONGO: Record<string, Expectation> = {
  mongodb_requests_total: all(
    count(2, { status: "ok" }),
    count(1, { status: "error" }),
    count(1, { status: "unobserved" }),
    count(4, OUT),
  ),
  mongodb_orphan_responses_total: count(1, OUT),
  mongodb_malformed_total: count(1),
  mongodb_duration_seconds: (totals, metric) => {
    const row = totals.one(metric, OUT);
    expect([row.count, row.max]).toEqual([3, 0.901]);
  },
  mongodb_server_seconds: (totals, metric) => expect(totals.one(metric, OUT).count).toBe(3),
  mongodb_request_bytes: histogram(4, 2 * 78 + 79 + 53, OUT),
  mongodb_response_bytes: histogram(3, 2 * 45 + 75, OUT),
  mongodb_open_requests: (totals, metric) => expect(totals.one(metric).max).toBe(1),
  mongodb_clients: distinct(1, OUT),
  mongodb_servers: distinct(1, OUT),
  mongodb_top_collections: top({ "lab.c": 2, "lab.dd": 1 }),
  mongodb_top_slow: top({ "lab.c": 1 }),
  mongodb_top_failing: top({ "lab.dd": 1 }),
  mongodb_calls: breakdown(
    ["database", "command", "status"],
    ["lab insert ok 2 0", "lab insert error 1 1", "lab ping unobserved 1 0"],
  ),
  mongodb_top_errors: top({ Unauthorized: 1 }),
  mongodb_documents_total: count(6, { ...OUT, message: "request" }),
};

const AMQP: Record<string, Expectation> = {
  amqp_requests_total: all(
    count(5, { status: "ok" }),
    count(1, { status: "error" }),
    count(1, { status: "unobserved" }),
    count(7, OUT),
  ),
  amqp_orphan_responses_total: count(1, OUT),
  amqp_malformed_total: count(1),
  amqp_duration_seconds: (totals, metric) => {
    const row = totals.one(metric, OUT);
    expect([row.count, row.max]).toEqual([5, 0.901]);
  },
  amqp_server_seconds: (totals, metric) => expect(totals.one(metric, OUT).count).toBe(5),
  amqp_request_bytes: histogram(7, 13 + 26 + 160 + 110 + 98 + 24 + 24, OUT),
  amqp_response_bytes: histogram(6, 12 + 14 + 21 + 21 + 21 + 25, OUT),
  amqp_open_requests: (totals, metric) => expect(totals.one(metric).max).toBe(1),
  amqp_clients: distinct(1, OUT),
  amqp_servers: distinct(1, OUT),
  amqp_top_destinations: top({ jobs: 4, "x/a": 1, "x/b": 1 }),
  amqp_top_slow: top({ jobs: 1 }),
  amqp_top_failing: top({ "x/b": 1 }),
  amqp_calls: breakdown(
    ["call", "destination", "status"],
    [
      "confirm.select  ok 1 0",
      "basic.consume jobs ok 1 0",
      "basic.publish x ok 1 0",
      "basic.publish x error 1 1",
      "basic.deliver jobs ok 1 0",
      "queue.declare jobs unobserved 1 0",
      "queue.declare jobs ok 1 0",
    ],
  ),
  amqp_client_seconds: histogram(1, 0.01, OUT),
  amqp_messages_total: all(count(2, { ...OUT, message: "request" }), count(1, { ...OUT, message: "response" })),
  amqp_message_bytes_total: all(count(150, { ...OUT, message: "request" }), count(30, { ...OUT, message: "response" })),
};

/** Over TCP the handshake tells the way, so the server's time is known. */
const SCENARIOS: [name: string, totals: () => Totals, expectations: Record<string, Expectation>][] = [
  ["DNS", () => read(scenarios.dnsCapture()), DNS],
  ["HTTP", () => read(scenarios.httpCapture()), HTTP],
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

describe.each(SCENARIOS)("%s", (_name, make, expectations) => {
  const totals = make();
  test.each(Object.entries(expectations))("%s", (metric, expectation) => expectation(totals, metric));
});

test("no metric is left out", () => {
  const declared = new Core(coreModule()).schema.metrics.map(({ name }) => name);
  const shown = SCENARIOS.flatMap(([, , expectations]) => Object.keys(expectations));
  expect(declared.filter((name) => !shown.includes(name))).toEqual([]);
});
