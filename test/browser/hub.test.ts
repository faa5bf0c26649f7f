/** The first view of the hub, over a real hub that got what several sites saw. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import { SITES } from "../../scripts/start/world";
import { coreModule } from "../support/round-trips";
import { useSite } from "./support/browser";
import { postWorld, TENANT, type World } from "./support/world";

const MINUTES = 4;
const site = useSite();
let world: World;

beforeAll(async () => {
  world = await postWorld(site.hub, MINUTES);
});

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

/** The figure and the note of a tile. */
async function tile(page: Page, title: string): Promise<{ value: string; note: string }> {
  const box = page.locator(".headline > div", { has: page.getByText(title, { exact: true }) });
  const text = async (part: string) => ((await box.locator(part).textContent()) ?? "").replaceAll("\u00a0", " ");
  return { value: await text(".value"), note: await text(".aside") };
}

const shownPackets = async (page: Page) => Number((await tile(page, "Packets")).value.replaceAll(",", ""));

/** Asks the hub itself. */
async function ask(question: Record<string, unknown>): Promise<Record<string, string | number>[]> {
  const headers = { authorization: `Bearer ${world.readKey}` };
  const response = await fetch(`${site.hub.origin}/v1/query`, { method: "POST", headers, body: JSON.stringify(question) });
  return ((await response.json()) as { data: Record<string, string | number>[] }).data;
}

async function openHub(): Promise<{ page: Page; complaints: string[] }> {
  const opened = await site.open({ hash: `#key=${world.readKey}` });
  await opened.page.locator(".headline").waitFor();
  return opened;
}

describe("the key", () => {
  test("is asked for, and a wrong one is told apart", async () => {
    const { page } = await site.open({ hash: "#view=hub" });
    await page.getByLabel("Read key").fill(`tw_r_${TENANT}.${"A".repeat(43)}`);
    await page.getByRole("button", { name: "Show" }).click();
    expect(await page.getByRole("alert").textContent()).toContain("the key is not one of this hub's");
    await page.getByLabel("Read key").fill(world.readKey);
    await page.keyboard.press("Enter");
    await page.locator(".headline").waitFor();
  });

  test("may stand in the address, and leaves it at once; the tab keeps it until it is told to forget", async () => {
    const { page, complaints } = await openHub();
    expect(page.url()).toBe(`${site.hub.origin}/#view=hub`);
    await page.reload();
    await page.locator(".headline").waitFor();
    await page.getByRole("button", { name: "Forget the key" }).click();
    await page.getByLabel("Read key").waitFor();
    await page.reload();
    await page.getByLabel("Read key").waitFor();
    expect(complaints).toEqual([]);
  });
});

describe("figures", () => {
  test("are those of the packets, with the interval that is certain", async () => {
    const { page, complaints } = await openHub();
    const counts = [...world.counts.values()];
    expect(await shownPackets(page)).toBe(sum(counts.map(({ packets }) => packets)));
    const names = new Core(coreModule()).schema.metrics
      .map(({ name }) => name)
      .filter((name) => name.endsWith("_requests_total"));
    const requests = await Promise.all(names.map((metric) => ask({ metric, op: "sum", by: ["status"] })));
    const decided = requests.flat().filter(({ status }) => status !== "unobserved");
    const all = sum(decided.map(({ value }) => Number(value)));
    const failed = sum(decided.filter(({ status }) => status !== "ok").map(({ value }) => Number(value)));
    expect((await tile(page, "Requests a second")).note).toBe(`${all.toLocaleString("en")} in all`);
    expect((await tile(page, "Failed")).note).toBe(`${failed.toLocaleString("en")} of ${all.toLocaleString("en")}`);
    const [clients] = await ask({ metric: "dns_clients", op: "distinct" });
    const { value, note } = await tile(page, "Distinct DNS clients");
    expect(value).toBe(Math.round(Number(clients!.value)).toLocaleString("en"));
    const interval = [Math.floor(Number(clients!.lower)), Math.ceil(Number(clients!.upper))].map((end) =>
      end.toLocaleString("en"),
    );
    expect(note).toBe(`${interval.join(" – ")} with 95 %`);
    expect(complaints).toEqual([]);
  });

  test("of one site are its own", async () => {
    const { page } = await openHub();
    for (const { name } of SITES.slice(0, 2)) {
      await page.getByLabel("site", { exact: true }).selectOption(name);
      const expected = world.counts.get(name)!.packets.toLocaleString("en");
      await page.locator(".headline .value", { hasText: expected }).first().waitFor();
      expect(page.url()).toContain(`tag.site=${name}`);
    }
  });

  test("list what is heaviest, as the hub does", async () => {
    const { page } = await openHub();
    const rows = await ask({ metric: "dns_top_names", op: "top", n: 10 });
    const card = page.locator(".card", { has: page.getByRole("heading", { name: "Names by transactions", exact: true }) });
    expect(await card.locator(".key").allTextContents()).toEqual(rows.map(({ key }) => key));
    const values = (await card.locator("td").allTextContents()).map((text) => Number(text.split(" ")[0]!.replaceAll(",", "")));
    expect(values).toEqual(rows.map(({ value }) => value));
  });

  test("show latency over time, as lines and as a table", async () => {
    const { page } = await openHub();
    const rows = await ask({ metric: "dns_duration_seconds", op: "quantile", q: [0.5], step: 60 });
    const card = page.locator(".card", { has: page.getByRole("heading", { name: /^Latency/ }) }).first();
    expect(await card.locator("canvas").count()).toBe(1);
    expect(await card.getByRole("img").getAttribute("aria-label")).toMatch(/^Latency of dns: latest p50 .+, p90 .+, p99 /);
    await card.getByText("As a table").click();
    const times = await card.locator(".scroll tbody th").allTextContents();
    expect(times).toEqual(rows.filter(({ value }) => value !== null).map(({ time }) => String(time).slice(11, 16)));
    expect(times).toHaveLength(MINUTES);
  });
});

describe("completeness", () => {
  test("is said, and who is missing is named", async () => {
    const { page } = await openHub();
    expect(await page.locator(".completeness").textContent()).toMatch(/^complete|^incomplete/);
    const late = await postWorld(site.hub, 1, MINUTES + 6);
    expect(late.counts.size).toBe(SITES.length);
    await page.reload();
    await page.getByText("incomplete").waitFor();
    for (const { name } of SITES) expect(await page.locator(".completeness").textContent()).toContain(`edge-${name}`);
  });
});

test("a hub that goes away is said, and its figures stay", async () => {
  const { page } = await openHub();
  await page.route("**/v1/query", (route) => route.abort());
  await page.getByLabel("Last").selectOption("6h");
  expect(await page.getByRole("alert").textContent()).toContain("The hub does not answer");
  expect(await page.locator(".headline").count()).toBe(1);
});
