/** A real Chromium on the page as the Worker serves it: a local hub on a port of its own, data in a folder that goes with it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { type LocalHub, startLocalHub } from "../../../shim/hub/local-hub";
import { ROOT } from "../../support/repository";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What a test file has while it runs. */
export interface Site {
  hub: LocalHub;
  browser: Browser;
  /** Opens the page in a context of its own, which closes after the test file. */
  open(options?: BrowserContextOptions & { hash?: string }): Promise<SitePage>;
}

/** A page, and what went wrong in it. */
export interface SitePage {
  page: Page;
  /** What the page said on its console, and errors that nobody caught. */
  complaints: string[];
  /** Methods and addresses of its requests. */
  requests: string[];
}

/** Starts hub and browser for the tests of a file. */
export function useSite(): Site {
  const site = {} as Site;
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tallywire-browser-"));
    const built = { workerFolder: join(ROOT, "build/hub"), assetsFolder: join(ROOT, "build/web") };
    site.hub = await startLocalHub({ dataFolder: folder, ...built, port: 0 });
    const executablePath = process.env.TALLYWIRE_CHROMIUM ?? "/usr/bin/chromium";
    site.browser = await chromium.launch({ executablePath, args: FLAGS });
    site.open = (options) => openPage(site, options);
  });
  afterAll(async () => {
    await site.browser?.close();
    await site.hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return site;
}

async function openPage(
  site: Site,
  { hash = "", ...options }: BrowserContextOptions & { hash?: string } = {},
): Promise<SitePage> {
  const context = await site.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => message.type() !== "info" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  context.on("request", (request) => requests.push(`${request.method()} ${request.url()}`));
  await page.goto(`${site.hub.origin}/${hash}`);
  return { page, complaints, requests };
}
