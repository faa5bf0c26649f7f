/** Objects of every older format open with today's code and answer as they did. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { MIGRATIONS } from "../../worker/object/schema";
import { sealMinute } from "../support/edge-minute";
import { ask, hubOf, MINUTE, post, timeless } from "./support/client";
import { FORMATS, undoTo } from "./support/undo";

/** SHA-256 of each migration: what has run in objects somewhere is never another. A new one adds a line. */
const DIGESTS = [
  "afd034d50e191648286c75a53a10cdad",
  "acaa210d5efb3d2f7f1c44dcbae368c5",
  "e718938c1de68b31538bfdd2c0ce47bf",
  "e83fed35965682a1a2ae7821ea9850f4",
  "a85a92e9e1a0a2056ee54db4bb2dc36b",
  "aafe29e4c339c73eb48186acad79f4da",
  "405d98b868b979354a8c77c686bd6d2c",
];

it("migrations are what they were", async () => {
  const digest = async (text: string) => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    return [...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  expect(await Promise.all(MIGRATIONS.map(digest))).toEqual(DIGESTS);
});

const QUESTIONS = ["metric=dns_requests_total&op=sum&by=site", "metric=dns_top_names&op=top&n=50"];

for (let format = 1; format < FORMATS; format += 1) {
  it(`format ${format}`, async () => {
    const tenant = `format-${format}`;
    const bundleOf = (boot: number, name: string) =>
      sealMinute({ minute: MINUTE - boot * 60, boot: BigInt(boot), exchanges: [{ client: `10.0.0.${boot}`, name }] });
    const tags = { "tallywire-tags": "site=fra" };
    const sealed = bundleOf(1, "sealed.example.com");
    await post(tenant, "a", sealed, tags);
    await runDurableObjectAlarm(hubOf(tenant));
    await post(tenant, "a", bundleOf(2, "pending.example.com"), tags);
    const answers = async () => {
      const data = [];
      for (const question of QUESTIONS) data.push(timeless((await ask(tenant, question)).data));
      return data;
    };
    const before = await answers();
    expect(before[0]).toEqual([{ site: "fra", value: 2 }]);
    await runInDurableObject(hubOf(tenant), (_, { storage }) => undoTo(storage.sql, format));
    await abortAllDurableObjects();
    expect(await answers()).toEqual(before);
    expect(await post(tenant, "a", sealed, tags)).toMatchObject({ stored: false });
    await runDurableObjectAlarm(hubOf(tenant));
    expect(await answers()).toEqual(before);
  });
}
