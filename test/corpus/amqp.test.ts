/** AMQP in every capture of the collection that has it, as tshark counts its methods, and the client's own record. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { corpusBytes, corpusIndex, corpusRows, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectEqualBut } from "../support/exceptions";
import { readRoundTrips } from "../support/round-trips";

interface TruthRow {
  file: string;
  tshark_rc: number;
  by: Record<string, Record<string, number>>;
}

/** Captures in which tshark counts otherwise, and why. */
const EXCEPTIONS: Exception[] = [];

const NUMBERS: Record<string, number> = { connection: 10, channel: 20, exchange: 40, queue: 50, basic: 60, confirm: 85, tx: 90 };

const amqpOf = (file: string): RoundTrip[] =>
  readRoundTrips(corpusBytes(file), { keepDuplicates: true }).filter(({ protocol }) => protocol === "amqp");

/** Requests by class and method, and responses where each answers one request alone. */
function calls(trips: RoundTrip[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { request, response } of trips) {
    for (const one of [request, response]) {
      if (!one || one.multiple !== undefined || one.method === "reject") continue;
      if (one === response && one.method === "close") continue;
      const key = `${NUMBERS[String(one.class)]}.${one.method}`;
      sum[key] = (sum[key] ?? 0) + 1;
    }
  }
  return sum;
}

const METHODS: Record<string, string> = {
  "10.10": "start",
  "10.11": "start-ok",
  "10.30": "tune",
  "10.31": "tune-ok",
  "10.40": "open",
  "10.41": "open-ok",
  "10.50": "close",
  "10.51": "close-ok",
  "20.10": "open",
  "20.11": "open-ok",
  "20.40": "close",
  "20.41": "close-ok",
  "40.10": "declare",
  "40.11": "declare-ok",
  "50.10": "declare",
  "50.11": "declare-ok",
  "50.20": "bind",
  "50.21": "bind-ok",
  "50.30": "purge",
  "50.31": "purge-ok",
  "50.40": "delete",
  "50.41": "delete-ok",
  "60.10": "qos",
  "60.11": "qos-ok",
  "60.20": "consume",
  "60.21": "consume-ok",
  "60.40": "publish",
  "60.50": "return",
  "60.60": "deliver",
  "60.70": "get",
  "60.71": "get-ok",
  "60.72": "get-empty",
  "85.10": "select",
  "85.11": "select-ok",
};

/** What tshark counts, but for acks, of which one may settle many. */
function wanted(by: Record<string, number>): Record<string, number> {
  const rows = Object.entries(by).filter(([key]) => !["60.80", "60.90", "60.120"].includes(key));
  return Object.fromEntries(rows.map(([key, value]) => [`${key.split(".")[0]}.${METHODS[key]}`, value]));
}

const sorted = (counts: Record<string, number>) => Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));

describe.runIf(HAS_CORPUS)("methods", () => {
  const truths = HAS_CORPUS ? corpusRows<TruthRow>("truth.ndjson") : [];
  const files = HAS_CORPUS ? corpusIndex().filter(({ tags }) => tags.includes("amqp")) : [];
  const rows = truths.filter(({ file, tshark_rc }) => tshark_rc === 0 && files.some((one) => one.file === file));

  test("there are some", () => expect(rows.length).toBeGreaterThanOrEqual(7));

  test.each(rows.map(({ file, by }) => ({ file, by })))("of $file equal tshark's", ({ file, by }) => {
    expectEqualBut(EXCEPTIONS, file, sorted(calls(amqpOf(file))), sorted(wanted(by["amqp.class.method"] ?? {})));
  });

  test("but for no exception", () => expect(EXCEPTIONS).toEqual([]));

  test("are found nowhere else", { timeout: 300_000 }, () => {
    const others = corpusIndex().filter(({ core, tags }) => core && !tags.includes("amqp"));
    const taken = others.filter(({ file }) => readRoundTrips(corpusBytes(file)).some(({ protocol }) => protocol === "amqp"));
    expect(taken.map(({ file }) => file)).toEqual([]);
  });
});

describe.runIf(HAS_CORPUS)("generated/amqp_node.pcap says what its client says", () => {
  const trips = HAS_CORPUS ? amqpOf("generated/amqp_node.pcap") : [];
  const of = (method: string) => trips.filter(({ request }) => request?.method === method);

  test("deliveries, their acks and bytes", () => {
    const deliveries = of("deliver");
    expect(deliveries.length).toBe(100);
    expect(deliveries.reduce((sum, { request }) => sum + Number(request!.bodyBytes), 0)).toBe(314_800);
    expect(deliveries.filter(({ response, status }) => response?.method === "ack" && status === "ok").length).toBe(90);
    expect(deliveries.filter(({ response, status }) => response?.method === "nack" && status === "error").length).toBe(10);
  });

  test("publishes, with and without confirms", () => {
    expect(of("publish").length).toBe(125);
    expect(of("publish").filter(({ status }) => status !== "ok")).toEqual([]);
  });

  test("gets, and the channel's error", () => {
    expect(of("get").filter(({ response }) => response?.method === "get-ok").length).toBe(5);
    expect(of("get").filter(({ response }) => response?.method === "get-empty").length).toBe(2);
    const failed = trips.filter(({ request, status }) => request?.method !== "deliver" && status !== "ok");
    expect(failed.map(({ request, response, status }) => [request!.method, response?.replyCode, status])).toEqual([
      ["declare", 404, "error"],
    ]);
    expect(trips.filter(({ request }) => !request)).toEqual([]);
  });
});
