/** Secrets of TLS in the page: it shows what `tallywire read --tls-keys` shows, with a key log beside the capture or within it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { join as joined, Pcapng } from "../support/pcap-builder";
import { recordLengths } from "../support/record-lengths";
import { useSite } from "./support/browser";
import { choose, drop, fixture, roundTripsOf, savedFigures, summaryOf, wasRead } from "./support/captures";

const site = useSite();
const folder = mkdtempSync(join(tmpdir(), "tallywire-page-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CAPTURE = fixture("h2_tls.pcap");
const NAME = basename(CAPTURE);
const KEYS = fixture("h2_tls.keys");
const OPENED = "Looked into TLS behind 4 handshakes with the secrets of";
const SECRETS = 10;
const TLS_KEY_LOG = 0x544c534b;
const RECORD_HEADER_BYTES = 16;

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The capture as pcapng, with what a key log holds in a block before its packets. */
function withSecrets(text: string): Uint8Array {
  const ng = new Pcapng();
  const u32 = (value: number) => new Uint8Array(new Uint32Array([value]).buffer);
  const file = readFileSync(CAPTURE);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const packets: Uint8Array[] = [];
  let at = 0;
  for (const length of recordLengths(file)) {
    if (at > 0 && at < file.length) {
      const timeNs = BigInt(view.getUint32(at, true)) * 1_000_000_000n + BigInt(view.getUint32(at + 4, true)) * 1000n;
      const bytes = file.subarray(at + RECORD_HEADER_BYTES, at + length);
      packets.push(ng.packet({ timeNs, bytes }));
    }
    at += length;
  }
  const secrets = ng.block(SECRETS, u32(TLS_KEY_LOG), u32(text.length), text);
  return joined(ng.section(), ng.interface(), secrets, ...packets);
}

/** Waits until a notice says this. */
async function said(page: Page, words: string): Promise<void> {
  await page.getByRole("status").filter({ hasText: words }).waitFor();
}

/** Opens the table, and holds its rows against what `read` prints. */
async function expectTrips(page: Page, trips: Record<string, unknown>[]): Promise<void> {
  await page.getByRole("tab", { name: /^Round trips/ }).click();
  const inside = trips.filter(({ marks }) => (marks as string[]).includes("tls"));
  const shown = (id: string) => page.locator(`.rows .c-${id}`).allTextContents();
  await page.getByLabel("Filter", { exact: true }).fill("marks has tls");
  await page.getByText(`${inside.length} of ${trips.length} round trips`, { exact: true }).waitFor();
  await expect.poll(() => shown("protocol")).toEqual(inside.map(({ protocol }) => protocol));
  const words = await shown("request");
  const results = await shown("result");
  for (const [index, trip] of inside.entries()) {
    const { method, host, authority = host, path } = trip.request as Record<string, string>;
    expect(words[index]).toBe(`${method} ${authority}${path}`);
    expect(results[index]!.split(" ")[0]).toBe(String((trip.response as { statusCode: number }).statusCode));
  }
}

test("a key log that is chosen with its capture opens it, as the command line does", async () => {
  const { page, complaints, requests } = await site.open();
  await choose(page, KEYS, CAPTURE);
  await wasRead(page, NAME);
  await said(page, `${OPENED} h2_tls.keys.`);
  expect(await savedFigures(page)).toEqual(summaryOf(CAPTURE, "--tls-keys", KEYS));
  const trips = roundTripsOf(CAPTURE, "--tls-keys", KEYS);
  expect(trips.length).toBeGreaterThan(roundTripsOf(CAPTURE).length);
  await expectTrips(page, trips);
  const own = new RegExp(`^GET ${site.hub.origin}/(assets/[\\w./-]+|icon\\.svg)?$`);
  expect(requests.filter((request) => !own.test(request))).toEqual([]);
  expect(requests.some((request) => request.includes("noble"))).toBe(true);
  expect(complaints).toEqual([]);
});

test("one that is dropped afterwards opens it too, and goes with it", async () => {
  const { page, complaints, requests } = await site.open();
  await choose(page, CAPTURE);
  await wasRead(page, NAME);
  expect(await savedFigures(page)).toEqual(summaryOf(CAPTURE));
  expect(requests.some((request) => request.includes("noble"))).toBe(false);
  await drop(page, KEYS);
  await said(page, `${OPENED} h2_tls.keys.`);
  expect(await savedFigures(page)).toEqual(summaryOf(CAPTURE, "--tls-keys", KEYS));
  await choose(page, CAPTURE);
  await wasRead(page, NAME);
  await expect.poll(() => page.getByText(OPENED).count()).toBe(0);
  expect(await savedFigures(page)).toEqual(summaryOf(CAPTURE));
  expect(complaints).toEqual([]);
});

test("those that come first wait for the capture, each with its part", async () => {
  const lines = readFileSync(KEYS, "latin1").split(/(?<=\n)/);
  const isOld = (line: string) => line.startsWith("CLIENT_RANDOM");
  const { page, complaints } = await site.open();
  await drop(page, write("twelve.keys", lines.filter(isOld).join("")));
  await said(page, "twelve.keys waits for the capture that belongs to it");
  await choose(page, write("thirteen.keys", lines.filter((line) => !isOld(line)).join("")));
  await said(page, "twelve.keys, thirteen.keys waits");
  await drop(page, CAPTURE);
  await wasRead(page, NAME);
  await said(page, `${OPENED} twelve.keys and thirteen.keys.`);
  expect(await savedFigures(page)).toEqual(summaryOf(CAPTURE, "--tls-keys", KEYS));
  expect(complaints).toEqual([]);
});

test("a pcapng file that brings its secrets is opened without being told", async () => {
  const path = write("secrets.pcapng", withSecrets(readFileSync(KEYS, "latin1")));
  const { page, complaints } = await site.open();
  await choose(page, path);
  await wasRead(page, "secrets.pcapng");
  await said(page, `${OPENED} secrets.pcapng itself.`);
  expect(await savedFigures(page)).toEqual(summaryOf(path));
  await expectTrips(page, roundTripsOf(path));
  expect(complaints).toEqual([]);
});

test("what opens nothing says so, and costs nothing", async () => {
  const strangers = write(
    "strangers.keys",
    readFileSync(KEYS, "latin1").replace(/ ([0-9a-f]{64}) /g, (_, random) => ` ${[...random].reverse().join("")} `),
  );
  const wrong = write(
    "wrong.keys",
    readFileSync(KEYS, "latin1").replace(/ ([0-9a-f]{64,96})\n/g, (_, secret) => ` ${[...secret].reverse().join("")}\n`),
  );
  const { page, complaints } = await site.open();
  for (const path of [strangers, wrong]) {
    await choose(page, CAPTURE, path);
    await wasRead(page, NAME);
    await said(page, `The secrets of ${basename(path)}, of 4 handshakes, open nothing`);
    const { metrics, ...rest } = await savedFigures(page);
    expect(rest).toEqual(without(summaryOf(CAPTURE, "--tls-keys", path)));
    expect(metrics.filter(({ metric }) => metric.startsWith("http"))).toEqual([]);
  }
  await choose(page, CAPTURE, write("notes.txt", "nothing of this is secret\n"));
  await said(page, "notes.txt is no key log of TLS, or an empty one: there are no secrets in it.");
  expect(await savedFigures(page)).toEqual(summaryOf(CAPTURE));
  expect(complaints).toEqual([]);
});

function without({ metrics: _, ...rest }: ReturnType<typeof summaryOf>): object {
  return rest;
}
