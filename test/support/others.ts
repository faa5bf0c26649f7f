/** How many captures of others each test of the collection compares, counted as it chooses them. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CORPUS, corpusBytes, corpusIndex, corpusRows } from "./corpus";
import { HTTP2_CAPTURES } from "./http2-captures";
import { expectedFigures, messagesRows } from "./messages";
import { readRoundTrips } from "./round-trips";
import { DEEPFLOW } from "./second-opinion";
import { tlsRows } from "./tls-messages";

const isOthers = (file: string) => file.startsWith("upstream/");

/** Those with a tag, of which tshark read all where `sound`. */
function tagged(tag: string, sound: boolean): number {
  const read = new Set(
    corpusRows<{ file: string; tshark_rc: number }>("truth.ndjson").flatMap(({ file, tshark_rc: code }) =>
      code === 0 || !sound ? [file] : [],
    ),
  );
  return corpusIndex().filter(({ file, tags }) => tags.includes(tag) && isOthers(file) && read.has(file)).length;
}

/** Those of messages.ndjson in which tshark found messages of a protocol. */
function withMessages(protocol: "dns" | "http"): number {
  return messagesRows().filter((row) => {
    const { dns, http } = expectedFigures(row);
    const isThere =
      protocol === "dns" ? dns.queries + dns.responses > 0 : Object.keys({ ...http.methods, ...http.codes }).length > 0;
    return isOthers(row.file) && isThere;
  }).length;
}

function calls(): number {
  const folder = join(CORPUS, "expected", DEEPFLOW, "http");
  if (!existsSync(folder)) return 0;
  return readdirSync(folder).filter((name) =>
    readRoundTrips(corpusBytes(`upstream/${DEEPFLOW}/http/${name.replace(".result", ".pcap")}`)).some(
      ({ protocol }) => protocol === "grpc",
    ),
  ).length;
}

/** The count of a protocol's captures. */
export const OTHERS: Record<string, () => number> = {
  dns: () => withMessages("dns"),
  http: () => withMessages("http"),
  redis: () => tagged("redis", false),
  mysql: () => tagged("mysql", true),
  postgresql: () => tagged("postgresql", true),
  kafka: () => tagged("kafka", true),
  mongodb: () => tagged("mongodb", true),
  amqp: () => tagged("amqp", true),
  http2: () => HTTP2_CAPTURES.length,
  grpc: calls,
  websocket: () => tagged("websocket", false),
  tls: () => tlsRows().filter(({ file }) => isOthers(file)).length,
};
