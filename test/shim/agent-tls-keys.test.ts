/** An agent that looks into TLS: what was said is counted, and neither secrets nor what was said go into what it keeps for the hub. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { MinuteSum } from "../../engine/summary";
import { keyLogOpener } from "../../shim/tls/opener";
import { readSections } from "../support/bundle";
import { tallywire } from "../support/command";
import { fixtureBytes, fixturePath, fixtureTruth } from "../support/fixtures";
import { coreModule, readRoundTrips } from "../support/round-trips";

const KEYS = fixturePath("h2_tls.keys");
/** What is shorter may be there by chance. */
const BYTES_MIN = 12;

async function bundlesOf(...words: string[]): Promise<Uint8Array[]> {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-agent-keys-"));
  try {
    const { code, stderr } = await tallywire([
      "agent",
      "--file",
      fixturePath("h2_tls.pcap"),
      "--edge",
      "e",
      "--spool",
      folder,
      ...words,
    ]);
    expect(code, stderr).toBe(0);
    const names = readdirSync(join(folder, "e")).filter((name) => name.endsWith(".twb"));
    return names.map((name) => inflateSync(readFileSync(join(folder, "e", name))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function requestsOf(bundles: readonly Uint8Array[], protocol: string): number {
  const sum = new MinuteSum(new Core(coreModule(), { role: "hub", budgetBytes: 32 << 20 }));
  for (const bundle of bundles) sum.add(bundle);
  const rows = sum.summary().metrics.filter(({ metric }) => metric === `${protocol}_requests_total`);
  return rows.reduce((total, { value }) => total + (value ?? 0), 0);
}

test("counts what is inside, and keeps it to itself", async () => {
  const bundles = await bundlesOf("--tls-keys", KEYS);
  const { sent } = fixtureTruth("h2_tls.pcap");
  expect([requestsOf(bundles, "http2"), requestsOf(bundles, "http")]).toEqual([sent["h2 GET"], sent["http1 GET"]]);
  const without = await bundlesOf();
  expect([requestsOf(without, "http2"), requestsOf(without, "http")]).toEqual([0, 0]);

  const content = { raw: true, headers: true, bodyBytes: 2048, tlsOpener: keyLogOpener(KEYS) };
  const said = readRoundTrips(fixtureBytes("h2_tls.pcap"), content).flatMap(({ request, response, marks }) => {
    if (!marks.includes("tls")) return [];
    const shown = [request?.host, request?.userAgent, response?.contentType].map(String);
    return [request, response].flatMap((message) => {
      const headers = (message?.headers ?? []) as { value: string }[];
      return [String(message?.body ?? ""), ...headers.map(({ value }) => value)].filter((text) => !shown.includes(text));
    });
  });
  const words = readFileSync(KEYS, "utf8").split(/\s+/);
  const hidden = [
    ...said.filter((text) => text.length >= BYTES_MIN).map((text) => Buffer.from(text).subarray(0, BYTES_MIN)),
    ...words
      .filter((word) => /^[0-9a-f]{64,}$/.test(word))
      .flatMap((hex) => [Buffer.from(hex), Buffer.from(hex, "hex").subarray(0, BYTES_MIN)]),
  ];
  expect(said.filter((text) => text.length >= BYTES_MIN).length).toBeGreaterThan(5);
  const kept = Buffer.concat(bundles.flatMap((bundle) => readSections(bundle).sections.map(({ payload }) => payload)));
  expect(kept.includes("lab.test")).toBe(true);
  for (const bytes of hidden) {
    expect(kept.includes(bytes), bytes.toString()).toBe(false);
    for (const bundle of bundles) expect(Buffer.from(bundle).includes(bytes)).toBe(false);
  }
});
