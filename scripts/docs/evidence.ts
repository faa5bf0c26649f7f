/** What shows that a protocol is read as it is spoken; test/structure/evidence.test.ts holds each line against what is there. */

/** Grades from the strongest on: who spoke, and who says what was said. */
export const GRADES = {
  "real server":
    "a server and a client that others wrote, started by the test or captured once; the client's own count is the truth",
  mock: "a client that others wrote, and a server made for the test; the client's own count is the truth",
  "captured by others": "captures of other projects; what tshark or their own tests say is the truth",
  vectors: "bytes made in the tests, from the protocol's public description",
} as const;

export type Grade = keyof typeof GRADES;

/** One line of evidence. */
export interface Evidence {
  grade: Grade;
  /** Who speaks. */
  what: string;
  /** The test that holds it. */
  test: string;
  /** Programs or packages that the test drives. */
  drives?: string[];
  /** Captures of the project's own that the test reads. */
  captures?: string[];
  /** How many captures of others the test compares. */
  others?: number;
}

const driven = (what: string, test: string, ...drives: string[]): Evidence => drivenAs("real server", what, test, ...drives);
const drivenAs = (grade: Grade, what: string, test: string, ...drives: string[]): Evidence => ({
  grade,
  what,
  test: `test/servers/${test}.test.ts`,
  drives,
});
const captured = (grade: Grade, what: string, test: string, ...captures: string[]): Evidence => ({
  grade,
  what,
  test: `test/${test}.test.ts`,
  captures,
});
const others = (count: number, what: string, test: string): Evidence => ({
  grade: "captured by others",
  what,
  test: `test/corpus/${test}.test.ts`,
  others: count,
});
const vectors = (what: string, ...tests: string[]): Evidence[] =>
  tests.map((test) => ({ grade: "vectors", what, test: `test/${test}.test.ts` }));

const FAULTS = "faults/faults";

/** All evidence by protocol. */
export const EVIDENCE: Record<string, Evidence[]> = {
  dns: [
    captured("real server", "knotd and unbound, asked by kdig and dnsperf", "shim/read", "dns_kdig_udp", "dns_unbound_recursive"),
    others(219, "queries, responses, codes and names", "messages"),
    ...vectors("messages and their laws", "laws/dns"),
  ],
  http: [
    captured(
      "real server",
      "nginx and a server of node, asked by curl, ab and raw sockets",
      "protocols/http-fixtures",
      "http1_curl",
    ),
    driven("nginx and a server of node behind it, asked by node's own clients", "nginx", "nginx", "node:http"),
    driven("nginx, sent what is no request", "garbage", "nginx"),
    driven("a proxy and a server of node, asked by its own client", "proxy", "node:http"),
    others(666, "methods and status codes", "messages"),
    ...vectors("messages, gaps and laws", "protocols/http", "protocols/http-gaps", "laws/http", FAULTS),
  ],
  redis: [
    driven("redis, asked by redis-benchmark and raw sockets", "redis", "redis-server", "redis-benchmark"),
    driven("redis, asked by ioredis", "ioredis", "redis-server", "ioredis"),
    driven("redis, sent what is no command", "garbage", "redis-server"),
    captured(
      "real server",
      "redis, asked by ioredis and redis-benchmark",
      "corpus/redis",
      "redis_ioredis_resp2",
      "redis_benchmark_P16",
    ),
    others(22, "commands, replies and errors", "redis"),
    ...vectors(
      "commands and replies of both versions, and their laws",
      "protocols/redis",
      "protocols/redis-content",
      "laws/redis",
      FAULTS,
    ),
  ],
  mysql: [
    driven("MariaDB, asked by its own client", "sql", "mariadbd", "mariadb"),
    driven("MariaDB, asked by mysql2", "mysql2", "mariadbd", "mysql2/promise"),
    driven(
      "MariaDB and sysbench, which sends types once; values are those in the server's log",
      "mysql-types",
      "mariadbd",
      "sysbench",
    ),
    driven("MariaDB and mysql2, whose rows and values are what is shown", "mysql2-content", "mariadbd", "mysql2/promise"),
    driven("MariaDB, asked in charsets with backslashes", "charsets", "mariadbd", "mariadb"),
    driven("MariaDB, sent what is no login", "garbage", "mariadbd"),
    captured("real server", "MariaDB, asked by mysql2 and its own client", "protocols/sql-fixtures", "mysql_node", "mysql_cli"),
    others(40, "commands and errors", "sql"),
    ...vectors(
      "packets and their laws",
      "protocols/mysql",
      "protocols/mysql-statements",
      "protocols/mysql-content",
      "laws/mysql",
      FAULTS,
    ),
  ],
  postgresql: [
    driven("PostgreSQL, asked by psql", "sql", "postgresql", "psql"),
    driven("PostgreSQL, asked in charsets with backslashes", "charsets", "postgresql", "psql"),
    driven("PostgreSQL, asked by node-postgres", "pg", "postgres", "pg"),
    driven("PostgreSQL, sent what is no message", "garbage", "postgresql"),
    captured("real server", "PostgreSQL, asked by pgbench", "protocols/sql-fixtures", "pg_pgbench_simple", "pg_pgbench_extended"),
    others(34, "messages and errors", "sql"),
    ...vectors("messages and their laws", "protocols/postgresql", "protocols/postgresql-content", "laws/postgresql", FAULTS),
  ],
  kafka: [
    drivenAs("mock", "kafkajs, answered by a broker of our own", "kafkajs", "kafkajs"),
    drivenAs("mock", "kafkajs under TLS and such a broker, whose records are what is shown", "kafka-content", "kafkajs"),
    captured("mock", "kafkajs, answered by librdkafka's mock broker", "protocols/kafka-fixtures", "kafka_kafkajs"),
    others(9, "requests and responses by API key", "kafka"),
    ...vectors(
      "messages of every version, encoded apart",
      "protocols/kafka-versions",
      "protocols/kafka",
      "protocols/kafka-content",
      "laws/kafka",
      FAULTS,
    ),
  ],
  mongodb: [
    drivenAs("mock", "the driver for node, answered by a server of our own", "mongodb", "mongodb"),
    captured("mock", "the driver for node, answered by a server of our own", "protocols/mongodb-fixtures", "mongo_node"),
    others(10, "messages by opcode", "mongodb"),
    ...vectors("messages and their laws", "protocols/mongodb", "protocols/mongodb-content", "laws/mongodb", FAULTS),
  ],
  amqp: [
    driven("RabbitMQ, asked by amqplib", "amqp", "rabbitmq-server", "amqplib"),
    captured("real server", "RabbitMQ, asked by amqplib", "corpus/amqp", "amqp_node"),
    others(6, "methods", "amqp"),
    ...vectors("frames and their laws", "protocols/amqp", "protocols/amqp-content", "laws/amqp", FAULTS, "faults/confirms"),
  ],
  http2: [
    driven("nghttpd, asked by node's own client", "http2", "nghttpd", "node:http2"),
    captured("real server", "nghttpd, asked by nghttp", "protocols/http2-fixtures", "h2c_upgrade_refused"),
    driven("a server and a client of node, whose header fields and bodies are what is shown", "http2-content", "node:http2"),
    others(8, "status codes of streams", "http2"),
    ...vectors(
      "frames, header blocks and their laws",
      "protocols/http2",
      "protocols/http2-gaps",
      "protocols/http2-trailers",
      "protocols/http2-content",
      "laws/http2",
      FAULTS,
    ),
  ],
  grpc: [
    driven("a server and a client of grpc-js", "grpc", "@grpc/grpc-js"),
    captured("real server", "a server and a client of grpc-js", "protocols/http2-fixtures", "grpc_node"),
    others(4, "calls with their paths and codes", "second-opinion"),
    ...vectors("calls and their laws", "protocols/grpc", "laws/grpc", FAULTS),
  ],
  tls: [
    driven("a server and clients of node", "tls", "node:tls", "openssl"),
    driven("nginx, and what curl, Python and node say of what was inside", "tls-keys", "nginx", "curl", "python3"),
    driven(
      "PostgreSQL, MariaDB and Redis under TLS, as their clients count",
      "tls-databases",
      "postgres",
      "mariadbd",
      "redis-server",
    ),
    driven("gRPC, AMQP, MongoDB and Kafka under TLS, as without it behind the end of TLS", "tls-fronts", "rabbitmq-server"),
    driven("OpenSSL and node in rarer forms: new keys, early data, sessions taken up, renewals", "tls-forms", "nginx", "openssl"),
    driven("OpenSSL and nginx, with KeyUpdates of both cut out of the capture", "tls-updates", "nginx", "openssl"),
    captured("real server", "nginx and knotd, asked by curl and kdig", "protocols/tls-fixtures", "h2_tls", "dns_dot"),
    others(138, "server names and JA3 of client hellos", "tls"),
    ...vectors("hellos of every version, and their laws", "protocols/tls", "laws/tls"),
  ],
  websocket: [
    drivenAs("mock", "undici's client, answered by a server of our own", "websocket", "undici"),
    others(13, "frames and bytes by opcode, and close codes", "websocket"),
    ...vectors("frames and their laws", "protocols/websocket", "laws/websocket"),
  ],
};
