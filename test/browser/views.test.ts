/** The views of the hub: what is looked at stands in the address, and each view shows what the hub says. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { HubMetric } from "../../web/hub/client";
import { useSite } from "./support/browser";
import { postWorld, type World } from "./support/world";

const MINUTES = 2;
const site = useSite();
let world: World;

beforeAll(async () => {
  await postWorld(site.hub, 1, 62);
  world = await postWorld(site.hub, MINUTES);
}, 120_000);

async function open(fields = ""): Promise<{ page: Page; complaints: string[] }> {
  const opened = await site.open({ hash: `#view=hub${fields}&key=${world.readKey}` });
  await isThere(opened.page);
  return opened;
}

/** Waits until what is shown is here. */
async function isThere(page: Page): Promise<void> {
  await page.locator(".window-line[aria-busy=false]").waitFor();
}

async function ask(question: Record<string, unknown>): Promise<Record<string, string | number>[]> {
  const headers = { authorization: `Bearer ${world.readKey}` };
  const response = await fetch(`${site.hub.origin}/v1/query`, { method: "POST", headers, body: JSON.stringify(question) });
  return ((await response.json()) as { data: Record<string, string | number>[] }).data;
}

describe("the address", () => {
  test("holds time, filters and view; back and forward walk through them", async () => {
    const { page, complaints } = await open();
    const [span, tag] = [page.getByLabel("Last"), page.getByLabel("site", { exact: true })];
    await span.selectOption("6h");
    await tag.selectOption("fra");
    await page.getByRole("link", { name: "Edges" }).click();
    await page.getByRole("heading", { name: "Edges", level: 1 }).waitFor();
    expect(new URL(page.url()).hash).toBe("#view=hub&span=6h&tag.site=fra&show=edges");
    await page.goBack();
    await page.getByRole("heading", { name: "All hosts", level: 1 }).waitFor();
    expect([await span.inputValue(), await tag.inputValue()]).toEqual(["6h", "fra"]);
    await page.goBack();
    await expect.poll(() => tag.inputValue()).toBe("");
    expect(await span.inputValue()).toBe("6h");
    await page.goBack();
    await expect.poll(() => span.inputValue()).toBe("1h");
    await page.goForward();
    await page.goForward();
    await expect.poll(() => tag.inputValue()).toBe("fra");
    expect(complaints).toEqual([]);
  });

  test("is changed by keyboard alone: every view is reached by Tab and opened by Enter", async () => {
    const { page, complaints } = await open();
    const links = page.getByRole("navigation", { name: "Views of the hub" }).getByRole("link");
    const names = await links.allTextContents();
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      for (let presses = 0; ; presses += 1) {
        expect(presses, `${name} is reached by Tab`).toBeLessThan(300);
        await page.keyboard.press("Tab");
        const reached = await page.evaluate(() => {
          const { activeElement } = document;
          return activeElement?.closest("nav") ? activeElement.textContent : null;
        });
        if (reached === name) break;
      }
      await page.keyboard.press("Enter");
      await expect.poll(() => page.locator("nav [aria-current=page]").last().textContent()).toBe(name);
      await page.locator(".window-line[aria-busy=false]").waitFor();
    }
    expect(complaints).toEqual([]);
  });

  test("can be given to others: it shows them the same, once they gave a key of their own", async () => {
    const { page } = await open("&span=24h&tag.site=gru&compare=off&show=module&of=dns");
    expect(page.url()).not.toContain(world.readKey);
    const links = await page.locator("a").evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href));
    expect(links.filter((link) => link.includes("tw_r_") || link.includes("key="))).toEqual([]);
    const other = await site.open({ hash: new URL(page.url()).hash });
    await other.page.getByLabel("Read key").fill(world.readKey);
    await other.page.keyboard.press("Enter");
    await isThere(other.page);
    expect(await other.page.getByLabel("site", { exact: true }).inputValue()).toBe("gru");
    expect(await other.page.getByLabel("beside the period before").isChecked()).toBe(false);
    await other.page.getByRole("heading", { name: "dns", level: 1 }).waitFor();
  });

  test("takes a window of one's own, and says when it has no end", async () => {
    const { page } = await open();
    await page.getByLabel("Last").selectOption("own");
    await page.getByLabel("From, UTC").waitFor();
    await page.getByLabel("From, UTC").fill("2020-01-01T00:00");
    await page.getByLabel("From, UTC").blur();
    await page.getByLabel("to", { exact: true }).fill("2020-01-01T01:00");
    await page.getByLabel("to", { exact: true }).blur();
    await page.getByText("No host that is chosen here has reported in this time.").waitFor();
    expect(page.url()).toContain("from=2020-01-01T00%3A00&to=2020-01-01T01%3A00");
    await page.getByLabel("to", { exact: true }).fill("2019-01-01T01:00");
    await page.getByLabel("to", { exact: true }).blur();
    expect(page.url()).toContain("to=2020-01-01T01%3A00");
  });
});

describe("the period before", () => {
  test("stands beside each figure, and can be left out", async () => {
    const { page } = await open();
    const packets = page.locator(".headline > div", { has: page.getByText("Packets", { exact: true }) });
    // One minute then and two now, of the same captures with other clients.
    expect(await packets.locator(".change").textContent()).toMatch(/^\+\d+(\.\d+)?\u00a0%$/);
    expect(await page.getByRole("img", { name: /^Packets a second/ }).getAttribute("aria-label")).toContain("before");
    await page.getByLabel("beside the period before").click();
    await expect.poll(() => packets.locator(".change").count()).toBe(0);
    expect(page.url()).toContain("compare=off");
    expect(await page.getByRole("img", { name: /^Packets a second/ }).getAttribute("aria-label")).not.toContain("before");
  });
});

describe("entries lead on", () => {
  test("to what has the tag", async () => {
    const { page } = await open();
    await page.locator(".card", { hasText: "Packets by site" }).getByRole("link", { name: "sin" }).click();
    await expect.poll(() => page.getByLabel("site", { exact: true }).inputValue()).toBe("sin");
    await page.locator(".headline .value", { hasText: world.counts.get("sin")!.packets.toLocaleString("en") }).waitFor();
  });

  test("to what has the label, of metrics that have it", async () => {
    const { page } = await open("&show=module&of=dns");
    await page.locator(".card", { hasText: "Response codes" }).getByRole("link", { name: "NXDOMAIN" }).click();
    await expect.poll(() => page.getByLabel("rcode").inputValue()).toBe("nxdomain");
    await page.getByText("Responses of transactions, by response code").waitFor();
    await expect.poll(() => page.getByText("Names by transactions").count()).toBe(0);
    const [row] = await ask({ metric: "dns_responses_total", op: "sum", where: { rcode: "nxdomain" } });
    const line = page.locator("tr", { hasText: "Responses of transactions, by response code" });
    expect(await line.locator("td").first().textContent()).toBe(Number(row!.value).toLocaleString("en"));
  });

  test("else to who still has it", async () => {
    const { page, complaints } = await open("&show=module&of=dns");
    await page.locator(".card", { hasText: "Names by transactions" }).first().getByRole("link", { name: "h3.lab.test" }).click();
    await page.getByRole("heading", { name: "h3.lab.test", level: 1 }).waitFor();
    await isThere(page);
    const rows = await ask({ metric: "dns_top_names", op: "top", key: "h3.lab.test", by: ["site"] });
    const shown = await page
      .locator("table.top tr")
      .evaluateAll((rows) =>
        rows.map((row) => [
          row.querySelector(".key")?.textContent,
          Number.parseInt(row.querySelector("td")?.textContent ?? "", 10),
        ]),
      );
    expect(new Map(shown as [string, number][])).toEqual(new Map(rows.map(({ site, value }) => [String(site), Number(value)])));
    expect(complaints).toEqual([]);
  });
});

describe("views of modules", () => {
  test("come from the schema: one for each first part of a metric's name, and none complains", async () => {
    const { page, complaints } = await open();
    const { data } = (await (await fetch(`${site.hub.origin}/v1/metrics`)).json()) as { data: HubMetric[] };
    const names = [...new Set(data.map(({ name }) => name.split("_")[0]!))];
    const links = page.getByRole("navigation", { name: "Views of the hub" }).getByRole("link");
    expect(await links.allTextContents()).toEqual(["Overview", ...names, "Edges"]);
    for (const name of names) {
      await links.getByText(name, { exact: true }).click();
      await page.getByRole("heading", { name, level: 1, exact: true }).waitFor();
      await isThere(page);
      expect(await page.locator(".card, .nothing").count(), name).toBeGreaterThan(0);
    }
    expect(complaints).toEqual([]);
  });

  test("show a protocol that nobody has heard of, each kind of metric in its form", async () => {
    const { page, complaints } = await site.open();
    await page.route("**/v1/metrics", (route) => route.fulfill({ json: { data: madeUp } }));
    await page.route("**/v1/query", (route) => route.fulfill({ json: answerOf(route.request().postDataJSON()) }));
    await page.goto(`${site.hub.origin}/#view=hub&key=${world.readKey}`);
    await page.getByRole("link", { name: "gopher", exact: true }).first().click();
    await page.getByRole("heading", { name: "gopher", level: 1 }).waitFor();
    await isThere(page);
    const images = await page.getByRole("img").evaluateAll((images) => images.map((image) => image.getAttribute("aria-label")));
    for (const name of [
      "requests_total: latest ok 2, error 1",
      "duration_seconds: latest p50 2.00",
      "burrows: latest distinct 7",
    ]) {
      expect(images.map((image) => image?.replaceAll("\u00a0", " ")).join("\n")).toContain(name);
    }
    expect(await page.locator(".heat canvas").count()).toBe(1);
    await page.getByText("Burrows by visits").waitFor();
    expect(await page.locator(".breakdown tbody tr").count()).toBe(2);
    await page.getByText("Tunnels that are open").waitFor();
    expect(complaints).toEqual([]);
  });
});

describe("what cannot be shown", () => {
  test("is said in its place, in words, and another view is shown", async () => {
    const { page } = await site.open();
    await page.route("**/v1/query", async (route) => {
      const response = await route.fetch();
      const answer = (await response.json()) as { meta: Record<string, unknown> & { metrics?: object[] } };
      const broken = { complete: false, missing_edges_count: 1, missing_edges: null };
      const metrics = answer.meta.metrics?.map((meta) => ({ ...meta, ...broken }));
      await route.fulfill({ response, json: { ...answer, meta: { ...answer.meta, ...broken, ...(metrics && { metrics }) } } });
    });
    await page.goto(`${site.hub.origin}/#view=hub&key=${world.readKey}`);
    await page.reload();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toContain("This view cannot be shown.");
    expect(await alert.textContent()).toContain("null");
    await page.unroute("**/v1/query");
    await page.getByRole("navigation", { name: "Views of the hub" }).getByRole("link", { name: "Edges" }).click();
    await page.locator(".edges").waitFor();
    expect(await alert.count()).toBe(0);
  });
});

describe("edges", () => {
  test("are all there, can be sorted, and what is bad is marked", async () => {
    const { page } = await site.open();
    await page.route("**/v1/edges", async (route) => {
      const response = await route.fetch();
      const { data } = (await response.json()) as { data: Record<string, unknown>[] };
      data[0] = { ...data[0], silent_seconds: 3600, dropped: 4321, malformed: 87, lost_minutes: 7 };
      await route.fulfill({ response, json: { data } });
    });
    await page.goto(`${site.hub.origin}/#view=hub&show=edges&key=${world.readKey}`);
    await page.reload();
    await page.locator(".edges").waitFor();
    const edges = () => page.locator(".edges tbody th").allTextContents();
    const first = page.locator(".edges tbody tr").first();
    expect(await first.locator("td").first().textContent()).toContain("silent");
    expect(await first.locator("td.bad").allTextContents()).toContain("7");
    const titles = await page.locator(".edges thead th").allTextContents();
    const cellOf = (title: string) => first.locator("th, td").nth(titles.indexOf(title)).textContent();
    expect([await cellOf("Dropped packets"), await cellOf("Malformed")]).toEqual(["4,321", "87"]);
    const head = page.getByRole("columnheader", { name: "Edge", exact: true });
    await head.getByRole("button").click();
    expect(await edges()).toEqual(["edge-fra", "edge-gru", "edge-sin"]);
    await head.getByRole("button").press("Enter");
    expect(await edges()).toEqual(["edge-sin", "edge-gru", "edge-fra"]);
    expect(await head.getAttribute("aria-sort")).toBe("descending");
  });
});

describe("what the hub refuses is said in words", () => {
  test.each([
    [503, { error: "busy", reason: "the hub seals; ask again" }, "The hub cannot answer now (the hub seals; ask again)"],
    [422, { error: "too_much", reason: "take a longer step" }, "The hub refused: take a longer step."],
    [500, undefined, "The hub cannot answer now (status 500)"],
  ])("%i", async (status, json, words) => {
    const { page } = await site.open();
    await page.route("**/v1/query", (route) => route.fulfill({ status, ...(json ? { json } : { body: "<html>" }) }));
    await page.goto(`${site.hub.origin}/#view=hub&key=${world.readKey}`);
    expect(await page.getByRole("alert").textContent()).toContain(words);
  });

  test("a key that is good no more is asked for again", async () => {
    const { page } = await open();
    await page.route("**/v1/**", (route) => route.fulfill({ status: 401, json: { reason: "the key was revoked" } }));
    await page.getByLabel("Last").selectOption("6h");
    await page.getByLabel("Read key").waitFor();
    expect(await page.getByRole("alert").textContent()).toContain("the key was revoked");
  });
});

const direction = { name: "status", values: ["ok", "error"] };
const madeUp: HubMetric[] = [
  { id: 900, name: "gopher_requests_total", kind: "counter", unit: "", help: "Visits.", parameter: 0, labels: [direction] },
  {
    id: 901,
    name: "gopher_duration_seconds",
    kind: "histogram",
    unit: "seconds",
    help: "Time under ground.",
    parameter: 5,
    labels: [],
  },
  { id: 902, name: "gopher_burrows", kind: "distinct", unit: "", help: "Distinct burrows.", parameter: 12, labels: [] },
  {
    id: 903,
    name: "gopher_top_burrows",
    kind: "top",
    unit: "",
    help: "Burrows by visits.",
    parameter: 0,
    labels: [],
    keys: [{ name: "burrow", type: "text" }],
  },
  {
    id: 904,
    name: "gopher_tunnels",
    kind: "breakdown",
    unit: "",
    help: "Visits by tunnel.",
    parameter: 0,
    labels: [],
    keys: [{ name: "tunnel", type: "text" }],
  },
  { id: 905, name: "gopher_open_tunnels", kind: "gauge", unit: "", help: "Tunnels that are open.", parameter: 0, labels: [] },
];

/** What a hub with these metrics would say: one row a status or quantile, at the window's end. */
function answerOf({
  metric,
  op,
  from,
  to,
  step,
  by,
}: {
  metric: string;
  op: string;
  from: number;
  to: number;
  step?: number;
  by?: string[];
}) {
  const text = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
  const time = text(step === undefined ? from : to - step);
  const length = step ?? to - from;
  const rows: Record<string, object[]> = {
    sum: by?.includes("status")
      ? [
          { status: "ok", value: 2 * length },
          { status: "error", value: length },
        ]
      : [{ value: 3 * length }],
    quantile: [0.5, 0.9, 0.99].map((q) => ({ q, value: q * 4, count: 10 })),
    histogram: [{ lower: 1, upper: 1.02, count: 10 }],
    distinct: [{ value: 7, lower: 6, upper: 9 }],
    top: [{ key: "north", value: 4, lower: 3, upper: 5, total: 10 }],
    breakdown: [
      { tunnel: "deep", requests: 5, errors: 1, bytes: 50, mean: 1, p50: 1, p90: 2, p99: 3, lower: 5, upper: 6 },
      { tunnel: null, requests: 2, errors: 0, bytes: 20, mean: 1, p50: 1, p90: 2, p99: 3 },
    ],
    last: [{ value: 3, min: 1, max: 4 }],
  };
  const names = [metric].flat();
  const data = names.flatMap((name) => rows[op]!.map((row) => ({ time, ...(names.length > 1 && { metric: name }), ...row })));
  const nobody = { missing_edges: [], missing_edges_count: 0, set_apart: 0 };
  const meta = { from: text(from), to: text(to), step: length, complete: true, complete_until: text(to), ...nobody };
  return { data, meta };
}
