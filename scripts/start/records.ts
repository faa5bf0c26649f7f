/**
 * What the clients of the bundled captures noted about themselves as they were captured: how many requests they made, by
 * protocol. It shares nothing with anything that reads packets.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Counts by name, as a client notes them. */
type Counts = Record<string, number>;

/** The note beside a capture. */
interface ClientRecord {
  sent: Counts;
  /** What the client's library did on its own account. */
  implicit?: Counts & { sent?: Counts };
}

/** One capture's requests of one protocol. */
interface Source {
  capture: string;
  protocol: string;
  requests: (record: ClientRecord) => number;
}

const sumOf = (counts: Counts = {}) => Object.values(counts).reduce((sum, times) => sum + times, 0);
const of = (counts: Counts | undefined, ...names: string[]) => names.reduce((sum, name) => sum + (counts?.[name] ?? 0), 0);

const everything = ({ sent, implicit }: ClientRecord) => sumOf(sent) + sumOf(implicit?.sent);
/** Each connection also begins and ends. */
const statements = ({ sent, implicit }: ClientRecord) =>
  of(sent, "statements") + of(implicit, "simple queries") + 2 * (of(sent, "connections_client") + of(implicit, "connections"));
const calls = ({ sent }: ClientRecord) => of(sent, ...Object.keys(sent).filter((name) => name.startsWith("/")));

const SOURCES: readonly Source[] = [
  { capture: "redis_ioredis_resp2", protocol: "redis", requests: everything },
  { capture: "mysql_cli", protocol: "mysql", requests: everything },
  { capture: "mysql_node", protocol: "mysql", requests: everything },
  { capture: "pg_pgbench_simple", protocol: "postgresql", requests: statements },
  { capture: "pg_pgbench_extended", protocol: "postgresql", requests: statements },
  { capture: "kafka_kafkajs", protocol: "kafka", requests: everything },
  {
    capture: "mongo_node",
    protocol: "mongodb",
    requests: ({ sent, implicit }) => sumOf(sent) + of(implicit, "OP_QUERY hello (per connection)"),
  },
  { capture: "grpc_node", protocol: "grpc", requests: calls },
  { capture: "h2c_upgrade_refused", protocol: "http2", requests: ({ sent }) => of(sent, "h2c GET", "h2c POST") },
  { capture: "h2_tls", protocol: "tls", requests: ({ sent }) => of(sent, "client_hello") },
  { capture: "dns_dot", protocol: "tls", requests: ({ sent }) => of(sent, "connections") },
];

/** Requests of each protocol that the clients of all captures in `folder` made, by the clients' own notes. */
export function clientRequests(folder: string): Map<string, number> {
  const requests = new Map<string, number>();
  for (const { capture, protocol, requests: count } of SOURCES) {
    const record = JSON.parse(readFileSync(join(folder, `${capture}.truth.json`), "utf8")) as ClientRecord;
    requests.set(protocol, (requests.get(protocol) ?? 0) + count(record));
  }
  return requests;
}
