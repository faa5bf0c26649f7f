/** A tile stays bounded however many different keys are merged into it: tops and breakdowns are cut, and say by how much. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { expect, it } from "vitest";
import { sealMinute } from "../support/edge-minute";
import { ask, get, hubOf, MINUTE, post, timeless } from "./support/client";

const TENANT = "bounded";
const EDGES = 32;
const KEYS_PER_EDGE = 1_500;
const PAGES_PER_EDGE = 300;
const OFTEN = 40;
/** Bytes of a tile of which all that these protocols have is full: 38 to 40 KB with 100 edges, 200 and 400. All keys would take 20 times that. */
const TILE_BYTES_MAX = 50_000;

interface Sizes {
  data: { tiles: number; largest_bytes: number }[];
}

/** A minute of an edge that nobody shares a key with, but for one name and one route that all have. */
function minuteOf(edge: number): Uint8Array<ArrayBuffer> {
  const own = Array.from({ length: KEYS_PER_EDGE }, (_, index) => ({
    client: `10.${edge}.${index >> 8}.${index & 255}`,
    name: `host${index}.of${edge}.example.com`,
    durationMs: 1 + (index % 300),
  }));
  const often = Array.from({ length: OFTEN }, () => ({ client: "10.255.0.1", name: "often.example.com" }));
  const pages = Array.from({ length: PAGES_PER_EDGE }, (_, index) => ({
    client: `10.${edge}.${index >> 8}.${index & 255}`,
    path: index % 3 === 0 ? "/often" : `/own${"abcdefghij"[edge % 10]}${"abcdefghij"[Math.floor(edge / 10)]}/${word(index)}`,
    status: index % 4 === 0 ? 500 : 200,
  }));
  return sealMinute({ minute: MINUTE, boot: BigInt(edge + 1), exchanges: [...own, ...often], pages });
}

/** A word of letters alone, which no template of paths takes for an id. */
const word = (index: number) => [...String(index)].map((digit) => "klmnopqrst"[Number(digit)]).join("");

it("takes no more bytes for ever more keys, has exact totals, and bounds that hold", { timeout: 120_000 }, async () => {
  const sizes: number[] = [];
  for (let edge = 0; edge < EDGES; edge += 1) {
    expect(await post(TENANT, `edge-${edge}`, minuteOf(edge))).toMatchObject({ stored: true });
    if (edge % 8 !== 7) continue;
    await runDurableObjectAlarm(hubOf(TENANT));
    const { data } = await get<Sizes>(TENANT, "/v1/tiles?resolution=minutes");
    expect(data).toMatchObject([{ tiles: 1 }]);
    sizes.push(data[0]!.largest_bytes);
  }
  console.log(`a tile of 8, 16, ... edges with ${KEYS_PER_EDGE} keys each: ${sizes.join(", ")} B`);
  expect(Math.max(...sizes)).toBeLessThan(TILE_BYTES_MAX);
  const steps = sizes.slice(1).map((bytes, index) => bytes - sizes[index]!);
  expect(steps.at(-1)).toBeLessThan(steps[0]! * 0.8);

  const total = EDGES * (KEYS_PER_EDGE + OFTEN);
  const top = timeless((await ask(TENANT, "metric=dns_top_names&op=top&n=1024")).data);
  expect(top[0]).toMatchObject({ key: "often.example.com", total });
  for (const { key, lower, upper } of top) {
    const truth = key === "often.example.com" ? EDGES * OFTEN : 1;
    expect([Number(lower) <= truth, truth <= Number(upper)], String(key)).toEqual([true, true]);
  }
  const routes = timeless((await ask(TENANT, "metric=http_routes&op=breakdown&n=1024")).data);
  const sum = (name: string) => routes.reduce((whole, row) => whole + Number(row[name]), 0);
  expect([sum("requests"), sum("errors")]).toEqual([EDGES * PAGES_PER_EDGE, (EDGES * PAGES_PER_EDGE) / 4]);
  const often = routes.filter(({ path }) => path === "/often");
  const truths = { "2xx": (EDGES * PAGES_PER_EDGE) / 4, "5xx": (EDGES * PAGES_PER_EDGE) / 12 };
  expect(often.map((row) => row.status_class).toSorted()).toEqual(Object.keys(truths));
  for (const row of often) {
    const truth = truths[row.status_class as keyof typeof truths];
    expect([Number(row.lower) <= truth, truth <= Number(row.upper)], String(row.status_class)).toEqual([true, true]);
  }
  expect(routes.at(-1)).toMatchObject({ path: null });
});
