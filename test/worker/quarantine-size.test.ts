/** What is released of a quarantined edge goes back in pieces that an object has memory for: what it takes inflated counts. */
import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import { BATCH_BUNDLES_MAX, BATCH_BYTES_MAX, QUEUE_BYTES_MAX } from "../../worker/limits";
import { sealMinute } from "../support/edge-minute";
import { withUnknownKind } from "../support/seal-minute";
import { bearer, get, hubOf, MINUTE, post } from "./support/client";

const tenant = "quarantine-size";
const BUNDLES = 12;
const BYTES = 900_000;

interface Insides {
  custody: {
    quarantine: {
      next(edge: string, bytes: number, bundles: number, isKnown: () => boolean): Chunk;
      released(ids: number[]): void;
    };
  };
}
interface Chunk {
  ids: number[];
  arrivals: { entry: { bytes: Uint8Array } }[];
}

async function order(action: string): Promise<void> {
  const headers = { authorization: await bearer({ kind: "admin", tenant, edge: "" }) };
  const response = await exports.default.fetch(`http://hub/v1/edges/a/${action}`, { method: "POST", headers });
  expect([response.status, await response.text()]).toMatchObject([200, expect.any(String)]);
}

it("is bounded by what it takes inflated", { timeout: 120_000 }, async () => {
  const minute = (boot: number) =>
    sealMinute({ minute: MINUTE, boot: BigInt(boot), exchanges: [{ client: "10.0.0.1", name: "a.example.com" }] });
  await post(tenant, "a", minute(1));
  await order("quarantine");
  const bundle = (boot: number) => withUnknownKind(minute(boot), BYTES);
  const size = bundle(2).byteLength;
  expect(size * BUNDLES).toBeGreaterThan(2 * QUEUE_BYTES_MAX);
  for (let boot = 2; boot < BUNDLES + 2; boot += 1) {
    const body = await new Response(
      new Blob([bundle(boot)]).stream().pipeThrough(new CompressionStream("deflate")),
    ).arrayBuffer();
    expect(await post(tenant, "a", body, { "content-encoding": "deflate" })).toMatchObject({ status: 200 });
  }
  const sizes = await runInDurableObject(hubOf(tenant), (instance, { storage }) => {
    const { quarantine } = (instance as unknown as Insides).custody;
    const found: number[] = [];
    storage.transactionSync(() => {
      for (let chunk = quarantine.next("a", BATCH_BYTES_MAX, BATCH_BUNDLES_MAX, () => true); chunk.ids.length > 0; ) {
        found.push(chunk.arrivals.reduce((sum, { entry }) => sum + entry.bytes.byteLength, 0));
        storage.sql.exec(`UPDATE apart SET edge = 'seen' WHERE id IN (${chunk.ids.join(", ")})`);
        chunk = quarantine.next("a", BATCH_BYTES_MAX, BATCH_BUNDLES_MAX, () => true);
      }
      storage.sql.exec("UPDATE apart SET edge = 'a'");
    });
    return found;
  });
  expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(size * BUNDLES);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(QUEUE_BYTES_MAX);
  await order("release");
  const { data } = await get<{ data: { bundles: number; unknown_sections: number }[] }>(tenant, "/v1/edges");
  expect(data).toMatchObject([{ bundles: BUNDLES + 1, unknown_sections: BUNDLES }]);
});
