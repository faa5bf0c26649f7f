/** The page that opens a capture, in a real browser: it shows what the command line shows, and sends nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { join as concat, dnsQuery, dnsResponse, ethernet, ipv4, Pcapng, udp } from "../support/pcap-builder";
import { textOf } from "../support/repository";
import { useSite } from "./support/browser";
import { choose, drop, fixture, fixtures, roundTripsOf, savedFigures, summaryOf, wasRead } from "./support/captures";
import { longCapture } from "./support/long-capture";

const site = useSite();
const folder = mkdtempSync(join(tmpdir(), "tallywire-captures-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function openTrips(page: Page, path: string): Promise<void> {
  await choose(page, path);
  await wasRead(page, basename(path));
  await page.getByRole("tab", { name: /^Round trips/ }).click();
  await page.getByRole("grid").waitFor();
}

async function filter(page: Page, text: string, answer: string): Promise<void> {
  await page.getByLabel("Filter", { exact: true }).fill(text);
  await page.getByText(answer, { exact: true }).waitFor();
}

/** Texts of one column of the rows that are drawn. */
function column(page: Page, name: string): Promise<string[]> {
  return page.locator(`.rows .c-${name}`).allTextContents();
}

describe("figures", () => {
  test("of each capture, from the dialog and dropped, are those of the command line", async () => {
    const { page, complaints } = await site.open();
    for (const path of fixtures) {
      const expected = summaryOf(path);
      await choose(page, path);
      await wasRead(page, basename(path));
      expect(await savedFigures(page), path).toEqual(expected);
      await page.getByRole("button", { name: "Close", exact: true }).click();
      await page.getByRole("heading", { name: "Open a capture" }).waitFor();
      await drop(page, path);
      await wasRead(page, basename(path));
      expect(await savedFigures(page), path).toEqual(expected);
      const packets = page.locator(".headline div", { hasText: "Packets" }).locator(".value");
      expect(await packets.textContent()).toBe(expected.packets.toLocaleString("en"));
    }
    expect(complaints).toEqual([]);
  });

  test("of a gzipped capture are those of its content", async () => {
    const path = fixture("dns_unbound_recursive.pcap");
    const { page } = await site.open();
    await choose(page, write("packed.pcap.gz", gzipSync(readFileSync(path))));
    await wasRead(page, "packed.pcap.gz");
    expect(await savedFigures(page)).toEqual(summaryOf(path));
  });

  test("of a capture that was gzipped piece by piece are those of all pieces", async () => {
    const path = fixture("dns_unbound_recursive.pcap");
    const bytes = readFileSync(path);
    const pieces = [0, 7_000, 7_100, 15_000].map((start, index, starts) => gzipSync(bytes.subarray(start, starts[index + 1])));
    const { page, complaints } = await site.open();
    await choose(page, write("pieces.pcap.gz", Buffer.concat(pieces)));
    await wasRead(page, "pieces.pcap.gz");
    expect(await savedFigures(page)).toEqual(summaryOf(path));
    expect(complaints).toEqual([]);
  });

  test("of a capture that was cut come with a word about it", async () => {
    const bytes = readFileSync(fixture("dns_kdig_udp.pcap"));
    const path = write("cut.pcap", bytes.subarray(0, bytes.length - 5));
    const { page } = await site.open();
    await choose(page, path);
    await wasRead(page, "cut.pcap");
    expect(await savedFigures(page)).toEqual(summaryOf(path));
    expect(await page.getByRole("status").first().textContent()).toContain(
      "cut.pcap ends inside a record; what came before was read.",
    );
  });

  test("of a capture that was cut in its header come with the same word", async () => {
    const { page } = await site.open();
    await choose(page, write("head.pcap", readFileSync(fixture("dns_kdig_udp.pcap")).subarray(0, 20)));
    await wasRead(page, "head.pcap");
    expect(await page.getByRole("status").first().textContent()).toContain("head.pcap ends inside a record");
  });

  test("of a gzip stream with something behind it are those of all of it, and that is said", async () => {
    const packed = gzipSync(readFileSync(fixture("dns_kdig_udp.pcap")));
    const { page } = await site.open();
    await choose(page, write("junk.pcap.gz", Buffer.concat([packed, Buffer.from("junk")])));
    await wasRead(page, "junk.pcap.gz");
    expect((await savedFigures(page)).packets).toBe(166);
    expect(await page.getByRole("status").first().textContent()).toContain("goes on behind its gzip stream with what is no gzip");
  });

  test("of a broken gzip stream are those of what came before", async () => {
    const packed = gzipSync(readFileSync(fixture("dns_dnsperf_udp.pcap")));
    const { page } = await site.open();
    await choose(page, write("broken.pcap.gz", packed.subarray(0, packed.length >> 1)));
    await wasRead(page, "broken.pcap.gz");
    expect((await savedFigures(page)).packets).toBeGreaterThan(0);
    expect(await page.getByRole("status").first().textContent()).toContain("gzip stream is broken");
  });
});

describe("round trips", () => {
  test("without a time show none", async () => {
    const ng = new Pcapng();
    const [query, answer] = [dnsQuery("a.example", { id: 1 }), dnsResponse("a.example", { id: 1 })];
    const there = { source: "192.0.2.1", destination: "192.0.2.2" };
    const back = { source: "192.0.2.2", destination: "192.0.2.1" };
    const frames = [
      ethernet(ipv4(udp(query, { sourcePort: 4000, destinationPort: 53 }), there)),
      ethernet(ipv4(udp(answer, { sourcePort: 53, destinationPort: 4000 }), back)),
    ];
    const { page } = await site.open();
    await choose(
      page,
      write("simple.pcapng", concat(ng.section(), ng.interface(), ...frames.map((bytes) => ng.simplePacket(bytes)))),
    );
    await wasRead(page, "simple.pcapng");
    await page.getByRole("tab", { name: /Round trips/ }).click();
    const row = page.getByRole("row").nth(1);
    for (const cell of ["time", "duration"]) expect(await row.locator(`.c-${cell}`).textContent()).toBe("—");
    await row.click();
    const detail = page.getByRole("complementary");
    await detail.waitFor();
    expect(await detail.textContent()).toContain("not in the capture");
    expect(await page.textContent("main")).not.toContain("1970");
  });

  test("are all there, and each shows all its fields", async () => {
    const path = fixture("dns_kdig_udp.pcap");
    const trips = roundTripsOf(path);
    const { page, complaints } = await site.open();
    await openTrips(page, path);
    expect(await page.getByRole("grid").getAttribute("aria-rowcount")).toBe(String(trips.length + 1));
    const written = site.browser.contexts().at(-1)!;
    await written.grantPermissions(["clipboard-read", "clipboard-write"]);
    for (const index of [0, 5, trips.length - 1]) {
      const row = page.locator(`#trip-${index}`);
      await page.getByRole("grid").evaluate((grid, top) => grid.scrollTo(0, top), index * 28);
      await row.click();
      await page.getByRole("button", { name: "Copy JSON" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toEqual(trips[index]);
      const request = trips[index]!.request as Record<string, unknown>;
      expect(await page.locator(".detail").textContent()).toContain(String(request.name));
      await page.getByRole("button", { name: "Close", exact: true }).last().click();
    }
    expect(complaints).toEqual([]);
  });

  test("are filtered by text, by field and by number", async () => {
    const path = fixture("dns_kdig_udp.pcap");
    const trips = roundTripsOf(path);
    const all = trips.length;
    const { page } = await site.open();
    await openTrips(page, path);
    const errors = trips.filter(({ status }) => status === "error").length;
    const slow = trips.filter(({ durationNs }) => Number(durationNs) > 100_000).length;
    const named = trips.filter((trip) => JSON.stringify(trip).includes("h2.lab.test")).length;
    expect(Math.min(errors, slow, named)).toBeGreaterThan(0);
    await filter(page, "status == error", `${errors} of ${all} round trips`);
    expect(new Set(await column(page, "status"))).toEqual(new Set(["error"]));
    await filter(page, "dns and status != error", `${all - errors} of ${all} round trips`);
    await filter(page, "durationNs > 100us", `${slow} of ${all} round trips`);
    await filter(page, "durationNs <= 0.1ms", `${all - slow} of ${all} round trips`);
    await filter(page, "'H2.LAB.test'", `${named} of ${all} round trips`);
    await filter(page, "'nothing-like-it'", `0 of ${all} round trips`);
    await page.getByText("No round trip matches.").waitFor();
    await page.getByLabel("Filter", { exact: true }).fill("dns and stats == error");
    const alert = page.getByRole("alert");
    expect(await alert.textContent()).toContain("Column 9: there is no field stats; did you mean status?");
    expect(await alert.locator("mark").textContent()).toBe("stats == error");
    await filter(page, "", `${all} round trips`);
  });

  test("are sorted by a column, up and down, and back to the file's order", async () => {
    const path = fixture("dns_kdig_udp.pcap");
    const { page } = await site.open();
    await openTrips(page, path);
    const original = await column(page, "time");
    const durations = roundTripsOf(path).map(({ durationNs }) => Number(durationNs));
    const head = page.getByRole("columnheader", { name: "Duration" });
    const firstRow = async (sorting: string) => {
      await head.getByRole("button").click();
      await page.waitForFunction(
        (sorting) => document.querySelector(".c-duration[role=columnheader]")?.getAttribute("aria-sort") === sorting,
        sorting,
      );
      await page.getByText(`${durations.length} round trips`, { exact: true }).waitFor();
      await page.locator("#trip-0 .c-duration").waitFor();
      return (await column(page, "duration"))[0];
    };
    const micros = (ns: number) => (ns < 1e6 ? `${(ns / 1e3).toPrecision(3)}\u00a0µs` : `${(ns / 1e6).toPrecision(3)}\u00a0ms`);
    expect(await firstRow("ascending")).toBe(micros(Math.min(...durations)));
    expect(await firstRow("descending")).toBe(micros(Math.max(...durations)));
    await firstRow("none");
    expect(await column(page, "time")).toEqual(original);
  });

  test("are walked and opened by keyboard", async () => {
    const { page } = await site.open();
    await openTrips(page, fixture("dns_kdig_udp.pcap"));
    await page.keyboard.press("/");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("filter");
    await page.getByRole("grid").focus();
    for (const key of ["ArrowDown", "ArrowDown", "End", "ArrowUp"]) await page.keyboard.press(key);
    await expect.poll(() => page.getByRole("grid").getAttribute("aria-activedescendant")).toBe("trip-81");
    expect(await page.locator("#trip-81").getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("Enter");
    await page.locator(".detail").waitFor();
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("trips");
    expect(await page.locator(".detail").count()).toBe(0);
  });

  test("of a key are one click away", async () => {
    const path = fixture("dns_kdig_udp.pcap");
    const { page } = await site.open();
    await choose(page, path);
    await wasRead(page, basename(path));
    await page.getByRole("button", { name: "h3.lab.test" }).first().click();
    const named = roundTripsOf(path).filter((trip) => JSON.stringify(trip).includes("h3.lab.test")).length;
    await page.getByText(`${named} of 83 round trips`, { exact: true }).waitFor();
    await page.getByRole("tab", { name: "Figures" }).click();
    await page.getByRole("button", { name: "5300/udp" }).first().click();
    await page.getByText("83 of 83 round trips", { exact: true }).waitFor();
  });
});

describe("a long capture", () => {
  const COPIES = 220;

  test("keeps a bounded number of round trips and counts all", async () => {
    const path = write("long.pcap", longCapture(readFileSync(fixture("dns_dnsperf_udp.pcap")), COPIES));
    const { page, complaints } = await site.open();
    await openTrips(page, path);
    const all = COPIES * roundTripsOf(fixture("dns_dnsperf_udp.pcap")).length;
    const shown = await page.getByRole("status").last().textContent();
    const [, kept] = /^the first ([\d,]+) of ([\d,]+) round trips$/.exec(shown ?? "") ?? [];
    expect(shown).toContain(all.toLocaleString("en"));
    expect(Number(kept?.replaceAll(",", ""))).toBeGreaterThan(100_000);
    expect(Number(kept?.replaceAll(",", ""))).toBeLessThan(all);
    expect(await savedFigures(page)).toEqual(summaryOf(path));
    expect(await page.locator(".rows .row").count()).toBeLessThan(100);
    expect(complaints).toEqual([]);
  });

  test("is searched as a whole for what is not kept", async () => {
    const { page, complaints } = await site.open();
    await openTrips(page, join(folder, "long.pcap"));
    const short = roundTripsOf(fixture("dns_dnsperf_udp.pcap"));
    const all = (COPIES * short.length).toLocaleString("en");
    const errors = (COPIES * short.filter(({ status }) => status === "error").length).toLocaleString("en");
    await page.getByLabel("Filter", { exact: true }).fill("status == error");
    await page.getByRole("button", { name: "Search the whole file" }).click();
    await page.getByText(`${errors} of ${all} round trips`, { exact: true }).waitFor();
    await page.getByRole("columnheader", { name: "Duration" }).getByRole("button").click();
    await page.locator("[aria-sort=ascending]").waitFor();
    await page.getByText(`${errors} of ${all} round trips`, { exact: true }).waitFor();
    await page.getByRole("grid").focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator(".detail").textContent()).toContain("statuserror");
    await page.getByLabel("Filter", { exact: true }).fill("status == ok");
    await page.getByRole("button", { name: "Search the whole file" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("can be given up, and another opened", async () => {
    const { page, complaints } = await site.open();
    await choose(page, join(folder, "long.pcap"));
    await page.waitForFunction(() => {
      const button = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === "Cancel");
      const hasBegun = (document.querySelector("progress")?.value ?? 0) > 0;
      if (hasBegun) button?.click();
      return hasBegun;
    });
    expect(await page.getByRole("status").textContent()).toBe("Reading long.pcap was cancelled.");
    await expect.poll(() => page.workers().length).toBe(0);
    await choose(page, fixture("dns_kdig_udp.pcap"));
    await wasRead(page, "dns_kdig_udp.pcap");
    expect(complaints).toEqual([]);
  });
});

describe("a capture of 500 MB", () => {
  const BYTES = 500_000_000;

  test("is read to its end, and its figures are those of the command line", async () => {
    const short = readFileSync(fixture("http1_ab_keepalive.pcap"));
    const path = write("large.pcap", longCapture(short, Math.ceil(BYTES / short.length)));
    const expected = summaryOf(path);
    const { page, complaints } = await site.open();
    page.setDefaultTimeout(110_000);
    await choose(page, path);
    await wasRead(page, "large.pcap");
    expect(await savedFigures(page)).toEqual(expected);
    expect(complaints).toEqual([]);
    rmSync(path);
  });
});

describe("what is no capture", () => {
  const cases: [string, Uint8Array, string][] = [
    ["notes.txt", Buffer.from("hello, world"), "notes.txt is no capture: it begins with 68 65 6c 6c."],
    ["empty.pcap", Buffer.alloc(0), "empty.pcap is no capture: it has no bytes."],
    ["short.pcap", Buffer.from([0xd4, 0xc3]), "short.pcap is no capture: it has only 2 bytes."],
    ["text.gz", gzipSync("hello, world"), "text.gz is no capture: it begins with 68 65 6c 6c."],
    ["broken.gz", Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]), "broken.gz cannot be inflated"],
  ];

  test.each(cases)("%s gives one clear error", async (name, bytes, reason) => {
    const { page, complaints } = await site.open();
    await choose(page, write(name, bytes));
    expect(await page.getByRole("alert").textContent()).toContain(reason);
    await choose(page, fixture("dns_kdig_udp.pcap"));
    await wasRead(page, "dns_kdig_udp.pcap");
    expect(complaints).toEqual([]);
  });
});

describe("a capture stays where it is", () => {
  test("the page asks its own origin for its own files and nothing else", async () => {
    const { page, requests } = await site.open();
    await choose(page, fixture("http1_curl.pcap"));
    await wasRead(page, "http1_curl.pcap");
    const own = new RegExp(`^GET ${site.hub.origin}/(assets/[\\w./-]+|icon\\.svg)?$`);
    expect(requests.filter((request) => !own.test(request))).toEqual([]);
  });

  test("the policies allow nothing more, wherever the page is served", async () => {
    const headers = textOf("web/public/_headers");
    const policies = [...headers.matchAll(/Content-Security-Policy: (.+)/g)].map(([, policy]) => policy);
    const { page, requests } = await site.open();
    await choose(page, fixture("http1_nano.pcap"));
    await wasRead(page, "http1_nano.pcap");
    const worker = requests.find((request) => request.includes("/assets/workers/"))!.slice("GET ".length);
    const served = async (address: string) => (await fetch(address)).headers.get("content-security-policy");
    expect([await served(`${site.hub.origin}/`), await served(worker)]).toEqual(policies);
    expect(policies[1]).not.toContain("connect-src");
    const meta = await page.locator("meta[http-equiv=Content-Security-Policy]").getAttribute("content");
    expect(`${meta}; frame-ancestors 'none'`).toBe(policies[0]);
  });
});
