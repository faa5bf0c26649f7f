/** How well the page can be read and used: contrast, names, headings, sizes, keyboard, in both schemes and on a phone. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../support/repository";
import { audit } from "./support/audit";
import { useSite } from "./support/browser";
import { choose, fixture, wasRead } from "./support/captures";
import { postWorld, type World } from "./support/world";

const FIRST_LOAD_GZIP_BYTES_MAX = 150_000;
/** Roles that say nothing without a name. */
const NAMED = new Set([
  "button",
  "link",
  "textbox",
  "searchbox",
  "combobox",
  "tab",
  "tabpanel",
  "grid",
  "progressbar",
  "image",
  "heading",
  "region",
  "navigation",
  "tablist",
  "form",
]);
const site = useSite();
let world: World;

beforeAll(async () => {
  world = await postWorld(site.hub, 2);
});

/** How long the browser may take to say what it is asked of itself, and how often it is asked: now and then it never answers. */
const ANSWER_MS = 40_000;
const ASKED_MAX = 3;

/** What the browser says of a page, asked again where it does not answer. Throws what was asked where it never does. */
async function answerOf<T>(what: string, ask: () => Promise<T>): Promise<T> {
  for (let asked = 0; asked < ASKED_MAX; asked++) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<{ late: true }>((settle) => {
      timer = setTimeout(() => settle({ late: true }), ANSWER_MS);
    });
    const answer = await Promise.race([ask().then((value) => ({ value })), late]);
    clearTimeout(timer);
    if ("value" in answer) return answer.value;
  }
  throw new Error(`the browser does not answer: ${what}`);
}

/** Nodes of the browser's own accessibility tree that want a name and have none. */
async function nameless(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  return nodes
    .filter(({ ignored, role, name }) => !ignored && NAMED.has(String(role?.value)) && !name?.value)
    .map(({ role }) => `a ${role?.value} without a name`);
}

/** Each state of the page, one after the other. */
const STATES: [name: string, reach: (page: Page) => Promise<unknown>][] = [
  ["welcome", (page) => page.getByRole("heading", { name: "Open a capture" }).waitFor()],
  [
    "a bad file",
    async (page) => {
      await page
        .locator("input[type=file]")
        .setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") });
      await page.getByRole("alert").waitFor();
    },
  ],
  [
    "figures",
    async (page) => {
      await choose(page, fixture("http1_curl.pcap"));
      await wasRead(page, basename("http1_curl.pcap"));
    },
  ],
  [
    "round trips",
    async (page) => {
      await page.getByRole("tab", { name: /^Round trips/ }).click();
      await page.locator("#trip-2").waitFor();
      await page.getByLabel("How to filter").click();
    },
  ],
  [
    "a wrong filter",
    async (page) => {
      await page.getByLabel("How to filter").click();
      await page.getByLabel("Filter", { exact: true }).fill("stat:1");
      await page.getByRole("alert").waitFor();
    },
  ],
  ["detail", (page) => page.locator("#trip-2").click()],
  [
    "key",
    async (page) => {
      await page.goto(`${site.hub.origin}/#view=hub`);
      await page.reload();
      await page.getByLabel("Read key").waitFor();
    },
  ],
  [
    "hub",
    async (page) => {
      await page.getByLabel("Read key").fill(world.readKey);
      await page.keyboard.press("Enter");
      await page.locator(".uplot").first().waitFor();
    },
  ],
  ["a protocol", (page) => show(page, "&show=module&of=dns", ".heat canvas")],
  ["a breakdown", (page) => show(page, "&show=module&of=http", ".breakdown")],
  ["one entry", (page) => show(page, "&show=entry&metric=dns_top_names&entry=h3.lab.test", ".uplot")],
  ["edges", (page) => show(page, "&show=edges", ".edges")],
  ["a window of one's own", (page) => show(page, "&span=own&from=2020-01-01T00:00&to=2020-01-01T01:00", ".nothing")],
];

/** Goes to a view of the hub and waits for what shows that it is there. */
async function show(page: Page, fields: string, wanted: string): Promise<void> {
  await page.goto(`${site.hub.origin}/#view=hub${fields}`);
  await page.getByText("Asking the hub").waitFor({ state: "detached" });
  await page.locator(wanted).first().waitFor();
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds serious or critical. */
async function axeFaults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
    return axe.run();
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `axe ${id}: ${help}, ${nodes[0]?.html.slice(0, 120)}`);
}

describe.each([
  { name: "desk, light", options: { colorScheme: "light" as const } },
  { name: "desk, dark", options: { colorScheme: "dark" as const } },
  {
    name: "phone, light",
    options: { colorScheme: "light" as const, viewport: { width: 360, height: 760 }, isMobile: true, hasTouch: true },
  },
  {
    name: "small phone, dark",
    options: { colorScheme: "dark" as const, viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true },
  },
])("$name", ({ options }) => {
  test("every state reads well and has its names", async () => {
    const { page } = await site.open(options);
    const faults: string[] = [];
    for (const [name, reach] of STATES) {
      await reach(page);
      const audited = await answerOf(`${name}, the audit`, () => page.evaluate(audit));
      const unnamed = await answerOf(`${name}, its accessibility tree`, () => nameless(page));
      const faulty = await answerOf(`${name}, axe`, () => axeFaults(page));
      faults.push(...[...audited, ...unnamed, ...faulty].map((fault) => `${name}: ${fault}`));
    }
    expect(faults.join("\n")).toBe("");
  }, 300_000);
});

describe("by keyboard", () => {
  test("everything can be reached in the order in which it stands, and shows that it is", async () => {
    const { page } = await site.open();
    await choose(page, fixture("dns_kdig_udp.pcap"));
    await wasRead(page, "dns_kdig_udp.pcap");
    await page.getByRole("tab", { name: /^Round trips/ }).click();
    await page.locator("#trip-0").waitFor();
    await page.evaluate(() => {
      document.body.tabIndex = -1;
      document.body.focus();
    });
    const reached: string[] = [];
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press("Tab");
      const found = await page.evaluate(() => {
        const { activeElement } = document;
        if (activeElement === null || activeElement === document.body) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(activeElement);
        const name = activeElement.getAttribute("aria-label") ?? (activeElement.id || activeElement.textContent);
        return { name: String(name).trim(), isSeen: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2 };
      });
      if (found === null) break;
      expect(found.isSeen, found.name).toBe(true);
      reached.push(found.name);
    }
    const wanted = [
      "Skip to content",
      "Capture",
      "Hub",
      "Save figures",
      "Open another",
      "Close",
      "tab-trips",
      "filter",
      "How to filter",
      "Round trips",
      "Time",
    ];
    expect(reached.slice(0, wanted.length)).toEqual(wanted);
  });
});

describe("the first load", () => {
  test.each(["", "#view=hub"])(
    `of "%s" is below ${FIRST_LOAD_GZIP_BYTES_MAX / 1000} KB, compressed, without the core`,
    async (hash) => {
      const { page, requests } = await site.open({ hash });
      await page.getByRole("heading", { level: 1 }).waitFor();
      const paths = requests.map((request) => new URL(request.slice("GET ".length)).pathname.slice(1) || "index.html");
      expect(paths.filter((path) => path.endsWith(".wasm"))).toEqual([]);
      const bytes = paths.map((path) => gzipSync(readFileSync(join(ROOT, "build/web", path))).length);
      expect(bytes.reduce((sum, length) => sum + length, 0)).toBeLessThan(FIRST_LOAD_GZIP_BYTES_MAX);
    },
  );
});
