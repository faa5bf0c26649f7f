/** The pictures of docs/page.md: each view of the page over a hub that got what several sites saw, at a moment that does not move. */
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../support/repository";
import { useSite } from "./support/browser";
import { choose, fixture, wasRead } from "./support/captures";
import { stopClock } from "./support/still-clock";
import { postWorld, type World } from "./support/world";

/** Minutes that are posted at a time. */
const MINUTES = 4;
/** How many minutes ago each of these times ended; the last are of the period before. */
const MINUTES_AGO = [2, 6, 10, 62, 66];
const PICTURE_BYTES_MAX = 200_000;
/** Set to renew the pictures that are kept. */
const isKept = process.env.TALLYWIRE_PICTURES !== undefined;
const folder = isKept ? join(ROOT, "docs/images") : mkdtempSync(join(tmpdir(), "tallywire-pictures-"));
const site = useSite();
let world: World;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  for (const ago of MINUTES_AGO.toReversed()) world = await postWorld(site.hub, MINUTES, ago);
}, 120_000);
afterAll(() => {
  if (!isKept) rmSync(folder, { recursive: true });
});

const DARK = { colorScheme: "dark" as const };
const PHONE = { viewport: { width: 360, height: 760 }, isMobile: true, hasTouch: true };

async function openHub(path: string, options = {}): Promise<Page> {
  const { page } = await site.open(options);
  await stopClock(page);
  await page.goto(`${site.hub.origin}/${path}&key=${world.readKey}`);
  await page.locator(".window-line[aria-busy=false]").waitFor();
  return page;
}

async function take(page: Page, name: string): Promise<void> {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, animations: "disabled", caret: "hide" });
  const { size } = statSync(path);
  expect(size).toBeGreaterThan(5_000);
  expect(size).toBeLessThan(PICTURE_BYTES_MAX);
  await page.unrouteAll({ behavior: "ignoreErrors" });
}

test("overview, light", async () => {
  const page = await openHub("#view=hub");
  await page.locator(".uplot").first().waitFor();
  await take(page, "overview");
});

test("a protocol, dark", async () => {
  const page = await openHub("#view=hub&show=module&of=dns", { ...DARK, viewport: { width: 1280, height: 1100 } });
  await page.locator(".heat canvas").first().waitFor();
  await take(page, "protocol");
});

test("who still asks for a name", async () => {
  const page = await openHub("#view=hub&show=entry&metric=dns_top_names&entry=h3.lab.test");
  await page.locator(".uplot").first().waitFor();
  await take(page, "entry");
});

test("edges", async () => {
  const page = await openHub("#view=hub&show=edges");
  await page.locator(".edges").waitFor();
  await take(page, "edges");
});

test("overview on a phone, dark", async () => {
  const page = await openHub("#view=hub", { ...DARK, ...PHONE });
  await page.locator(".uplot").first().waitFor();
  await take(page, "phone");
});

test("capture", async () => {
  const { page } = await site.open();
  await choose(page, fixture("http1_curl.pcap"));
  await wasRead(page, "http1_curl.pcap");
  await take(page, "capture");
});
