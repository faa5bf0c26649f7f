/** Memory that runs out while headers and bodies are kept: what is shown of them is what was sent, in its order, and nothing else. */
import { describe, expect, test } from "vitest";
import type { MessageFields, RoundTrip } from "../../engine/round-trip";
import { rowsOf } from "../support/contents";
import { fixtureBytes } from "../support/fixtures";
import { type Captured, START_NS } from "../support/pcap-builder";
import { PressedCore } from "../support/pressure";
import { numbers, recordLengths } from "../support/record-lengths";

const ROUNDS = 60;
const RECORD_BYTES = 16;

/** The packets of a capture. */
function packetsOf(file: Uint8Array): Captured[] {
  const packets: Captured[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  for (const length of recordLengths(file)) {
    if (at !== 0 && at + RECORD_BYTES <= file.length) {
      const bytes = file.subarray(at + RECORD_BYTES, Math.min(file.length, at + length));
      packets.push({ timeNs: START_NS + BigInt(packets.length) * 1000n, bytes, wireBytes: view.getUint32(at + 12, true) });
    }
    at += length;
  }
  return packets;
}

/** Whether the first list is the second with some left out. */
function isPart(some: readonly string[], all: readonly string[]): boolean {
  let at = 0;
  for (const one of some) {
    while (at < all.length && all[at] !== one) at += 1;
    if (at === all.length) return false;
    at += 1;
  }
  return true;
}

const sidesOf = ({ request, response }: RoundTrip) =>
  [
    ["request", request],
    ["response", response],
  ] as const;
const listOf = (message: MessageFields | undefined, field: "headers" | "trailers") => rowsOf(message, field).map(String);

/** Captures of each protocol that keeps contents in a form of its own. */
const CAPTURES = ["grpc_node", "http1_curl", "kafka_kafkajs", "mongo_node", "pg_pgbench_extended", "redis_ioredis_resp2"].map(
  (name) => `${name}.pcap`,
);

describe.each(CAPTURES)("%s", (name) => {
  const core = new PressedCore({ headers: true, bodyBytes: 2048 });
  const packets = packetsOf(fixtureBytes(name));
  /** What each side of each round trip said, by where and when it began. */
  const keyOf = (trip: RoundTrip, side: string) =>
    `${trip.client.port} ${trip[side as "request"]?.streamId ?? trip.time} ${side}`;
  /** Several where their requests came in one packet. */
  const whole = new Map<string, MessageFields[]>();
  for (const trip of core.read(packets, [])) {
    for (const [side, message] of sidesOf(trip)) {
      if (message) whole.set(keyOf(trip, side), [...(whole.get(keyOf(trip, side)) ?? []), message]);
    }
  }
  const bodyOf = (message: MessageFields) => String(message.body ?? "");

  test("what is shown was sent", () => {
    let shown = 0;
    let lacking = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const next = numbers(round);
      const from = next(packets.length);
      const squeeze = { from, to: from + 1 + next(packets.length), pages: next(5) };
      for (const trip of core.read(packets, [squeeze])) {
        for (const [side, message] of sidesOf(trip)) {
          const sent = whole.get(keyOf(trip, side));
          if (message === undefined || sent === undefined) continue;
          const what = `${JSON.stringify(squeeze)} ${JSON.stringify(message)}`;
          const all = sent.find((one) => bodyOf(one).startsWith(bodyOf(message)));
          if (all === undefined) throw new Error(what);
          for (const field of ["headers", "trailers"] as const) {
            const rows = listOf(message, field);
            shown += rows.length;
            lacking += listOf(all, field).length - rows.length;
            expect(isPart(rows, listOf(all, field)), what).toBe(true);
            if (trip.marks.length === 0 && !message.partial) expect(rows).toEqual(listOf(all, field));
          }
          shown += bodyOf(message).length;
          lacking += bodyOf(all).length - bodyOf(message).length;
          if (trip.marks.length === 0 && sent.length === 1) expect(bodyOf(message)).toBe(bodyOf(all));
        }
      }
    }
    expect(shown).toBeGreaterThan(500);
    expect(lacking).toBeGreaterThan(0);
  });
});
