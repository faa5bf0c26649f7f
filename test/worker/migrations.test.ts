/** Objects of every older format open with today's code and answer as they did. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { sealMinute } from "../support/edge-minute";
import { ask, hubOf, MINUTE, post, timeless } from "./support/client";
import { FORMATS, undoTo } from "./support/undo";

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
