/**
 * Thousands of connections that are looked into with secrets, with the least memory that a core takes: what is told was said, what finds no
 * room is counted, and neither the core nor its host keeps more than it may.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { MinuteSum } from "../../engine/summary";
import type { TlsOpener } from "../../engine/tls/opener";
import { keyLogOpener } from "../../shim/tls/opener";
import { type Captured, pcap, START_NS } from "../support/pcap-builder";
import { recordLengths } from "../support/record-lengths";
import { ROOT } from "../support/repository";
import { Totals } from "../support/summaries";

const KEYS = join(ROOT, "test/fixtures/h2_tls.keys");
const FILE = readFileSync(join(ROOT, "test/fixtures/h2_tls.pcap"));
const TRUTH = JSON.parse(readFileSync(join(ROOT, "test/fixtures/h2_tls.truth.json"), "utf8"));
const SERVER_PORT = 8443;
const COPIES = 1200;
const STEP_NS = 1000n;
const RECORD_HEADER_BYTES = 16;
const IP_AT = 14;
const SMALL_BYTES = 8 << 20;
const LARGE_BYTES = 256 << 20;

/** The packets of the fixture, without their times. */
const PACKETS: Uint8Array[] = [];
for (let at = 0, lengths = [...recordLengths(FILE)], index = 0; index < lengths.length; at += lengths[index++]!)
  if (at > 0 && at < FILE.length) PACKETS.push(FILE.subarray(at + RECORD_HEADER_BYTES, at + lengths[index]!));

/** The packets `copies` times at once, the client of each at an address of its own: the secrets are those of all. */
function crowd(copies: number): Uint8Array {
  const packets: Captured[] = [];
  for (const packet of PACKETS) {
    const tcp = IP_AT + (packet[IP_AT]! & 15) * 4;
    const isOfServer = packet[tcp]! * 256 + packet[tcp + 1]! === SERVER_PORT;
    for (let copy = 0; copy < copies; copy++) {
      const bytes = Uint8Array.from(packet);
      bytes.set([10, 1, copy >> 8, copy & 255], IP_AT + (isOfServer ? 16 : 12));
      packets.push({ timeNs: START_NS + BigInt(packets.length) * STEP_NS, bytes });
    }
  }
  return pcap(packets);
}

/** A host's opener, with a count of the keys that it holds; `isLate` where secrets are not there when a connection is first asked for. */
class Watched implements TlsOpener {
  readonly hasOthers = true;
  held = 0;
  heldMost = 0;
  private asked = 0;
  private readonly opener = keyLogOpener(KEYS);

  constructor(private readonly isLate: boolean) {}

  open(question: DataView): number {
    this.asked += 1;
    if (this.isLate && Math.floor((this.asked - 1) / COPIES) % 2 === 0) return 0;
    const keys = this.opener.open(question);
    if (keys > 0) this.held += 1;
    this.heldMost = Math.max(this.heldMost, this.held);
    return keys;
  }

  record: TlsOpener["record"] = (...words) => this.opener.record(...words);
  next: TlsOpener["next"] = (...words) => this.opener.next(...words);

  close(keys: number): void {
    this.held -= 1;
    this.opener.close(keys);
  }
}

function read(file: Uint8Array, budgetBytes: number, isLate: boolean) {
  const opener = new Watched(isLate);
  const core = new Core(module, { events: true, budgetBytes, tlsOpener: opener });
  const reader = new RoundTripReader(core.schema);
  const sum = new MinuteSum(core);
  const minutes: Uint8Array[] = [];
  const trips: RoundTrip[] = [];
  core.drainTo({ events: (view) => trips.push(...reader.read(view)), bundle: (bytes) => minutes.push(bytes.slice()) });
  const { memoryBytes } = core;
  const input = core.open("file");
  input.write(file);
  input.end();
  core.flush();
  for (const minute of minutes) sum.add(minute);
  return { trips, totals: new Totals(sum.summary()), opener, grown: core.memoryBytes - memoryBytes };
}

const pairOf = ({ client, request, response }: RoundTrip) =>
  `${client.address}:${client.port} ${request?.method} ${request?.path} ${response?.statusCode} ${response?.bodyBytes}`;
/** Round trips from inside that are told whole. */
const inside = (trips: RoundTrip[]) =>
  trips.filter(({ marks, request, response }) => marks.includes("tls") && request?.path && response?.statusCode);

const records = ({ totals }: ReturnType<typeof read>) => [
  totals.count("tls_opened_records_total"),
  totals.count("tls_unopened_records_total"),
];
const REFUSED = ["capture_refused_total", "tls_refused_total", "http_refused_total", "http2_refused_total"];

describe.each([
  ["secrets that are there", false],
  ["secrets that come late", true],
])("%s", (_, isLate) => {
  const file = crowd(COPIES);

  test("with memory each copy is told as its client sent it", () => {
    const whole = read(file, LARGE_BYTES, isLate);
    expect(inside(whole.trips).length).toBe(COPIES * (TRUTH.sent["h2 GET"] + TRUTH.sent["http1 GET"]));
    expect(records(whole)[1]).toBe(0);
    expect([whole.opener.held, whole.grown]).toEqual([0, 0]);
  });

  test("without it nothing is wrong, and what is missing was refused", () => {
    const known = new Set(
      inside(read(crowd(1), LARGE_BYTES, false).trips).map((trip) => pairOf(trip).replace(/^10\.1\.0\.0/, "")),
    );
    const pressed = read(file, SMALL_BYTES, isLate);
    const told = inside(pressed.trips).map(pairOf);
    expect(told.filter((pair) => !known.has(pair.replace(/^10\.1\.\d+\.\d+/, "")))).toEqual([]);
    expect(new Set(told).size).toBe(told.length);
    expect(told.length).toBeGreaterThan(COPIES / 10);
    expect(told.length).toBeLessThan(COPIES * known.size);
    const refused = REFUSED.map((name) => pressed.totals.count(name));
    expect(refused.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    const [opened, unopened] = records(pressed);
    const [all] = records(read(crowd(1), LARGE_BYTES, false));
    expect(opened! + unopened!).toBeLessThanOrEqual(COPIES * all!);
    expect(pressed.totals.summary.packets).toBe(COPIES * PACKETS.length);
    expect([pressed.opener.held, pressed.grown]).toEqual([0, 0]);
    expect(pressed.opener.heldMost).toBeLessThanOrEqual(COPIES * TRUTH.sent.client_hello);
  });
});
