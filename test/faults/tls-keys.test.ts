/** What is opened with secrets, out of captures with something wrong: the checked core traps on none of them, and invents nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { Core } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { keyLogOpener } from "../../shim/tls/opener";
import { tripsThrough } from "../support/core-trips";
import { DAMAGES } from "../support/damage";
import { numbers, recordLengths } from "../support/record-lengths";
import { ROOT } from "../support/repository";

const KEYS = join(ROOT, "test/fixtures/h2_tls.keys");
const FILE = readFileSync(join(ROOT, "test/fixtures/h2_tls.pcap"));
const ROUNDS = 40;
const GLOBAL_HEADER_BYTES = 24;

/** The round trips of a capture, opened with the secrets, by the core with its asserts on. */
function opened(file: Uint8Array): RoundTrip[] {
  const core = new Core(module, { events: true, budgetBytes: 8 << 20, tlsOpener: keyLogOpener(KEYS) });
  return tripsThrough(core, file);
}

/** A round trip from inside whose both sides are there, as "port GET /a.txt 200". */
const pairOf = ({ client, request: asked, response }: RoundTrip) =>
  `${client.port} ${asked?.method} ${asked?.path} ${response?.statusCode}`;
const pairs = (trips: RoundTrip[]) =>
  trips.filter(({ marks, request: asked, response }) => marks.includes("tls") && asked?.path && response?.statusCode).map(pairOf);

const WHOLE = pairs(opened(FILE));

/** The capture without the packets that `isLost` picks. */
function without(isLost: (index: number) => boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  let index = -1;
  for (const length of recordLengths(FILE)) {
    if (at < GLOBAL_HEADER_BYTES || !isLost(index)) parts.push(FILE.subarray(at, at + length));
    at += length;
    index += 1;
  }
  return Buffer.concat(parts);
}

test("whole it is what its client sent", () => {
  const { sent } = JSON.parse(readFileSync(join(ROOT, "test/fixtures/h2_tls.truth.json"), "utf8"));
  expect(WHOLE.length).toBe(sent["h2 GET"] + sent["http1 GET"]);
});

test("without any one of its packets, and any two that follow each other, nothing is told that was not said", () => {
  const count = [...recordLengths(FILE)].length - 1;
  for (const lost of [1, 2]) {
    for (let first = 0; first < count; first++) {
      const told = pairs(opened(without((index) => index >= first && index < first + lost)));
      expect(
        told.filter((pair) => !WHOLE.includes(pair)),
        `without ${lost} from ${first}`,
      ).toEqual([]);
      expect(told.length).toBeLessThanOrEqual(WHOLE.length);
    }
  }
}, 120_000);

test.each(Object.keys(DAMAGES))("%s, it ends", (name) => {
  for (let seed = 1; seed <= ROUNDS; seed++) opened(DAMAGES[name]!(Uint8Array.from(FILE), numbers(seed)));
});
