/** Messages of deepflow's captures as its own tests expect them: it and round trips agree, or the reason stands here. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CORPUS, corpusBytes, HAS_CORPUS } from "../support/corpus";
import { readRoundTrips } from "../support/round-trips";
import { DEEPFLOW, fieldsOf, OPINIONS } from "../support/second-opinion";

/** Where the two differ, `+` what only round trips say and `-` what only deepflow says, and why. Each was looked up with tshark. */
const DIFFERENCES: Record<string, { lines: string[]; reason: string }> = {
  "amqp/amqp-error": {
    lines: ["-1 channel.close"],
    reason: "the close of packet 51 answers and is answered, and stands there twice; tshark has it once",
  },
  "kafka/mixed-with-unsupported": {
    lines: ["+1 answered 15551977 0", "+1 answered 15551978 0", "-1 answered 15551977 -2", "-1 answered 15551978 -2"],
    reason: "-2 is its own, for a response that it does not read; tshark reads code 0 in the first (packet 4)",
  },
  "mysql/mysql-statement": {
    lines: ["+2 answered ok"],
    reason: "the last responses of packets 89 to 96 are of four connections, which it reads as one; tshark shows eight in all",
  },
  "postgre/pgsql-all": {
    lines: ["+2 asked", "+3 answered ok"],
    reason:
      "it looks at single segments: packets 33 and 70 begin requests, 22, 37 and 76 end responses, and tshark shows 32 of each",
  },
};

const isHeld = HAS_CORPUS && existsSync(join(CORPUS, "expected", DEEPFLOW));

const cases = isHeld
  ? Object.entries(OPINIONS).flatMap(([protocol, { folder }]) =>
      readdirSync(join(CORPUS, "expected", DEEPFLOW, folder))
        .filter((name) => name.endsWith(".result"))
        .map((name) => ({ protocol, name: `${folder}/${name.replace(".result", "")}` })),
    )
  : [];

/** Lines that one side has more often than the other. */
function difference(ours: string[], theirs: string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of ours) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of theirs) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts].flatMap(([line, count]) => (count === 0 ? [] : [`${count > 0 ? "+" : ""}${count} ${line}`])).sort();
}

describe.runIf(isHeld)("a second opinion", () => {
  test.each(cases)("$protocol: $name", ({ protocol, name }) => {
    const { theirs, ours } = OPINIONS[protocol]!;
    const text = new TextDecoder().decode(corpusBytes(`expected/${DEEPFLOW}/${name}.result`));
    const expected = text
      .trim()
      .split("\n")
      .flatMap((record) => theirs(fieldsOf(record)) ?? []);
    // It shows statements as they were, and targets of HTTP without their query.
    const trips = readRoundTrips(corpusBytes(`upstream/${DEEPFLOW}/${name}.pcap`), {
      keepDuplicates: true,
      raw: !name.startsWith("http/"),
    });
    const found = trips
      .filter((trip) => trip.protocol === protocol || protocol === "http")
      .flatMap((trip) => ours(trip).filter((line) => line !== undefined));
    expect(expected.length).toBeGreaterThan(0);
    expect(difference(found, expected)).toEqual(DIFFERENCES[name]?.lines ?? []);
  });

  test("covers eight protocols, and each reason is of a capture", () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
    expect(Object.keys(DIFFERENCES).filter((name) => !cases.some((one) => one.name === name))).toEqual([]);
  });
});
