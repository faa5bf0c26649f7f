/** What the whole core owes to captures also where it keeps headers and bodies: what lies in free memory comes into none of them. */
import { expect, test } from "vitest";
import { Laws } from "../support/core-laws";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { DAMAGES } from "../support/damage";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { HTTP2_CAPTURES } from "../support/http2-captures";
import { numbers } from "../support/record-lengths";

const ROUNDS = 3;
const OWN = FIXTURES.filter((name) => /^(http1|h2c|grpc|redis|kafka|mongo|pg|mysql)/.test(name));
const POISONS: [number, number] = [0x00, 0xff];
const laws = new Laws();

const kept = (name: string, bytes: Uint8Array) => laws.keptBy(name, bytes, POISONS, { contents: true });

/** Those that hold a header line whole. */
const WHOLE = OWN.filter((name) => name !== "http1_snaplen96.pcap");

test.each(WHOLE)("%s: the same with any bytes in free memory, and more than without contents", (name) => {
  const bytes = new Uint8Array(fixtureBytes(name));
  expect(kept(name, bytes).digest).not.toBe(laws.keptBy(name, bytes).digest);
});

test.each(Object.keys(DAMAGES))("%s: the same", (damage) => {
  const next = numbers(3);
  for (const name of OWN) {
    for (let round = 0; round < ROUNDS; round++) {
      kept(`${name}, ${damage}, ${round}`, DAMAGES[damage]!(new Uint8Array(fixtureBytes(name)), next));
    }
  }
});

test.runIf(HAS_CORPUS)("captures of others: the same", () => {
  for (const file of [...HTTP2_CAPTURES, "generated/amqp_node.pcap"]) kept(file, new Uint8Array(corpusBytes(file)));
});
